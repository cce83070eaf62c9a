import Foundation
import Tensor

extension LogisticRegression {
    /// A recipe for the models of many penalties at once, judged on folds left out.
    ///
    /// ```swift
    /// let path = try LogisticRegression.path(lambdas: .automatic(), l1Ratio: 1).fit(features, labels, folds:
    /// 5, seed: 1) path.lambdaOneStandardError; path.simplest.coefficients
    /// ```
    public static func path(
        lambdas: LambdaSequence, l1Ratio: Double = 0, classWeights: ClassWeights = .uniform,
        intercept: Bool = true
    ) -> LogisticPath {
        LogisticPath(lambdas: lambdas, l1Ratio: l1Ratio, classWeights: classWeights, hasIntercept: intercept)
    }
}

/// A recipe for logistic regressions of many penalties λ (ρ‖β‖₁ + (1 − ρ) ½‖β‖²) beside Σ wᵢ ℓᵢ, that is C =
/// 1/λ, each started from the one before.
public struct LogisticPath: Sendable, Equatable {
    /// The weights of the penalty.
    public var lambdas: LambdaSequence
    /// The share of the absolute values (ρ), in 0...1.
    public var l1Ratio: Double
    /// How much the classes count.
    public var classWeights: ClassWeights
    /// Whether the models have an intercept.
    public var hasIntercept: Bool
    /// As ``LogisticRegression/tolerance``.
    public var tolerance: Double

    /// Creates a recipe.
    public init(
        lambdas: LambdaSequence, l1Ratio: Double = 0, classWeights: ClassWeights = .uniform,
        hasIntercept: Bool = true,
        tolerance: Double = 1e-7
    ) {
        self.lambdas = lambdas
        self.l1Ratio = l1Ratio
        self.classWeights = classWeights
        self.hasIntercept = hasIntercept
        self.tolerance = tolerance
    }

    /// Fits the models on all examples and, with folds, judges each λ by the deviance of examples left out.
    ///
    /// - Parameters:
    ///   - folds: Into how many folds the examples of each class are dealt; nil judges nothing.
    ///   - seed: Of the dealing.
    ///   - progress: Called at each model; may stop it: then there are the models so far.
    /// - Throws: As ``LogisticRegression``; `.emptyData` for a class with fewer examples than folds.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil, folds: Int? = nil,
        seed: UInt64 = 0, progress: ProgressHandler? = nil
    ) throws -> LogisticPathModel<Label> {
        let features = features.features
        let recipe = LogisticRegression(
            .lambda(1, l1Ratio: l1Ratio), classWeights: classWeights, intercept: hasIntercept,
            tolerance: tolerance)
        let first = try recipe.examples(features, labels, weights: weights, offset: nil)
        let values = try lambdas.resolved(largest: l1Ratio > 0 ? try largestLambda(first.examples) : nil)
        let parts = try folds.map { try Folds.stratified(labels, count: $0, seed: seed).folds } ?? []
        let total = values.count * (parts.count + 1)
        var done = 0
        var isStopped = false

        func models(_ examples: LogisticExamples, _ classes: LabelSet<Label>) throws -> [LogisticModel<Label>]
        {
            var result: [LogisticModel<Label>] = []
            for lambda in values where !isStopped {
                var recipe = recipe
                recipe.penalty = .lambda(lambda, l1Ratio: l1Ratio)
                result.append(try recipe.fit(examples, classes: classes, start: result.last, progress: nil))
                done += 1
                let event = ProgressEvent(phase: .other("fitting the path"), step: done, total: total)
                if progress?(event) == .stop { isStopped = true }
            }
            return result
        }

        let all = try models(first.examples, first.classes)
        var judged: [(deviances: [Double], weight: Double)] = []
        for fold in parts where !isStopped {
            let (examples, classes) = try recipe.examples(
                features.rows(fold.train), fold.train.map { labels[$0] },
                weights: weights.map { weights in fold.train.map { weights[$0] } }, offset: nil)
            let own = try models(examples, classes)
            guard own.count == values.count else { break }
            let test = features.rows(fold.test)
            let targets = try classes.indices(of: fold.test.map { labels[$0] })
            let counts = fold.test.map { weights?[$0] ?? 1 }
            judged.append(
                (
                    try own.map { try deviance(try $0.probabilities(of: test), targets, counts) },
                    counts.reduce(0, +)
                ))
        }
        return LogisticPathModel(
            lambdas: Array(values[..<all.count]), models: all,
            folds: judged.count == parts.count ? judged : [])
    }

    /// −2 Σ w log p of the examples' classes.
    private func deviance(_ probabilities: Tensor<Double>, _ targets: [Int], _ weights: [Double]) throws
        -> Double
    {
        let classes = probabilities.shape[1]
        return probabilities.withUnsafeElements { values in
            targets.indices.reduce(0) { sum, row in
                sum - 2 * weights[row] * log(max(values[row * classes + targets[row]], .leastNormalMagnitude))
            }
        }
    }

    /// The smallest λ at which all coefficients are 0.
    private func largestLambda(_ examples: LogisticExamples) throws -> Double {
        let problem = examples.problem(l1: 1, l2: 0)
        let start = examples.start(problem)
        let gradient = problem.derivatives(at: start, margins: MarginBuffer(problem), second: .none).gradient
        return gradient.indices.reduce(0) { problem.isPenalised($1) ? max($0, abs(gradient[$1])) : $0 }
            / l1Ratio
    }
}

