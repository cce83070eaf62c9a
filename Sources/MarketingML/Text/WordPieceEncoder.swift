/// Turns text into token ids: the working state of one encoding, or of a batch.
///
/// ASCII words go straight from the text into the vocabulary's hash table, eight bytes at a time. Everything else,
/// from `café` to a whole Chinese text, is normalised first, in stretches that end at ASCII space or punctuation.
struct WordPieceEncoder {
    let model: WordPieceModel
    /// The tokens so far.
    var ids: [Int32] = []
    var offsets: [ByteRange] = []

    /// Reused for each stretch that is normalised.
    private var normalized = NormalizedText()
    /// Reused for ASCII words longer than a key.
    private var longWord: [UInt8] = []

    init(_ model: WordPieceModel) {
        self.model = model
    }

    /// Appends a token; positions beyond `Int32` stay at its greatest value.
    @inline(__always)
    mutating func append(_ id: Int32, _ start: Int, _ end: Int) {
        ids.append(id)
        offsets.append(
            ByteRange(
                start: Int32(truncatingIfNeeded: min(start, Int(Int32.max))),
                end: Int32(truncatingIfNeeded: min(end, Int(Int32.max)))))
    }

    /// Makes room for a number of tokens.
    mutating func reserve(_ count: Int) {
        ids.reserveCapacity(count)
        offsets.reserveCapacity(count)
    }

    /// Forgets the tokens and keeps the room.
    mutating func removeAll() {
        ids.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
    }

    /// Keeps the first `count` tokens of those from `start` on.
    mutating func truncate(to count: Int, from start: Int = 0) {
        let excess = ids.count - start - min(count, ids.count - start)
        ids.removeLast(excess)
        offsets.removeLast(excess)
    }

    /// Appends the tokens of a text, without special tokens around it.
    ///
    /// Stops after the word that reaches `limit` tokens.
    mutating func encode(_ text: UnsafeBufferPointer<UInt8>, limit: Int = .max) {
        guard let bytes = text.baseAddress, !text.isEmpty else { return }
        let (sum, overflow) = ids.count.addingReportingOverflow(limit)
        let stop = overflow ? Int.max : sum
        guard let matcher = model.originalMatcher else {
            _ = encodePlain(bytes, 0..<text.count, stop: stop)
            return
        }
        matcher.split(text) { plain, match in
            guard encodePlain(bytes, plain, stop: stop) else { return false }
            if let match { append(match.token.id, match.range.lowerBound, match.range.upperBound) }
            return true
        }
    }

    /// The words of a text, normalised and split, for counting them.
    mutating func words(of text: UnsafeBufferPointer<UInt8>) -> [String] {
        guard let bytes = text.baseAddress else { return [] }
        normalized.removeAll()
        model.normalizer.normalize(bytes, 0..<text.count, into: &normalized)
        var words: [String] = []
        forEachWord(in: 0..<normalized.bytes.count) { encoder, range, _ in
            words.append(String(decoding: encoder.normalized.bytes[range], as: UTF8.self))
            return true
        }
        return words
    }
}

// MARK: - Text without added tokens of the original

extension WordPieceEncoder {
    /// Encodes a range of the text; false once `stop` tokens are reached.
    private mutating func encodePlain(
        _ text: UnsafePointer<UInt8>, _ range: Range<Int>, stop: Int
    ) -> Bool {
        if model.normalizedMatcher != nil { return encodeNormalized(text, range, stop: stop) }
        let kinds = model.byteKinds
        let foldCase: UInt64 = model.normalizer.lowercases ? .max : 0
        let end = range.upperBound
        var position = range.lowerBound
        while position < end {
            var word = ASCIIWord(text, at: position, end: end, foldCase: foldCase)
            if word.length > 16 { word.length = endOfWord(text, position + 16, end, kinds) - position }
            let next = position + word.length
            if next < end, kinds[Int(text[next])] == .other {
                let stretchEnd = endOfStretch(text, next, end, kinds)
                guard encodeNormalized(text, position..<stretchEnd, stop: stop) else { return false }
                position = stretchEnd
                continue
            }
            if word.length == 0 {
                let byte = Int(text[position])
                position += 1
                if kinds[byte] == .space { continue }
                append(model.punctuationIDs[byte], position - 1, position)
            } else {
                if word.length <= 16, word.length <= model.maxScalarsPerWord {
                    encodeShort(Vocabulary.Key(low: word.low, high: word.high, length: word.length), position)
                } else {
                    encodeLong(text, position..<next)
                }
                position = next
            }
            if ids.count >= stop { return false }
        }
        return true
    }

