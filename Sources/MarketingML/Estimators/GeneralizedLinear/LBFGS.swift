import Tensor

/// Limited-memory BFGS for smooth objectives with many coefficients (Liu and Nocedal 1989,
/// doi:10.1007/BF01589116).
///
/// The features are read once an iteration. The first guess of the inverse Hessian is that of its diagonal
/// with the curvature at the start, so that the features' units do not matter. Steps are searched along the
/// line between two sets of margins.
struct LBFGS {
    let problem: MarginProblem
    let limits: SolverLimits
    var memory = 20

    func minimize(from start: [Double]) throws -> MarginSolution {
        let margins = MarginBuffer(problem)
        var trial = MarginBuffer(problem)
        let first = problem.derivatives(at: start, margins: margins, second: .none)
        var solution = MarginSolution(problem, at: start, margins: margins, first)
        var pairs: [(step: [Double], change: [Double], inverse: Double)] = []
        let diagonal = (0..<problem.order).map { index in
            let scale = problem.design.scale[index % problem.design.width]
            let curvature = 0.25 * problem.slopeScale * scale * scale
            let own = problem.isPenalised(index) ? problem.l2 : 0
            return curvature + own > 0 ? 1 / (curvature + own) : 0
        }
        var stalls = 0
        for iteration in 1...max(1, limits.maximumIterations) {
            guard try solution.goesOn(before: iteration, limits) else { break }
            let step = direction(solution.gradient, pairs, diagonal)
            let slope = dot(step, solution.gradient)
            let floor = 1e-14 * abs(solution.objective)
            var part = 1.0
            var point = adding(solution.coefficients, step)
            var next = problem.derivatives(at: point, margins: trial, second: .none)
            var objective = next.loss + problem.penalty(point)
            if !(objective <= solution.objective + 1e-4 * slope + floor) {
                repeat {
                    part *= 0.5
                    trial.move(0.5, from: solution.margins)
                    point = adding(solution.coefficients, step, times: part)
                    objective = problem.value(point, margins: trial)
                } while !(objective <= solution.objective + 1e-4 * part * slope + floor) && part > 1e-12
                if part <= 1e-12 {
                    guard !pairs.isEmpty else {
                        solution.stopReason = .noFurtherProgress
                        break
                    }
                    pairs = []
                    continue
                }
                next = problem.derivatives(at: point, margins: trial, second: .none)
                objective = next.loss + problem.penalty(point)
            }
            let moved = adding(point, solution.coefficients, times: -1)
            let change = adding(next.gradient, solution.gradient, times: -1)
            let product = dot(moved, change)
            if product > 1e-300 {
                pairs.append((moved, change, 1 / product))
                if pairs.count > memory { pairs.removeFirst() }
            }
            let violation = problem.violation(next.gradient, at: point)
            stalls =
                -slope < 1e-15 * abs(solution.objective) && !(violation < solution.violation) ? stalls + 1 : 0
            solution.move(
                to: point, objective: objective, gradient: next.gradient, violation: violation,
                margins: &trial)
            solution.finish(iteration, stalls: stalls, of: 5, limits)
        }
        return solution
    }

    /// Minus the inverse Hessian's approximation times the gradient, by the two-loop recursion.
    private func direction(
        _ gradient: [Double], _ pairs: [(step: [Double], change: [Double], inverse: Double)],
        _ diagonal: [Double]
    ) -> [Double] {
        var result = gradient
        var factors: [Double] = []
        for pair in pairs.reversed() {
            let factor = pair.inverse * dot(pair.step, result)
            factors.append(factor)
            result = adding(result, pair.change, times: -factor)
        }
        var scale = 1.0
        if let last = pairs.last {
            var square = 0.0
            for (index, value) in last.change.enumerated() { square += value * value * diagonal[index] }
            if square > 0 { scale = 1 / (last.inverse * square) }
        }
        for index in result.indices { result[index] *= scale * diagonal[index] }
        for (pair, factor) in zip(pairs, factors.reversed()) {
            let correction = pair.inverse * dot(pair.change, result)
            result = adding(result, pair.step, times: factor - correction)
        }
        return result.map { -$0 }
    }
}
