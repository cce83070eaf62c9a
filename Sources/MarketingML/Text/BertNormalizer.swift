/// Text after normalisation, and where each of its bytes came from.
struct NormalizedText {
    /// UTF-8.
    var bytes: [UInt8] = []
    /// For each byte, where the scalar it stems from begins and ends in the original text.
    var starts: [Int] = []
    var ends: [Int] = []

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    mutating func append(_ scalar: UInt32, from source: Range<Int>) {
        let length = bytes.append(scalar: scalar)
        for _ in 0..<length {
            starts.append(source.lowerBound)
            ends.append(source.upperBound)
        }
    }

    /// Calls `body` with each word in a range and the number of its scalars, until it returns false.
    ///
    /// White space ends words; a punctuation character is a word by itself.
    @discardableResult
    func forEachWord(in range: Range<Int>, _ body: (UnsafePointer<UInt8>, Range<Int>, Int) -> Bool) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            guard let bytes = buffer.baseAddress else { return true }
            let properties = UnicodeProperties.shared
            var start = range.lowerBound
            var scalarCount = 0
            var position = start
            while position < range.upperBound {
                let (scalar, length) = decodeScalar(bytes, at: position, end: range.upperBound)
                let entry = properties.entry(scalar)
                if entry.isWhitespace || entry.isPunctuation {
                    if start < position, !body(bytes, start..<position, scalarCount) { return false }
                    start = position + length
                    scalarCount = 0
                    if entry.isPunctuation, !body(bytes, position..<start, 1) { return false }
                } else {
                    scalarCount += 1
                }
                position += length
            }
            return start >= position || body(bytes, start..<position, scalarCount)
        }
    }
}

/// The normalisation of BERT: clean up, space around Chinese characters, strip accents, lower case, in this order.
struct BertNormalizer: Sendable, Equatable {
    /// Removes control characters and turns white space into spaces.
    var cleansText = true
    /// Puts a space on both sides of each CJK ideograph.
    var separatesChinese = true
    /// Decomposes canonically and removes non-spacing marks.
    var stripsAccents = true
    var lowercases = true

    /// Leaves text as it is.
    static let none = BertNormalizer(
        cleansText: false, separatesChinese: false, stripsAccents: false, lowercases: false)

    /// The normalised form of a whole text.
    func normalizedText(of text: String) -> NormalizedText {
        var output = NormalizedText()
        var text = text
        text.withUTF8 { buffer in
            if let bytes = buffer.baseAddress { normalize(bytes, buffer.indices, into: &output) }
        }
        return output
    }

    /// Appends the normalised form of the bytes in `range` to `output`.
    ///
    /// Text may be cut into ranges before ASCII white space and punctuation without changing the result.
    func normalize(
        _ text: UnsafePointer<UInt8>, _ range: Range<Int>, into output: inout NormalizedText
    ) {
        let properties = UnicodeProperties.shared
        var reordering = Reordering()
        var position = range.lowerBound
        while position < range.upperBound {
            var (scalar, length) = decodeScalar(text, at: position, end: range.upperBound)
            let source = position..<position + length
            position += length

            var entry = properties.entry(scalar)
            if cleansText {
                if entry.isControl { continue }
                if entry.isWhitespace {
                    scalar = 0x20
                    entry = properties.entry(scalar)
                }
            }
            let isChinese = separatesChinese && Self.isChinese(scalar)
            if isChinese { emit(0x20, source, &reordering, properties, &output) }
            if entry.isPlain {
                if stripsAccents, Self.hangulSyllables ~= scalar {
                    let index = scalar - 0xAC00
                    emit(0x1100 + index / 588, source, &reordering, properties, &output)
                    scalar = 0x1161 + index % 588 / 28
                    if index % 28 > 0 {
                        emit(scalar, source, &reordering, properties, &output)
                        scalar = 0x11A7 + index % 28
                    }
                }
                emit(scalar, source, &reordering, properties, &output)
            } else if stripsAccents {
                decompose(scalar, entry, source, &reordering, properties, &output)
            } else {
                lowercase(scalar, entry, source, properties, &output)
            }
            if isChinese { emit(0x20, source, &reordering, properties, &output) }
        }
        if !reordering.isEmpty { flush(&reordering, properties, &output) }
    }

