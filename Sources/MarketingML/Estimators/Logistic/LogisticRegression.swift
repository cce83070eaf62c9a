import Foundation
import Tensor

/// Logistic regression: the recipe. For two classes log odds are linear in the features; for K classes the
/// log probabilities are, up to a common term.
///
/// With ηᵢ = xᵢ·β + intercept + offsetᵢ a fit minimises the penalty's objective (see ``Penalty``; by default
/// ½‖β‖² + C Σ wᵢ ℓᵢ) with
///
///     two classes   ℓ = log(1 + e^η) − y η,  y = 1 for the second class
///     K classes     ℓ = log Σₖ e^ηₖ − η of the example's class
///
/// where wᵢ is the example's weight times that of its class. K classes have K sets of coefficients when
/// penalised, else the first class is the reference, whose coefficients are 0.
///
/// ```swift
/// let churn = try LogisticRegression(.l2(c: 1), classWeights: .balanced).fit(features, labels)
/// churn.probabilities(of: newFeatures)
/// print(try LogisticRegression(.none).fit(features, labels).summary())
/// ```
///
/// Solvers stop when the largest element of the gradient of the mean loss with the penalty, each feature
/// taken in units of its root mean square, is at most `tolerance`.
public struct LogisticRegression: Sendable, Equatable {
    /// What keeps the coefficients small.
    public var penalty: Penalty
    /// How much the classes count.
    public var classWeights: ClassWeights
    /// Whether there is an intercept, which is never penalised.
    public var hasIntercept: Bool
    /// The method.
    public var solver: LinearModelSolver
    /// The gradient's size at which a solver has converged: above 0.
    public var tolerance: Double
    /// The number of iterations after which a solver gives up; nil for 100 of Newton's method and 2000 of
    /// others.
    public var maximumIterations: Int?

    /// Creates a recipe.
    public init(
        _ penalty: Penalty = .l2(c: 1), classWeights: ClassWeights = .uniform, intercept: Bool = true,
        solver: LinearModelSolver = .automatic, tolerance: Double = 1e-8, maximumIterations: Int? = nil
    ) {
        self.penalty = penalty
        self.classWeights = classWeights
        hasIntercept = intercept
        self.solver = solver
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
    }