/// Logistic regressions of a sequence of penalties, and how well each predicted examples that it was not
/// fitted on.
public struct LogisticPathModel<Label: Hashable & Sendable & Codable>: Sendable {
    /// The weights of the penalty, from the largest to the smallest.
    public let lambdas: [Double]
    /// The model of each, fitted on all examples.
    public let models: [LogisticModel<Label>]
    /// The mean deviance an example left out, for each λ; nil when none were.
    public let deviances: [Double]?
    /// The standard errors of `deviances` over the folds.
    public let standardErrors: [Double]?

    init(
        lambdas: [Double], models: [LogisticModel<Label>], folds: [(deviances: [Double], weight: Double)]
    ) {
        self.lambdas = lambdas
        self.models = models
        guard folds.count > 1 else {
            deviances = nil
            standardErrors = nil
            return
        }
        let total = folds.reduce(0) { $0 + $1.weight }
        let means = lambdas.indices.map { index in folds.reduce(0) { $0 + $1.deviances[index] } / total }
        standardErrors = lambdas.indices.map { index in
            let spread = folds.reduce(0.0) { sum, fold in
                let difference = fold.deviances[index] / fold.weight - means[index]
                return sum + fold.weight * difference * difference
            }
            return (spread / total / Double(folds.count - 1)).squareRoot()
        }
        deviances = means
    }

    /// Where the deviance is smallest; the largest such λ. Without folds that of the last model.
    public var lambdaMin: Double { lambdas[bestIndex] }
    /// The largest λ whose deviance is within one standard error of the smallest: the simplest model that is
    /// about as good (Breiman, Friedman, Olshen, Stone, 1984). Without folds that of the last model.
    public var lambdaOneStandardError: Double { lambdas[simplestIndex] }
    /// The model at ``lambdaMin``.
    public var best: LogisticModel<Label> { models[bestIndex] }
    /// The model at ``lambdaOneStandardError``.
    public var simplest: LogisticModel<Label> { models[simplestIndex] }

    private var bestIndex: Int {
        guard let deviances else { return lambdas.count - 1 }
        return deviances.indices.reduce(0) { deviances[$1] < deviances[$0] ? $1 : $0 }
    }

    private var simplestIndex: Int {
        guard let deviances, let standardErrors else { return lambdas.count - 1 }
        let limit = deviances[bestIndex] + standardErrors[bestIndex]
        return deviances.firstIndex { $0 <= limit } ?? bestIndex
    }
}
