import Foundation
import Tensor

/// A regression whose mean is e^(x·β + intercept + offset): the recipe for counts (visits, orders) and
/// amounts (spend).
///
/// A fit minimises the penalty's objective (see ``Penalty``) with ℓ half the deviance up to terms of the
/// target alone:
///
///     Poisson        ℓ = e^η − y η
///     gamma          ℓ = y e^(−η) + η
///     Tweedie p      ℓ = e^((2−p)η) / (2−p) − y e^((1−p)η) / (1−p)
///
/// Solvers stop when the largest element of the gradient of the mean loss with the penalty, each feature in
/// units of its root mean square and the loss in those of the targets' mean to the power 2 − p, is at most
/// `tolerance`.
///
/// ``PoissonRegression``, ``GammaRegression`` and ``TweedieRegression`` are the recipes.
public protocol GeneralizedLinearRegression: Regressor, Equatable {
    /// The distribution.
    var family: GeneralizedLinearFamily { get }
    /// What keeps the coefficients small.
    var penalty: Penalty { get }
    /// Whether there is an intercept, which is never penalised.
    var hasIntercept: Bool { get }
    /// The method.
    var solver: LinearModelSolver { get }
    /// The gradient's size at which a solver has converged: above 0.
    var tolerance: Double { get }
    /// The number of iterations after which a solver gives up; nil for 100 of Newton's method and 2000 of
    /// others.
    var maximumIterations: Int? { get }
}

extension GeneralizedLinearRegression {
    /// The distribution and the penalty.
    public var name: String { "\(family.name) regression (\(penalty))" }

