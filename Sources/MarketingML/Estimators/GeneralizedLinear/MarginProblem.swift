import Tensor

/// Minimise Σ ℓᵢ(margins) + l1 ‖β‖₁ + ½ l2 ‖β‖² over coefficients, output after output, the intercept at each
/// one's end.
///
/// Coefficients here are for columns less their shift; see `DesignMatrix`.
struct MarginProblem: Sendable {
    let design: DesignMatrix
    let loss: any MarginLoss
    let offset: [Double]?
    let l1: Double
    let l2: Double
    /// Σ of the examples' weights, times the size of a typical slope.
    let slopeScale: Double
    /// Whether adding the same number to all intercepts changes nothing.
    let hasFreeIntercepts: Bool

    var outputs: Int { loss.outputs }
    var order: Int { outputs * design.width }

    /// Whether a coefficient is penalised: intercepts are not.
    func isPenalised(_ index: Int) -> Bool { index % design.width < design.featureCount }

    /// l1 ‖β‖₁ + ½ l2 ‖β‖².
    func penalty(_ coefficients: [Double]) -> Double {
        var (sum, squares) = (0.0, 0.0)
        for (index, value) in coefficients.enumerated() where isPenalised(index) {
            sum += abs(value)
            squares += value * value
        }
        return l1 * sum + 0.5 * l2 * squares
    }

    /// The loss with its derivatives and those of the squares' penalty; not those of the absolute values.
    func derivatives(at coefficients: [Double], margins: MarginBuffer, second: SecondDerivative)
        -> LossDerivatives
    {
        var result = design.derivatives(
            at: coefficients, loss: loss, offset: offset, margins: margins.pointer, second: second)
        addSquares(coefficients, to: &result)
        if hasFreeIntercepts, design.hasIntercept, result.second != nil {
            // The same on all intercepts leads nowhere: some curvature in that direction makes the Hessian
            // regular and leaves the step, which has no part in it, as it is.
            let curvature = slopeScale / Double(outputs)
            for k in 0..<outputs {
                for l in 0..<outputs {
                    let place = ((k + 1) * design.width - 1) * order + (l + 1) * design.width - 1
                    result.second?[place] += curvature
                }
            }
        }
        return result
    }

    private func addSquares(_ coefficients: [Double], to result: inout LossDerivatives) {
        guard l2 > 0 else { return }
        for index in 0..<order where isPenalised(index) {
            result.gradient[index] += l2 * coefficients[index]
            result.second?[index * order + index] += l2
        }
    }

    /// The objective for margins that are known.
    func value(_ coefficients: [Double], margins: MarginBuffer) -> Double {
        design.value(of: loss, margins: margins.pointer) + penalty(coefficients)
    }

    /// How far from optimal: the largest element of the (sub)gradient of the mean loss with the penalty, each
    /// feature in units of its root mean square.
    func violation(_ gradient: [Double], at coefficients: [Double]) -> Double {
        var worst = 0.0
        for index in 0..<order {
            let scale = design.scale[index % design.width]
            guard scale > 0 else { continue }
            var value = gradient[index]
            if l1 > 0, isPenalised(index) {
                let coefficient = coefficients[index]
                value =
                    coefficient > 0
                    ? value + l1 : coefficient < 0 ? value - l1 : max(abs(value) - l1, 0)
            }
            let size = abs(value) / (slopeScale * scale)
            if !(size <= worst) { worst = size }
        }
        return worst
    }
}

/// The margins of all examples: [outputs, N].
final class MarginBuffer {
    let pointer: UnsafeMutablePointer<Double>
    let count: Int

    init(_ problem: MarginProblem) {
        count = problem.outputs * problem.design.rowCount
        pointer = .allocate(capacity: count)
        pointer.initialize(repeating: 0, count: count)
    }

    deinit { pointer.deallocate() }

    /// Moves to the point between `other` (0) and here (1).
    func move(_ part: Double, from other: MarginBuffer) {
        let (own, start) = (pointer, other.pointer)
        for index in 0..<count { own[index] = start[index] + part * (own[index] - start[index]) }
    }
}

/// Where a solver ended.
struct MarginSolution {
    var coefficients: [Double]
    var margins: MarginBuffer
    /// Loss and penalties.
    var objective: Double
    /// Of the loss and the squares.
    var gradient: [Double]
    var violation: Double
    var iterations = 0
    var stopReason = SolverReport.StopReason.iterationLimit

    func report(_ solver: String, c: Double) -> SolverReport {
        SolverReport(
            solver: solver, stopReason: stopReason, iterations: iterations, objective: c * objective,
            violation: violation)
    }
}

extension MarginSolution {
    /// Where a solver starts; `margins` has those at `start`.
    init(_ problem: MarginProblem, at start: [Double], margins: MarginBuffer, _ first: LossDerivatives) {
        coefficients = start
        self.margins = margins
        objective = first.loss + problem.penalty(start)
        gradient = first.gradient
        violation = problem.violation(first.gradient, at: start)
    }

    /// Looks around before an iteration, and tells the progress handler; whether there is anything left to do.
    mutating func goesOn(before iteration: Int, _ limits: SolverLimits) throws -> Bool {
        if violation <= limits.tolerance { stopReason = .converged }
        if !objective.isFinite { stopReason = .noFurtherProgress }
        if try limits.shouldStop(iteration - 1, loss: objective) { stopReason = .stopped }
        return stopReason == .iterationLimit
    }

    /// Goes to the next point, whose margins are in `trial`; afterwards that has those of the old one.
    mutating func move(
        to point: [Double], objective: Double, gradient: [Double], violation: Double,
        margins trial: inout MarginBuffer
    ) {
        swap(&margins, &trial)
        coefficients = point
        self.objective = objective
        self.gradient = gradient
        self.violation = violation
    }

    /// Notes that an iteration has ended, after `stalls` in a row without progress at the limit of the number format.
    mutating func finish(_ iteration: Int, stalls: Int, of most: Int, _ limits: SolverLimits) {
        iterations = iteration
        if stalls >= most { stopReason = .noFurtherProgress }
        if violation <= limits.tolerance { stopReason = .converged }
    }
}

/// When a solver gives up and whom it tells.
struct SolverLimits {
    /// The violation at which it has converged.
    var tolerance: Double
    var maximumIterations: Int
    var progress: ProgressHandler?

    /// Throws `.invalidOption` for limits that allow nothing.
    static func check(tolerance: Double, maximumIterations: Int?) throws(MarketingMLError) {
        guard tolerance > 0, tolerance.isFinite else {
            throw MarketingMLError(.invalidOption, "the tolerance must be above 0, found \(tolerance)")
        }
        guard maximumIterations ?? 1 > 0 else {
            throw MarketingMLError(
                .invalidOption, "the number of iterations must be above 0, found \(maximumIterations ?? 0)")
        }
    }

    /// Reports an iteration; whether to stop.
    func shouldStop(_ iteration: Int, loss: Double) throws -> Bool {
        try Task.checkCancellation()
        guard let progress else { return false }
        let event = ProgressEvent(
            phase: .other("fitting"), step: iteration, total: maximumIterations, loss: loss)
        return progress(event) == .stop
    }
}
