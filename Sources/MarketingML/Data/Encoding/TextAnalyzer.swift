/// Cuts texts into terms.
///
/// Letters, digits and white space are what Python's `str.isalnum` and `str.isspace` say, lower case goes scalar by scalar: so
/// terms are those of scikit-learn's analyzers, except for a capital sigma at the end of a Greek word.
struct TextAnalyzer {
    private let encoding: TextEncoding
    private var bytes: [UInt8] = []
    /// Where the words, or the characters, begin and end in `bytes`.
    private var starts: [Int] = []
    private var ends: [Int] = []

    init(_ encoding: TextEncoding) { self.encoding = encoding }

    /// Calls `body` with the bytes of each term of a text, as often as it occurs.
    mutating func forEachTerm(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        bytes.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        switch encoding.unit {
        case .words:
            findWords(text)
            emitRows(starts.indices, body)
        case .characters:
            findCharacters(text)
            emitRows(starts.indices, body)
        case .charactersInWords:
            findCharacters(text)
            emitWordByWord(body)
        }
    }

    /// The terms of each length from neighbours in `range`.
    private func emitRows(_ range: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        bytes.withUnsafeBufferPointer { bytes in
            for length in encoding.range where length <= range.count {
                for first in range.lowerBound...(range.upperBound - length) {
                    body(UnsafeBufferPointer(rebasing: bytes[starts[first]..<ends[first + length - 1]]))
                }
            }
        }
    }

    /// Words with a space before and after; a short one counts once, whatever lengths are asked for.
    private mutating func emitWordByWord(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        let source = self
        var index = 0
        let isSpace = starts.indices.map { Self.isSpace(source.scalar(at: $0)) }
        while index < isSpace.count {
            guard !isSpace[index] else {
                index += 1
                continue
            }
            var word = TextAnalyzer(encoding)
            word.append(UInt8(ascii: " "))
            while index < isSpace.count, !isSpace[index] {
                word.append(contentsOf: source.bytes[source.starts[index]..<source.ends[index]])
                index += 1
            }
            word.append(UInt8(ascii: " "))
            let count = word.starts.count
            word.bytes.withUnsafeBufferPointer { bytes in
                for length in encoding.range {
                    for first in 0...max(0, count - length) {
                        let last = min(count, first + length) - 1
                        body(UnsafeBufferPointer(rebasing: bytes[word.starts[first]..<word.ends[last]]))
                    }
                    if count <= length { break }
                }
            }
        }
    }

    private mutating func append(_ byte: UInt8) {
        starts.append(bytes.count)
        bytes.append(byte)
        ends.append(bytes.count)
    }

    private mutating func append(contentsOf character: some Sequence<UInt8>) {
        starts.append(bytes.count)
        bytes.append(contentsOf: character)
        ends.append(bytes.count)
    }

    private func scalar(at index: Int) -> Unicode.Scalar {
        if ends[index] - starts[index] == 1 { return Unicode.Scalar(bytes[starts[index]]) }
        let text = String(decoding: bytes[starts[index]..<ends[index]], as: UTF8.self)
        return text.unicodeScalars.first ?? " "
    }

    /// The words, one space between two.
    private mutating func findWords(_ text: String) {
        var count = 0
        func close(_ analyzer: inout TextAnalyzer) {
            guard count > 0 else { return }
            if count >= 2 {
                analyzer.ends.append(analyzer.bytes.count)
                analyzer.bytes.append(UInt8(ascii: " "))
            } else {
                analyzer.bytes.removeSubrange((analyzer.starts.popLast() ?? 0)...)
            }
            count = 0
        }
        forEachScalar(text) { analyzer, scalar in
            guard Self.isWord(scalar) else { return close(&analyzer) }
            if count == 0 { analyzer.starts.append(analyzer.bytes.count) }
            count += 1
            analyzer.appendUTF8(scalar)
        }
        close(&self)
    }

    /// The characters, of two or more white spaces in a row only one, a space.
    private mutating func findCharacters(_ text: String) {
        var spaces = 0
        var space: Unicode.Scalar = " "
        func close(_ analyzer: inout TextAnalyzer) {
            if spaces > 0 { analyzer.append(contentsOf: String(spaces > 1 ? " " : space).utf8) }
            spaces = 0
        }
        forEachScalar(text) { analyzer, scalar in
            if Self.isSpace(scalar) {
                spaces += 1
                space = scalar
                return
            }
            close(&analyzer)
            analyzer.starts.append(analyzer.bytes.count)
            analyzer.appendUTF8(scalar)
            analyzer.ends.append(analyzer.bytes.count)
        }
        close(&self)
    }

    private mutating func appendUTF8(_ scalar: Unicode.Scalar) {
        if scalar.isASCII {
            bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        } else {
            bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }

    /// The scalars, in lower case if that is wanted.
    private mutating func forEachScalar(
        _ text: String, _ body: (inout TextAnalyzer, Unicode.Scalar) -> Void
    ) {
        for scalar in text.unicodeScalars {
            if !encoding.lowercased || ("a"..."z").contains(scalar) {
                body(&self, scalar)
            } else if scalar.isASCII {
                let isUpper = ("A"..."Z").contains(scalar)
                body(&self, isUpper ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar)
            } else {
                for lowered in scalar.properties.lowercaseMapping.unicodeScalars { body(&self, lowered) }
            }
        }
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
                || ("0"..."9").contains(scalar)
                || scalar == "_"
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .decimalNumber, .letterNumber, .otherNumber:
            return true
        default: return false
        }
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return scalar == " " || (9...13).contains(scalar.value) || (28...31).contains(scalar.value)
        }
        return scalar.properties.isWhitespace
    }
}

/// MurmurHash3 (x86, 32 bits) of bytes, seed 0. Austin Appleby, <https://github.com/aappleby/smhasher>, public domain.
func murmurHash3(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
    func rotate(_ x: UInt32, _ count: UInt32) -> UInt32 { x << count | x >> (32 - count) }
    func scramble(_ word: UInt32) -> UInt32 { rotate(word &* 0xCC9E_2D51, 15) &* 0x1B87_3593 }
    var hash: UInt32 = 0
    var index = 0
    let raw = UnsafeRawBufferPointer(bytes)
    while index + 4 <= raw.count {
        hash ^= scramble(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt32.self)))
        hash = rotate(hash, 13) &* 5 &+ 0xE654_6B64
        index += 4
    }
    var rest: UInt32 = 0
    for place in (index..<raw.count).reversed() { rest = rest << 8 | UInt32(raw[place]) }
    if index < raw.count { hash ^= scramble(rest) }
    hash ^= UInt32(truncatingIfNeeded: raw.count)
    hash = (hash ^ hash >> 16) &* 0x85EB_CA6B
    hash = (hash ^ hash >> 13) &* 0xC2B2_AE35
    return hash ^ hash >> 16
}
