import Tensor

extension LinearProblem {
    /// Newton's method with conjugate gradients, for smooth losses: each step solves Hs = −g to a relative residual of 0.1,
    /// preconditioned by H's diagonal, and is shortened until the objective falls (Armijo).
    ///
    /// A line search needs no pass over X: the values along the step are z + t Xs. One iteration thus costs a product with
    /// X and one with Xᵀ, and one with XᵀDX for each step of conjugate gradients. It stops when the Newton decrement,
    /// ½ gᵀH⁻¹g ≈ −½ gᵀs, which estimates objective − optimum, is at most `tolerance` times the objective.
    ///
    /// References: Lin, Weng and Keerthi, JMLR 9 (2008), as LIBLINEAR's trust-region method; Galli and Lin, ACM TIST 2021,
    /// for line search in its place; Hsia, Chiang and Lin, ACML 2018, for preconditioning.
    ///
    /// - Parameter start: Coefficients of all columns, the intercept's included; nil: zeros.
    func newtonCG(from start: [Double]? = nil, limits: LinearSolverLimits) throws -> LinearSolution {
        precondition(loss.isSmooth, "Newton's method needs a smooth loss, found \(loss)")
        var w = start ?? [Double](repeating: 0, count: rows.width)
        var z = rows.times(w)
        var iterations = 0
        var reason = SolverReport.StopReason.iterationLimit
        var violation = Double.infinity
        var objective = 0.0
        while true {
            let (lossTotal, slope, curvature) = loss.expanded(targets: targets, costs: costs, values: z)
            objective = halfSquare(w) + lossTotal
            guard reason == .iterationLimit, iterations < limits.iterations else { break }
            guard try limits.goOn(iterations, loss: objective) else {
                reason = .stopped
                break
            }
            var gradient = rows.transposedTimes(slope)
            VectorMath.add(1, w, to: &gradient)
            if intercept == .free, let last = w.last { gradient[w.count - 1] -= last }
            let step = newtonStep(gradient: gradient, curvature: curvature)
            let descent = VectorMath.dot(gradient, step)
            violation = -descent / 2 / max(objective, .leastNormalMagnitude)
            guard descent < 0 else {
                // The gradient is zero, or there is no descent left within the number format.
                reason = VectorMath.dot(gradient, gradient) == 0 ? .converged : .noFurtherProgress
                violation = max(0, violation)
                break
            }
            if violation <= limits.tolerance { reason = .converged }
            iterations += 1
            let moved = rows.times(step)
            guard let length = lineSearch(w, step, z, moved, objective: objective, descent: descent) else {
                if reason == .iterationLimit { reason = .noFurtherProgress }
                break
            }
            VectorMath.add(length, step, to: &w)
            VectorMath.add(length, moved, to: &z)
        }
        return solution(
            w,
            report: SolverReport(
                solver: "newton-cg", stopReason: reason, iterations: iterations, objective: objective,
                violation: violation))
    }

    /// The largest of 1, ½, ¼, … by which the step lowers the objective enough.
    private func lineSearch(
        _ w: [Double], _ step: [Double], _ z: [Double], _ moved: [Double], objective: Double, descent: Double
    ) -> Double? {
        let squared = halfSquare(step)
        var cross = VectorMath.dot(w, step)
        if intercept == .free, let a = w.last, let b = step.last { cross -= a * b }
        let start = halfSquare(w)
        var length = 1.0
        for _ in 0..<40 {
            var values = z
            VectorMath.add(length, moved, to: &values)
            let value =
                start + length * (cross + length * squared)
                + loss.total(targets: targets, costs: costs, values: values)
            // Within rounding of the objective a full Newton step is taken as it is.
            if value <= objective + 0.01 * length * descent + 1e-15 * abs(objective) { return length }
            length /= 2
        }
        return nil
    }

    /// s with Hs ≈ −g, H = diag(penalty) + Xᵀ diag(curvature) X.
    private func newtonStep(gradient: [Double], curvature: [Double]) -> [Double] {
        let width = gradient.count
        let last = width - 1
        var inverse: [Double] = rows.gramDiagonal(weights: curvature)
        for column in 0..<width {
            let penalty = column == last && intercept == .free ? 0.0 : 1.0
            let diagonal = inverse[column] + penalty
            inverse[column] = diagonal > 0 ? 1 / diagonal : 1
        }
        var step = [Double](repeating: 0, count: width)
        var residual = gradient.map { -$0 }
        func scaled(_ r: [Double]) -> [Double] {
            [Double](unsafeUninitializedCapacity: width) { out, count in
                for column in 0..<width { out[column] = r[column] * inverse[column] }
                count = width
            }
        }
        var preconditioned = scaled(residual)
        var direction = preconditioned
        var rho = VectorMath.dot(residual, preconditioned)
        let target = 0.01 * rho  // squared: a tenth of the first residual, in the preconditioner's norm
        for _ in 0..<max(50, min(width, 1000)) where rho > target {
            var product = rows.gramTimes(direction, weights: curvature)
            VectorMath.add(1, direction, to: &product)
            if intercept == .free { product[last] -= direction[last] }
            let bend = VectorMath.dot(direction, product)
            guard bend > 0, bend.isFinite else { break }
            let alpha = rho / bend
            VectorMath.add(alpha, direction, to: &step)
            VectorMath.add(-alpha, product, to: &residual)
            preconditioned = scaled(residual)
            let next = VectorMath.dot(residual, preconditioned)
            let ratio = next / rho
            rho = next
            for column in 0..<width {
                direction[column] = preconditioned[column] + ratio * direction[column]
            }
        }
        return step
    }
}
