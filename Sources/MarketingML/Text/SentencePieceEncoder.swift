/// Splits text into the tokens of a SentencePiece-style tokenizer.
struct SentencePieceEncoder: ~Copyable, TokenEncoder {
    let model: SentencePieceModel
    /// The tokens so far.
    var tokens: TokenBuffer
    private var merger = BytePairMerger()

    init(_ model: SentencePieceModel, capacity: Int) {
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
        guard let matcher = model.parts.added.originalMatcher else {
            _ = encodePlain(bytes, 0..<text.count, stop: stop)
            return
        }
        matcher.split(text) { plain, match in
            guard encodePlain(bytes, plain, stop: stop) else { return false }
            if let match { tokens.append(match.token.id, match.range.lowerBound, match.range.upperBound) }
            return true
        }
    }

    /// Encodes a range without added tokens of the original; false once `stop` tokens are reached.
    private mutating func encodePlain(_ text: UnsafePointer<UInt8>, _ range: Range<Int>, stop: Int) -> Bool {
        let normalized = model.parts.text.normalized(text, range)
        guard let matcher = model.parts.added.normalizedMatcher else {
            return encodeWords(normalized, stop: stop)
        }
        return normalized.bytes.withUnsafeBufferPointer { bytes in
            var isGoingOn = true
            matcher.split(bytes) { plain, match in
                isGoingOn = encodeWords(normalized[plain], stop: stop)
                if isGoingOn, let match { append(match.token.id, match.range, normalized) }
                return isGoingOn
            }
            return isGoingOn
        }
    }

    private mutating func encodeWords(_ text: NormalizedText, stop: Int) -> Bool {
        model.parts.text.forEachWord(in: text) { text, word in
            switch model.parts.algorithm {
            case .bytePair(let merges, let ignoresMerges): merge(text, word, merges, ignoresMerges)
            case .unigram(let unigram): split(text, word, unigram)
            }
            return tokens.count < stop
        }
    }

    /// Appends a token that stands for a range of the normalised text.
    private mutating func append(_ id: Int32, _ range: Range<Int>, _ text: NormalizedText) {
        tokens.append(id, text.starts[range.lowerBound], text.ends[range.upperBound - 1])
    }

    // MARK: Byte pairs

    private mutating func merge(
        _ text: NormalizedText, _ word: Range<Int>, _ merges: BytePairMerges, _ ignoresMerges: Bool
    ) {
        let vocabulary = model.parts.vocabulary
        if ignoresMerges, let id = vocabulary.id(of: text.bytes[word]) {
            append(id, word, text)
            return
        }
        merger.removeAll()
        var afterUnknown = false
        text.bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            var position = word.lowerBound
            while position < word.upperBound {
                let length = decodeScalar(start, at: position, end: word.upperBound).length
                let character = bytes[position..<position + length]
                let id = vocabulary.id(of: character)
                if let id {
                    merger.append(id, at: position)
                } else if model.parts.fallsBackToBytes, character.allSatisfy({ model.byteIDs[Int($0)] >= 0 })
                {
                    for index in character.indices {
                        merger.append(model.byteIDs[Int(bytes[index])], at: index)
                    }
                } else if let unknown = model.parts.unknownID {
                    if !(afterUnknown && model.parts.fusesUnknown) { merger.append(unknown, at: position) }
                    afterUnknown = true
                    position += length
                    continue
                }
                afterUnknown = false
                position += length
            }
        }
        _ = merges.withTable { merger.merge($0) }
        for index in 0..<merger.count {
            let start = Int(merger[index].start)
            let end = index + 1 < merger.count ? Int(merger[index + 1].start) : word.upperBound
            append(merger[index].id, start..<end, text)
        }
    }

    // MARK: Unigram

    private mutating func split(_ text: NormalizedText, _ word: Range<Int>, _ unigram: UnigramModel) {
        let pieces = text.bytes.withUnsafeBufferPointer { bytes in
            unigram.split(UnsafeBufferPointer(rebasing: bytes[word]))
        }
        for piece in pieces {
            let range = piece.range.lowerBound + word.lowerBound..<piece.range.upperBound + word.lowerBound
            let bytes = text.bytes[range]
            if let id = model.parts.vocabulary.id(of: bytes) {
                append(id, range, text)
            } else if model.parts.fallsBackToBytes, bytes.allSatisfy({ model.byteIDs[Int($0)] >= 0 }) {
                for byte in bytes { append(model.byteIDs[Int(byte)], range, text) }
            } else if let id = model.parts.unknownID {
                append(id, range, text)
            }
        }
    }
}

extension NormalizedText {
    /// A part of the text.
    fileprivate subscript(range: Range<Int>) -> NormalizedText {
        NormalizedText(bytes: Array(bytes[range]), starts: Array(starts[range]), ends: Array(ends[range]))
    }
}
