/// What each outcome of a decision is worth, in any currency; costs are negative.
///
/// ```swift
/// Payoffs(truePositive: 40, falsePositive: -5)         // a campaign: a contact costs 5, a response brings 45
/// Payoffs.costs(falsePositive: 1, falseNegative: 5)    // credit: a missed bad risk costs five times a refused good one
/// ```
public struct Payoffs: Sendable, Equatable, Codable {
    /// Of a positive that was judged positive.
    public var truePositive: Double
    /// Of a negative that was judged positive.
    public var falsePositive: Double
    /// Of a negative that was judged negative.
    public var trueNegative: Double
    /// Of a positive that was judged negative.
    public var falseNegative: Double

    /// Creates payoffs.
    public init(
        truePositive: Double, falsePositive: Double, trueNegative: Double = 0, falseNegative: Double = 0
    ) {
        self.truePositive = truePositive
        self.falsePositive = falsePositive
        self.trueNegative = trueNegative
        self.falseNegative = falseNegative
    }

    /// A matrix of costs: what is right costs nothing.
    public static func costs(falsePositive: Double, falseNegative: Double) -> Payoffs {
        Payoffs(truePositive: 0, falsePositive: -falsePositive, falseNegative: -falseNegative)
    }

    /// The probability from which on judging positive pays, if probabilities are calibrated:
    /// (TN − FP) / (TN − FP + TP − FN). Nil unless being right is worth more than being wrong for both kinds.
    ///
    /// Elkan: The Foundations of Cost-Sensitive Learning, IJCAI 2001.
    public var breakEvenProbability: Double? {
        let (ofNegative, ofPositive) = (trueNegative - falsePositive, truePositive - falseNegative)
        guard ofNegative > 0, ofPositive > 0 else { return nil }
        return ofNegative / (ofNegative + ofPositive)
    }

    /// The sum over examples.
    func total(truePositives: Double, falsePositives: Double, positives: Double, negatives: Double) -> Double
    {
        truePositive * truePositives + falsePositive * falsePositives
            + trueNegative * (negatives - falsePositives) + falseNegative * (positives - truePositives)
    }
}
