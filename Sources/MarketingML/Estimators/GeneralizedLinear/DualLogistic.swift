import Tensor

extension MarginProblem {
    /// The same problem for the linear solvers, which know its dual; nil unless it is that of sparse examples of
    /// two classes with a penalty of squares alone and no offset.
    var dual: LinearProblem<Float>? {
        guard case .sparse(let matrix) = design.rows, l1 == 0, l2 > 0, offset == nil,
            let loss = loss as? SingleMarginLoss, loss.kind == .logistic
        else { return nil }
        return LinearProblem(
            matrix, targets: loss.targets.map { 2 * $0 - 1 },
            costs: (loss.weights ?? Array(repeating: 1, count: loss.targets.count)).map { $0 / l2 },
            loss: .logistic, intercept: design.hasIntercept ? .free : .absent)
    }

    /// Coordinate descent over the dual until the duality gap, in units of the objective, is at most the tolerance,
    /// or until passes stop paying; then Newton's method, whose first look often finds nothing left to do.
    ///
    /// H.-F. Yu, F.-L. Huang and C.-J. Lin, "Dual coordinate descent methods for logistic regression and maximum
    /// entropy models", Machine Learning 85 (2011) 41–75, doi:10.1007/s10994-010-5221-8.
    func minimize(byDual dual: LinearProblem<Float>, limits: SolverLimits) throws -> MarginSolution {
        let passes = min(limits.maximumIterations, 30)
        let first = try dual.dualCoordinateDescent(
            limits: LinearSolverLimits(
                tolerance: limits.tolerance, iterations: passes, progress: limits.progress))
        let start = first.weights + (design.hasIntercept ? [first.intercept] : [])
        var solution: MarginSolution
        if first.report.stopReason == .stopped || passes == limits.maximumIterations {
            let margins = MarginBuffer(self)
            let derivatives = derivatives(at: start, margins: margins, second: .none)
            solution = MarginSolution(self, at: start, margins: margins, derivatives)
            if first.report.stopReason == .stopped { solution.stopReason = .stopped }
            if solution.violation <= limits.tolerance { solution.stopReason = .converged }
        } else {
            var rest = limits
            rest.maximumIterations -= first.report.iterations
            solution = try TrustRegionNewton(problem: self, limits: rest).minimize(from: start)
        }
        solution.iterations += first.report.iterations
        return solution
    }
}