    /// Syllables decompose into a leading consonant, a vowel and perhaps a trailing consonant.
    private static let hangulSyllables: ClosedRange<UInt32> = 0xAC00...0xD7A3

    static func isChinese(_ scalar: UInt32) -> Bool {
        guard scalar >= 0x3400 else { return false }
        switch scalar {
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
            0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
            return true
        default: return false
        }
    }
}

// MARK: - Decomposition

extension BertNormalizer {
    /// Combining marks that wait for the next scalar that begins a new character.
    ///
    /// Canonical order sorts them by class. Nearly all of them are non-spacing marks, which are dropped afterwards,
    /// so their order would not matter; but the reference hands out original positions in sorted order, and a few
    /// spacing marks (Hangul tones, viramas, musical stems) survive.
    private struct Reordering {
        struct Item {
            var scalar: UInt32
            var combiningClass: UInt32
            var isMark: Bool
            /// Nil for what is not the first scalar of its decomposition.
            var source: Range<Int>?
        }

        var items: [Item] = []
        /// Where the scalar in front of the items came from.
        var base = 0..<0
        var hasSpacingMark = false
        var isEmpty: Bool { items.isEmpty }
    }

    /// Passes on a scalar without properties.
    @inline(__always)
    private func emit(
        _ scalar: UInt32, _ source: Range<Int>, _ reordering: inout Reordering,
        _ properties: UnicodeProperties,
        _ output: inout NormalizedText
    ) {
        if !reordering.isEmpty { flush(&reordering, properties, &output) }
        reordering.base = source
        output.append(scalar, from: source)
    }

    private func decompose(
        _ scalar: UInt32, _ entry: UnicodeProperties.Entry, _ source: Range<Int>,
        _ reordering: inout Reordering, _ properties: UnicodeProperties, _ output: inout NormalizedText
    ) {
        let range = properties.mappings[entry.mapping].decomposition
        if range.isEmpty {
            receive(scalar, entry, source, isFirst: true, &reordering, properties, &output)
        }
        for index in range {
            let part = properties.sequences[index]
            receive(
                part, properties.entry(part), source, isFirst: index == range.lowerBound,
                &reordering, properties, &output)
        }
    }

    /// Takes the next scalar of decomposed text.
    private func receive(
        _ scalar: UInt32, _ entry: UnicodeProperties.Entry, _ source: Range<Int>, isFirst: Bool,
        _ reordering: inout Reordering, _ properties: UnicodeProperties, _ output: inout NormalizedText
    ) {
        if entry.combiningClass == 0 {
            if !reordering.isEmpty { flush(&reordering, properties, &output) }
            reordering.base = source
            if !entry.isMark { lowercase(scalar, entry, source, properties, &output) }
        } else {
            reordering.items.append(
                .init(
                    scalar: scalar, combiningClass: entry.combiningClass, isMark: entry.isMark,
                    source: isFirst ? source : nil))
            if !entry.isMark { reordering.hasSpacingMark = true }
        }
    }

    private func flush(
        _ reordering: inout Reordering, _ properties: UnicodeProperties, _ output: inout NormalizedText
    ) {
        if reordering.hasSpacingMark {
            // Insertion would be quadratic for a long row of marks; the index keeps equal classes in order.
            let sorted = reordering.items.enumerated().sorted {
                ($0.element.combiningClass, $0.offset) < ($1.element.combiningClass, $1.offset)
            }
            var sources = reordering.items.lazy.compactMap(\.source).makeIterator()
            var current = reordering.base
            for (_, item) in sorted {
                if item.source != nil { current = sources.next() ?? current }
                if !item.isMark {
                    lowercase(item.scalar, properties.entry(item.scalar), current, properties, &output)
                }
            }
        }
        reordering.items.removeAll(keepingCapacity: true)
        reordering.hasSpacingMark = false
    }

    private func lowercase(
        _ scalar: UInt32, _ entry: UnicodeProperties.Entry, _ source: Range<Int>,
        _ properties: UnicodeProperties, _ output: inout NormalizedText
    ) {
        let range = lowercases ? properties.mappings[entry.mapping].lowercase : 0..<0
        if range.isEmpty { output.append(scalar, from: source) }
        for index in range { output.append(properties.sequences[index], from: source) }
    }
}
