/// Cuts text into the words of GPT-2: the matches of
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
///
/// Every byte of the text is in one word. Bytes that are not UTF-8 count as a symbol for each maximal ill-formed part.
struct ByteLevelScanner {
    private let text: UnsafePointer<UInt8>
    private let end: Int
    private let classes: ScalarClasses.Table
    private let byteClasses: UnsafePointer<ByteClass>

    /// What a byte begins.
    fileprivate enum ByteClass: UInt8 {
        case other, letter, number, space
        /// A scalar beyond ASCII.
        case long
    }

    /// Calls `body` with the range of each word, in order, until it returns false; says whether it never did.
    static func forEachWord(
        in text: UnsafePointer<UInt8>, _ range: Range<Int>, _ body: (Range<Int>) -> Bool
    ) -> Bool {
        let result = ScalarClasses.shared.withTable { classes in
            byteClasses.withUnsafeBufferPointer { bytes -> Bool in
                guard let bytes = bytes.baseAddress else { return true }
                let scanner = ByteLevelScanner(
                    text: text, end: range.upperBound, classes: classes, byteClasses: bytes)
                var position = range.lowerBound
                while position < range.upperBound {
                    let end = scanner.endOfWord(at: position)
                    if !body(position..<end) { return false }
                    position = end
                }
                return true
            }
        }
        return result ?? true
    }

    private static let byteClasses: [ByteClass] = (0..<256).map { byte in
        if byte >= 0x80 { return .long }
        return ScalarClasses.shared.withTable { classes in
            switch classes[UInt32(byte)] {
            case .letter: ByteClass.letter
            case .number: .number
            case .space: .space
            case .other: .other
            }
        } ?? .other
    }

    /// Where the word that begins at `start` ends.
    @inline(__always)
    private func endOfWord(at start: Int) -> Int {
        let byte = text[start]
        if byte == UInt8(ascii: "'") {
            let length = contraction(at: start)
            if length > 0 { return start + length }
        }
        // One space belongs to the word behind it.
        let first = byte == UInt8(ascii: " ") ? start + 1 : start
        guard first < end else { return first }
        let (kind, length) = scalarClass(at: first)
        if kind == .space { return endOfSpace(from: start) }
        return endOfRun(of: kind, from: first + length)
    }

    @inline(__always)
    private func scalarClass(at position: Int) -> (class: ScalarClasses.Class, length: Int) {
        let byte = byteClasses[Int(text[position])]
        if byte != .long { return (ScalarClasses.Class(rawValue: byte.rawValue) ?? .other, 1) }
        let (scalar, length) = decodeScalar(text, at: position, end: end)
        return (classes[scalar], length)
    }

    @inline(__always)
    private func endOfRun(of kind: ScalarClasses.Class, from start: Int) -> Int {
        var position = start
        while position < end {
            let byte = byteClasses[Int(text[position])]
            if byte.rawValue == kind.rawValue {
                position += 1
            } else if byte == .long {
                let (scalar, length) = decodeScalar(text, at: position, end: end)
                guard classes[scalar] == kind else { break }
                position += length
            } else {
                break
            }
        }
        return position
    }

    /// White space up to the last character of it, which goes with the word that follows, if there is one.
    private func endOfSpace(from start: Int) -> Int {
        var position = start
        var last = start
        while position < end {
            let (kind, length) = scalarClass(at: position)
            guard kind == .space else { return last > start ? last : position }
            last = position
            position += length
        }
        return position
    }

    /// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d`; 0 if there is none.
    private func contraction(at start: Int) -> Int {
        guard start + 1 < end else { return 0 }
        switch text[start + 1] {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"):
            return start + 2 < end && text[start + 2] == UInt8(ascii: "e") ? 3 : 0
        case UInt8(ascii: "l"):
            return start + 2 < end && text[start + 2] == UInt8(ascii: "l") ? 3 : 0
        default: return 0
        }
    }
}
