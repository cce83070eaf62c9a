import Tensor

#if canImport(Darwin)
    import func Darwin.exp
    import func Darwin.log1p
#elseif canImport(Musl)
    import func Musl.exp
    import func Musl.log1p
#else
    import func Glibc.exp
    import func Glibc.log1p
#endif

/// Turns scores into probabilities by a sigmoid: p = 1 / (1 + exp(a s + b)).
///
/// The two numbers minimise the log loss against smoothed targets, (N₊ + 1) / (N₊ + 2) for positives and 1 / (N₋ + 2) for
/// negatives, which keeps them finite when the scores separate the classes.
///
/// Sources: Platt: Probabilistic Outputs for Support Vector Machines, 1999; Lin, Lin, Weng: A Note on Platt's Probabilistic
/// Outputs for Support Vector Machines, Machine Learning 68, 2007, doi:10.1007/s10994-007-5018-6.
public struct PlattScaling: Sendable, Equatable, Codable {
    /// a: negative where larger scores mean positive.
    public let slope: Double
    /// b.
    public let intercept: Double

    /// Fits the sigmoid by Newton's method with backtracking, until no component of the mean gradient exceeds 1e-12.
    ///
    /// - Throws: `.shapeMismatch`, `.notFinite`, `.invalidOption` for bad weights, `.emptyData` unless there are positives
    ///   and negatives.
    public init(scores: [Double], isPositive: [Bool], weights: [Double]? = nil) throws(MarketingMLError) {
        let kinds = try checkedKinds(scores, isPositive, weights)
        // Scores of any unit: a is found for scores in -1...1.
        let scale = max(scores.reduce(0) { max($0, abs($1)) }, .leastNormalMagnitude)
        let high = (kinds.positives + 1) / (kinds.positives + 2)
        let low = 1 / (kinds.negatives + 2)
        let total = kinds.positives + kinds.negatives

        func loss(_ a: Double, _ b: Double) -> Double {
            var sum = 0.0
            for index in scores.indices {
                let f = a * scores[index] / scale + b
                let target = isPositive[index] ? high : low
                // log(1 + exp(f)) - (1 - t) f, without overflow.
                sum += (weights?[index] ?? 1) * (max(f, 0) + log1p(exp(-abs(f))) - (1 - target) * f)
            }
            return sum / total
        }

        var (a, b) = (0.0, kinds.negatives > 0 ? log1pRatio(kinds.negatives, kinds.positives) : 0)
        var value = loss(a, b)
        for _ in 0..<100 {
            // 1 / (1 + exp(f)) is p; the loss has the gradient (t - p) (s, 1).
            var (ga, gb, haa, hab, hbb) = (0.0, 0.0, 0.0, 0.0, 0.0)
            for index in scores.indices {
                let s = scores[index] / scale
                let p = 1 / (1 + exp(a * s + b))
                let weight = (weights?[index] ?? 1) / total
                let miss = weight * ((isPositive[index] ? high : low) - p)
                let curvature = weight * p * (1 - p)
                ga += miss * s
                gb += miss
                haa += curvature * s * s
                hab += curvature * s
                hbb += curvature
            }
            guard max(abs(ga), abs(gb)) > 1e-12 else { break }
            // A ridge of rounding size: scores that are all the same leave the matrix singular.
            (haa, hbb) = (haa + 1e-12, hbb + 1e-12)
            let determinant = haa * hbb - hab * hab
            let da = -(hbb * ga - hab * gb) / determinant
            let db = -(haa * gb - hab * ga) / determinant
            let slope = ga * da + gb * db
            var step = 1.0
            while step > 1e-10 {
                let next = loss(a + step * da, b + step * db)
                if next < value + 1e-4 * step * slope { break }
                step /= 2
            }
            guard step > 1e-10 else { break }
            (a, b) = (a + step * da, b + step * db)
            value = loss(a, b)
        }
        self.slope = a / scale
        intercept = b
    }

    /// The probability that an example with this score is positive.
    public func probability(of score: Double) -> Double { 1 / (1 + exp(slope * score + intercept)) }
}

/// log((a + 1) / (b + 1)).
private func log1pRatio(_ a: Double, _ b: Double) -> Double { log1p(a) - log1p(b) }

/// The weights of positives and negatives.
///
/// - Throws: `.shapeMismatch`, `.notFinite`, `.invalidOption`, `.emptyData` unless there are both.
func checkedKinds(
    _ scores: [Double], _ isPositive: [Bool], _ weights: [Double]?
) throws(MarketingMLError) -> (positives: Double, negatives: Double) {
    guard scores.count == isPositive.count else {
        throw MarketingMLError(.shapeMismatch, "\(scores.count) scores and \(isPositive.count) kinds")
    }
    if let index = scores.firstIndex(where: { !$0.isFinite }) {
        throw MarketingMLError(.notFinite, "the score of example \(index) is \(scores[index])")
    }
    try checkWeights(weights, count: scores.count)
    var kinds = (positives: 0.0, negatives: 0.0)
    for (index, positive) in isPositive.enumerated() {
        if positive {
            kinds.positives += weights?[index] ?? 1
        } else {
            kinds.negatives += weights?[index] ?? 1
        }
    }
    guard kinds.positives > 0, kinds.negatives > 0 else {
        throw MarketingMLError(
            .emptyData,
            "positive and negative examples are needed; their weights are \(kinds.positives) and \(kinds.negatives)"
        )
    }
    return kinds
}
