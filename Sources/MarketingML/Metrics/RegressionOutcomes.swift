import Tensor

/// What a regression said of N examples whose targets are known, and the figures that follow.
public struct RegressionOutcomes: Sendable {
    /// The target of each example.
    public let targets: [Double]
    /// What was predicted.
    public let predictions: [Double]
    /// How much each example counts; nil: all the same.
    public let weights: [Double]?

    /// Collects outcomes.
    ///
    /// - Throws: `.emptyData`, `.shapeMismatch`, `.notFinite`, `.invalidOption` for bad weights.
    public init(
        targets: [Double], predictions: [Double], weights: [Double]? = nil
    ) throws(MarketingMLError) {
        guard !targets.isEmpty else { throw MarketingMLError(.emptyData, "there are no examples to judge") }
        guard targets.count == predictions.count else {
            throw MarketingMLError(
                .shapeMismatch, "\(targets.count) targets and \(predictions.count) predictions")
        }
        for (name, values) in [("target", targets), ("prediction", predictions)] {
            if let index = values.firstIndex(where: { !$0.isFinite }) {
                throw MarketingMLError(.notFinite, "the \(name) of example \(index) is \(values[index])")
            }
        }
        try checkWeights(weights, count: targets.count)
        guard weights.map({ $0.contains { $0 > 0 } }) ?? true else {
            throw MarketingMLError(.emptyData, "all weights are 0")
        }
        self.targets = targets
        self.predictions = predictions
        self.weights = weights
    }

    /// Number of examples.
    public var count: Int { targets.count }

    /// A metric, with an interval if asked for.
    ///
    /// - Throws: `.invalidOption` if it is one of classifiers, or has no such interval.
    public func value(
        of scoring: Scoring, interval method: IntervalMethod? = nil, level: Double = 0.95
    ) throws(MarketingMLError) -> MetricValue {
        guard scoring.isForRegression else {
            throw MarketingMLError(
                .invalidOption, "\(scoring) judges classifiers, not regressions", at: .init(name: "scoring"))
        }
        let value = value(of: scoring, weights: weights)
        guard let method else { return MetricValue(value) }
        guard case .bootstrap(let resamples, let seed) = method else {
            throw MarketingMLError(.invalidOption, "\(scoring) has bootstrap intervals only")
        }
        let interval = try Bootstrap.interval(count: count, resamples: resamples, seed: seed, level: level) {
            self.value(of: scoring, weights: product(weights, $0))
        }
        return MetricValue(value, interval: interval)
    }

    /// The metric under weights that are not all 0.
    func value(of scoring: Scoring, weights: [Double]?) -> Double {
        var (total, mean, squares, absolutes) = (0.0, 0.0, 0.0, 0.0)
        for index in targets.indices {
            let weight = weights?[index] ?? 1
            let miss = targets[index] - predictions[index]
            total += weight
            mean += weight * targets[index]
            squares += weight * miss * miss
            absolutes += weight * abs(miss)
        }
        mean /= total
        switch scoring {
        case .meanAbsoluteError: return absolutes / total
        case .meanSquaredError: return squares / total
        case .rootMeanSquaredError: return (squares / total).squareRoot()
        default:
            let spread = targets.indices.reduce(0.0) { sum, index in
                let distance = targets[index] - mean
                return sum + (weights?[index] ?? 1) * distance * distance
            }
            if spread == 0 { return squares == 0 ? 1 : 0 }
            return 1 - squares / spread
        }
    }
}