    private func endOfWord(
        _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ kinds: [WordPieceModel.ByteKind]
    ) -> Int {
        var position = start
        while position < end, kinds[Int(text[position])] == .letterOrDigit { position += 1 }
        return position
    }

    private func endOfStretch(
        _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ kinds: [WordPieceModel.ByteKind]
    ) -> Int {
        var position = start
        while position < end {
            let kind = kinds[Int(text[position])]
            if kind == .space || kind == .punctuation { break }
            position += 1
        }
        return position
    }

    /// An ASCII word of more than 16 letters and digits.
    private mutating func encodeLong(_ text: UnsafePointer<UInt8>, _ range: Range<Int>) {
        guard range.count <= model.maxScalarsPerWord else {
            append(model.unknownID, range.lowerBound, range.upperBound)
            return
        }
        longWord.removeAll(keepingCapacity: true)
        for index in range {
            let byte = text[index]
            let isUpper = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte && model.normalizer.lowercases
            longWord.append(isUpper ? byte | 0x20 : byte)
        }
        longWord += repeatElement(0, count: 16)
        let word = longWord  // the same buffer; nothing below changes it
        word.withUnsafeBufferPointer { word in
            guard let bytes = word.baseAddress else { return }
            encodeAny(bytes, length: range.count, at: range.lowerBound)
        }
    }
}

/// The letters and digits at the front of a text: their number, and the first 16 of them as a key.
private struct ASCIIWord {
    var low: UInt64
    var high: UInt64 = 0
    /// The number of letters and digits; 17 if there are more than 16.
    var length: Int

    @inline(__always)
    init(_ text: UnsafePointer<UInt8>, at position: Int, end: Int, foldCase: UInt64) {
        (low, length) = Self.read(text, at: position, end: end, foldCase: foldCase)
        guard length == 8 else { return }
        let second = Self.read(text, at: position + 8, end: end, foldCase: foldCase)
        high = second.bytes
        length += second.length
        guard length == 16, position + 16 < end else { return }
        if Self.read(text, at: position + 16, end: end, foldCase: foldCase).length > 0 { length = 17 }
    }

    /// Up to eight letters and digits, in lower case where `foldCase` is all ones.
    @inline(__always)
    private static func read(
        _ text: UnsafePointer<UInt8>, at position: Int, end: Int, foldCase: UInt64
    ) -> (bytes: UInt64, length: Int) {
        var bytes: UInt64 = 0
        if position + 8 <= end {
            bytes = UInt64(
                littleEndian: UnsafeRawPointer(text).loadUnaligned(fromByteOffset: position, as: UInt64.self))
        } else {
            var index = end
            while index > position {
                index -= 1
                bytes = bytes << 8 | UInt64(text[index])
            }
        }
        // In each byte, the highest bit answers a question about the other seven.
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs = ones << 7
        let sevens = bytes & ~highs
        let folded = sevens | ones << 5
        let letters =
            (folded &+ ones &* (0x80 - 0x61)) & ~(folded &+ ones &* (0x80 - 0x7B)) & ~bytes & highs
        let digits = (sevens &+ ones &* (0x80 - 0x30)) & ~(sevens &+ ones &* (0x80 - 0x3A)) & ~bytes & highs
        let others = ~(letters | digits) & highs
        let lowered = bytes | letters >> 2 & foldCase
        if others == 0 { return (lowered, 8) }
        let bit = UInt64(others.trailingZeroBitCount)  // 7, 15, … in the first other byte
        return (lowered & (1 << (bit - 7) &- 1), Int(bit) / 8)
    }
}

// MARK: - Text that is normalised

extension WordPieceEncoder {
    private mutating func encodeNormalized(
        _ text: UnsafePointer<UInt8>, _ range: Range<Int>, stop: Int
    ) -> Bool {
        normalized.removeAll()
        model.normalizer.normalize(text, range, into: &normalized)
        let count = normalized.bytes.count
        normalized.bytes += repeatElement(0, count: 16)  // keys are loaded 16 bytes at a time
        guard let matcher = model.normalizedMatcher else { return encodeWords(in: 0..<count, stop: stop) }

        // The matcher reads the text while tokens are appended, so it gets a copy of its own.
        let copy = normalized.bytes
        return copy.withUnsafeBufferPointer { copy in
            var isGoingOn = true
            matcher.split(UnsafeBufferPointer(rebasing: copy[..<count])) { plain, match in
                isGoingOn = encodeWords(in: plain, stop: stop)
                if isGoingOn, let match { append(match.token.id, match.range) }
                return isGoingOn
            }
            return isGoingOn
        }
    }

    /// Appends a token that stands for a range of the normalised text.
    private mutating func append(_ id: Int32, _ range: Range<Int>) {
        append(id, normalized.starts[range.lowerBound], normalized.ends[range.upperBound - 1])
    }

