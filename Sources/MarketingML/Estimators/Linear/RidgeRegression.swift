import Tensor

/// Linear regression with a squared penalty (ridge; ordinary least squares at λ = 0).
///
/// Minimises over coefficients θ and intercept b, which is not penalised,
///
///     ½ Σ w (y − θᵀx − b)² + λ ‖θ‖²
///
/// so the normal matrix is XᵀWX + 2λI. In the terms of others: scikit-learn's `Ridge(alpha: 2λ)`; glmnet with `alpha` = 0,
/// `standardize = FALSE` and its λ equal to 2λ/N for targets with standard deviation 1.
///
/// ```swift
/// let ridge = try RidgeRegression(lambda: 0.5).fit(features, targets)
/// ridge.coefficients; ridge.intercept
/// let predicted = try ridge.predict(newFeatures)
/// ```
///
/// At λ = 0 the model's ``RidgeModel/summary(names:level:)`` has standard errors, t and p-values.
///
/// Reference: Hoerl and Kennard, Technometrics 12 (1970).
public struct RidgeRegression: Sendable, Equatable {
    /// How the solution is computed.
    public enum Solver: String, Sendable, Codable, CaseIterable {
        /// By shape: Cholesky, its form in the examples for fewer examples than features, the singular values where the problem is
        /// too ill-conditioned for them, conjugate gradients for many features.
        case automatic
        /// The normal equations from one pass over the features; with fewer examples than features, those of the dual problem.
        case cholesky
        /// Singular values, from a streaming QR factorisation: does not square the condition number, and gives the solution of
        /// least norm at λ = 0.
        case svd
        /// Conjugate gradients on the normal equations, preconditioned by the diagonal, or by the normal matrix of a sample of
        /// examples where that is too slow.
        case conjugateGradient
    }

    /// The weight λ of the penalty, at least 0.
    public var lambda: Double
    /// Whether the model has an intercept.
    public var hasIntercept: Bool
    /// How the solution is computed.
    public var solver: Solver
    /// Conjugate gradients stop when the gradient has fallen to this part of what it was at θ = 0.
    public var tolerance: Double
    /// Conjugate gradients stop after this many iterations.
    public var iterationLimit: Int
    /// How standard errors are estimated at λ = 0.
    public var covariance: CovarianceKind

    /// Creates a recipe.
    public init(
        lambda: Double, hasIntercept: Bool = true, solver: Solver = .automatic, tolerance: Double = 1e-8,
        iterationLimit: Int = 1000, covariance: CovarianceKind = .classical
    ) {
        self.lambda = lambda
        self.hasIntercept = hasIntercept
        self.solver = solver
        self.tolerance = tolerance
        self.iterationLimit = iterationLimit
        self.covariance = covariance
    }

    /// Fits the recipe to N examples of D features.
    ///
    /// - Parameters:
    ///   - features: [N, D], dense in either precision or sparse.
    ///   - targets: One number an example, or a tensor [N, T] for T models on the same features.
    ///   - weights: How much each example counts, at least 0; nil counts all the same.
    ///   - progress: Called for every iteration of conjugate gradients; may stop them.
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.invalidOption`, `.tooLarge` for numbers whose squares
    ///   overflow; `CancellationError`.
    /// - Complexity: Cholesky O(N D² + D³); conjugate gradients O(N D) an iteration. Dense features are never copied.
    public func fit(
        _ features: some FeatureMatrix, _ targets: some RegressionTargets, weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> RidgeModel {
        try check()
        let data = try RegressionData(features, targets, weights)
        let fit = try RidgeFit(data, self, progress)
        return RidgeModel(
            LinearPredictor(coefficients: fit.coefficients, intercepts: fit.intercepts, of: data),
            lambda: lambda,
            report: fit.report, inference: try LeastSquaresInference.of(fit, data, self))
    }

    private func check() throws(MarketingMLError) {
        try LeastSquaresOptions.check(lambda: lambda)
        try LeastSquaresOptions.check(tolerance: tolerance, iterationLimit: iterationLimit)
    }
}

extension RidgeRegression: Regressor {
    /// `ridge(λ)`.
    public var name: String { "ridge(\(lambda))" }

    /// As ``fit(_:_:weights:progress:)``, for model selection.
    public func fitRegressor(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedRegressor {
        try fit(features, targets, weights: weights, progress: progress)
    }
}

/// Checks of options that the linear recipes share.
enum LeastSquaresOptions {
    static func check(lambda: Double) throws(MarketingMLError) {
        guard lambda >= 0, lambda < .infinity else {
            throw MarketingMLError(.invalidOption, "lambda must be finite and at least 0, found \(lambda)")
        }
    }

    static func check(tolerance: Double, iterationLimit: Int) throws(MarketingMLError) {
        guard tolerance > 0, tolerance < 1 else {
            throw MarketingMLError(.invalidOption, "tolerance must be between 0 and 1, found \(tolerance)")
        }
        guard iterationLimit > 0 else {
            throw MarketingMLError(.invalidOption, "iterationLimit must be above 0, found \(iterationLimit)")
        }
    }
}
