import Tensor

/// Newton's method for objectives with absolute values of coefficients, for models with few of them.
///
/// Each iteration reads the features once for gradient and Hessian, minimises the quadratic model with the
/// absolute values by coordinate descent, and searches along the line to that point (Lee, Sun and Saunders,
/// "Proximal Newton-type methods", SIAM J. Optim. 24 (2014), arXiv:1206.1623).
struct ProximalNewton {
    let problem: MarginProblem
    let limits: SolverLimits

    func minimize(from start: [Double]) throws -> MarginSolution {
        let margins = MarginBuffer(problem)
        var trial = MarginBuffer(problem)
        var now = problem.derivatives(at: start, margins: margins, second: .hessian)
        var solution = MarginSolution(problem, at: start, margins: margins, now)
        var stalls = 0
        for iteration in 1...max(1, limits.maximumIterations) {
            guard try solution.goesOn(before: iteration, limits), let hessian = now.second else { break }

            let target = try minimizeModel(hessian, solution)
            let step = adding(target, solution.coefficients, times: -1)
            let change =
                dot(step, solution.gradient) + absolute(target) - absolute(solution.coefficients)
            let floor = 1e-14 * abs(solution.objective)
            var part = 1.0
            var point = target
            var next = problem.derivatives(at: point, margins: trial, second: .hessian)
            var objective = next.loss + problem.penalty(point)
            if !(objective <= solution.objective + 1e-4 * change + floor) {
                repeat {
                    part *= 0.5
                    trial.move(0.5, from: solution.margins)
                    point = adding(solution.coefficients, step, times: part)
                    objective = problem.value(point, margins: trial)
                } while !(objective <= solution.objective + 1e-4 * part * change + floor) && part > 1e-10
                guard part > 1e-10 else {
                    solution.stopReason = .noFurtherProgress
                    break
                }
                next = problem.derivatives(at: point, margins: trial, second: .hessian)
                objective = next.loss + problem.penalty(point)
            }
            let violation = problem.violation(next.gradient, at: point)
            stalls =
                -change < 1e-13 * abs(solution.objective) && !(violation < 0.5 * solution.violation)
                ? stalls + 1 : 0
            solution.move(
                to: point, objective: objective, gradient: next.gradient, violation: violation,
                margins: &trial)
            now = next
            solution.finish(iteration, stalls: stalls, of: 3, limits)
        }
        return solution
    }

    private func absolute(_ coefficients: [Double]) -> Double {
        var sum = 0.0
        for (index, value) in coefficients.enumerated() where problem.isPenalised(index) { sum += abs(value) }
        return problem.l1 * sum
    }

    /// The minimum of gradient · d + ½ dᵀ H d + l1 ‖β + d‖₁, as β + d, by coordinate descent: sweeps over the
    /// coordinates that move, then over all, until none moves.
    private func minimizeModel(_ hessian: [Double], _ solution: MarginSolution) throws -> [Double] {
        let order = problem.order
        var point = solution.coefficients
        var slopes = solution.gradient  // gradient + H d
        // As exact as the outer iteration can use, and no more.
        let goal = max(0.01 * solution.violation, 0.1 * limits.tolerance) * problem.slopeScale
        var active: [Int] = []
        let maximum = 20_000

        func sweep(_ indices: [Int]) -> (worst: Double, moved: [Int]) {
            var worst = 0.0
            var moved: [Int] = []
            for index in indices {
                let curvature = hessian[index * order + index]
                let scale = problem.design.scale[index % problem.design.width]
                guard curvature > 0, scale > 0 else { continue }
                let l1 = problem.isPenalised(index) ? problem.l1 : 0
                let old = point[index]
                let free = curvature * old - slopes[index]
                let new = free > l1 ? (free - l1) / curvature : free < -l1 ? (free + l1) / curvature : 0
                guard new != old else { continue }
                let change = new - old
                worst = max(worst, abs(change) * curvature / scale)
                point[index] = new
                hessian.withUnsafeBufferPointer { hessian in
                    let row = index * order
                    for column in 0..<order { slopes[column] += change * hessian[row + column] }
                }
                moved.append(index)
            }
            return (worst, moved)
        }

        var sweeps = 0
        while sweeps < maximum {
            let all = sweep(Array(0..<order))
            sweeps += 1
            if all.worst <= goal { break }
            active = (0..<order).filter { point[$0] != 0 || !problem.isPenalised($0) }
            while sweeps < maximum {
                let some = sweep(active)
                sweeps += 1
                if sweeps % 64 == 0 { try Task.checkCancellation() }
                if some.worst <= goal { break }
            }
        }
        return point
    }
}
