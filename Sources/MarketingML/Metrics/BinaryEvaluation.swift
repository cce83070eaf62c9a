import Tensor

/// Scores of N examples that are positive or not: what a campaign's list, a churn or a propensity model is judged by.
///
/// ```swift
/// let judged = try BinaryEvaluation(scores: probabilities, isPositive: churned)
/// judged.rocAUC                                            // 0.84
/// try judged.value(of: .rocAUC, interval: .deLong)         // 0.8402 [0.8169, 0.8635]
/// judged.lift(at: 0.1)                                     // of the best tenth
/// judged.profitCurve(.init(truePositive: 40, falsePositive: -5)).best
/// ```
///
/// Figures that need positives and negatives are NaN-free: the initializer requires both.
public struct BinaryEvaluation: Sendable {
    /// The score of each example; the larger, the more likely positive.
    public let scores: [Double]
    /// Whether each example is positive.
    public let isPositive: [Bool]
    /// How much each example counts; nil: all the same.
    public let weights: [Double]?
    let ranking: Ranking
    let counts: RankedCounts

    /// Judges scores.
    ///
    /// - Parameters:
    ///   - scores: Probabilities or any other scores, finite.
    ///   - isPositive: The truth.
    ///   - weights: At least 0 and finite.
    /// - Throws: `.shapeMismatch` for different counts, `.emptyData` without positives or without negatives (of weight above
    ///   0), `.notFinite`, `.invalidOption` for negative weights.
    /// - Complexity: O(N).
    public init(
        scores: [Double], isPositive: [Bool], weights: [Double]? = nil
    ) throws(MarketingMLError) {
        guard scores.count == isPositive.count else {
            throw MarketingMLError(
                .shapeMismatch, "\(scores.count) scores and \(isPositive.count) kinds: one is needed a score")
        }
        try checkWeights(weights, count: scores.count)
        self.scores = scores
        self.isPositive = isPositive
        self.weights = weights
        ranking = try Ranking(scores)
        counts = ranking.counts(isPositive: isPositive, weights: weights)
        guard counts.hasBothKinds else {
            throw MarketingMLError(
                .emptyData,
                "positive and negative examples are needed; their weights are \(counts.allPositives) and "
                    + "\(counts.allNegatives)")
        }
    }

    /// Number of examples.
    public var count: Int { scores.count }
    /// The share of positives.
    public var positiveRate: Double { counts.allPositives / total }
    var total: Double { counts.allPositives + counts.allNegatives }

    /// The probability that a positive has a higher score than a negative, ties counting half.
    public var rocAUC: Double { counts.rocArea ?? .nan }
    /// The area under the precision-recall curve as a sum of steps, Σ (Rₙ − Rₙ₋₁) Pₙ.
    public var averagePrecision: Double { counts.averagePrecision ?? .nan }
    /// The largest distance between the score distributions of positives and negatives, in 0...1.
    public var kolmogorovSmirnov: Double { counts.kolmogorovSmirnov ?? .nan }

    /// The share of all positives that the best-scored `share` of the examples holds. Of examples with equal scores at the
    /// border, the expected part counts. NaN for a share outside of (0, 1].
    public func gain(at share: Double) -> Double {
        guard 0 < share, share <= 1 else { return .nan }
        return counts.gain(at: share) ?? .nan
    }

    /// How many times more positives the best-scored `share` of the examples holds than as many random ones.
    public func lift(at share: Double) -> Double { gain(at: share) / share }

    /// The scores read as probabilities in bins, against how often examples are positive.
    ///
    /// - Throws: `.invalidOption` if a score is outside 0...1 or there are no bins.
    public func calibrationCurve(
        bins: Int = 10, strategy: CalibrationCurve.Strategy = .uniform
    ) throws(MarketingMLError) -> CalibrationCurve {
        try CalibrationCurve(
            probabilities: scores, isPositive: isPositive, weights: weights, bins: bins, strategy: strategy)
    }

    /// A metric, with an interval if asked for. Scores are taken for probabilities by the metrics that need such, and as the
    /// decision "positive" from 0.5 on by those that need decisions.
    ///
    /// - Throws: What `ClassificationOutcomes.value(of:)` throws.
    public func value(
        of scoring: Scoring, interval: IntervalMethod? = nil, level: Double = 0.95
    ) throws(MarketingMLError) -> MetricValue {
        try ClassificationOutcomes(self).value(of: scoring, interval: interval, level: level)
    }
}

/// - Throws: `.shapeMismatch`, `.invalidOption`.
func checkWeights(_ weights: [Double]?, count: Int) throws(MarketingMLError) {
    guard let weights else { return }
    guard weights.count == count else {
        throw MarketingMLError(.shapeMismatch, "\(weights.count) weights for \(count) examples")
    }
    if let index = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
        throw MarketingMLError(
            .invalidOption, "the weight of example \(index) is \(weights[index]), expected a number from 0 on"
        )
    }
}
