/// The letters that byte-level vocabularies are spelled in: one printable character for each byte, so that a file of
/// tokens is readable text.
///
/// Printable bytes of Latin-1 stand for themselves, the others follow from U+0100 on: a space is `Ġ`, a line feed `Ċ`.
/// As `bytes_to_unicode` of GPT-2 (Radford et al., Language Models are Unsupervised Multitask Learners, 2019).
enum ByteLevelAlphabet {
    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0..<256).map { byte in
            if isPrintable(UInt8(byte)) { return Unicode.Scalar(UInt8(byte)) }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? " "
        }
    }()

    /// The byte of each character, from U+0000 on; -1 for characters that stand for none.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
        return bytes
    }()

    private static func isPrintable(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: true
        default: false
        }
    }

    /// The bytes that a token's spelling stands for; nil if a character of it stands for none.
    static func bytes(ofSpelling spelling: some Sequence<UInt8>) -> [UInt8]? {
        let spelling = Array(spelling)
        var result: [UInt8] = []
        result.reserveCapacity(spelling.count)
        return spelling.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return result }
            var position = 0
            while position < buffer.count {
                let (scalar, length) = decodeScalar(start, at: position, end: buffer.count)
                guard scalar < bytes.count, bytes[Int(scalar)] >= 0 else { return nil }
                result.append(UInt8(bytes[Int(scalar)]))
                position += length
            }
            return result
        }
    }

    /// The spelling of bytes, in UTF-8.
    static func spelling(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        for byte in bytes { _ = result.append(scalar: scalars[Int(byte)].value) }
        return result
    }
}
