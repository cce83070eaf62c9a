import Tensor

extension ByteLevelBPETokenizer {
    /// Learns a vocabulary from texts: the special tokens, the 256 bytes, then the tokens of the most frequent pairs.
    ///
    /// The words are those of GPT-2's pattern; from bytes on, the most frequent pair of neighbouring tokens becomes a
    /// token, of equally frequent ones that of the smallest ids, until the vocabulary is full or no pair is frequent
    /// enough. Ids and merges are those of Hugging Face's `BpeTrainer` with the alphabet of all bytes.
    ///
    /// ```swift
    /// let tokenizer = try ByteLevelBPETokenizer.train(on: texts, vocabularySize: 8_000)
    /// try tokenizer.save(to: directory)       // tokenizer.json, for this library and for Hugging Face's
    /// ```
    ///
    /// - Parameters:
    ///   - texts: The corpus; it is read once.
    ///   - vocabularySize: The most tokens that the vocabulary may have, special ones and bytes included.
    ///   - minimumFrequency: How often a pair must occur to become a token, from 0 on.
    ///   - specialTokens: Tokens that are recognised as a whole; they get the first ids.
    ///   - progress: Told of the texts read, then of the tokens learned; `.stop` ends the training with those there are.
    /// - Throws: `invalidOption` if special tokens and bytes alone do not fit, or a special token is empty;
    ///   `CancellationError`.
    /// - Complexity: counting is linear in the corpus and runs on all threads; a merge takes time in proportion to the
    ///   different words that contain its pair.
    public static func train(
        on texts: some Sequence<String>, vocabularySize: Int, minimumFrequency: Int = 2,
        specialTokens: [String] = ["<|endoftext|>"], progress: ProgressHandler? = nil
    ) throws -> ByteLevelBPETokenizer {
        var tokens = ByteTable()
        for token in specialTokens {
            guard !token.isEmpty else {
                throw MarketingMLError(
                    .invalidOption, "a special token must not be empty", at: .init(name: "specialTokens"))
            }
            _ = tokens.insert(token)
        }
        let specialCount = tokens.count
        for scalar in ByteLevelAlphabet.scalars.sorted() { _ = tokens.insert(String(scalar)) }
        guard tokens.count <= vocabularySize, vocabularySize <= Int(Int32.max) else {
            throw MarketingMLError(
                .invalidOption,
                "must be at least \(tokens.count) to hold special tokens and bytes, is \(vocabularySize)",
                at: .init(name: "vocabularySize"))
        }
        let words = try WordCounts.counting(texts, progress: progress) { text, body in
            var text = text
            text.withUTF8 { text in
                guard let bytes = text.baseAddress else { return }
                _ = ByteLevelScanner.forEachWord(in: bytes, 0..<text.count) { word in
                    body(UnsafeBufferPointer(rebasing: text[word]))
                    return true
                }
            }
        }
        let byteIDs = ByteLevelAlphabet.scalars.map { tokens.find(String($0)) ?? 0 }
        var trainer = BytePairTrainer(tokens: tokens, words: words) { word, symbols in
            for byte in word { symbols.append(byteIDs[Int(byte)]) }
        }
        try trainer.learn(
            vocabularySize: vocabularySize, minimumFrequency: minimumFrequency, progress: progress)

        var description = SubwordDescription()
        for id in 0..<trainer.tokens.count {
            description.vocabulary.bytes += trainer.tokens[id]
            description.vocabulary.ends.append(description.vocabulary.bytes.count)
            description.vocabulary.ids.append(Int32(id))
        }
        for (left, right) in trainer.merges {
            description.merges.append(trainer.tokens[Int(left)])
            description.merges.append(trainer.tokens[Int(right)])
        }
        description.addedTokens = (0..<specialCount).map { id in
            AddedToken(id: Int32(id), content: tokens.text(id), isSpecial: true)
        }
        description.describeGPT2()
        return try ByteLevelBPETokenizer(description)
    }
}
