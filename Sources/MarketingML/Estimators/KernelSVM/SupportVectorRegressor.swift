import Tensor

/// A recipe for regression by a support vector machine (ε-SVR):
///
///     minimise ½ ‖w‖² + Σ C uᵢ max(0, |yᵢ − w·φ(xᵢ) − b| − ε),
///
/// where k(x, z) = φ(x)·φ(z) is the kernel and uᵢ the weight of an example.
///
/// ```swift
/// let model = try SupportVectorRegressor(kernel: .rbf(gamma: .scale), c: 1, epsilon: 0.1).fit(features, spend)
/// ```
///
/// Standardise features and targets first.
///
/// Reference: Smola, Schölkopf: A Tutorial on Support Vector Regression, 2004, doi:10.1023/B:STCO.0000035301.49549.88.
public struct SupportVectorRegressor: Regressor, Sendable, Equatable {
    /// How alike two examples are.
    public var kernel: SupportVectorKernel
    /// What an error costs (C); above 0.
    public var c: Double
    /// Errors up to this cost nothing (ε), in the targets' unit; at least 0.
    public var epsilon: Double
    /// When the solver stops, and its memory.
    public var solver: KernelSolverOptions

    /// Creates a recipe.
    public init(
        kernel: SupportVectorKernel = .rbf(gamma: .scale), c: Double = 1, epsilon: Double = 0.1,
        solver: KernelSolverOptions = .init()
    ) {
        self.kernel = kernel
        self.c = c
        self.epsilon = epsilon
        self.solver = solver
    }

    /// The kind of machine with its kernel, C and ε.
    public var name: String { "SVR \(kernel.name), C = \(c), ε = \(epsilon)" }

    /// Fits the machine to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D], dense or sparse; kernel values [N, N] if they are precomputed.
    ///   - targets: The number of each example.
    ///   - weights: What multiplies C for each example, at least 0.
    ///   - progress: Called between the solver's rounds; may stop it.
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.invalidOption`, `.tooLarge` if kernel values overflow;
    ///   `CancellationError`.
    public func fit(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> SupportVectorRegressionModel {
        guard epsilon >= 0, epsilon.isFinite else {
            throw invalid("epsilon", "at least 0 and finite", epsilon)
        }
        return try RegressionFit(kernel: kernel, c: c, solver: solver).fit(
            features.features, targets, weights, progress
        ) { bounds in
            .regression(targets: targets, bounds: bounds, epsilon: epsilon)
        }
    }

    /// As `fit`.
    public func fitRegressor(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedRegressor {
        try fit(features, targets, weights: weights, progress: progress)
    }
}

/// A recipe for regression by a support vector machine (ν-SVR) that finds the ε of ``SupportVectorRegressor`` itself: ν is at most the
/// share of support vectors among the examples, and at least that of errors above ε.
///
/// Reference: Schölkopf, Smola, Williamson, Bartlett: New Support Vector Algorithms, Neural Computation 12 (2000),
/// doi:10.1162/089976600300015565.
public struct NuSupportVectorRegressor: Regressor, Sendable, Equatable {
    /// How alike two examples are.
    public var kernel: SupportVectorKernel
    /// ν, above 0 and at most 1.
    public var nu: Double
    /// What an error costs (C); above 0.
    public var c: Double
    /// When the solver stops, and its memory.
    public var solver: KernelSolverOptions

    /// Creates a recipe.
    public init(
        kernel: SupportVectorKernel = .rbf(gamma: .scale), nu: Double = 0.5, c: Double = 1,
        solver: KernelSolverOptions = .init()
    ) {
        self.kernel = kernel
        self.nu = nu
        self.c = c
        self.solver = solver
    }

    /// The kind of machine with its kernel, ν and C.
    public var name: String { "ν-SVR \(kernel.name), ν = \(nu), C = \(c)" }

    /// Fits the machine to N examples. As ``SupportVectorRegressor/fit(_:_:weights:progress:)``.
    public func fit(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> SupportVectorRegressionModel {
        guard nu > 0, nu <= 1 else { throw invalid("nu", "above 0 and at most 1", nu) }
        return try RegressionFit(kernel: kernel, c: c, solver: solver, findsEpsilon: true).fit(
            features.features, targets, weights, progress
        ) { bounds in
            .nuRegression(targets: targets, bounds: bounds, total: nu * bounds.reduce(0, +))
        }
    }

    /// As `fit`.
    public func fitRegressor(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedRegressor {
        try fit(features, targets, weights: weights, progress: progress)
    }
}

/// What both regressions share.
private struct RegressionFit {
    let kernel: SupportVectorKernel
    let c: Double
    let solver: KernelSolverOptions
    var findsEpsilon = false

    func fit(
        _ features: Features, _ targets: [Double], _ weights: [Double]?, _ handler: ProgressHandler?,
        _ problem: (_ bounds: [Double]) -> DualProblem
    ) throws -> SupportVectorRegressionModel {
        guard c > 0, c.isFinite else { throw invalid("c", "above 0 and finite", c) }
        try solver.check()
        let training = try TrainingKernel(kernel, features)
        try ExampleValues.checkTargets(targets, count: features.exampleCount)
        let bounds = try ExampleValues.weights(weights, count: features.exampleCount).map { c * $0 }
        var progress = KernelFitProgress(handler, problems: 1)
        let solution = try progress.solve(training, problem(bounds), solver)
        return SupportVectorRegressionModel(
            expansion: try SupportVectorExpansion(training, coefficients: [solution.coefficients]),
            intercept: solution.intercept, epsilon: findsEpsilon ? -solution.width : nil,
            report: solution.report)
    }
}

/// A fitted regression by a support vector machine.
public struct SupportVectorRegressionModel: FittedRegressor {
    /// b of the prediction Σ βⱼ k(x, xⱼ) + b.
    public let intercept: Double
    /// The ε that ν-SVR found; nil where it was given.
    public let epsilon: Double?
    /// How the solver ended; nil for a model that another program has fitted.
    public let report: SolverReport?
    let expansion: SupportVectorExpansion

    /// Number of features (D) that it was fitted on; of examples, for a precomputed kernel.
    public var featureCount: Int { expansion.featureCount }
    /// The kernel, with γ as a number.
    public var kernel: SupportVectorKernel { expansion.kernel }
    /// The support vectors [M, D]; nil for a precomputed kernel.
    public var supportVectors: Features? { expansion.vectors }
    /// Where the support vectors stand among the training examples, from 0; empty for a model that another program has fitted on
    /// features.
    public var supportIndices: [Int] { expansion.indices }
    /// The coefficient βⱼ of each support vector.
    public var dualCoefficients: [Double] { expansion.coefficients[0] }

    init(expansion: SupportVectorExpansion, intercept: Double, epsilon: Double?, report: SolverReport?) {
        self.expansion = expansion
        self.intercept = intercept
        self.epsilon = epsilon
        self.report = report
    }

    /// The predicted number of each example.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func predict(_ features: some FeatureMatrix) throws -> [Double] {
        try expansion.sums(features.features).elements.map { $0 + intercept }
    }
}
