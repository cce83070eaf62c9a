import Tensor

/// The method by which a linear support vector machine is fitted.
public enum LinearSolver: String, Sendable, Codable, CaseIterable {
    /// Dual coordinate descent for losses that are not smooth and for many features; else, and where it is slow, Newton's
    /// method.
    case automatic
    /// Passes over the examples in random order, each step exact in one dual coefficient.
    case dualCoordinateDescent
    /// Newton's method with conjugate gradients; for the squared losses only.
    case newton
}

extension LinearProblem {
    /// Minimises the objective.
    ///
    /// - Throws: `CancellationError`.
    func solve(_ solver: LinearSolver, limits: LinearSolverLimits) throws -> LinearSolution {
        switch solver {
        case .newton: return try newtonCG(limits: limits)
        case .dualCoordinateDescent: return try dualCoordinateDescent(limits: limits)
        case .automatic:
            guard loss.isSmooth else { return try dualCoordinateDescent(limits: limits) }
            // With few features each pass of coordinate descent works on the same few directions; Newton's method does not
            // mind.
            guard featureCount > rows.rowCount / 20 else { return try newtonCG(limits: limits) }
            var first = limits
            first.iterations = min(limits.iterations, 30)
            let solution = try dualCoordinateDescent(limits: first)
            guard solution.report.stopReason == .iterationLimit, limits.iterations > first.iterations else {
                return solution
            }
            var rest = limits
            rest.iterations -= first.iterations
            let extra = intercept == .absent ? [] : [solution.intercept / intercept.constant]
            var polished = try newtonCG(from: solution.weights + extra, limits: rest)
            polished.report = polished.report.continuing(solution.report)
            return polished
        }
    }
}

extension SolverReport {
    /// This report with the iterations of one before counted too.
    func continuing(_ earlier: SolverReport) -> SolverReport {
        SolverReport(
            solver: earlier.solver + " + " + solver, stopReason: stopReason,
            iterations: earlier.iterations + iterations, objective: objective, violation: violation)
    }
}
