import Tensor

extension LinearProblem {
    /// Dual coordinate descent: passes over the examples in random order, each step exact in one dual coefficient.
    ///
    /// It stops when the duality gap, a proof of how far from optimal the solution can be at most, is at most `tolerance` times
    /// the objective. The gap is estimated on the way and computed only when the estimate says that it may be small enough.
    /// Examples with the hinge loss that are safely on one side of the margin are left out of passes (shrinking) until then.
    ///
    /// The order is random by blocks of 64 neighbours, and random inside each block. It converges as fast as with a random
    /// order of all, and reads memory forwards: measured on 160,000 examples of 80 features a pass takes 30 ms in place of 70.
    ///
    /// With a free intercept the dual has the constraint Σ βᵢ = 0, which single coordinates cannot keep: the method of
    /// multipliers meets it, whose multiplier is the intercept. The violation then counts |Σ βᵢ| (1 + |b|) too, a bound of
    /// what the constraint's violation can cost.
    ///
    /// References: Hsieh, Chang, Lin, Keerthi and Sundararajan, ICML 2008; Yu, Huang and Lin, Machine Learning 85 (2011);
    /// Ho and Lin, JMLR 13 (2012); Bertsekas, Constrained Optimization and Lagrange Multiplier Methods (1982).
    func dualCoordinateDescent(limits: LinearSolverLimits) throws -> LinearSolution {
        var dual = DualCoordinates(rows, loss: loss, targets: targets, costs: costs)
        var generator = SeededGenerator(seed: limits.seed, stream: 0x1D0A)
        // The objective at w = 0, until a better one is known.
        var objective = loss.total(
            targets: targets, costs: costs, values: [Double](repeating: 0, count: targets.count))
        var shrinking = Double.infinity
        var lastGap = Double.infinity
        var shiftedAt = Double.infinity
        var violation = Double.infinity
        var passes = 0
        var reason = SolverReport.StopReason.iterationLimit
        while passes < limits.iterations {
            guard try limits.goOn(passes, loss: passes == 0 ? nil : objective) else {
                reason = .stopped
                break
            }
            passes += 1
            let rows = dual.activeRows
            let pass = dual.pass(
                order: blockwiseShuffled(rows, &generator),
                shrinkingBeyond: shrinking.isFinite ? shrinking : nil)
            shrinking = pass.violation
            // The estimate is of the middle of the pass; its end is half a pass further.
            let expected = pass.gap * (lastGap.isFinite ? min(1, pass.gap / lastGap).squareRoot() : 1)
            lastGap = pass.gap
            if intercept == .free, expected <= max(0.5 * shiftedAt, limits.tolerance * objective) {
                shiftedAt = expected
                dual.offset += dual.weights.last ?? 0
                dual.activateAll()
                shrinking = .infinity
            }
            guard expected <= limits.tolerance * objective || rows.isEmpty else { continue }
            let exact = dual.objective()
            objective = exact.primal
            let balance = intercept == .free ? abs(dual.weights.last ?? 0) * (1 + abs(dual.offset)) : 0
            violation = max(0, max(exact.gap, balance)) / max(objective, .leastNormalMagnitude)
            if violation <= limits.tolerance {
                reason = .converged
                break
            }
            if exact.gap > 2 * pass.gap || rows.isEmpty {
                // Examples that were left out would move.
                dual.activateAll()
                shrinking = .infinity
            }
        }
        let exact = dual.objective()
        if reason != .converged {
            violation = max(0, exact.gap) / max(exact.primal, .leastNormalMagnitude)
        }
        // In the free case the last coefficient is what is left of the constraint's violation, no part of the model.
        let free = intercept == .free ? (dual.weights.last ?? 0) : 0
        return solution(
            free == 0 ? dual.weights : dual.weights.dropLast() + [0], offset: dual.offset + free,
            report: SolverReport(
                solver: "dual-coordinate-descent", stopReason: reason, iterations: passes,
                objective: exact.primal - free * free / 2, violation: violation))
    }

    private func blockwiseShuffled(_ rows: [Int32], _ generator: inout SeededGenerator) -> [Int32] {
        let size = 64
        let blocks = generator.permutation((rows.count + size - 1) / size)
        var result: [Int32] = []
        result.reserveCapacity(rows.count)
        for block in blocks {
            let start = result.count
            result += rows[block * size..<min(rows.count, (block + 1) * size)]
            for last in stride(from: result.count - 1, to: start, by: -1) {
                result.swapAt(last, start + generator.next(below: last - start + 1))
            }
        }
        return result
    }
}
