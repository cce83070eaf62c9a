#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// Linear support vector regression: the recipe. A fit minimises
///
///     ½‖w‖² + C Σᵢ rᵢ loss(yᵢ − w·xᵢ − b),     loss = max(0, |e| − ε) or max(0, |e| − ε)²
///
/// where rᵢ is the example's weight: errors up to ε cost nothing. With ε = 0 and the squared loss it is ridge regression with
/// λ = 1 / (2C).
///
/// ```swift
/// let model = try LinearSupportVectorRegressor(c: 1, epsilon: 0.1).fit(features, targets)
/// model.predict(newFeatures)
/// ```
///
/// It stops as ``LinearSupportVectorClassifier`` does. Reference: Ho and Lin, JMLR 13 (2012), as in LIBLINEAR.
public struct LinearSupportVectorRegressor: Sendable, Equatable {
    /// What an error beyond ε costs.
    public enum Loss: String, Sendable, Codable, CaseIterable {
        /// max(0, |e| − ε): robust against outliers.
        case epsilonInsensitive
        /// max(0, |e| − ε)²: smooth, sooner solved.
        case squaredEpsilonInsensitive
    }

    /// The weight of the losses beside the penalty: above 0.
    public var c: Double
    /// The error that costs nothing, in the targets' unit: at least 0.
    public var epsilon: Double
    /// The loss.
    public var loss: Loss
    /// The intercept.
    public var intercept: LinearIntercept
    /// The method.
    public var solver: LinearSolver
    /// The relative suboptimality to reach: above 0.
    public var tolerance: Double
    /// The number of iterations (passes of coordinate descent, Newton steps) after which a fit gives up: above 0.
    public var maximumIterations: Int
    /// Seed of the order in which coordinate descent visits examples.
    public var seed: UInt64

    /// Creates a recipe.
    public init(
        c: Double = 1, epsilon: Double = 0, loss: Loss = .epsilonInsensitive,
        intercept: LinearIntercept = .free,
        solver: LinearSolver = .automatic, tolerance: Double = 1e-4, maximumIterations: Int = 1000,
        seed: UInt64 = 0
    ) {
        self.c = c
        self.epsilon = epsilon
        self.loss = loss
        self.intercept = intercept
        self.solver = solver
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
        self.seed = seed
    }

    /// Fits the machine to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - targets: The number of each example.
    ///   - weights: How much each example counts, at least 0; nil counts all the same.
    ///   - progress: Called once an iteration; may stop it.
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.invalidOption`; `CancellationError`. Not reaching the
    ///   tolerance is no error: see the model's `report`.
    public func fit(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> LinearSupportVectorRegressionModel {
        try LinearOptions.check(c: c, tolerance: tolerance, maximumIterations: maximumIterations)
        try intercept.check()
        guard epsilon >= 0, epsilon.isFinite else {
            throw MarketingMLError(.invalidOption, "epsilon must be at least 0, found \(epsilon)")
        }
        guard solver != .newton || loss == .squaredEpsilonInsensitive else {
            throw MarketingMLError(.invalidOption, "Newton's method needs the squared loss")
        }
        let features = features.features
        try features.checkExamples(weights: weights)
        try ExampleNumbers.check(targets, "target", exampleCount: features.exampleCount)
        let costs = weights.map { $0.map { $0 * c } } ?? [Double](repeating: c, count: targets.count)
        let limits = LinearSolverLimits(
            tolerance: tolerance, iterations: maximumIterations, seed: seed, progress: progress)
        func solve<Scalar: TensorFloatingPoint>(_ matrix: SparseMatrix<Scalar>) throws -> LinearSolution {
            let loss: LinearLoss =
                loss == .epsilonInsensitive
                ? .epsilonInsensitive(epsilon) : .squaredEpsilonInsensitive(epsilon)
            return try LinearProblem(matrix, targets: targets, costs: costs, loss: loss, intercept: intercept)
                .solve(solver, limits: limits)
        }
        let solution =
            switch features {
            case .sparse(let matrix): try solve(matrix)
            case .float(let matrix): try solve(matrix.sparse)
            case .double(let matrix): try solve(matrix.sparse)
            }
        return LinearSupportVectorRegressionModel(
            coefficients: solution.weights, intercept: solution.intercept, report: solution.report)
    }
}

extension LinearSupportVectorRegressor: Regressor {
    /// `linear SVR (C 1.0, ε 0.1)`.
    public var name: String { "linear SVR (C \(c), ε \(epsilon))" }

    /// As ``fit(_:_:weights:progress:)``.
    public func fitRegressor(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedRegressor {
        try fit(features, targets, weights: weights, progress: progress)
    }
}

/// A fitted linear support vector regression: y = w·x + b.
public struct LinearSupportVectorRegressionModel: Sendable, Equatable {
    /// w: [D].
    public let coefficients: [Double]
    /// b; 0 where the recipe has none.
    public let intercept: Double
    /// How the solver ended.
    public let report: SolverReport
}

extension LinearSupportVectorRegressionModel: FittedRegressor {
    /// Number of features (D).
    public var featureCount: Int { coefficients.count }

    /// w·x + b for each example.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func predict(_ features: some FeatureMatrix) throws -> [Double] {
        let features = features.features
        try features.checkShape(featureCount: featureCount)
        try features.checkFinite()
        return features.linearValues(
            coefficients: Tensor(shape: [1, featureCount], coefficients), intercepts: [intercept]
        ).elements
    }
}

extension LinearSupportVectorRegressionModel: SavableModel {
    private struct Fields: Codable {
        var report: SolverReport
    }
    private static var kind: String { "linear-support-vector-regression" }

    /// Writes the model to one file (safetensors), atomically.
    public func save(to url: URL) throws {
        try ModelFile.write(to: url, kind: Self.kind, fields: Fields(report: report)) {
            $0.add("coefficients", Tensor(coefficients))
            $0.add("intercept", Tensor([intercept]))
        }
    }

    /// Reads a model that `save` wrote.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let coefficients: Tensor<Double> = try file.tensor("coefficients")
        guard coefficients.rank == 1, coefficients.count > 0 else {
            throw file.malformed("expected a vector, found the shape \(coefficients.shape)", "coefficients")
        }
        let intercept: Tensor<Double> = try file.tensor("intercept", shape: [1])
        self.init(
            coefficients: coefficients.elements, intercept: intercept.elements[0],
            report: try file.decode(Fields.self).report)
    }
}
