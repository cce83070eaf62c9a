import Tensor

/// What share of impressions a new policy would see clicked or bought, from what another one showed and logged.
///
/// Each logged impression i has a reward rᵢ and was shown with probability pᵢ; the new policy would show it with probability πᵢ.
/// With wᵢ = min(clip, πᵢ / pᵢ) the estimate is Σ w r / Σ w. Clipping trades variance for bias; the effective sample size says how
/// much of the log speaks about the new policy at all.
///
/// Swaminathan, Joachims: The Self-Normalized Estimator for Counterfactual Learning, NIPS 2015.
public struct OffPolicyEstimate: Sendable, Equatable {
    /// The estimated mean reward: CTR or conversion for rewards 0 and 1.
    public let value: Double
    /// Its standard error (delta method).
    public let standardError: Double
    /// (Σ w)² / Σ w²: as many impressions of the new policy itself would say as much.
    public let effectiveSampleSize: Double
    /// How many weights were clipped.
    public let clippedCount: Int

    /// Estimates from a log.
    ///
    /// - Parameters:
    ///   - rewards: What each impression brought.
    ///   - propensities: With which probability it was shown, in (0, 1].
    ///   - targets: With which probability the new policy would show it, in [0, 1].
    ///   - clip: The largest weight, above 0.
    /// - Throws: `.shapeMismatch`, `.emptyData` (also if the new policy shows nothing of the log), `.notFinite`, `.invalidOption`
    ///   naming the impression.
    public init(
        rewards: [Double], propensities: [Double], targets: [Double], clip: Double = 10
    ) throws(MarketingMLError) {
        guard propensities.count == rewards.count, targets.count == rewards.count else {
            throw MarketingMLError(
                .shapeMismatch,
                "\(rewards.count) rewards, \(propensities.count) propensities and \(targets.count) targets")
        }
        try require(clip > 0, "clip", "above 0", "\(clip)")
        var weights: [Double] = []
        var clipped = 0
        for row in rewards.indices {
            guard rewards[row].isFinite else {
                throw MarketingMLError(.notFinite, "a reward is \(rewards[row])", at: .init(row: row + 1))
            }
            guard propensities[row] > 0, propensities[row] <= 1, 0...1 ~= targets[row] else {
                throw MarketingMLError(
                    .invalidOption,
                    "probabilities must be in (0, 1] for the log and [0, 1] for the new policy, found "
                        + "\(propensities[row]) and \(targets[row])", at: .init(row: row + 1))
            }
            let weight = targets[row] / propensities[row]
            if weight > clip { clipped += 1 }
            weights.append(min(clip, weight))
        }
        let total = weights.reduce(0, +)
        guard total > 0 else {
            throw MarketingMLError(.emptyData, "the new policy would show none of the logged impressions")
        }
        let value = zip(weights, rewards).reduce(0) { $0 + $1.0 * $1.1 } / total
        self.value = value
        standardError =
            zip(weights, rewards).reduce(0) { $0 + $1.0 * $1.0 * ($1.1 - value) * ($1.1 - value) }
            .squareRoot() / total
        effectiveSampleSize = total * total / weights.reduce(0) { $0 + $1 * $1 }
        clippedCount = clipped
    }
}
