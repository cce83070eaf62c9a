import Tensor

/// Newton's method with Cholesky factors, for models with few coefficients and smooth objectives.
///
/// An iteration reads the features once. Steps that turn out too long are halved along the line between the
/// two sets of margins, which needs no reading. Near the solution the curvature hardly changes: then the
/// factor is kept while it still brings the violation down well (Shamanskii's method), and an iteration is
/// margins and gradient alone.
///
/// With many rows for each coefficient the Hessian of a sample of them serves as well at first: an error of √(order / sample)
/// in it brings the violation down by about as much an iteration (Roosta-Khorasani and Mahoney,
/// doi:10.1007/s10107-018-1346-5). All rows are taken from where that falls short.
struct NewtonCholesky {
    let problem: MarginProblem
    let limits: SolverLimits
    /// What the first Hessians are: for large data in single precision, of a sample if there are many rows.
    var firstHessian: SecondDerivative

    private enum Factor {
        case cholesky(CholeskyFactor)
        case pseudoInverse(SymmetricPseudoInverse)

        func step(_ gradient: [Double]) -> [Double] {
            switch self {
            case .cholesky(let factor): factor.solve(gradient).map { -$0 }
            case .pseudoInverse(let inverse): inverse.solve(gradient).map { -$0 }
            }
        }
    }

    init(_ problem: MarginProblem, _ limits: SolverLimits) {
        self.problem = problem
        self.limits = limits
        let rows = Double(problem.design.rowCount), order = Double(problem.order)
        firstHessian =
            rows * order * order <= 5e7 ? .hessian : rows < 2000 * order ? .quickHessian : .sampledHessian
    }

    func minimize(from start: [Double]) throws -> MarginSolution {
        var hessian = firstHessian
        var precise: Bool { hessian == .hessian }
        let margins = MarginBuffer(problem)
        var trial = MarginBuffer(problem)
        var now = problem.derivatives(at: start, margins: margins, second: hessian)
        var solution = MarginSolution(problem, at: start, margins: margins, now)
        var factor: Factor?
        var stalls = 0
        for iteration in 1...max(1, limits.maximumIterations) {
            guard try solution.goesOn(before: iteration, limits) else { break }

            if let matrix = now.second {
                factor = self.factor(matrix, precise: precise)
                if factor == nil {
                    hessian = .hessian
                    now = problem.derivatives(
                        at: solution.coefficients, margins: solution.margins, second: .hessian)
                    factor = now.second.flatMap { self.factor($0, precise: true) }
                }
            }
            guard let step = factor?.step(solution.gradient) else {
                solution.stopReason = .noFurtherProgress
                break
            }
            let slope = dot(step, solution.gradient)
            let keepsFactor = -slope < 1e-3 * problem.slopeScale && iteration > 1
            let floor = 1e-14 * abs(solution.objective)
            var part = 1.0
            var point = adding(solution.coefficients, step)
            var next = problem.derivatives(at: point, margins: trial, second: keepsFactor ? .none : hessian)
            var objective = next.loss + problem.penalty(point)
            if !(objective <= solution.objective + 1e-4 * slope + floor) {
                if hessian == .sampledHessian { hessian = .quickHessian }
                repeat {
                    part *= 0.5
                    trial.move(0.5, from: solution.margins)
                    point = adding(solution.coefficients, step, times: part)
                    objective = problem.value(point, margins: trial)
                } while !(objective <= solution.objective + 1e-4 * part * slope + floor) && part > 1e-10
                guard part > 1e-10 else {
                    if precise {
                        solution.stopReason = .noFurtherProgress
                        break
                    }
                    // The direction may have suffered from single precision.
                    hessian = .hessian
                    now = problem.derivatives(
                        at: solution.coefficients, margins: solution.margins, second: .hessian)
                    continue
                }
                next = problem.derivatives(at: point, margins: trial, second: hessian)
                objective = next.loss + problem.penalty(point)
            }
            let violation = problem.violation(next.gradient, at: point)
            // At the limit of the number format neither objective nor gradient get any better.
            let isFlat = -slope < 1e-15 * abs(solution.objective)
            stalls = isFlat && !(violation < 0.9 * solution.violation) ? stalls + 1 : 0
            if keepsFactor, !(violation < 0.1 * solution.violation), violation > limits.tolerance {
                if hessian == .sampledHessian {
                    hessian = .quickHessian
                } else if !(violation < 0.5 * solution.violation) {
                    hessian = .hessian
                }
                next = problem.derivatives(at: point, margins: trial, second: hessian)
            }
            solution.move(
                to: point, objective: objective, gradient: next.gradient, violation: violation,
                margins: &trial)
            now = next
            solution.finish(iteration, stalls: stalls, of: 3, limits)
        }
        return solution
    }

    /// nil for a matrix that single precision may have spoilt.
    private func factor(_ matrix: [Double], precise: Bool) -> Factor? {
        if let factor = CholeskyFactor(matrix, order: problem.order),
            factor.reciprocalCondition > (precise ? 1e-13 : 1e-5)
        {
            return .cholesky(factor)
        }
        guard precise else { return nil }
        return SymmetricPseudoInverse(matrix, order: problem.order).map { .pseudoInverse($0) }
    }
}

/// a + factor b.
func adding(_ a: [Double], _ b: [Double], times factor: Double = 1) -> [Double] {
    var result = a
    for index in a.indices { result[index] += factor * b[index] }
    return result
}

/// Solves with a symmetric positive semidefinite matrix that may be singular: the shortest solution in units
/// in which the diagonal is 1.
struct SymmetricPseudoInverse {
    private let eigen: SymmetricEigen
    private let scale: [Double]

    init?(_ matrix: [Double], order: Int) {
        var scale = [Double](repeating: 0, count: order)
        for index in 0..<order where matrix[index * order + index] > 0 {
            scale[index] = 1 / matrix[index * order + index].squareRoot()
        }
        var scaled = matrix
        for row in 0..<order {
            for column in 0..<order { scaled[row * order + column] *= scale[row] * scale[column] }
        }
        guard scaled.allSatisfy(\.isFinite), let eigen = SymmetricEigen(scaled, order: order) else {
            return nil
        }
        self.eigen = eigen
        self.scale = scale
    }

    func solve(_ right: [Double]) -> [Double] {
        let order = scale.count
        var result = [Double](repeating: 0, count: order)
        let bound = (eigen.values.last ?? 0) * 1e-11
        for index in 0..<order where eigen.values[index] > bound {
            let vector = eigen.vectors[index * order..<(index + 1) * order]
            var product = 0.0
            for (value, place) in zip(vector, 0..<order) { product += value * scale[place] * right[place] }
            product /= eigen.values[index]
            for (value, place) in zip(vector, 0..<order) { result[place] += product * value }
        }
        for place in 0..<order { result[place] *= scale[place] }
        return result
    }
}
