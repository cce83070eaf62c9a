import Tensor

/// The multi-class machine of Crammer and Singer, for N examples of K classes:
///
///     ½ Σₖ ‖wₖ‖² + Σᵢ costᵢ max(0, maxₖ≠ᵧ 1 + zᵢₖ − zᵢᵧ),     zᵢₖ = wₖ·xᵢ + bₖ,  y = yᵢ
///
/// solved in the dual, wₖ = Σ βᵢₖ xᵢ, by passes over the examples: each step minimises the dual in all K coefficients of one
/// example under their constraints Σₖ βᵢₖ = 0, βᵢₖ ≤ costᵢ for k = y, else ≤ 0. It stops as dual coordinate descent for two
/// classes does, and meets a free intercept's constraint in the same way.
///
/// References: Crammer and Singer, JMLR 2 (2001); Keerthi, Sundararajan, Chang, Hsieh and Lin, KDD 2008.
struct CrammerSingerProblem<Scalar: TensorFloatingPoint> {
    private let matrix: SparseMatrix<Scalar>
    private let classes: [Int32]
    private let classCount: Int
    private let costs: [Double]
    private let intercept: LinearIntercept

    init(
        _ matrix: SparseMatrix<Scalar>, classes: [Int32], classCount: Int, costs: [Double],
        intercept: LinearIntercept
    ) {
        self.matrix = matrix
        self.classes = classes
        self.classCount = classCount
        self.costs = costs
        self.intercept = intercept
    }

    func solve(limits: LinearSolverLimits) throws -> [LinearSolution] {
        let count = classCount
        let constant = intercept.constant
        let norms: [Double] = SparseProducts(matrix, constant: constant).squaredRowNorms()
        var weights = [Double](repeating: 0, count: (matrix.columnCount + 1) * count)  // column by column
        var beta = [Double](repeating: 0, count: matrix.rowCount * count)
        var offsets = [Double](repeating: 0, count: count)
        var generator = SeededGenerator(seed: limits.seed, stream: 0xC5)
        var objective = costs.reduce(0, +)
        var lastGap = Double.infinity
        var shiftedAt = Double.infinity
        var reason = SolverReport.StopReason.iterationLimit
        var passes = 0
        while passes < limits.iterations {
            guard try limits.goOn(passes, loss: passes == 0 ? nil : objective) else {
                reason = .stopped
                break
            }
            passes += 1
            let order = generator.permutation(matrix.rowCount)
            let gap = pass(order, norms, offsets, &weights, &beta)
            let expected = gap * (lastGap.isFinite ? min(1, gap / lastGap).squareRoot() : 1)
            lastGap = gap
            if intercept == .free, expected <= max(0.5 * shiftedAt, limits.tolerance * objective) {
                shiftedAt = expected
                for k in 0..<count { offsets[k] += weights[matrix.columnCount * count + k] }
            }
            guard expected <= limits.tolerance * objective else { continue }
            let state = evaluate(weights, beta, offsets)
            objective = state.primal
            if max(state.gap, imbalance(weights, offsets)) <= limits.tolerance * objective {
                reason = .converged
                break
            }
        }
        let state = evaluate(weights, beta, offsets)
        let violation =
            max(0, max(state.gap, imbalance(weights, offsets))) / max(state.primal, .leastNormalMagnitude)
        let last = matrix.columnCount * count
        let left =
            intercept == .free ? (0..<count).reduce(0.0) { $0 + weights[last + $1] * weights[last + $1] } : 0
        let report = SolverReport(
            solver: "crammer-singer", stopReason: reason, iterations: passes,
            objective: state.primal - left / 2,
            violation: violation)
        return (0..<count).map { k in
            LinearSolution(
                weights: (0..<matrix.columnCount).map { weights[$0 * count + k] },
                intercept: offsets[k] + constant * weights[last + k], report: report)
        }
    }

    /// What the violated constraints of a free intercept may cost.
    private func imbalance(_ weights: [Double], _ offsets: [Double]) -> Double {
        guard intercept == .free else { return 0 }
        return (0..<classCount).reduce(0) {
            $0 + abs(weights[matrix.columnCount * classCount + $1]) * (1 + abs(offsets[$1]))
        }
    }

