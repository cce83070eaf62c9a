import Tensor

/// A corpus' BLEU or chrF with what it was computed from.
public struct TranslationScore: Sendable, Equatable, Codable {
    /// The score, from 0 to 100.
    public var value: Double
    /// All options in sacreBLEU's notation, to be printed beside the score.
    public var signature: String
    /// For BLEU: the precision of n-grams of each order, in percent.
    public var precisions: [Double] = []
    /// For BLEU: the brevity penalty.
    public var brevityPenalty = 1.0
    /// For BLEU: tokens of all hypotheses.
    public var hypothesisLength = 0
    /// For BLEU: tokens of the closest references.
    public var referenceLength = 0

    /// The version of sacreBLEU whose definitions are followed.
    static let version = "2.6.0"
}

extension TranslationScore: CustomStringConvertible {
    /// The score with two decimals and its signature.
    public var description: String { "\(TableText.fixed(value, decimals: 2)) (\(signature))" }
}

/// The number of references in a signature: `var` when it differs between texts.
///
/// - Throws: `.emptyData` without hypotheses or for one without reference, `.shapeMismatch` for other counts.
func checkedReferenceCount(
    _ hypotheses: [String], _ references: [[String]]
) throws(MarketingMLError) -> String {
    guard !hypotheses.isEmpty else { throw MarketingMLError(.emptyData, "there are no hypotheses") }
    guard references.count == hypotheses.count else {
        throw MarketingMLError(
            .shapeMismatch,
            "expected the references of \(hypotheses.count) hypotheses, found those of \(references.count)",
            at: .init(name: "references"))
    }
    if let row = references.firstIndex(where: \.isEmpty) {
        throw MarketingMLError(
            .emptyData, "the hypothesis has no reference", at: .init(row: row + 1, name: "references"))
    }
    let counts = Set(references.map(\.count))
    return counts.count == 1 ? "\(references[0].count)" : "var"
}
