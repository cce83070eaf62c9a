import Tensor

/// What a linear model adds to the features' terms.
public enum LinearIntercept: Sendable, Equatable, Codable {
    /// An intercept that is not penalised.
    case free
    /// None: the model goes through the origin.
    case absent
    /// LIBLINEAR's bias (`-B scale`): one more feature that is `scale` everywhere, whose coefficient is penalised as the others
    /// are. The intercept is `scale` times that coefficient; the larger the scale, the less it is held back.
    case penalized(scale: Double)

    /// What the additional column holds while solving; 0 for none.
    var constant: Double {
        switch self {
        case .free: 1
        case .absent: 0
        case .penalized(let scale): scale
        }
    }

    func check() throws(MarketingMLError) {
        if case .penalized(let scale) = self, !(scale > 0 && scale.isFinite) {
            throw MarketingMLError(.invalidOption, "the intercept's scale must be above 0, found \(scale)")
        }
    }
}

/// What the linear solvers minimise, for N examples of D features:
///
///     ½‖w‖² + Σᵢ costᵢ loss(yᵢ, w·xᵢ + b)
///
/// over w and b; with a penalised intercept ½ (b / scale)² is added.
struct LinearProblem<Scalar: TensorFloatingPoint>: Sendable {
    /// X, with the intercept's column.
    let rows: SparseProducts<Scalar>
    /// y: ±1 or, for regression, any number: [N].
    let targets: [Double]
    /// [N], at least 0.
    let costs: [Double]
    let loss: LinearLoss
    let intercept: LinearIntercept

    init(
        _ matrix: SparseMatrix<Scalar>, targets: [Double], costs: [Double], loss: LinearLoss,
        intercept: LinearIntercept
    ) {
        rows = SparseProducts(matrix, constant: intercept.constant)
        self.targets = targets
        self.costs = costs
        self.loss = loss
        self.intercept = intercept
    }

    /// The same features and options for another class.
    init(_ other: LinearProblem, targets: [Double], costs: [Double]) {
        rows = other.rows
        self.targets = targets
        self.costs = costs
        loss = other.loss
        intercept = other.intercept
    }

    /// Number of features (D).
    var featureCount: Int { rows.matrix.columnCount }

    /// The penalty's factor of the intercept's column.
    var interceptPenalty: Double { intercept == .free ? 0 : 1 }

    /// ½‖w‖², the intercept's coefficient counted as far as it is penalised.
    func halfSquare(_ w: [Double]) -> Double {
        let total = VectorMath.dot(w, w)
        guard intercept == .free, let last = w.last else { return total / 2 }
        return (total - last * last) / 2
    }

    /// A solution from the coefficients of all columns. `offset` is added to every value.
    func solution(_ w: [Double], offset: Double = 0, report: SolverReport) -> LinearSolution {
        let extra = intercept == .absent ? 0 : (w.last ?? 0) * intercept.constant
        return LinearSolution(
            weights: Array(w.prefix(featureCount)), intercept: offset + extra, report: report)
    }
}

/// What a linear solver found.
struct LinearSolution: Sendable {
    /// w: [D].
    var weights: [Double]
    /// b; 0 where there is none.
    var intercept: Double
    /// How it ended.
    var report: SolverReport
}

/// When a linear solver stops, and whom it tells.
struct LinearSolverLimits {
    /// The relative suboptimality to reach, as far as the solver can bound or estimate it: (objective − optimum) / objective.
    var tolerance = 1e-4
    /// The number of iterations (Newton steps, passes over the examples) after which it gives up.
    var iterations = 1000
    /// Seed of the order in which coordinate descent visits examples.
    var seed: UInt64 = 0
    /// Called once an iteration.
    var progress: ProgressHandler?

    /// Whether to go on.
    ///
    /// - Throws: `CancellationError`.
    func goOn(_ iteration: Int, loss: Double?) throws -> Bool {
        try Task.checkCancellation()
        guard let progress else { return true }
        let event = ProgressEvent(
            phase: .training(epoch: iteration, of: iterations), step: iteration, total: iterations, loss: loss
        )
        return progress(event) == .continue
    }
}