    /// As `fit`.
    public func fitRegressor(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedRegressor {
        try fit(features, targets, weights: weights, progress: progress)
    }

    /// Fits the model to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - targets: At least 0; above 0 for gamma and for powers of 2 and more.
    ///   - weights: How much each example counts, at least 0; nil counts all the same.
    ///   - offset: Added to each example's log mean; predictions do not contain it.
    ///   - exposure: What each mean is proportional to, above 0: the same as an offset of its logarithm.
    ///   - progress: Called at each iteration; may stop it.
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.invalidOption`; `CancellationError`. Not
    ///   reaching the tolerance is no error: see the model's `report`.
    public func fit(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]? = nil,
        offset: [Double]? = nil,
        exposure: [Double]? = nil, progress: ProgressHandler? = nil
    ) throws -> GeneralizedLinearModel {
        let features = features.features
        let count = features.exampleCount
        try check()
        try features.checkShape()
        try ExampleNumbers.check(targets, "target", exampleCount: count)
        try ExampleNumbers.checkWeights(weights, exampleCount: count)
        try ExampleNumbers.check(offset, "offset", exampleCount: count)
        try ExampleNumbers.check(exposure, "exposure", exampleCount: count)
        try family.checkTargets(targets)
        let design = try DesignMatrix(features, intercept: hasIntercept)
        let total = weights?.reduce(0, +) ?? Double(count)
        var sum = 0.0
        for place in targets.indices { sum += (weights?[place] ?? 1) * targets[place] }
        guard sum > 0 else {
            throw MarketingMLError(
                .emptyData, "all targets with a weight are 0: the logarithm of their mean is not finite")
        }
        let mean = sum / total
        let (l1, l2, c) = penalty.resolved(totalWeight: total)
        let problem = MarginProblem(
            design: design, loss: SingleMarginLoss(family.loss, targets: targets, weights: weights),
            offset: try combined(offset, exposure), l1: l1, l2: l2,
            slopeScale: total * pow(mean, 2 - family.variancePower), hasFreeIntercepts: false)
        let limits = SolverLimits(
            tolerance: tolerance, maximumIterations: maximumIterations ?? (problem.order > 300 ? 2000 : 100),
            progress: progress)
        var start = [Double](repeating: 0, count: problem.order)
        if hasIntercept { start[problem.order - 1] = log(mean) - typical(problem.offset) }
        let (name, solution) = try problem.solve(solver, from: start, limits: limits)
        return try model(problem, solution, solution.report(name, c: c), targets: targets, weights: weights)
    }

    private func model(
        _ problem: MarginProblem, _ solution: MarginSolution, _ report: SolverReport, targets: [Double],
        weights: [Double]?
    ) throws -> GeneralizedLinearModel {
        let count = targets.count
        let (coefficients, intercepts) = problem.unshifted(solution.coefficients)
        var (deviance, pearson) = (0.0, 0.0)
        for place in 0..<count {
            let weight = weights?[place] ?? 1
            let mean = exp(solution.margins.pointer[place])
            let residual = targets[place] - mean
            deviance += weight * family.deviance(targets[place], mean: mean)
            pearson += weight * residual * residual / pow(mean, family.variancePower)
        }
        let free = Double(count - problem.order)
        let dispersion = family == .poisson ? 1 : free > 0 ? pearson / free : 1
        var logLikelihood: Double? = 0
        for place in 0..<count {
            let mean = exp(solution.margins.pointer[place])
            let own = family.logLikelihood(
                targets[place], mean: mean, dispersion: family == .poisson ? 1 : dispersion)
            guard let own, let sum = logLikelihood else {
                logLikelihood = nil
                break
            }
            logLikelihood = sum + (weights?[place] ?? 1) * own
        }
        let inference: CoefficientInference =
            penalty.isShrinking
            ? .unavailable(.penalized)
            : CoefficientInference(
                problem, solution,
                expected: family == .poisson
                    ? nil : ExpectedCurvature(power: family.variancePower, weights: weights),
                dispersion: dispersion)
        // The loss without features differs from half the deviance by the same terms of the targets as the
        // fit's.
        let fitLoss = problem.design.value(of: problem.loss, margins: solution.margins.pointer)
        let nullDeviance = deviance + 2 * (try problem.interceptOnlyLoss() - fitLoss)
        return GeneralizedLinearModel(
            family: family, coefficients: coefficients[0], intercept: intercepts[0],
            hasIntercept: hasIntercept,
            penalty: penalty, report: report, exampleCount: count, deviance: deviance,
            nullDeviance: nullDeviance,
            dispersion: dispersion, logLikelihood: logLikelihood, inference: inference)
    }

    private func combined(_ offset: [Double]?, _ exposure: [Double]?) throws(MarketingMLError) -> [Double]? {
        guard let exposure else { return offset }
        if let place = exposure.firstIndex(where: { !($0 > 0) }) {
            throw MarketingMLError(
                .invalidOption,
                "the exposure of example \(place) is \(exposure[place]); exposures must be above 0")
        }
        return exposure.indices.map { log(exposure[$0]) + (offset?[$0] ?? 0) }
    }

    /// The logarithm of the mean of e^offset.
    private func typical(_ offset: [Double]?) -> Double {
        guard let offset, let largest = offset.max() else { return 0 }
        return largest + log(offset.reduce(0) { $0 + exp($1 - largest) } / Double(offset.count))
    }

    private func check() throws(MarketingMLError) {
        try family.check()
        try penalty.check(allowsFirth: false)
        try SolverLimits.check(tolerance: tolerance, maximumIterations: maximumIterations)
    }
}

/// The expected curvature of a half deviance with a logarithmic link: w μ^(2 − p).
private struct ExpectedCurvature: MarginLoss {
    let power: Double
    let weights: [Double]?
    var outputs: Int { 1 }

    func evaluate(
        _ range: Range<Int>, margins: UnsafePointer<Double>, stride: Int,
        slopes: UnsafeMutablePointer<Double>,
        curvatures: UnsafeMutablePointer<Double>, couplings: UnsafeMutablePointer<Double>
    ) -> Double {
        for index in 0..<range.count {
            slopes[index] = 0
            curvatures[index] = (weights?[range.lowerBound + index] ?? 1) * exp((2 - power) * margins[index])
        }
        return 0
    }

    func value(_ range: Range<Int>, margins: UnsafePointer<Double>, stride: Int) -> Double { 0 }
}
