/// Corpus chrF: how well n-grams of characters agree, as sacreBLEU computes it.
///
/// chrF = 100 · (1 + β²) P R / (β² P + R), where P and R are the precision and recall of n-grams, averaged over the
/// orders that occur. White space is left out of the characters. Of several references, each text is judged by the one
/// that gives it the best score. With `wordOrder` 2 this is chrF++.
///
/// References: Popović, WMT 2015, doi:10.18653/v1/W15-3049; WMT 2017, doi:10.18653/v1/W17-4770.
public struct ChrF: Sendable, Codable, Equatable {
    /// The longest n-grams of characters, from 1 on.
    public var characterOrder: Int
    /// The longest n-grams of words, from 0 on.
    public var wordOrder: Int
    /// How much more recall weighs than precision, above 0.
    public var beta: Double
    /// Whether case is ignored.
    public var lowercase: Bool

    /// Creates the metric; the defaults are sacreBLEU's chrF2.
    public init(characterOrder: Int = 6, wordOrder: Int = 0, beta: Double = 2, lowercase: Bool = false) {
        self.characterOrder = characterOrder
        self.wordOrder = wordOrder
        self.beta = beta
        self.lowercase = lowercase
    }

    /// N-grams of one order: in the hypothesis, in the reference, in both.
    private struct Agreement {
        var hypothesis = 0
        var reference = 0
        var both = 0
    }

    /// The score of texts, each with its own references.
    ///
    /// - Parameter references: One or more for each hypothesis.
    /// - Throws: `.emptyData`, `.shapeMismatch`, `.invalidOption`.
    public func score(_ hypotheses: [String], references: [[String]]) throws -> TranslationScore {
        let referenceCount = try checkedReferenceCount(hypotheses, references)
        try requireOption(characterOrder >= 1, "characterOrder", "at least 1", characterOrder)
        try requireOption(wordOrder >= 0, "wordOrder", "at least 0", wordOrder)
        try requireOption(beta > 0 && beta.isFinite, "beta", "above 0", beta)
        var characters = NGramCounter<Unicode.Scalar>()
        var words = NGramCounter<[UInt8]>()
        func counts(_ text: String) -> [[Int32: Int]] {
            let text = lowercase ? text.lowercased() : text
            let scalars = text.unicodeScalars.filter { !$0.isPythonSpace }
            return characters.counts(Array(scalars), order: characterOrder)
                + words.counts(
                    wordOrder == 0 ? [] : Self.words(of: text).map { Array($0.utf8) }, order: wordOrder)
        }
        var sums = [Agreement](repeating: Agreement(), count: characterOrder + wordOrder)
        for (hypothesis, references) in zip(hypotheses, references) {
            let found = counts(hypothesis)
            var best: (score: Double, agreements: [Agreement]) = (-1, [])
            for reference in references {
                let agreements = zip(found, counts(reference)).map(Self.agreement)
                let score = score(agreements)
                if score > best.score { best = (score, agreements) }
            }
            for (index, agreement) in best.agreements.enumerated() {
                sums[index].hypothesis += agreement.hypothesis
                sums[index].reference += agreement.reference
                sums[index].both += agreement.both
            }
        }
        let signature =
            "nrefs:\(referenceCount)|case:\(lowercase ? "lc" : "mixed")|eff:yes|nc:\(characterOrder)"
            + "|nw:\(wordOrder)|space:no|version:\(TranslationScore.version)"
        return TranslationScore(value: score(sums), signature: signature)
    }

    private static func agreement(_ hypothesis: [Int32: Int], _ reference: [Int32: Int]) -> Agreement {
        // Without such n-grams in the reference, those of the hypothesis do not count as wrong.
        guard !reference.isEmpty else { return Agreement() }
        var result = Agreement(reference: reference.values.reduce(0, +))
        for (gram, count) in hypothesis {
            result.hypothesis += count
            result.both += min(count, reference[gram] ?? 0)
        }
        return result
    }

    private func score(_ agreements: [Agreement]) -> Double {
        let used = agreements.filter { $0.hypothesis > 0 && $0.reference > 0 }
        guard !used.isEmpty else { return 0 }
        let orders = Double(used.count)
        let precision = used.reduce(0) { $0 + Double($1.both) / Double($1.hypothesis) } / orders
        let recall = used.reduce(0) { $0 + Double($1.both) / Double($1.reference) } / orders
        guard precision + recall > 0 else { return 0 }
        return 100 * (1 + beta * beta) * precision * recall / (beta * beta * precision + recall)
    }

    /// Words, with one punctuation mark at the end, else one at the beginning, apart.
    private static func words(of text: String) -> [String] {
        text.unicodeScalars.split(whereSeparator: \.isPythonSpace).flatMap { word -> [String] in
            guard word.count > 1, let first = word.first, let last = word.last else { return [String(word)] }
            if isPunctuation(last) { return [String(word.dropLast()), String(last)] }
            if isPunctuation(first) { return [String(first), String(word.dropFirst())] }
            return [String(word)]
        }
    }

    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "!"..."/", ":"..."@", "["..."`", "{"..."~": true
        default: false
        }
    }
}
