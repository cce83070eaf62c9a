import Tensor

/// Regression of counts such as visits and orders: Poisson's distribution; see
/// ``GeneralizedLinearRegression``.
///
/// ```swift
/// let visits = try PoissonRegression().fit(features, counts, exposure: days)
/// print(try visits.summary(.hc1))
/// ```
public struct PoissonRegression: GeneralizedLinearRegression {
    /// What keeps the coefficients small.
    public var penalty: Penalty
    /// Whether there is an intercept, which is never penalised.
    public var hasIntercept: Bool
    /// The method.
    public var solver: LinearModelSolver
    /// The gradient's size at which a solver has converged: above 0.
    public var tolerance: Double
    /// The number of iterations after which a solver gives up; nil for 100 of Newton's method and 2000 of
    /// others.
    public var maximumIterations: Int?

    /// Poisson.
    public var family: GeneralizedLinearFamily { .poisson }

    /// Creates a recipe.
    public init(
        _ penalty: Penalty = .none, intercept: Bool = true, solver: LinearModelSolver = .automatic,
        tolerance: Double = 1e-8, maximumIterations: Int? = nil
    ) {
        self.penalty = penalty
        hasIntercept = intercept
        self.solver = solver
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
    }
}

/// Regression of positive amounts such as spend whose spread grows with their mean: the gamma distribution;
/// see ``GeneralizedLinearRegression``.
public struct GammaRegression: GeneralizedLinearRegression {
    /// What keeps the coefficients small.
    public var penalty: Penalty
    /// Whether there is an intercept, which is never penalised.
    public var hasIntercept: Bool
    /// The method.
    public var solver: LinearModelSolver
    /// The gradient's size at which a solver has converged: above 0.
    public var tolerance: Double
    /// The number of iterations after which a solver gives up; nil for 100 of Newton's method and 2000 of
    /// others.
    public var maximumIterations: Int?

    /// Gamma.
    public var family: GeneralizedLinearFamily { .gamma }

    /// Creates a recipe.
    public init(
        _ penalty: Penalty = .none, intercept: Bool = true, solver: LinearModelSolver = .automatic,
        tolerance: Double = 1e-8, maximumIterations: Int? = nil
    ) {
        self.penalty = penalty
        hasIntercept = intercept
        self.solver = solver
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
    }
}

/// Regression of amounts that may be 0, such as spend of all customers, buyers or not: Tweedie's
/// distribution; see ``GeneralizedLinearRegression``.
public struct TweedieRegression: GeneralizedLinearRegression {
    /// The power of the mean to which the variance is proportional: at least 1; between 1 and 2 for amounts
    /// that may be 0.
    public var power: Double
    /// What keeps the coefficients small.
    public var penalty: Penalty
    /// Whether there is an intercept, which is never penalised.
    public var hasIntercept: Bool
    /// The method.
    public var solver: LinearModelSolver
    /// The gradient's size at which a solver has converged: above 0.
    public var tolerance: Double
    /// The number of iterations after which a solver gives up; nil for 100 of Newton's method and 2000 of
    /// others.
    public var maximumIterations: Int?

    /// Tweedie with the power.
    public var family: GeneralizedLinearFamily { .tweedie(power: power) }

    /// Creates a recipe.
    public init(
        power: Double, _ penalty: Penalty = .none, intercept: Bool = true,
        solver: LinearModelSolver = .automatic,
        tolerance: Double = 1e-8, maximumIterations: Int? = nil
    ) {
        self.power = power
        self.penalty = penalty
        hasIntercept = intercept
        self.solver = solver
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
    }
}
