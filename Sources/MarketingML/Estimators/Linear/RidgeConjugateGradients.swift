import Tensor

/// Conjugate gradients on the normal equations of a ridge problem (Hestenes and Stiefel, 1952), preconditioned.
///
/// It starts with the diagonal. Where a few iterations show that to be slow, and there are many more examples than features, it goes
/// on with the normal matrix of a sample of examples: the condition number then is about (1 + √(D/m))²/(1 − √(D/m))² for m examples of
/// a kind, however ill-conditioned the features are.
struct RidgeConjugateGradients {
    private let system: RidgeSystem
    private let data: RegressionData
    private let lambda: Double
    private let tolerance: Double
    private let iterationLimit: Int
    private var preconditioner: Preconditioner

    private enum Preconditioner {
        case diagonal([Double])
        case sample(CholeskyFactor)

        func solve(_ right: [Double]) -> [Double] {
            switch self {
            case .diagonal(let diagonal): zip(right, diagonal).map { $0 / $1 }
            case .sample(let factor): factor.solve(right)
            }
        }
    }

    init(
        _ system: RidgeSystem, _ data: RegressionData, lambda: Double, tolerance: Double, iterationLimit: Int
    ) {
        self.system = system
        self.data = data
        self.lambda = lambda
        self.tolerance = tolerance
        self.iterationLimit = iterationLimit
        preconditioner = .diagonal(RidgeConjugateGradients.diagonal(system, data, lambda))
    }

    mutating func solve(target: Int, _ progress: ProgressHandler?) throws -> (
        theta: [Double], report: SolverReport
    ) {
        let right = system.cross[target]
        let square = system.targetSquare(target)
        var theta = [Double](repeating: 0, count: right.count)
        var residual = right
        var scaled = preconditioner.solve(residual)
        var direction = scaled
        var norm = dot(residual, scaled)
        // In the norm of the present preconditioner.
        var initial = norm
        var checkpoint = (iteration: 0, norm: norm)
        var iteration = 0
        var reason = SolverReport.StopReason.converged
        while norm > tolerance * tolerance * initial, norm > 0 {
            guard iteration < iterationLimit else {
                reason = .iterationLimit
                break
            }
            try Task.checkCancellation()
            let product = system.normalTimes(direction, lambda: lambda)
            let curvature = dot(direction, product)
            guard curvature > 0 else {
                reason = .noFurtherProgress
                break
            }
            let step = norm / curvature
            for index in theta.indices {
                theta[index] += step * direction[index]
                residual[index] -= step * product[index]
            }
            iteration += 1
            scaled = preconditioner.solve(residual)
            let next = dot(residual, scaled)
            if iteration == checkpoint.iteration + 4 {
                // A gradient that did not fall to less than a third an iteration calls for the better preconditioner.
                let isSlow = next > checkpoint.norm * 1e-4
                checkpoint = (iteration, next)
                if isSlow, case .diagonal = preconditioner, let factor = sampleFactor() {
                    preconditioner = .sample(factor)
                    initial = dot(right, factor.solve(right))
                    scaled = factor.solve(residual)
                    direction = scaled
                    norm = dot(residual, scaled)
                    continue
                }
            }
            let ratio = next / norm
            for index in direction.indices { direction[index] = scaled[index] + ratio * direction[index] }
            norm = next
            if let progress {
                let event = ProgressEvent(
                    phase: .other("conjugate gradients"), step: iteration, total: iterationLimit,
                    loss: objective(theta, right, residual, square), rateUnit: "iterations")
                if progress(event) == .stop {
                    reason = .stopped
                    break
                }
            }
        }
        let report = SolverReport(
            solver: isSampled ? "conjugate gradients, sample preconditioner" : "conjugate gradients",
            stopReason: reason, iterations: iteration, objective: objective(theta, right, residual, square),
            violation: initial > 0 ? (norm / initial).squareRoot() : 0)
        return (theta, report)
    }

    private var isSampled: Bool {
        if case .sample = preconditioner { return true }
        return false
    }

    /// ½ Σ w (y − θᵀx − b)² + λ‖θ‖² from the right side and the residual of the normal equations.
    private func objective(_ theta: [Double], _ right: [Double], _ residual: [Double], _ square: Double)
        -> Double
    {
        max(0, square - dot(theta, right) - dot(theta, residual)) / 2
    }

    /// The diagonal of the normal matrix: of sparse features exactly, of dense ones from a sample.
    private static func diagonal(_ system: RidgeSystem, _ data: RegressionData, _ lambda: Double) -> [Double]
    {
        var squares: [Double]
        var means = system.featureMeans
        var total = system.weightSum
        switch data.features {
        case .sparse(let matrix): squares = SparseProducts(matrix).gramDiagonal(weights: data.weights)
        case .float(let matrix): (squares, means, total) = sampledSquares(matrix, means, system.weightSum)
        case .double(let matrix): (squares, means, total) = sampledSquares(matrix, means, system.weightSum)
        }
        for index in squares.indices { squares[index] -= total * means[index] * means[index] }
        // A column that the sample does not see, or of zeros, takes part with the average weight.
        let average = max(squares.reduce(0) { $0 + max(0, $1) } / Double(squares.count), 1e-300)
        return squares.map { ($0 > 1e-12 * average ? $0 : average) + 2 * lambda }
    }

    /// Σ w (x − x̄)² of each column, as some examples have it; with the means and weight that remain to be taken off.
    private static func sampledSquares<Scalar: TensorFloatingPoint>(
        _ matrix: Tensor<Scalar>, _ means: [Double], _ weightSum: Double
    ) -> (squares: [Double], means: [Double], total: Double) {
        let count = matrix.shape[0]
        let size = min(512, count)
        let width = matrix.shape[1]
        var squares = [Double](repeating: 0, count: width)
        matrix.withUnsafeElements { all in
            for sample in 0..<size {
                let row = sample * count / size * width
                for column in 0..<width {
                    let value = Double(all[row + column]) - means[column]
                    squares[column] += value * value
                }
            }
        }
        let scale = weightSum / Double(size)
        return (squares.map { $0 * scale }, means, 0)
    }

    /// The factor of the normal matrix of a sample, scaled up; nil where it would cost too much or not be definite.
    private func sampleFactor() -> CholeskyFactor? {
        let width = data.featureCount
        let size = 8 * width
        guard width <= 8192, size <= data.exampleCount / 2 else { return nil }
        let indices = (0..<size).map { $0 * data.exampleCount / size }
        let weights = data.weights.map { weights in indices.map { weights[$0] } }
        let total = weights.map { $0.reduce(0, +) } ?? Double(size)
        guard total > 0 else { return nil }
        var matrix: [Double]
        switch data.features {
        case .float(let rows):
            matrix = gramMatrix(
                SelectedRows(rows, indices), shift: system.featureMeans.map { Float($0) }, weights: weights)
        case .double(let rows):
            matrix = gramMatrix(SelectedRows(rows, indices), shift: system.featureMeans, weights: weights)
        case .sparse: return nil
        }
        let scale = system.weightSum / total
        for index in matrix.indices { matrix[index] *= scale }
        for index in 0..<width { matrix[index * width + index] += 2 * lambda }
        return CholeskyFactor(matrix, order: width)
    }
}
