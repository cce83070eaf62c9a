import Tensor

extension MarginProblem {
    /// The smallest loss of one margin an example with an intercept and no features (or, without an
    /// intercept, that of the offset alone).
    func interceptOnlyLoss() throws -> Double {
        precondition(outputs == 1, "one margin an example, found \(outputs)")
        let count = design.rowCount
        let empty = Tensor<Double>.zeros([count, 1])
        guard let plain = DesignMatrix(.double(empty), intercept: design.hasIntercept) else { return .nan }
        let problem = MarginProblem(
            design: plain, loss: loss, offset: offset, l1: 0, l2: 0, slopeScale: slopeScale,
            hasFreeIntercepts: false)
        let limits = SolverLimits(tolerance: 1e-12, maximumIterations: 100, progress: nil)
        let start = [Double](repeating: 0, count: problem.order)
        return try NewtonCholesky(problem, limits).minimize(from: start).objective
    }
}
