import Tensor

/// Matrix factorization for behaviour, by alternating least squares: users and items get factors whose products are near 1 for
/// pairs that were seen and near 0 for all others.
///
/// The loss over users' rows x and items' rows y is
///
///     Σ seen α c (1 − x·y)²  +  w Σ all pairs (x·y)²  +  λ ( Σ (nᵤ + w I)^ν ‖xᵤ‖² + Σ (nᵢ + w U)^ν ‖yᵢ‖² )
///
/// with the confidence c of a pair, U users, I items, and nᵤ, nᵢ interactions of a user or item. An iteration solves for all
/// users, then for all items; every fit ends with the users, exactly, so that ``RecommenderModel/foldIn(history:count:filter:)``
/// gives a training user the factors that the model holds.
///
/// ```swift
/// let model = try ImplicitALS(factors: 64, regularization: 0.05, alpha: 10).fit(train)
/// ```
///
/// Hu, Koren, Volinsky: Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008, doi:10.1109/ICDM.2008.22.
/// Rendle, Krichene, Zhang, Koren: Revisiting the Performance of iALS, RecSys 2022, arXiv:2110.14037: tune w and λ, with ν = 1.
public struct ImplicitALS<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>:
    Recommender
{
    /// The number of factors, 1 to 4,096.
    public var factors: Int
    /// λ, above 0.
    public var regularization: Double
    /// ν: how λ grows with the number of interactions of a user or item. 0: not at all; 1: in proportion, which makes good values
    /// of λ much the same for all data.
    public var regularizationExponent: Double
    /// α, the weight of what was seen, above 0.
    public var alpha: Double
    /// w, the weight of every pair; at least 0.
    public var unobservedWeight: Double
    /// The number of iterations over users and items, at least 1.
    public var iterations: Int
    /// How a user's or item's equations are solved.
    public var solver: ALSSolver
    /// Whether seen pairs are left out of the second sum (see ``huKorenVolinsky(factors:regularization:alpha:iterations:solver:seed:)``).
    public private(set) var excludesSeenFromUnobserved = false
    /// Whether factors must be at least 0 (non-negative matrix factorization): parts that only add up, so that a factor can be read
    /// as a theme and its largest items name it. Rows are then solved by coordinate descent, whatever ``solver`` says.
    public var isNonNegative = false
    /// Whether the loss is computed after each iteration, for `progress` and the report; it costs about as much as a step of
    /// conjugate gradients.
    public var tracksLoss = false
    /// The seed of the first factors.
    public var seed: UInt64

    /// Creates a recipe.
    public init(
        factors: Int = 64, regularization: Double = 0.05, regularizationExponent: Double = 0,
        alpha: Double = 1,
        unobservedWeight: Double = 1, iterations: Int = 15, solver: ALSSolver = .conjugateGradient(),
        isNonNegative: Bool = false, seed: UInt64 = 1
    ) {
        self.factors = factors
        self.regularization = regularization
        self.regularizationExponent = regularizationExponent
        self.alpha = alpha
        self.unobservedWeight = unobservedWeight
        self.iterations = iterations
        self.solver = solver
        self.isNonNegative = isNonNegative
        self.seed = seed
    }

    /// The convention of the Python library implicit: Σ seen [α c (1 − x·y)² − (x·y)²] + Σ all (x·y)² + λ(‖X‖² + ‖Y‖²), in which a
    /// seen pair weighs α c alone, not α c and 1.
    ///
    /// Confidence should be such that α c is at least 1; with less, a seen pair counts for less than an unseen one.
    public static func huKorenVolinsky(
        factors: Int = 64, regularization: Double = 0.01, alpha: Double = 1, iterations: Int = 15,
        solver: ALSSolver = .conjugateGradient(), seed: UInt64 = 1
    ) -> ImplicitALS {
        var recipe = ImplicitALS(
            factors: factors, regularization: regularization, alpha: alpha, iterations: iterations,
            solver: solver,
            seed: seed)
        recipe.excludesSeenFromUnobserved = true
        return recipe
    }

    /// `ALS, 64 factors`.
    public var name: String { "\(isNonNegative ? "non-negative ALS" : "ALS"), \(factors) factors" }

    /// Fits the factors.
    ///
    /// - Throws: `.invalidOption` for an option out of its range, or equations without a solution; `CancellationError`.
    /// - Complexity: An iteration is O(N F steps + (U + I) F²) with conjugate gradients, O(N F² + (U + I) F³) by Cholesky,
    ///   for N interactions and F factors.
    public func fit(_ confidence: Confidence<User, Item>, progress: ProgressHandler?) throws -> Model {
        let options = ALSOptions(self)
        try options.check()
        let interactions = confidence.interactions
        let trainer = ALSTrainer(interactions.matrix, options)
        let (users, items, losses) = try trainer.run(
            solver: solver, iterations: iterations, tracksLoss: tracksLoss, seed: seed, progress: progress)
        return Model(
            catalogue: Catalogue(interactions), options: options, losses: losses,
            factors: FactorPair(
                paddedUsers: users, paddedItems: items, factorCount: factors, usedWidth: factors))
    }
}

/// How the equations of a user or an item are solved.
public enum ALSSolver: Sendable, Equatable, Codable {
    /// A few steps of conjugate gradients from the factors of the iteration before: the cheapest per iteration. They are taken in
    /// the eigenvectors' basis of what all rows share, preconditioned by its eigenvalues: 2 come nearer than 3 without.
    ///
    /// Takács, Pilászy, Tikk: Applications of the Conjugate Gradient Method for Implicit Feedback Collaborative Filtering,
    /// RecSys 2011, doi:10.1145/2043932.2043987.
    case conjugateGradient(steps: Int = 2)
    /// Exactly.
    case cholesky
    /// Blocks of factors in turn, each exactly (iALS++): in between, and the better of the two for hundreds of factors. The size is
    /// rounded up to a multiple of 16.
    ///
    /// Rendle, Krichene, Zhang, Koren: iALS++: Speeding up Matrix Factorization with Subspace Optimization, arXiv:2110.14044.
    case blocks(size: Int = 32)

    var factorSolver: FactorProblem.Solver {
        switch self {
        case .conjugateGradient(let steps): .conjugateGradient(steps: steps)
        case .cholesky: .cholesky
        case .blocks(let size): .blocks(size: size)
        }
    }
}
