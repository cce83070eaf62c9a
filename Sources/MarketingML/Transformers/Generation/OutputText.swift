/// The text of a row while its tokens come in: looks for stop strings across tokens, and hands out complete characters.
struct OutputText: Sendable {
    private(set) var bytes: [UInt8] = []
    /// The stop string that came up, if one did; `bytes` then end before it.
    private(set) var stop: String?
    private let stops: [(string: String, bytes: [UInt8])]
    private var handedOut = 0

    init(stopStrings: [String]) {
        stops = stopStrings.map { ($0, Array($0.utf8)) }
    }

    /// Appends a token's bytes; false when a stop string is complete.
    mutating func append(_ added: [UInt8]) -> Bool {
        for byte in added {
            bytes.append(byte)
            // Of those that end here the longest, so that nothing of it remains.
            let found = stops.filter { bytes.suffix($0.bytes.count) == $0.bytes[...] }
                .max { $0.bytes.count < $1.bytes.count }
            if let found {
                stop = found.string
                bytes.removeLast(found.bytes.count)
                return false
            }
        }
        return true
    }

    /// What has come in; bytes at the end that are not yet a character are left out.
    var text: String { Self.scalars(bytes[...]).text }

    /// The characters that are sure by now and not handed out before.
    ///
    /// While the row runs, two things are held back: what may become a stop string, and the last character, which
    /// combining marks or joined emoji may still extend.
    mutating func nextPiece(isLast: Bool) -> String {
        let sure = isLast ? bytes.count : bytes.count - possibleStopLength
        guard sure > handedOut else { return "" }
        var (piece, starts) = Self.scalars(bytes[handedOut..<sure])
        if isLast {
            handedOut = sure
        } else if let last = piece.popLast() {
            handedOut = starts[starts.count - last.unicodeScalars.count]
        }
        return piece
    }

    /// The length of the longest tail that is the beginning of a stop string.
    private var possibleStopLength: Int {
        stops.map { stop in
            (1..<max(1, min(stop.bytes.count, bytes.count + 1)))
                .last { bytes.suffix($0) == stop.bytes.prefix($0) } ?? 0
        }.max() ?? 0
    }

    /// The scalars of some bytes and where each begins, without one whose bytes are not all there.
    private static func scalars(_ bytes: ArraySlice<UInt8>) -> (text: String, starts: [Int]) {
        var text = ""
        var starts: [Int] = []
        let end = bytes.completeUTF8End
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var position = 0
            while position < end - bytes.startIndex {
                let (scalar, length) = decodeScalar(base, at: position, end: end - bytes.startIndex)
                text.unicodeScalars.append(Unicode.Scalar(scalar) ?? "\u{FFFD}")
                starts.append(bytes.startIndex + position)
                position += length
            }
        }
        return (text, starts)
    }
}

extension ArraySlice<UInt8> {
    /// The end without the beginning of a scalar at the end whose other bytes are missing.
    var completeUTF8End: Int {
        for length in 1...3 where count >= length {
            let lead = self[endIndex - length]
            if lead & 0xC0 == 0x80 { continue }
            let needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1
            return needed > length ? endIndex - length : endIndex
        }
        return endIndex
    }
}
