import Foundation
import Tensor

/// Firth's bias-reduced estimate for two classes: minimises Σ s ℓ − ½ log det I, I = Zᵀ diag(s p (1 − p)) Z.
///
/// The gradient is Zᵀ (s (p − y) − h (½ − p)) with h the leverages of the weighted rows; steps use I and are
/// halved until the objective falls (D. Firth, Biometrika 80 (1993); G. Heinze and M. Schemper, Statistics in
/// Medicine 21 (2002) 2409–2419, doi:10.1002/sim.1047).
struct FirthNewton {
    let problem: MarginProblem
    let limits: SolverLimits

    func minimize(from start: [Double]) throws -> MarginSolution {
        let design = problem.design
        let margins = MarginBuffer(problem)
        var trial = MarginBuffer(problem)
        guard var now = point(start, margins) else { throw singular() }
        var solution = MarginSolution(
            coefficients: start, margins: margins, objective: now.objective, gradient: now.gradient,
            violation: problem.violation(now.gradient, at: start))
        for iteration in 1...max(1, limits.maximumIterations) {
            guard try solution.goesOn(before: iteration, limits) else { break }
            var step = now.factor.solve(solution.gradient).map { -$0 }
            // Longer steps than this leave the region in which the quadratic model means anything.
            let longest = zip(step.indices, step).map { abs($1) * design.scale[$0] }.max() ?? 0
            if longest > 5 { step = step.map { $0 * 5 / longest } }
            let floor = 1e-13 * abs(solution.objective)
            var part = 1.0
            var next: Point?
            repeat {
                next = point(adding(solution.coefficients, step, times: part), trial)
                if let found = next, found.objective <= solution.objective + floor { break }
                next = nil
                part *= 0.5
            } while part > 1e-10
            guard let next else {
                solution.stopReason = .noFurtherProgress
                break
            }
            now = next
            let point = adding(solution.coefficients, step, times: part)
            solution.move(
                to: point, objective: next.objective, gradient: next.gradient,
                violation: problem.violation(next.gradient, at: point), margins: &trial)
            solution.finish(iteration, stalls: 0, of: 1, limits)
        }
        return solution
    }

    private struct Point {
        var objective: Double
        var gradient: [Double]
        var factor: CholeskyFactor
    }

    /// nil where the information is singular.
    private func point(_ coefficients: [Double], _ margins: MarginBuffer) -> Point? {
        let derivatives = problem.derivatives(at: coefficients, margins: margins, second: .hessian)
        guard let matrix = derivatives.second, let factor = CholeskyFactor(matrix, order: problem.order),
            let loss = problem.loss as? SingleMarginLoss
        else { return nil }
        var factors = problem.design.quadraticForms(factor.inverse)
        for example in factors.indices {
            let probability = 1 / (1 + exp(-margins.pointer[example]))
            let weight = loss.weights?[example] ?? 1
            let leverage = weight * probability * (1 - probability) * factors[example]
            factors[example] = -leverage * (0.5 - probability)
        }
        let correction = factors.withUnsafeBufferPointer { factors in
            factors.baseAddress.map { problem.design.weightedSum($0) } ?? []
        }
        return Point(
            objective: derivatives.loss - 0.5 * factor.logDeterminant,
            gradient: adding(derivatives.gradient, correction), factor: factor)
    }

    private func singular() -> MarketingMLError {
        MarketingMLError(
            .invalidOption,
            "Firth's penalty needs features that are linearly independent, of each other and of the intercept"
        )
    }
}
