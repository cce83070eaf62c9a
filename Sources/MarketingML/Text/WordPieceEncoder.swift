/// Splits text into the pieces of a WordPiece vocabulary.
///
/// ASCII words go straight from the text into the vocabulary's hash table, eight bytes at a time. Everything else,
/// from `café` to a whole Chinese text, is normalised first, in stretches that end at ASCII space or punctuation.
struct WordPieceEncoder: ~Copyable, TokenEncoder {
    let model: WordPieceModel
    /// The tokens so far.
    var tokens: TokenBuffer

    /// Reused for each stretch that is normalised.
    private var normalized = NormalizedText()
    /// Reused for ASCII words longer than a key.
    private var longWord: [UInt8] = []

    /// Creates an encoder with room for some tokens; more room is made as needed.
    init(_ model: WordPieceModel, capacity: Int) {
        self.model = model
        tokens = TokenBuffer(capacity: capacity)
    }

    /// Appends the tokens of a text, without special tokens around it.
    ///
    /// Stops after the word that reaches `limit` tokens.
    mutating func encode(_ text: UnsafeBufferPointer<UInt8>, limit: Int = .max) {
        guard let bytes = text.baseAddress, !text.isEmpty else { return }
        let (sum, overflow) = tokens.count.addingReportingOverflow(limit)
        let stop = overflow ? Int.max : sum
        _ = model.withTables { tables in
            guard let matcher = model.added.originalMatcher else {
                _ = encodePlain(bytes, 0..<text.count, tables, stop: stop)
                return
            }
            matcher.split(text) { plain, match in
                guard encodePlain(bytes, plain, tables, stop: stop) else { return false }
                if let match { tokens.append(match.token.id, match.range.lowerBound, match.range.upperBound) }
                return true
            }
        }
    }
}

// MARK: - Text without added tokens of the original

extension WordPieceEncoder {
    /// Encodes a range of the text; false once `stop` tokens are reached.
    private mutating func encodePlain(
        _ text: UnsafePointer<UInt8>, _ range: Range<Int>, _ tables: WordPieceModel.Tables, stop: Int
    ) -> Bool {
        if model.added.normalizedMatcher != nil { return encodeNormalized(text, range, tables, stop: stop) }
        let foldCase: UInt64 = tables.lowercases ? .max : 0
        let end = range.upperBound
        var position = range.lowerBound
        while position < end {
            var word = ASCIIWord(text, at: position, end: end, foldCase: foldCase)
            if word.length > 16 { word.length = tables.endOfWord(text, position + 16, end) - position }
            let next = position + word.length
            if next < end, tables.kind(text[next]) == .other {
                let stretchEnd = tables.endOfStretch(text, next, end)
                guard encodeNormalized(text, position..<stretchEnd, tables, stop: stop) else { return false }
                position = stretchEnd
                continue
            }
            if word.length == 0 {
                let byte = text[position]
                position += 1
                if tables.kind(byte) == .space { continue }
                tokens.append(tables.punctuationID(byte), position - 1, position)
            } else {
                if word.length <= min(16, tables.maxScalarsPerWord) {
                    let key = Vocabulary.Key(low: word.low, high: word.high, length: word.length)
                    encodeShort(key, position, tables)
                } else {
                    encodeLong(text, position..<next, tables)
                }
                position = next
            }
            if tokens.count >= stop { return false }
        }
        return true
    }

    /// An ASCII word of more than 16 letters and digits, or more than a word may have.
    private mutating func encodeLong(
        _ text: UnsafePointer<UInt8>, _ range: Range<Int>, _ tables: WordPieceModel.Tables
    ) {
        guard range.count <= tables.maxScalarsPerWord else {
            tokens.append(tables.unknownID, range.lowerBound, range.upperBound)
            return
        }
        longWord.removeAll(keepingCapacity: true)
        for index in range {
            let byte = text[index]
            let isUpper = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte && tables.lowercases
            longWord.append(isUpper ? byte | 0x20 : byte)
        }
        longWord += repeatElement(0, count: 16)
        let word = longWord  // the same buffer; nothing below changes it
        word.withUnsafeBufferPointer { word in
            guard let bytes = word.baseAddress else { return }
            encodeAny(bytes, length: range.count, at: range.lowerBound, tables)
        }
    }
}

// MARK: - Text that is normalised

