import Tensor

extension WordPieceTokenizer {
    /// Learns a vocabulary from texts: BERT's special tokens, all characters that occur, then pieces.
    ///
    /// From single characters on, the most frequent pair of neighbouring pieces becomes a piece of its own until
    /// the vocabulary is full or no pair is frequent enough: byte-pair merging, as the reference library (Hugging Face's
    /// `WordPieceTrainer`) trains WordPiece. Ties go to the pair of the smallest ids, so the result depends on the texts
    /// alone. The reference numbers the characters that continue a word in the order of a hash table, which differs from
    /// run to run; here they are in the order of Unicode.
    ///
    /// - Parameters:
    ///   - texts: The corpus; it is read once.
    ///   - vocabularySize: The most tokens that the vocabulary may have, special ones included.
    ///   - lowercase: Whether capitals and accents are dropped.
    ///   - minimumFrequency: How often a pair must occur to become a piece.
    ///   - progress: Told of the texts read, then of the pieces learned; `.stop` ends the training with those there are.
    /// - Throws: `emptyData` if the texts hold no word; `invalidOption` if the characters alone do not fit;
    ///   `CancellationError`.
    /// - Complexity: counting is linear in the corpus and runs on all threads; a merge takes time in proportion to the
    ///   different words that contain its pair.
    public static func train(
        on texts: some Sequence<String>, vocabularySize: Int, lowercase: Bool = true,
        minimumFrequency: Int = 2, progress: ProgressHandler? = nil
    ) throws -> WordPieceTokenizer {
        let normalizer = BertNormalizer(lowercase: lowercase)
        let words = try WordCounts.counting(texts, progress: progress) { text, body in
            let text = normalizer.normalizedText(of: text)
            text.forEachWord(in: text.bytes.indices) { bytes, range, _ in
                body(UnsafeBufferPointer(start: bytes + range.lowerBound, count: range.count))
                return true
            }
        }
        guard !words.counts.isEmpty else {
            throw MarketingMLError(.emptyData, "the texts hold no words to learn a vocabulary from")
        }
        let alphabet = Alphabet(words)
        guard alphabet.tokens.count <= vocabularySize, vocabularySize <= Int(Int32.max) else {
            throw MarketingMLError(
                .invalidOption,
                "must be at least \(alphabet.tokens.count) to hold all characters, is \(vocabularySize)",
                at: .init(name: "vocabularySize"))
        }
        var trainer = BytePairTrainer(
            tokens: alphabet.tokens, words: words, continuingPrefix: Array("##".utf8), spell: alphabet.spell)
        try trainer.learn(
            vocabularySize: vocabularySize, minimumFrequency: minimumFrequency, progress: progress)
        return try WordPieceTokenizer(vocabulary: trainer.tokens.texts, lowercase: lowercase)
    }
}

/// The tokens that WordPiece training begins with.
private struct Alphabet {
    private(set) var tokens = ByteTable()
    /// The tokens of characters that begin a word, and of those that continue one.
    private var initial: [UInt32: Int32] = [:]
    private var continuing: [UInt32: Int32] = [:]

    init(_ words: WordCounts) {
        for special in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] { _ = tokens.insert(special) }
        var letters: Set<UInt32> = []
        var continuations: Set<UInt32> = []
        for index in words.counts.indices {
            Self.forEachScalar(of: words.words[index]) { scalar, isFirst in
                letters.insert(scalar)
                if !isFirst { continuations.insert(scalar) }
            }
        }
        func insert(_ scalar: UInt32, prefix: String) -> Int32 {
            var token = Array(prefix.utf8)
            _ = token.append(scalar: scalar)
            return token.withUnsafeBufferPointer { tokens.insert($0) }
        }
        for scalar in letters.sorted() { initial[scalar] = insert(scalar, prefix: "") }
        for scalar in continuations.sorted() { continuing[scalar] = insert(scalar, prefix: "##") }
    }

    /// Appends the tokens of a word's characters.
    func spell(_ word: ArraySlice<UInt8>, _ symbols: inout [Int32]) {
        Self.forEachScalar(of: word) { scalar, isFirst in
            if let id = isFirst ? initial[scalar] : continuing[scalar] { symbols.append(id) }
        }
    }

    private static func forEachScalar(of word: ArraySlice<UInt8>, _ body: (UInt32, _ isFirst: Bool) -> Void) {
        word.withUnsafeBufferPointer { word in
            guard let bytes = word.baseAddress else { return }
            var position = 0
            while position < word.count {
                let (scalar, length) = decodeScalar(bytes, at: position, end: word.count)
                body(scalar, position == 0)
                position += length
            }
        }
    }
}