    private mutating func encodeWords(in range: Range<Int>, stop: Int) -> Bool {
        forEachWord(in: range) { encoder, word, scalarCount in
            if scalarCount > encoder.model.maxScalarsPerWord {
                encoder.append(encoder.model.unknownID, word)
            } else {
                let first = encoder.ids.count
                encoder.encodeNormalizedWord(word)
                for index in first..<encoder.ids.count {
                    encoder.mapOffset(at: index)
                }
            }
            return encoder.ids.count < stop
        }
    }

    private mutating func encodeNormalizedWord(_ word: Range<Int>) {
        let bytes = normalized.bytes  // keeps the buffer alive; nothing below changes it
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            encodeAny(base + word.lowerBound, length: word.count, at: word.lowerBound)
        }
    }

    /// Turns a token's place in the normalised text into its place in the original.
    private mutating func mapOffset(at index: Int) {
        let piece = offsets[index]
        let start = normalized.starts[Int(piece.start)]
        let end = normalized.ends[Int(piece.end) - 1]
        offsets[index] = ByteRange(
            start: Int32(truncatingIfNeeded: min(start, Int(Int32.max))),
            end: Int32(truncatingIfNeeded: min(end, Int(Int32.max))))
    }

    /// Calls `body` with each word of the normalised text and the number of its scalars, until it returns false.
    @discardableResult
    private mutating func forEachWord(
        in range: Range<Int>, _ body: (inout WordPieceEncoder, Range<Int>, Int) -> Bool
    ) -> Bool {
        let properties = UnicodeProperties.shared
        var start = range.lowerBound
        var scalarCount = 0
        var position = start
        while position < range.upperBound {
            let (scalar, length) = normalized.bytes.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map { decodeScalar($0, at: position, end: range.upperBound) } ?? (0, 1)
            }
            let entry = properties.entry(scalar)
            if entry.isWhitespace || entry.isPunctuation {
                if start < position, !body(&self, start..<position, scalarCount) { return false }
                start = position + length
                scalarCount = 0
                if entry.isPunctuation, !body(&self, position..<start, 1) { return false }
            } else {
                scalarCount += 1
            }
            position += length
        }
        return start >= position || body(&self, start..<position, scalarCount)
    }
}

// MARK: - Words to pieces

extension WordPieceEncoder {
    /// Splits a word of at most 16 bytes that begins at `start`: always the longest piece that fits.
    @inline(__always)
    private mutating func encodeShort(_ word: Vocabulary.Key, _ start: Int) {
        let id = model.vocabulary.find(word, continuing: false)
        if id >= 0 { append(id, start, start + word.length) } else { encodeShortInPieces(word, start) }
    }

    private mutating func encodeShortInPieces(_ word: Vocabulary.Key, _ start: Int) {
        let vocabulary = model.vocabulary
        let first = ids.count
        var rest = word
        var position = start
        var length = min(word.length - 1, vocabulary.longestInitial)
        while rest.length > 0 {
            var id: Int32 = -1
            let continuing = ids.count > first
            while length > 0 {
                id = vocabulary.find(rest.prefix(length), continuing: continuing)
                if id >= 0 { break }
                length -= 1
            }
            guard id >= 0 else {
                replaceTokens(from: first, start, start + word.length)
                return
            }
            append(id, position, position + length)
            position += length
            rest = rest.dropFirst(length)
            length = min(rest.length, vocabulary.longestContinuing)
        }
    }

    /// Splits a word of any length; the 16 bytes behind it must be readable.
    private mutating func encodeAny(_ word: UnsafePointer<UInt8>, length: Int, at start: Int) {
        if length <= 16 {
            encodeShort(Vocabulary.Key(loading: word, length: length), start)
            return
        }
        let vocabulary = model.vocabulary
        let first = ids.count
        var position = 0
        while position < length {
            let continuing = ids.count > first
            let longest = continuing ? vocabulary.longestContinuing : vocabulary.longestInitial
            var pieceLength = min(length - position, longest)
            var id: Int32 = -1
            while pieceLength > 0 {
                id = vocabulary.find(word + position, length: pieceLength, continuing: continuing)
                if id >= 0 { break }
                pieceLength -= 1
            }
            guard id >= 0 else {
                replaceTokens(from: first, start, start + length)
                return
            }
            append(id, start + position, start + position + pieceLength)
            position += pieceLength
        }
    }

    /// Makes the tokens from `first` on the one unknown token.
    private mutating func replaceTokens(from first: Int, _ start: Int, _ end: Int) {
        ids.removeLast(ids.count - first)
        offsets.removeLast(offsets.count - first)
        append(model.unknownID, start, end)
    }
}
