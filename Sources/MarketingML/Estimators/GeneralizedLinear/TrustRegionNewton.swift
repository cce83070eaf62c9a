import Tensor

/// Newton's method with conjugate gradients in a trust region, for smooth objectives with many coefficients
/// (C.-J. Lin, R. C. Weng and S. S. Keerthi, "Trust region Newton method for large-scale logistic
/// regression", JMLR 9 (2008) 627–650).
///
/// The Hessian is never formed: each step of conjugate gradients is a product with the features and one with
/// their transpose. Lengths are measured with the Hessian's diagonal for a typical curvature, so that the
/// features' units do not matter.
struct TrustRegionNewton {
    let problem: MarginProblem
    let limits: SolverLimits

    func minimize(from start: [Double]) throws -> MarginSolution {
        let margins = MarginBuffer(problem)
        var trial = MarginBuffer(problem)
        let first = problem.derivatives(at: start, margins: margins, second: .none)
        var solution = MarginSolution(problem, at: start, margins: margins, first)
        let weights = metric()
        var radius = norm(first.gradient, weights.map { 1 / $0 })
        var hessian = CurvatureProducts(problem.design, loss: problem.loss, margins: margins.pointer)
        var stalls = 0
        for iteration in 1...max(1, limits.maximumIterations) {
            guard try solution.goesOn(before: iteration, limits) else { break }
            let (step, residual, isAtBorder) = try conjugateGradients(
                solution.gradient, hessian, weights, radius)
            let length = norm(step, weights)
            let predicted = 0.5 * (dot(solution.gradient, step) - dot(step, residual))
            let point = adding(solution.coefficients, step)
            let next = problem.derivatives(at: point, margins: trial, second: .none)
            let objective = next.loss + problem.penalty(point)
            let change = objective - solution.objective
            let violation = problem.violation(next.gradient, at: point)
            let isFlat = -predicted < 1e-14 * abs(solution.objective)
            let isBetter = change <= 1e-4 * predicted || (isFlat && violation < solution.violation)
            if !(change <= 0.25 * predicted), !isFlat {
                radius = 0.25 * min(radius, length)
            } else if change <= 0.75 * predicted, isAtBorder {
                radius *= 3
            }
            stalls = isFlat && !(violation < 0.9 * solution.violation) ? stalls + 1 : 0
            if isBetter {
                solution.move(
                    to: point, objective: objective, gradient: next.gradient, violation: violation,
                    margins: &trial)
                hessian = CurvatureProducts(
                    problem.design, loss: problem.loss, margins: solution.margins.pointer)
            }
            solution.finish(iteration, stalls: radius > 0 ? stalls : 3, of: 3, limits)
        }
        return solution
    }

    /// The step that conjugate gradients find inside the radius, and what is left of −gradient − Hessian ·
    /// step.
    private func conjugateGradients(
        _ gradient: [Double], _ hessian: CurvatureProducts, _ weights: [Double], _ radius: Double
    ) throws -> (step: [Double], residual: [Double], isAtBorder: Bool) {
        var step = [Double](repeating: 0, count: gradient.count)
        var residual = gradient.map { -$0 }
        var scaled = residual.indices.map { residual[$0] / weights[$0] }
        var direction = scaled
        var square = dot(residual, scaled)
        let goal = square * 0.01
        for round in 0..<max(50, min(gradient.count, 1000)) {
            guard square > goal, square > 0 else { break }
            if round % 16 == 15 { try Task.checkCancellation() }
            var image = hessian.times(direction)
            for index in image.indices where problem.isPenalised(index) {
                image[index] += problem.l2 * direction[index]
            }
            let curvature = dot(direction, image)
            let part = curvature > 0 ? square / curvature : .infinity
            let next = part.isFinite ? adding(step, direction, times: part) : step
            if !part.isFinite || norm(next, weights) > radius {
                let border = distance(step, direction, weights, radius)
                return (adding(step, direction, times: border), adding(residual, image, times: -border), true)
            }
            step = next
            residual = adding(residual, image, times: -part)
            scaled = residual.indices.map { residual[$0] / weights[$0] }
            let new = dot(residual, scaled)
            direction = adding(scaled, direction, times: new / square)
            square = new
        }
        return (step, residual, false)
    }

    /// How far along a direction from a step the border is.
    private func distance(_ step: [Double], _ direction: [Double], _ weights: [Double], _ radius: Double)
        -> Double
    {
        var (a, b, c) = (0.0, 0.0, -radius * radius)
        for index in step.indices {
            a += weights[index] * direction[index] * direction[index]
            b += weights[index] * direction[index] * step[index]
            c += weights[index] * step[index] * step[index]
        }
        return a > 0 ? (-b + max(0, b * b - a * c).squareRoot()) / a : 0
    }

    private func norm(_ vector: [Double], _ weights: [Double]) -> Double {
        var sum = 0.0
        for index in vector.indices { sum += weights[index] * vector[index] * vector[index] }
        return sum.squareRoot()
    }

    /// The Hessian's diagonal with a curvature of ¼ everywhere.
    private func metric() -> [Double] {
        (0..<problem.order).map { index in
            let scale = problem.design.scale[index % problem.design.width]
            let own = problem.isPenalised(index) ? problem.l2 : 0
            return max(0.25 * problem.slopeScale * scale * scale + own, .leastNormalMagnitude)
        }
    }
}
