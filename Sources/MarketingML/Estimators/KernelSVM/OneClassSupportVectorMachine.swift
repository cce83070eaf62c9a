import Tensor

/// A recipe for telling examples like those seen from others (one-class SVM): the largest margin ρ by which the examples are apart from
/// the origin of the kernel's space, with a share ν of them allowed to be nearer.
///
/// ```swift
/// let usual = try OneClassSupportVectorMachine(nu: 0.05).fit(baskets)
/// let suspicious = try usual.decisionValues(of: newBaskets)   // below 0: unlike what was seen
/// ```
///
/// Reference: Schölkopf, Platt, Shawe-Taylor, Smola, Williamson: Estimating the Support of a High-Dimensional Distribution, Neural
/// Computation 13 (2001), doi:10.1162/089976601750264965.
public struct OneClassSupportVectorMachine: Sendable, Equatable {
    /// How alike two examples are.
    public var kernel: SupportVectorKernel
    /// ν, above 0 and at most 1: at most the share of support vectors, at least that of training examples found unlike the rest.
    public var nu: Double
    /// When the solver stops, and its memory.
    public var solver: KernelSolverOptions

    /// Creates a recipe.
    public init(
        kernel: SupportVectorKernel = .rbf(gamma: .scale), nu: Double = 0.5,
        solver: KernelSolverOptions = .init()
    ) {
        self.kernel = kernel
        self.nu = nu
        self.solver = solver
    }

    /// Fits the machine to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D], dense or sparse; kernel values [N, N] if they are precomputed.
    ///   - weights: How much each example counts, at least 0.
    ///   - progress: Called between the solver's rounds; may stop it.
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.invalidOption`, `.tooLarge` if kernel values overflow;
    ///   `CancellationError`.
    public func fit(
        _ features: some FeatureMatrix, weights: [Double]? = nil, progress: ProgressHandler? = nil
    ) throws -> OneClassSupportVectorModel {
        guard nu > 0, nu <= 1 else { throw invalid("nu", "above 0 and at most 1", nu) }
        try solver.check()
        let features = features.features
        let training = try TrainingKernel(kernel, features)
        let bounds = try ExampleValues.weights(weights, count: features.exampleCount)
        var progress = KernelFitProgress(progress, problems: 1)
        let solution = try progress.solve(
            training, .oneClass(bounds: bounds, total: nu * bounds.reduce(0, +)), solver)
        return OneClassSupportVectorModel(
            expansion: try SupportVectorExpansion(training, coefficients: [solution.coefficients]),
            intercept: solution.intercept, report: solution.report)
    }
}

/// A fitted one-class support vector machine.
public struct OneClassSupportVectorModel: Sendable {
    /// −ρ: b of the decision function Σ αⱼ k(x, xⱼ) + b.
    public let intercept: Double
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
    /// The coefficient αⱼ of each support vector.
    public var dualCoefficients: [Double] { expansion.coefficients[0] }

    init(expansion: SupportVectorExpansion, intercept: Double, report: SolverReport?) {
        self.expansion = expansion
        self.intercept = intercept
        self.report = report
    }

    /// The value of the decision function for each example: above 0 for those like what was seen.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func decisionValues(of features: some FeatureMatrix) throws -> [Double] {
        try expansion.sums(features.features).elements.map { $0 + intercept }
    }

    /// Whether each example is like what was seen: a decision value above 0.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func predict(_ features: some FeatureMatrix) throws -> [Bool] {
        try decisionValues(of: features).map { $0 > 0 }
    }
}
