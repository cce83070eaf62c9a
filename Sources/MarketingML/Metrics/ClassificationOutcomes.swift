import Tensor

/// What a classifier said of N examples whose classes are known: what every `Scoring` of classifiers is computed from.
public struct ClassificationOutcomes: Sendable {
    /// Number of classes (K), at least 2.
    public let classCount: Int
    /// The class of each example, in 0..<K.
    public let truth: [Int]
    /// The class that each was judged to be.
    public let predicted: [Int]
    /// [N] for two classes, else [N, K], row by row; see `FittedClassifier.decisionValues(of:)`.
    public let decisionValues: [Double]
    /// [N, K], row by row; nil if the model has none.
    public let probabilities: [Double]?
    /// How much each example counts; nil: all the same.
    public let weights: [Double]?
    /// For two classes: the order by decision value, which resamples share.
    private let ranking: Ranking?

    /// Collects outcomes.
    ///
    /// - Throws: `.emptyData`, `.shapeMismatch`, `.notFinite`, `.invalidOption` for weights or probabilities out of range,
    ///   `.unknownLabel` for classes outside 0..<K.
    public init(
        classCount: Int, truth: [Int], predicted: [Int], decisionValues: [Double],
        probabilities: [Double]? = nil, weights: [Double]? = nil
    ) throws(MarketingMLError) {
        let count = truth.count
        guard count > 0 else { throw MarketingMLError(.emptyData, "there are no examples to judge") }
        guard classCount >= 2, predicted.count == count,
            decisionValues.count == (classCount == 2 ? count : count * classCount),
            probabilities.map({ $0.count == count * classCount }) ?? true
        else {
            throw MarketingMLError(
                .shapeMismatch,
                "\(count) examples of \(classCount) classes, \(predicted.count) predictions, "
                    + "\(decisionValues.count) decision values, \(probabilities?.count ?? 0) probabilities")
        }
        if let stranger = (truth + predicted).first(where: { !(0..<classCount ~= $0) }) {
            throw MarketingMLError(.unknownLabel, "class \(stranger) is none of 0..<\(classCount)")
        }
        try checkWeights(weights, count: count)
        if let probabilities { try checkProbabilities(probabilities) }
        self.classCount = classCount
        self.truth = truth
        self.predicted = predicted
        self.decisionValues = decisionValues
        self.probabilities = probabilities
        self.weights = weights
        ranking = classCount == 2 ? try Ranking(decisionValues) : nil
    }

    /// Judges a model on labelled examples. Probabilities are asked for only if `scorings` need them.
    ///
    /// - Throws: What the model throws; `.unknownLabel` for a label that it does not know.
    public init<Label: Hashable & Sendable & Codable>(
        of model: any FittedClassifier<Label>, _ features: some FeatureMatrix, _ labels: [Label],
        weights: [Double]? = nil, for scorings: [Scoring] = [.logLoss]
    ) throws {
        let classes = model.classes.count
        let values = try model.decisionValues(of: features).elements
        let predicted =
            classes == 2
            ? values.map { $0 > 0 ? 1 : 0 }
            : try model.classes.indices(of: model.predict(features))
        var probabilities: [Double]?
        if scorings.contains(where: \.needsProbabilities) {
            probabilities = try (model as? any ProbabilisticClassifier<Label>)?.probabilities(of: features)
                .elements
        }
        try self.init(
            classCount: classes, truth: model.classes.indices(of: labels), predicted: predicted,
            decisionValues: values, probabilities: probabilities, weights: weights)
    }

    /// Scores in 0...1 are taken for probabilities, positive from 0.5 on; others for decision values, positive above 0.
    init(_ binary: BinaryEvaluation) {
        classCount = 2
        truth = binary.isPositive.map { $0 ? 1 : 0 }
        let areProbabilities = binary.scores.allSatisfy { 0 <= $0 && $0 <= 1 }
        predicted = binary.scores.map { areProbabilities ? ($0 >= 0.5 ? 1 : 0) : ($0 > 0 ? 1 : 0) }
        decisionValues = binary.scores
        probabilities = areProbabilities ? binary.scores.flatMap { [1 - $0, $0] } : nil
        weights = binary.weights
        ranking = binary.ranking
    }

    /// Number of examples.
    public var count: Int { truth.count }

    /// A metric, with an interval if asked for.
    ///
    /// - Throws: `.emptyData` if the metric is not defined (a class without examples); `.invalidOption` if it is one of
    ///   regressions, needs probabilities that the model does not have or two classes, or has no such interval.
    public func value(
        of scoring: Scoring, interval method: IntervalMethod? = nil, level: Double = 0.95
    ) throws(MarketingMLError) -> MetricValue {
        try check(scoring)
        guard let value = value(of: scoring, weights: weights) else {
            throw MarketingMLError(
                .emptyData, "\(scoring) is not defined: a class has no examples (of weight above 0)")
        }
        return MetricValue(
            value,
            interval: try method.map { (method) throws(MarketingMLError) in
                try interval(of: scoring, method, level)
            })
    }

