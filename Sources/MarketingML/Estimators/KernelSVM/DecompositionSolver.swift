import Tensor

/// Solves a ``DualProblem`` by decomposition: a few hundred variables at a time are brought to their optimum by sequential minimal
/// optimisation on a small block of kernel values, then the gradient of all follows in one pass.
///
/// A kernel row is so computed in a block with hundreds of others, by a matrix product, and read once for many steps. No example
/// is set aside (shrinking): a row is computed about once in a fit, and the gradient stays that of all variables.
///
/// References: Joachims: Making Large-Scale SVM Learning Practical, 1998; Fan, Chen, Lin, JMLR 6 (2005) 1889–1918; Wen et al.:
/// ThunderSVM, JMLR 19 (2018).
struct DecompositionSolver<Rows: KernelRows> {
    /// Variables of a working set. 512 took less time than 256 and 1024.
    static var workingSetSize: Int { 512 }

    let problem: DualProblem
    let rows: Rows
    let options: KernelSolverOptions

    private var alpha: [Double]
    /// Kβ.
    private var products: [Double]
    private var steps = 0

    init(_ problem: DualProblem, _ rows: Rows, _ options: KernelSolverOptions) {
        self.problem = problem
        self.rows = rows
        self.options = options
        alpha = problem.start
        products = [Double](repeating: 0, count: problem.exampleCount)
    }

    /// - Parameter report: Is told the steps made and the objective, and answers whether to go on; nil if nobody asks.
    /// - Throws: `CancellationError`.
    mutating func solve(_ report: ((_ steps: Int, _ objective: Double) -> ProgressResponse)?) throws
        -> DualSolution
    {
        startProducts()
        var set = WorkingSet(size: min(Self.workingSetSize, rows.capacity), variableCount: problem.count)
        var values = [Double](repeating: 0, count: problem.count)
        while true {
            for k in values.indices {
                values[k] = -products[problem.examples[k]] - problem.signs[k] * problem.linear[k]
            }
            set.select(problem, alpha: alpha, values: values, tolerance: options.tolerance)
            var reason: SolverReport.StopReason?
            if set.violation < options.tolerance {
                reason = .converged
            } else if steps >= options.maximumIterations {
                reason = .iterationLimit
            } else if let report, report(steps, objective) == .stop {
                reason = .stopped
            } else {
                try Task.checkCancellation()
                if !improve(set, values) { reason = .noFurtherProgress }
            }
            if let reason { return solution(set, reason) }
        }
    }

    /// Kβ of the start.
    private mutating func startProducts() {
        let coefficients = problem.coefficients(alpha)
        let used = coefficients.indices.filter { coefficients[$0] != 0 }
        let block = min(Self.workingSetSize, rows.capacity)
        for first in stride(from: 0, to: used.count, by: block) {
            let part = Array(used[first..<min(used.count, first + block)])
            KernelSums.add(rows.rows(part), weights: part.map { coefficients[$0] }, to: &products)
        }
    }

    /// Brings the working set to its optimum; false if nothing moved.
    private mutating func improve(_ set: WorkingSet, _ values: [Double]) -> Bool {
        let chosen = set.variables
        let kernelRows = rows.rows(chosen.map { problem.examples[$0] })
        var block = SequentialMinimalOptimization(
            rows: kernelRows, columns: chosen.map { Int32(problem.examples[$0]) },
            sign: chosen.map { problem.signs[$0] }, bound: chosen.map { problem.bounds[$0] },
            alpha: chosen.map { alpha[$0] }, value: chosen.map { values[$0] },
            group: problem.keepsSumOfEachSign ? chosen.map { problem.signs[$0] > 0 ? 0 : 1 } : nil)
        // As exactly as the rest deserves; a set that holds all variables to the end.
        let tolerance = max(0.5 * options.tolerance, 0.1 * set.violation)
        let limit = chosen.count == problem.count ? 100_000 : 20 * chosen.count
        let result = block.solve(tolerance: tolerance, limit: min(limit, options.maximumIterations - steps))
        steps += result.steps

        var moved: [UnsafePointer<Rows.Scalar>] = []
        var changes: [Double] = []
        for (place, variable) in chosen.enumerated() where result.alpha[place] != alpha[variable] {
            moved.append(kernelRows[place])
            changes.append(problem.signs[variable] * (result.alpha[place] - alpha[variable]))
            alpha[variable] = result.alpha[place]
        }
        KernelSums.add(moved, weights: changes, to: &products)
        return !moved.isEmpty
    }

    private var objective: Double {
        let coefficients = problem.coefficients(alpha)
        let quadratic = zip(coefficients, products).reduce(0) { $0 + $1.0 * $1.1 }
        return 0.5 * quadratic + zip(problem.linear, alpha).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private func solution(_ set: WorkingSet, _ reason: SolverReport.StopReason) -> DualSolution {
        let first = set.levels[0].value
        let last = set.levels[set.levels.count - 1].value
        return DualSolution(
            alpha: alpha, coefficients: problem.coefficients(alpha), intercept: (first + last) / 2,
            width: (last - first) / 2,
            report: SolverReport(
                solver: "decomposition", stopReason: reason, iterations: steps, objective: objective,
                violation: set.violation))
    }
}