extension WordPieceEncoder {
    private mutating func encodeNormalized(
        _ text: UnsafePointer<UInt8>, _ range: Range<Int>, _ tables: WordPieceModel.Tables, stop: Int
    ) -> Bool {
        normalized.removeAll()
        model.normalizer.normalize(text, range, into: &normalized)
        let count = normalized.bytes.count
        normalized.bytes += repeatElement(0, count: 16)  // keys are loaded 16 bytes at a time
        guard let matcher = model.added.normalizedMatcher else {
            return encodeWords(in: 0..<count, tables, stop: stop)
        }
        let copy = normalized.bytes  // the same buffer; nothing below changes it
        return copy.withUnsafeBufferPointer { copy in
            var isGoingOn = true
            matcher.split(UnsafeBufferPointer(rebasing: copy[..<count])) { plain, match in
                isGoingOn = encodeWords(in: plain, tables, stop: stop)
                if isGoingOn, let match { append(match.token.id, match.range) }
                return isGoingOn
            }
            return isGoingOn
        }
    }

    /// Appends a token that stands for a range of the normalised text.
    private mutating func append(_ id: Int32, _ range: Range<Int>) {
        tokens.append(id, normalized.starts[range.lowerBound], normalized.ends[range.upperBound - 1])
    }

    private mutating func encodeWords(
        in range: Range<Int>, _ tables: WordPieceModel.Tables, stop: Int
    ) -> Bool {
        let text = normalized  // the same buffers; nothing below changes them
        return text.forEachWord(in: range) { bytes, word, scalarCount in
            if scalarCount > tables.maxScalarsPerWord {
                append(tables.unknownID, word)
            } else {
                let first = tokens.count
                encodeAny(bytes + word.lowerBound, length: word.count, at: word.lowerBound, tables)
                for index in first..<tokens.count {
                    let piece = tokens.offset(index)
                    tokens.setOffset(index, text.starts[Int(piece.start)], text.ends[Int(piece.end) - 1])
                }
            }
            return tokens.count < stop
        }
    }
}

// MARK: - Words to pieces

extension WordPieceEncoder {
    /// Splits a word of at most 16 bytes that begins at `start`: always the longest piece that fits.
    @inline(__always)
    private mutating func encodeShort(_ word: Vocabulary.Key, _ start: Int, _ tables: WordPieceModel.Tables) {
        let id = tables.vocabulary.find(word, continuing: false)
        if id >= 0 {
            tokens.append(id, start, start + word.length)
        } else {
            encodeShortInPieces(word, start, tables)
        }
    }

    private mutating func encodeShortInPieces(
        _ word: Vocabulary.Key, _ start: Int, _ tables: WordPieceModel.Tables
    ) {
        let vocabulary = tables.vocabulary
        let first = tokens.count
        var rest = word
        var position = start
        var length = min(word.length - 1, vocabulary.longestInitial)
        var continuing = false
        while rest.length > 0 {
            var id: Int32 = -1
            while length > 0 {
                id = vocabulary.findRare(rest.prefix(length), continuing: continuing)
                if id >= 0 { break }
                length -= 1
            }
            guard id >= 0 else {
                tokens.removeAll(from: first)
                tokens.append(tables.unknownID, start, start + word.length)
                return
            }
            tokens.append(id, position, position + length)
            continuing = true
            position += length
            rest = rest.dropFirst(length)
            length = min(rest.length, vocabulary.longestContinuing)
        }
    }

    /// Splits a word of any length; the 16 bytes behind it must be readable.
    private mutating func encodeAny(
        _ word: UnsafePointer<UInt8>, length: Int, at start: Int, _ tables: WordPieceModel.Tables
    ) {
        if length <= 16 {
            encodeShort(Vocabulary.Key(loading: word, length: length), start, tables)
            return
        }
        let vocabulary = tables.vocabulary
        let first = tokens.count
        var position = 0
        while position < length {
            let continuing = position > 0
            let longest = continuing ? vocabulary.longestContinuing : vocabulary.longestInitial
            var pieceLength = min(length - position, longest)
            var id: Int32 = -1
            while pieceLength > 0 {
                id = vocabulary.find(word + position, length: pieceLength, continuing: continuing)
                if id >= 0 { break }
                pieceLength -= 1
            }
            guard id >= 0 else {
                tokens.removeAll(from: first)
                tokens.append(tables.unknownID, start, start + length)
                return
            }
            tokens.append(id, start + position, start + position + pieceLength)
            position += pieceLength
        }
    }
}