    /// Fits the model to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - labels: The class of each example.
    ///   - weights: How much each example counts, at least 0; nil counts all the same.
    ///   - offset: Added to each example's log odds, for two classes only; predictions do not contain it.
    ///   - start: A model of the same classes and features to start from; the result is the same, sooner.
    ///   - progress: Called at each iteration; may stop it.
    /// - Throws: `.shapeMismatch`, `.emptyData` (also for one class only), `.notFinite`, `.invalidOption`,
    ///   `.unknownLabel`; `CancellationError`. Not reaching the tolerance is no error: see the model's
    ///   `report`.
    /// - Complexity: O(N D²) an iteration of Newton's method, O(N D) one of others. Holds no copy of the
    ///   features.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil, offset: [Double]? = nil,
        startingFrom start: LogisticModel<Label>? = nil, progress: ProgressHandler? = nil
    ) throws -> LogisticModel<Label> {
        let (examples, classes) = try examples(features.features, labels, weights: weights, offset: offset)
        if let start {
            try features.features.checkShape(featureCount: start.featureCount)
            guard start.classes == classes else {
                throw MarketingMLError(
                    .unknownLabel,
                    "the model to start from has the classes \(start.classes.texts), "
                        + "the examples \(classes.texts)"
                )
            }
        }
        return try fit(examples, classes: classes, start: start, progress: progress)
    }

    /// Checks what a fit is given and reads the features once.
    func examples<Label>(
        _ features: Features, _ labels: [Label], weights: [Double]?, offset: [Double]?
    ) throws -> (examples: LogisticExamples, classes: LabelSet<Label>) {
        try check()
        try features.checkShape()
        try ExampleNumbers.checkWeights(weights, exampleCount: features.exampleCount)
        try ExampleNumbers.check(offset, "offset", exampleCount: features.exampleCount)
        let labels = try ClassLabels(labels, exampleCount: features.exampleCount)
        let examples = LogisticExamples(
            design: try DesignMatrix(features, intercept: hasIntercept), labels: labels.indices,
            classCount: labels.classes.count, weights: try classWeights.exampleWeights(labels, weights),
            offset: offset)
        return (examples, labels.classes)
    }

    func fit<Label>(
        _ examples: LogisticExamples, classes: LabelSet<Label>, start: LogisticModel<Label>?,
        progress: ProgressHandler?
    ) throws -> LogisticModel<Label> {
        try check(examples)
        let (l1, l2, c) = penalty.resolved(totalWeight: examples.totalWeight)
        let problem = examples.problem(l1: l1, l2: l2)
        let limits = SolverLimits(
            tolerance: tolerance,
            maximumIterations: maximumIterations ?? (solver == .lbfgs || problem.order > 300 ? 2000 : 100),
            progress: progress)
        let first = start.map { problem.shifted($0.rows(for: problem), $0.intercepts(for: problem)) }
        let begin = first ?? examples.start(problem)
        let solution: MarginSolution
        let name: String
        if penalty == .firth {
            (name, solution) = (
                "firth", try FirthNewton(problem: problem, limits: limits).minimize(from: begin)
            )
        } else {
            (name, solution) = try problem.solve(solver, from: begin, limits: limits)
        }
        let inference: CoefficientInference =
            penalty.isShrinking
            ? .unavailable(.penalized) : .init(problem, solution, isBounded: penalty == .firth)
        let (coefficients, intercepts) = problem.unshifted(solution.coefficients)
        let hasReference = problem.outputs < classes.count && classes.count > 2
        let zeros = [Double](repeating: 0, count: examples.design.featureCount)
        return LogisticModel(
            classes: classes, coefficients: (hasReference ? [zeros] : []) + coefficients,
            intercepts: (hasReference ? [0] : []) + intercepts, hasIntercept: hasIntercept, penalty: penalty,
            report: solution.report(name, c: c), exampleCount: examples.design.rowCount,
            deviance: 2 * problem.design.value(of: problem.loss, margins: solution.margins.pointer),
            nullDeviance: try examples.nullDeviance(), inference: inference)
    }

    private func check() throws(MarketingMLError) {
        try penalty.check()
        try SolverLimits.check(tolerance: tolerance, maximumIterations: maximumIterations)
    }

    private func check(_ examples: LogisticExamples) throws(MarketingMLError) {
        guard examples.classCount > 2 else { return }
        guard examples.offset == nil else {
            throw MarketingMLError(
                .invalidOption, "an offset needs two classes, there are \(examples.classCount)")
        }
        try penalty.check(allowsFirth: false)
    }
}

/// Examples as logistic regression sees them.
struct LogisticExamples: Sendable {
    let design: DesignMatrix
    let labels: [Int32]
    let classCount: Int
    let weights: [Double]?
    let offset: [Double]?

    var totalWeight: Double { weights?.reduce(0, +) ?? Double(labels.count) }

    /// The sum of the weights in each class.
    var classTotals: [Double] {
        var totals = [Double](repeating: 0, count: classCount)
        for (place, label) in labels.enumerated() { totals[Int(label)] += weights?[place] ?? 1 }
        return totals
    }

    func problem(l1: Double, l2: Double) -> MarginProblem {
        let symmetric = classCount > 2 && (l1 > 0 || l2 > 0)
        let loss: any MarginLoss =
            classCount == 2
            ? SingleMarginLoss(.logistic, targets: labels.map { Double($0) }, weights: weights)
            : SoftmaxLoss(classes: classCount, hasReference: !symmetric, targets: labels, weights: weights)
        return MarginProblem(
            design: design, loss: loss, offset: offset, l1: l1, l2: l2, slopeScale: totalWeight,
            hasFreeIntercepts: symmetric)
    }

    /// All coefficients 0 and the intercepts those of the classes' shares.
    func start(_ problem: MarginProblem) -> [Double] {
        var result = [Double](repeating: 0, count: problem.order)
        guard design.hasIntercept, offset == nil else { return result }
        let logs = classTotals.map { log($0 / totalWeight) }
        let base = problem.outputs < classCount ? logs[0] : logs.reduce(0, +) / Double(classCount)
        for output in 0..<problem.outputs {
            result[(output + 1) * design.width - 1] = logs[output + classCount - problem.outputs] - base
        }
        return result
    }

    /// The deviance of the model without features.
    func nullDeviance() throws -> Double {
        if offset == nil {
            guard design.hasIntercept else { return 2 * totalWeight * log(Double(classCount)) }
            return -2 * classTotals.reduce(0) { $0 + $1 * log($1 / totalWeight) }
        }
        return 2 * (try problem(l1: 0, l2: 0).interceptOnlyLoss())
    }
}
