import Tensor

/// Linear regression with an absolute and a squared penalty (elastic net; lasso at ratio 1).
///
/// Minimises over coefficients θ and intercept b, which is not penalised,
///
///     ½ Σ w (y − θᵀx − b)² + λ (ρ ‖θ‖₁ + (1 − ρ) ‖θ‖²)
///
/// so at ρ = 0 it is ``RidgeRegression`` with the same λ. In the terms of others, for N examples of weight 1: scikit-learn's
/// `Lasso(alpha: λ/N)`, and `ElasticNet(alpha:, l1_ratio:)` with alpha · l1_ratio = λρ/N and alpha · (1 − l1_ratio) = 2λ(1 − ρ)/N;
/// glmnet with `standardize = FALSE` and the same two products, its λ for alpha and its alpha for l1_ratio.
///
/// ```swift
/// let lasso = try LassoRegression(lambda: 3).fit(features, targets)
/// let path = try ElasticNet.path(ratio: 0.9).fit(features, targets, folds: 5)
/// path.lambdaOneStandardError; path.simplest.coefficients
/// ```
///
/// By coordinate descent on the features that strong rules leave, until the duality gap is small (Friedman, Hastie, Tibshirani,
/// Journal of Statistical Software 33, 2010; Tibshirani et al., JRSS B 74, 2012).
public struct ElasticNet: Sendable, Equatable {
    /// The weight λ of the penalty, at least 0.
    public var lambda: Double
    /// The part ρ of the penalty that is absolute, 0...1.
    public var ratio: Double
    /// Everything else.
    public var options: Options

    /// What the recipes of the family have in common.
    public struct Options: Sendable, Equatable {
        /// Whether the model has an intercept.
        public var hasIntercept: Bool
        /// Whether coefficients must not be negative.
        public var isNonnegative: Bool
        /// A factor on λ for each feature, at least 0; 0 does not penalise it. nil is 1 for all.
        public var penaltyFactors: [Double]?
        /// The solver stops when the duality gap is at most this part of ½ Σ w (y − ȳ)².
        public var tolerance: Double
        /// The solver stops after this many passes over the features.
        public var iterationLimit: Int

        /// Creates options.
        public init(
            hasIntercept: Bool = true, isNonnegative: Bool = false, penaltyFactors: [Double]? = nil,
            tolerance: Double = 1e-10, iterationLimit: Int = 100_000
        ) {
            self.hasIntercept = hasIntercept
            self.isNonnegative = isNonnegative
            self.penaltyFactors = penaltyFactors
            self.tolerance = tolerance
            self.iterationLimit = iterationLimit
        }
    }

    /// Creates a recipe.
    public init(lambda: Double, ratio: Double, options: Options = Options()) {
        self.lambda = lambda
        self.ratio = ratio
        self.options = options
    }

    /// Fits the recipe to N examples of D features.
    ///
    /// - Parameters:
    ///   - features: [N, D], dense in either precision or sparse.
    ///   - targets: One number an example.
    ///   - weights: How much each example counts, at least 0; nil counts all the same.
    ///   - progress: Called for every round of passes; may stop them.
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.invalidOption`, `.tooLarge`; `.unsupported` for several
    ///   targets; `CancellationError`.
    public func fit(
        _ features: some FeatureMatrix, _ targets: some RegressionTargets, weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> ElasticNetModel {
        let path = ElasticNetPath(lambdas: [lambda], ratio: ratio, options: options)
        return try path.fit(features, targets, weights: weights, progress: progress).best
    }

    /// A recipe for the models of many penalties, each starting from the one before.
    public static func path(
        ratio: Double, lambdas: LambdaSequence = .automatic(), options: Options = Options()
    ) -> ElasticNetPath {
        ElasticNetPath(lambdas: lambdas, ratio: ratio, options: options)
    }
}

extension ElasticNet: Regressor {
    /// `elastic net(λ, ρ)`.
    public var name: String { "elastic net(\(lambda), \(ratio))" }

    /// As ``fit(_:_:weights:progress:)``, for model selection.
    public func fitRegressor(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedRegressor {
        try fit(features, targets, weights: weights, progress: progress)
    }
}

/// Linear regression with an absolute penalty: ½ Σ w (y − θᵀx − b)² + λ ‖θ‖₁, which sets coefficients to 0.
///
/// It is ``ElasticNet`` with the ratio 1, and scikit-learn's `Lasso(alpha: λ/N)` (Tibshirani, JRSS B 58, 1996).
public struct LassoRegression: Sendable, Equatable {
    /// The weight λ of the penalty, at least 0.
    public var lambda: Double
    /// Everything else.
    public var options: ElasticNet.Options

    /// Creates a recipe.
    public init(lambda: Double, options: ElasticNet.Options = .init()) {
        self.lambda = lambda
        self.options = options
    }

    /// Fits the recipe to N examples of D features; see ``ElasticNet/fit(_:_:weights:progress:)``.
    public func fit(
        _ features: some FeatureMatrix, _ targets: some RegressionTargets, weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> ElasticNetModel {
        try ElasticNet(lambda: lambda, ratio: 1, options: options)
            .fit(features, targets, weights: weights, progress: progress)
    }

    /// A recipe for the models of many penalties, each starting from the one before.
    public static func path(
        lambdas: LambdaSequence = .automatic(), options: ElasticNet.Options = .init()
    ) -> ElasticNetPath {
        ElasticNetPath(lambdas: lambdas, ratio: 1, options: options)
    }
}

extension LassoRegression: Regressor {
    /// `lasso(λ)`.
    public var name: String { "lasso(\(lambda))" }

    /// As ``fit(_:_:weights:progress:)``, for model selection.
    public func fitRegressor(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedRegressor {
        try fit(features, targets, weights: weights, progress: progress)
    }
}