    /// The values of an example.
    private func values(
        _ row: Int, _ weights: UnsafeBufferPointer<Double>, _ offsets: [Double], into z: inout [Double]
    ) {
        let last = matrix.columnCount * classCount
        for k in 0..<classCount { z[k] = offsets[k] + intercept.constant * weights[last + k] }
        for index in matrix.rowOffsets[row]..<matrix.rowOffsets[row + 1] {
            let value = Double(matrix.values[index])
            let start = Int(matrix.columnIndices[index]) * classCount
            for k in 0..<classCount { z[k] += value * weights[start + k] }
        }
    }

    /// The example's loss and its share of the duality gap.
    private func share(_ row: Int, _ z: [Double], _ beta: UnsafeBufferPointer<Double>) -> (
        loss: Double, gap: Double
    ) {
        let own = Int(classes[row])
        var slack = 0.0
        var dual = 0.0
        for k in 0..<classCount {
            let margin = k == own ? 0.0 : 1.0
            slack = max(slack, margin + z[k] - z[own])
            dual += beta[row * classCount + k] * (z[k] + margin)
        }
        return (costs[row] * slack, costs[row] * slack + dual)
    }

    private func evaluate(_ weights: [Double], _ beta: [Double], _ offsets: [Double]) -> (
        primal: Double, gap: Double
    ) {
        var z = [Double](repeating: 0, count: classCount)
        return weights.withUnsafeBufferPointer { weights in
            beta.withUnsafeBufferPointer { beta in
                var primal = weights.reduce(0) { $0 + $1 * $1 } / 2
                var gap = 0.0
                for row in 0..<matrix.rowCount {
                    values(row, weights, offsets, into: &z)
                    let (loss, part) = share(row, z, beta)
                    primal += loss
                    gap += part
                }
                return (primal, gap)
            }
        }
    }

    /// A step for each example; returns the duality gap, each example's share taken before its step.
    private func pass(
        _ order: [Int], _ norms: [Double], _ offsets: [Double], _ weights: inout [Double],
        _ beta: inout [Double]
    ) -> Double {
        var z = [Double](repeating: 0, count: classCount)
        var target = z
        var change = z
        var gap = 0.0
        weights.withUnsafeMutableBufferPointer { weights in
            beta.withUnsafeMutableBufferPointer { beta in
                for row in order where costs[row] > 0 {
                    values(row, UnsafeBufferPointer(weights), offsets, into: &z)
                    gap += share(row, z, UnsafeBufferPointer(beta)).gap
                    let own = Int(classes[row])
                    guard norms[row] > 0 else {
                        // An example without elements: its loss is 1 whatever w, its share of the dual linear.
                        beta[row * classCount + own] = costs[row]
                        beta[row * classCount + (own == 0 ? 1 : 0)] = -costs[row]
                        continue
                    }
                    for k in 0..<classCount {
                        target[k] = z[k] + (k == own ? 0 : 1) - norms[row] * beta[row * classCount + k]
                    }
                    let level = Self.level(target, own: own, bound: norms[row] * costs[row])
                    for k in 0..<classCount {
                        let next = min(k == own ? costs[row] : 0, (level - target[k]) / norms[row])
                        change[k] = next - beta[row * classCount + k]
                        beta[row * classCount + k] = next
                    }
                    for index in matrix.rowOffsets[row]..<matrix.rowOffsets[row + 1] {
                        let value = Double(matrix.values[index])
                        let start = Int(matrix.columnIndices[index]) * classCount
                        for k in 0..<classCount { weights[start + k] += value * change[k] }
                    }
                    let last = matrix.columnCount * classCount
                    if intercept.constant != 0 {
                        for k in 0..<classCount { weights[last + k] += intercept.constant * change[k] }
                    }
                }
            }
        }
        return gap
    }

    /// The multiplier of an example's constraint Σₖ βₖ = 0: the level for which the βₖ = min(limitₖ, (level − targetₖ) / ‖x‖²)
    /// sum to 0, by going through the targets in decreasing order.
    private static func level(_ target: [Double], own: Int, bound: Double) -> Double {
        var sorted = target
        sorted[own] += bound
        sorted.sort(by: >)
        var sum = sorted[0] - bound
        var taken = 1
        while taken < sorted.count, sum < Double(taken) * sorted[taken] {
            sum += sorted[taken]
            taken += 1
        }
        return sum / Double(taken)
    }
}
