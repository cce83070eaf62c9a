import Tensor

/// The comparison of the areas under the ROC curves of two scores of the same examples.
public struct ROCComparison: Sendable, Equatable, Codable {
    /// The area of the first score.
    public let first: Double
    /// The area of the second.
    public let second: Double
    /// First minus second, with its interval.
    public let difference: MetricValue
    /// The difference in standard errors; 0 when both scores order the examples alike.
    public let z: Double
    /// The probability of such a difference or a larger one, in either direction, if the areas are equal.
    public let pValue: Double
}

extension ROC {
    /// Compares two scores of the same examples by the paired test of DeLong.
    ///
    /// The areas' covariance is computed from midranks in O(N log N).
    ///
    /// Sources: DeLong, DeLong, Clarke-Pearson: Biometrics 44, 1988, doi:10.2307/2531595; Sun, Xu: Fast Implementation of
    /// DeLong's Algorithm, IEEE Signal Processing Letters 21, 2014, doi:10.1109/LSP.2014.2337313.
    ///
    /// - Throws: `.shapeMismatch`, `.notFinite`, `.emptyData` with fewer than two positives or negatives,
    ///   `.invalidOption` for a level outside (0, 1).
    public static func compare(
        _ first: [Double], _ second: [Double], isPositive: [Bool], level: Double = 0.95
    ) throws(MarketingMLError) -> ROCComparison {
        try checkLevel(level)
        let a = try DeLongComponents(scores: first, isPositive: isPositive)
        let b = try DeLongComponents(scores: second, isPositive: isPositive)
        let difference = a.area - b.area
        let error = max(0, a.covariance(a) + b.covariance(b) - 2 * a.covariance(b)).squareRoot()
        let margin = NormalDistribution().quantile((1 + level) / 2) * error
        // Equal scores leave rounding errors only.
        let z = error > 1e-12 ? difference / error : 0
        return ROCComparison(
            first: a.area, second: b.area,
            difference: MetricValue(
                difference,
                interval: ConfidenceInterval(
                    lower: max(-1, difference - margin), upper: min(1, difference + margin), level: level,
                    method: .deLong)),
            z: z, pValue: 2 * NormalDistribution().survival(abs(z)))
    }
}

/// For each positive the share of the negatives that it beats, for each negative the share of the positives that beat it, ties
/// counting half: both have the area as their mean, and their variances make its variance.
struct DeLongComponents {
    let area: Double
    private let ofPositives: [Double]
    private let ofNegatives: [Double]

    /// - Throws: `.shapeMismatch`, `.notFinite`, `.emptyData` with fewer than two of a kind.
    init(scores: [Double], isPositive: [Bool]) throws(MarketingMLError) {
        guard scores.count == isPositive.count else {
            throw MarketingMLError(
                .shapeMismatch, "\(scores.count) scores and \(isPositive.count) kinds: one is needed a score")
        }
        self.init(ranking: try Ranking(scores), isPositive: isPositive)
        guard ofPositives.count > 1, ofNegatives.count > 1 else {
            throw MarketingMLError(
                .emptyData,
                "two positive and two negative examples are needed, found \(ofPositives.count) and "
                    + "\(ofNegatives.count)")
        }
    }

    private init(ranking: Ranking, isPositive: [Bool]) {
        let positives = Double(isPositive.count { $0 })
        let negatives = Double(isPositive.count) - positives
        var shares = [Double](repeating: 0, count: isPositive.count)
        var (positivesAbove, negativesAbove) = (0.0, 0.0)
        var start = 0
        for end in ranking.groupEnds {
            let group = ranking.order[start..<end]
            let tied = Double(group.count { isPositive[Int($0)] })
            let tiedNegatives = Double(group.count) - tied
            for example in group {
                shares[Int(example)] =
                    isPositive[Int(example)]
                    ? (negatives - negativesAbove - tiedNegatives / 2) / negatives
                    : (positivesAbove + tied / 2) / positives
            }
            positivesAbove += tied
            negativesAbove += tiedNegatives
            start = end
        }
        ofPositives = shares.indices.filter { isPositive[$0] }.map { shares[$0] }
        ofNegatives = shares.indices.filter { !isPositive[$0] }.map { shares[$0] }
        area = ofPositives.reduce(0, +) / positives
    }

    /// The covariance of two areas; of one with itself its variance.
    func covariance(_ other: DeLongComponents) -> Double {
        func part(_ a: [Double], _ b: [Double]) -> Double {
            let count = Double(a.count)
            return zip(a, b).reduce(0) { $0 + ($1.0 - area) * ($1.1 - other.area) } / (count - 1) / count
        }
        return part(ofPositives, other.ofPositives) + part(ofNegatives, other.ofNegatives)
    }
}

/// - Throws: `.invalidOption`.
func checkLevel(_ level: Double) throws(MarketingMLError) {
    guard 0 < level, level < 1 else {
        throw MarketingMLError(.invalidOption, "must lie in (0, 1), is \(level)", at: .init(name: "level"))
    }
}
