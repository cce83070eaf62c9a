import Foundation

/// Corpus BLEU: the geometric mean of n-gram precisions, times a penalty for being short, as sacreBLEU computes it.
///
/// ```swift
/// let score = try BLEU().score(texts, references: references)
/// print(score)     // 27.31 (nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0)
/// ```
///
/// BLEU = 100 · BP · exp(1/N Σₙ ln pₙ), where pₙ is the share of the hypotheses' n-grams that occur in one of their
/// references, each at most as often as there, and BP = min(1, exp(1 - r/c)) for c tokens in the hypotheses and r in
/// the references closest in length.
///
/// References: Papineni et al., ACL 2002, doi:10.3115/1073083.1073135; Post, WMT 2018, arXiv:1804.08771.
public struct BLEU: Sendable, Codable, Equatable {
    /// What stands in for the precision of an order without any match.
    public enum Smoothing: Sendable, Codable, Equatable {
        /// 0, and so is the score.
        case none
        /// 1 / (2ᵏ · n-grams) for the k-th order without a match.
        case exponential
        /// This many matches, above 0.
        case floor(Double = 0.1)
        /// This is added to matches and n-grams of all orders above 1.
        case add(Double = 1)

        fileprivate var signature: String {
            switch self {
            case .none: "none"
            case .exponential: "exp"
            case .floor(let value): "floor[\(TableText.fixed(value, decimals: 2))]"
            case .add(let value): "add-k[\(TableText.fixed(value, decimals: 2))]"
            }
        }
    }

    /// How texts are cut into tokens.
    public var tokenization: BLEUTokenization
    /// Whether case is ignored.
    public var lowercase: Bool
    /// What stands in for precisions of 0.
    public var smoothing: Smoothing
    /// Whether orders for which there are no n-grams are left out of the mean: for single sentences.
    public var effectiveOrder: Bool
    /// The longest n-grams, from 1 on.
    public var order: Int

    /// Creates the metric; the defaults are sacreBLEU's.
    public init(
        _ tokenization: BLEUTokenization = .mteval13a, lowercase: Bool = false,
        smoothing: Smoothing = .exponential, effectiveOrder: Bool = false, order: Int = 4
    ) {
        self.tokenization = tokenization
        self.lowercase = lowercase
        self.smoothing = smoothing
        self.effectiveOrder = effectiveOrder
        self.order = order
    }

    /// The score of texts, each with its own references.
    ///
    /// - Parameter references: One or more for each hypothesis.
    /// - Throws: `.emptyData`, `.shapeMismatch`; `.invalidOption` for an order below 1.
    public func score(_ hypotheses: [String], references: [[String]]) throws -> TranslationScore {
        let referenceCount = try checkedReferenceCount(hypotheses, references)
        try requireOption(order >= 1, "order", "at least 1", order)
        var counter = NGramCounter<[UInt8]>()
        var matches = [Double](repeating: 0, count: order)
        var totals = matches
        var hypothesisLength = 0
        var referenceLength = 0
        for (hypothesis, references) in zip(hypotheses, references) {
            let words = tokens(hypothesis)
            let references = references.map { tokens($0) }
            var most = [[Int32: Int]](repeating: [:], count: order)
            for reference in references {
                for (index, counts) in counter.counts(reference, order: order).enumerated() {
                    most[index].merge(counts, uniquingKeysWith: max)
                }
            }
            hypothesisLength += words.count
            // The closest length, the shorter one of two equally close.
            referenceLength +=
                references.map(\.count).min {
                    (abs($0 - words.count), $0) < (abs($1 - words.count), $1)
                } ?? 0
            for (index, counts) in counter.counts(words, order: order).enumerated() {
                for (gram, count) in counts {
                    totals[index] += Double(count)
                    matches[index] += Double(min(count, most[index][gram] ?? 0))
                }
            }
        }
        let penalty =
            hypothesisLength >= referenceLength
            ? 1
            : hypothesisLength == 0 ? 0 : exp(1 - Double(referenceLength) / Double(hypothesisLength))
        let (precisions, mean) = precisions(matches, totals)
        return TranslationScore(
            value: penalty * mean, signature: signature(referenceCount), precisions: precisions,
            brevityPenalty: penalty, hypothesisLength: hypothesisLength, referenceLength: referenceLength)
    }

    /// Tokens by their bytes: strings would be equal under canonical equivalence.
    private func tokens(_ text: String) -> [[UInt8]] {
        tokenization.tokens(of: lowercase ? text.lowercased() : text).map { Array($0.utf8) }
    }

    private func precisions(_ matches: [Double], _ totals: [Double]) -> (each: [Double], mean: Double) {
        var precisions = [Double](repeating: 0, count: order)
        guard matches.contains(where: { $0 > 0 }) else { return (precisions, 0) }
        var effective = order
        var halvings = 1.0
        for index in precisions.indices {
            var (matched, total) = (matches[index], totals[index])
            if case .add(let value) = smoothing, index > 0 {
                matched += value
                total += value
            }
            if total == 0 { break }
            if effectiveOrder { effective = index + 1 }
            if matched > 0 {
                precisions[index] = 100 * matched / total
            } else if case .exponential = smoothing {
                halvings *= 2
                precisions[index] = 100 / (halvings * total)
            } else if case .floor(let value) = smoothing {
                precisions[index] = 100 * value / total
            }
        }
        let used = precisions[..<effective]
        guard used.allSatisfy({ $0 > 0 }) else { return (precisions, 0) }
        return (precisions, exp(used.reduce(0) { $0 + log($1) } / Double(effective)))
    }

    private func signature(_ references: String) -> String {
        let effective = effectiveOrder ? "yes" : "no"
        return "nrefs:\(references)|case:\(lowercase ? "lc" : "mixed")|eff:\(effective)"
            + "|tok:\(tokenization.rawValue)|smooth:\(smoothing.signature)|version:\(TranslationScore.version)"
    }
}
