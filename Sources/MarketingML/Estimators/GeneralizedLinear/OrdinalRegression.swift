import Foundation
import Tensor

/// Regression of ordered classes such as ratings, with proportional odds: the recipe.
///
/// The probability of a class of at most k is σ(θₖ − x·β): one set of coefficients, and an increasing
/// threshold between each class and the next. A fit minimises the penalty's objective (see ``Penalty``) with
/// ℓ the negative log likelihood; the thresholds are not penalised (P. McCullagh, J. R. Statist. Soc. B 42
/// (1980) 109–142).
///
/// ```swift
/// let ratings = try OrdinalRegression().fit(features, stars)                       // numbers have an order
/// let answers = try OrdinalRegression().fit(features, words, order: ["no", "maybe", "yes"])
/// ```
public struct OrdinalRegression: Sendable, Equatable {
    /// What keeps the coefficients small: `.none` or a penalty of squares.
    public var penalty: Penalty
    /// The gradient's size at which Newton's method has converged, as for ``LogisticRegression``: above 0.
    public var tolerance: Double
    /// The number of iterations after which it gives up.
    public var maximumIterations: Int

    /// Creates a recipe.
    public init(_ penalty: Penalty = .none, tolerance: Double = 1e-8, maximumIterations: Int = 100) {
        self.penalty = penalty
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
    }

    /// Fits the model to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - labels: The class of each example.
    ///   - order: The classes, lowest first; nil for the order of ``LabelSet``, which is that of numbers.
    ///   - weights: How much each example counts, at least 0; nil counts all the same.
    ///   - progress: Called at each iteration; may stop it.
    /// - Throws: `.shapeMismatch`, `.emptyData` (also for a class without examples), `.notFinite`,
    ///   `.invalidOption`, `.unknownLabel`; `CancellationError`.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], order: [Label]? = nil, weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> OrdinalModel<Label> {
        let features = features.features
        try penalty.check(allowsFirth: false)
        guard penalty.l1Ratio == 0 else {
            throw MarketingMLError(
                .invalidOption, "ordinal regression has no penalty of absolute values; use .l2")
        }
        try SolverLimits.check(tolerance: tolerance, maximumIterations: maximumIterations)
        try features.checkShape()
        try ExampleNumbers.checkWeights(weights, exampleCount: features.exampleCount)
        let found = try ClassLabels(labels, exampleCount: features.exampleCount)
        let classes = try ordered(found.classes, order)
        let places = try classes.indices(of: found.classes.labels)
        let targets = found.indices.map { Int32(places[Int($0)]) }
        var totals = [Double](repeating: 0, count: classes.count)
        for (place, target) in targets.enumerated() { totals[Int(target)] += weights?[place] ?? 1 }
        if let empty = totals.firstIndex(where: { !($0 > 0) }) {
            throw MarketingMLError(
                .emptyData,
                "class \"\(classes.texts[empty])\" has no examples with a weight; its threshold has no value")
        }
        let total = totals.reduce(0, +)
        let (_, l2, c) = penalty.resolved(totalWeight: total)
        let problem = OrdinalProblem(
            design: try DesignMatrix(features, intercept: true), targets: targets, weights: weights,
            classCount: classes.count, l2: l2, totalWeight: total)
        var shares: [Double] = []
        for class_ in totals.dropLast() { shares.append((shares.last ?? 0) + class_ / total) }
        let start = shares.map { log($0 / (1 - $0)) }
        let limits = SolverLimits(
            tolerance: tolerance, maximumIterations: maximumIterations, progress: progress)
        let solution = try problem.minimize(from: start, limits: limits)
        let features_ = problem.design.featureCount
        let coefficients = Array(solution.point[..<features_])
        let middle = problem.centre(coefficients)
        return OrdinalModel(
            classes: classes, coefficients: coefficients,
            thresholds: solution.point[features_...].map { $0 + middle },
            penalty: penalty,
            report: SolverReport(
                solver: "newtonCholesky", stopReason: solution.stopReason, iterations: solution.iterations,
                objective: c * solution.value.objective, violation: solution.violation),
            exampleCount: targets.count, deviance: 2 * solution.value.loss,
            nullDeviance: -2 * totals.reduce(0) { $0 + $1 * log($1 / total) },
            inference: penalty.isShrinking ? .unavailable(.penalized) : problem.inference(solution))
    }

    private func ordered<Label>(_ found: LabelSet<Label>, _ order: [Label]?) throws(MarketingMLError)
        -> LabelSet<Label>
    {
        guard let order else { return found }
        let sorted = try LabelSet(order)
        return try LabelSet(texts: try sorted.indices(of: order).map { sorted.texts[$0] })
    }
}
