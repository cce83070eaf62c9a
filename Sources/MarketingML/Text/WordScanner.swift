/// Finds the words of a text: the part of ``WordTokenizer`` that knows no vocabulary.
///
/// One pass over UTF-8. White space and control characters end words; a punctuation mark is a word, except for an apostrophe between
/// two letters (don't) and a point or comma between two digits (3.5), which belong to the word around them. A Chinese or
/// Japanese character is a word, as those languages leave no spaces.
struct WordScanner {
    /// What a word is, for those that are treated differently.
    enum Kind {
        /// Letters, digits, marks; or one ideograph.
        case word
        /// Two neighbouring ideographs.
        case bigram
        /// A punctuation mark.
        case punctuation
    }

    private let lowercases: Bool
    private let masksDigits: Bool
    private let makesBigrams: Bool
    /// The word as far as it has been read.
    private var word: [UInt8] = []
    /// The ideograph just before the current place.
    private var previous: [UInt8] = []
    private var pair: [UInt8] = []

    init(_ options: WordTokenizer.Options) {
        lowercases = options.lowercases
        masksDigits = options.masksDigits
        makesBigrams = options.chinese == .charactersAndBigrams
        word.reserveCapacity(64)
    }

    /// Calls `body` with each word of a text, in order, until it returns false. A bigram comes before its second character.
    ///
    /// - Complexity: linear in the length of the text.
    mutating func forEachWord(
        _ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>, Kind) -> Bool
    ) {
        word.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        guard let bytes = text.baseAddress else { return }
        let properties = UnicodeProperties.shared
        var position = 0
        while position < text.count {
            let (scalar, length) = decodeScalar(bytes, at: position, end: text.count)
            let next = position + length
            let entry = properties.entry(scalar)
            if Self.isIdeograph(scalar) {
                guard finishWord(body), emitIdeograph(scalar, body) else { return }
            } else if entry.isWhitespace || entry.isControl {
                guard finishWord(body) else { return }
                previous.removeAll(keepingCapacity: true)
            } else if entry.isPunctuation {
                previous.removeAll(keepingCapacity: true)
                if let mark = joiningMark(scalar, bytes, next, text.count, properties) {
                    word.append(mark)
                } else {
                    guard finishWord(body) else { return }
                    _ = word.append(scalar: scalar)
                    guard emit(&word, .punctuation, body) else { return }
                }
            } else {
                previous.removeAll(keepingCapacity: true)
                append(scalar, entry, properties)
            }
            position = next
        }
        _ = finishWord(body)
    }

    private mutating func append(
        _ scalar: UInt32, _ entry: UnicodeProperties.Entry, _ properties: UnicodeProperties
    ) {
        let lowered = lowercases ? properties.mappings[entry.mapping].lowercase : 0..<0
        if !lowered.isEmpty {
            for index in lowered { _ = word.append(scalar: properties.sequences[index]) }
        } else if scalar < 0x80 {
            let byte = UInt8(truncatingIfNeeded: scalar)
            word.append(masksDigits && Self.isDigit(byte) ? UInt8(ascii: "0") : byte)
        } else {
            _ = word.append(scalar: scalar)
        }
    }

    /// The byte to go on with if the mark belongs to the word around it.
    private func joiningMark(
        _ scalar: UInt32, _ bytes: UnsafePointer<UInt8>, _ next: Int, _ end: Int,
        _ properties: UnicodeProperties
    ) -> UInt8? {
        guard let last = word.last, next < end else { return nil }
        switch scalar {
        case 0x27, 0x2019:
            let (following, _) = decodeScalar(bytes, at: next, end: end)
            let entry = properties.entry(following)
            let endsWord =
                entry.isWhitespace || entry.isControl || entry.isPunctuation || Self.isIdeograph(following)
            return Self.isLetter(last) && Self.isLetter(bytes[next]) && !endsWord ? 0x27 : nil
        case 0x2C, 0x2E:
            return Self.isDigit(last) && Self.isDigit(bytes[next])
                ? UInt8(truncatingIfNeeded: scalar) : nil
        default: return nil
        }
    }

    private mutating func finishWord(_ body: (UnsafeBufferPointer<UInt8>, Kind) -> Bool) -> Bool {
        word.isEmpty || emit(&word, .word, body)
    }

    private mutating func emitIdeograph(
        _ scalar: UInt32, _ body: (UnsafeBufferPointer<UInt8>, Kind) -> Bool
    ) -> Bool {
        _ = word.append(scalar: scalar)
        if makesBigrams {
            if !previous.isEmpty {
                pair.append(contentsOf: previous)
                pair.append(contentsOf: word)
                guard emit(&pair, .bigram, body) else { return false }
            }
            previous.removeAll(keepingCapacity: true)
            previous.append(contentsOf: word)
        }
        return emit(&word, .word, body)
    }

    /// Hands a word to `body` and empties it.
    private func emit(
        _ word: inout [UInt8], _ kind: Kind, _ body: (UnsafeBufferPointer<UInt8>, Kind) -> Bool
    ) -> Bool {
        defer { word.removeAll(keepingCapacity: true) }
        return word.withUnsafeBufferPointer { body($0, kind) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Whether a byte is an ASCII letter or part of a scalar beyond ASCII.
    private static func isLetter(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// Han characters, Hiragana and Katakana.
    private static func isIdeograph(_ scalar: UInt32) -> Bool {
        guard scalar >= 0x3041 else { return false }
        switch scalar {
        case 0x3041...0x3096, 0x309D...0x309F, 0x30A1...0x30FA, 0x30FC...0x30FF, 0x31F0...0x31FF: return true
        default: return BertNormalizer.isChinese(scalar)
        }
    }
}