    /// - Throws: `.invalidOption` if the metric does not fit.
    func check(_ scoring: Scoring) throws(MarketingMLError) {
        func refuse(_ reason: String) -> MarketingMLError {
            MarketingMLError(.invalidOption, "\(scoring) \(reason)", at: .init(name: "scoring"))
        }
        if scoring.isForRegression { throw refuse("judges regressions, not classifiers") }
        if scoring.needsProbabilities, probabilities == nil {
            throw refuse("needs probabilities, which the model does not give: calibrate it")
        }
        switch scoring {
        case .gain(let share), .lift(let share):
            if !(0 < share && share <= 1) { throw refuse("needs a share in (0, 1], it is \(share)") }
            if classCount > 2 { throw refuse("needs two classes, there are \(classCount)") }
        case .kolmogorovSmirnov where classCount > 2:
            throw refuse("needs two classes, there are \(classCount)")
        case .expectedCalibrationError(let bins) where bins < 1: throw refuse("needs bins, there are \(bins)")
        default: break
        }
    }

    private func interval(
        of scoring: Scoring, _ method: IntervalMethod, _ level: Double
    ) throws(MarketingMLError) -> ConfidenceInterval {
        try checkLevel(level)
        switch method {
        case .bootstrap(let resamples, let seed):
            return try Bootstrap.interval(count: count, resamples: resamples, seed: seed, level: level) {
                drawn in
                value(of: scoring, weights: product(weights, drawn))
            }
        case .deLong:
            guard scoring == .rocAUC, classCount == 2, weights == nil else {
                throw MarketingMLError(
                    .invalidOption, "DeLong's interval is for the ROC AUC of two classes without weights")
            }
            let components = try DeLongComponents(scores: decisionValues, isPositive: truth.map { $0 == 1 })
            let margin =
                NormalDistribution().quantile((1 + level) / 2)
                * components.covariance(components).squareRoot()
            return ConfidenceInterval(
                lower: max(0, components.area - margin), upper: min(1, components.area + margin),
                level: level, method: method)
        case .wilson:
            guard scoring == .accuracy, weights == nil else {
                throw MarketingMLError(
                    .invalidOption, "Wilson's interval is for accuracy without weights")
            }
            let (n, z) = (Double(count), NormalDistribution().quantile((1 + level) / 2))
            let share = Double(zip(truth, predicted).count { $0 == $1 }) / n
            let middle = share + z * z / (2 * n)
            let margin = z * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
            let scale = 1 + z * z / n
            return ConfidenceInterval(
                lower: max(0, (middle - margin) / scale), upper: min(1, (middle + margin) / scale),
                level: level, method: method)
        }
    }

    /// The counts by score of class `index` against the rest; more than two classes are ordered by probability where there
    /// is one.
    private func ranked(_ index: Int, _ weights: [Double]?) -> RankedCounts? {
        if let ranking { return ranking.counts(isPositive: truth.map { $0 == 1 }, weights: weights) }
        let values = probabilities ?? decisionValues
        let scores = stride(from: index, to: values.count, by: classCount).map { values[$0] }
        return (try? Ranking(scores))?.counts(isPositive: truth.map { $0 == index }, weights: weights)
    }

    /// The mean over the classes, or for two the figure of the second; nil if one is nil.
    private func perClass(_ figure: (Int) -> Double?) -> Double? {
        guard classCount > 2 else { return figure(1) }
        var sum = 0.0
        for index in 0..<classCount {
            guard let value = figure(index) else { return nil }
            sum += value
        }
        return sum / Double(classCount)
    }

    /// The metric under weights; nil where it is not defined. `check` has let it pass.
    func value(of scoring: Scoring, weights: [Double]?) -> Double? {
        switch scoring {
        case .rocAUC: perClass { ranked($0, weights)?.rocArea }
        case .averagePrecision: perClass { ranked($0, weights)?.averagePrecision }
        case .kolmogorovSmirnov: ranked(1, weights)?.kolmogorovSmirnov
        case .gain(let share): ranked(1, weights)?.gain(at: share)
        case .lift(let share): ranked(1, weights)?.gain(at: share).map { $0 / share }
        case .logLoss, .brierScore, .expectedCalibrationError: probabilityValue(of: scoring, weights)
        default: decisionValue(of: scoring, weights)
        }
    }

    private func decisionValue(of scoring: Scoring, _ weights: [Double]?) -> Double? {
        var confusion = [Double](repeating: 0, count: classCount * classCount)
        var total = 0.0
        for index in truth.indices {
            let weight = weights?[index] ?? 1
            confusion[truth[index] * classCount + predicted[index]] += weight
            total += weight
        }
        guard total > 0 else { return nil }
        func correct(_ index: Int) -> Double { confusion[index * classCount + index] }
        func support(_ index: Int) -> Double {
            (0..<classCount).reduce(0) { $0 + confusion[index * classCount + $1] }
        }
        func judged(_ index: Int) -> Double {
            (0..<classCount).reduce(0) { $0 + confusion[$1 * classCount + index] }
        }
        func quotient(_ a: Double, _ b: Double) -> Double { b == 0 ? 0 : a / b }
        switch scoring {
        case .accuracy: return (0..<classCount).reduce(0) { $0 + correct($1) } / total
        case .balancedAccuracy:
            let present = (0..<classCount).filter { support($0) > 0 }
            return present.reduce(0) { $0 + correct($1) / support($1) } / Double(present.count)
        case .precision: return perClass { quotient(correct($0), judged($0)) }
        case .recall: return perClass { quotient(correct($0), support($0)) }
        default: return perClass { quotient(2 * correct($0), support($0) + judged($0)) }
        }
    }
}

/// The products of the elements; without the first, the second.
func product(_ a: [Double]?, _ b: [Double]) -> [Double] {
    guard let a else { return b }
    return zip(a, b).map { $0 * $1 }
}
