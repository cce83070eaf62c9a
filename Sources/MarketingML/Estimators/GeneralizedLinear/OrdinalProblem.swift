import Foundation
import Tensor

/// The objective of ordinal regression over a point (β, θ): D coefficients, then the thresholds.
///
/// For class k with a = θₖ − η, b = θₖ₋₁ − η and Δ = a − b the loss is
/// −log(σ(a) − σ(b)) = log(1 + e⁻ᵃ) + log(1 + eᵇ) − log(1 − e^−Δ), which is convex in all of them.
struct OrdinalProblem {
    let design: DesignMatrix
    let targets: [Int32]
    let weights: [Double]?
    let classCount: Int
    let l2: Double
    let totalWeight: Double

    struct Value {
        var loss: Double
        var objective: Double
        var gradient: [Double]
        var hessian: [Double]
    }

    struct Solution {
        var point: [Double]
        var value: Value
        var violation: Double
        var iterations = 0
        var stopReason = SolverReport.StopReason.iterationLimit
    }

    var featureCount: Int { design.featureCount }
    var order: Int { featureCount + classCount - 1 }

    /// Σ mean · β: how much lower thresholds are for columns less their shift.
    func centre(_ coefficients: [Double]) -> Double { dot(design.shift, coefficients) }

    func minimize(from thresholds: [Double], limits: SolverLimits) throws -> Solution {
        let start = [Double](repeating: 0, count: featureCount) + thresholds
        guard let first = value(at: start) else {
            throw MarketingMLError(.emptyData, "the classes' shares give no increasing thresholds")
        }
        var solution = Solution(point: start, value: first, violation: violation(first.gradient))
        for iteration in 1...limits.maximumIterations {
            if solution.violation <= limits.tolerance { solution.stopReason = .converged }
            if try limits.shouldStop(iteration - 1, loss: solution.value.objective) {
                solution.stopReason = .stopped
            }
            guard solution.stopReason == .iterationLimit else { break }
            guard let step = direction(solution.value) else {
                solution.stopReason = .noFurtherProgress
                break
            }
            let slope = dot(step, solution.value.gradient)
            let floor = 1e-14 * abs(solution.value.objective)
            var part = 1.0
            var next: Value?
            repeat {
                next = value(at: adding(solution.point, step, times: part))
                if let found = next, found.objective <= solution.value.objective + 1e-4 * part * slope + floor
                {
                    break
                }
                next = nil
                part *= 0.5
            } while part > 1e-10
            guard let next else {
                solution.stopReason = .noFurtherProgress
                break
            }
            solution.point = adding(solution.point, step, times: part)
            solution.value = next
            solution.violation = violation(next.gradient)
            solution.iterations = iteration
            if solution.violation <= limits.tolerance { solution.stopReason = .converged }
        }
        return solution
    }

    private func direction(_ value: Value) -> [Double]? {
        if let factor = CholeskyFactor(value.hessian, order: order), factor.reciprocalCondition > 1e-13 {
            return factor.solve(value.gradient).map { -$0 }
        }
        return SymmetricPseudoInverse(value.hessian, order: order)?.solve(value.gradient).map { -$0 }
    }

    private func violation(_ gradient: [Double]) -> Double {
        gradient.indices.reduce(0) { worst, index in
            let scale = index < featureCount ? design.scale[index] : 1
            return scale > 0 ? max(worst, abs(gradient[index]) / (totalWeight * scale)) : worst
        }
    }

    /// nil where thresholds do not increase or the loss is not finite.
    func value(at point: [Double]) -> Value? {
        let coefficients = Array(point[..<featureCount])
        let loss = OrdinalLoss(thresholds: Array(point[featureCount...]), targets: targets, weights: weights)
        guard loss.isIncreasing else { return nil }
        var margins = [Double](repeating: 0, count: targets.count)
        let main = margins.withUnsafeMutableBufferPointer { margins in
            margins.baseAddress.map {
                design.derivatives(
                    at: coefficients + [0], loss: loss, offset: nil, margins: $0, second: .hessian)
            }
        }
        guard let main, let block = main.second, main.loss.isFinite else { return nil }
        let (slopes, curvatures) = loss.thresholdDerivatives(margins)
        var gradient = Array(main.gradient[..<featureCount]) + slopes
        var hessian = [Double](repeating: 0, count: order * order)
        for row in 0..<featureCount {
            gradient[row] += l2 * coefficients[row]
            for column in 0..<featureCount {
                hessian[row * order + column] = block[row * design.width + column]
            }
            hessian[row * order + row] += l2
        }
        let count = classCount - 1
        for threshold in 0..<count {
            let row = featureCount + threshold
            for other in 0..<count {
                hessian[row * order + featureCount + other] = curvatures[threshold * count + other]
            }
            let cross = weightedSum(loss.crossFactors(threshold, margins))
            for column in 0..<featureCount {
                hessian[row * order + column] = cross[column]
                hessian[column * order + row] = cross[column]
            }
        }
        return Value(
            loss: main.loss, objective: main.loss + 0.5 * l2 * dot(coefficients, coefficients),
            gradient: gradient,
            hessian: hessian)
    }

    private func weightedSum(_ factors: [Double]) -> [Double] {
        factors.withUnsafeBufferPointer { factors in factors.baseAddress.map { design.weightedSum($0) } ?? []
        }
    }

    func inference(_ solution: Solution) -> CoefficientInference {
        if let constant = (0..<featureCount).first(where: { design.scale[$0] == 0 }) {
            return .unavailable(.rankDeficient(feature: constant))
        }
        let hessian = solution.value.hessian
        if let dependent = RankDeficiency.dependentColumns(hessian, order: order, tolerance: 1e-11).first {
            return .unavailable(
                dependent < featureCount ? .rankDeficient(feature: dependent) : .separation(feature: nil))
        }
        guard targets.count > order else { return .unavailable(.tooFewExamples) }
        guard solution.stopReason == .converged else { return .unavailable(.notConverged) }
        // Where classes are separated Newton's steps keep their length; see MarginProblem.
        if let step = direction(solution.value),
            step.indices.contains(where: { abs(step[$0]) * ($0 < featureCount ? design.scale[$0] : 1) > 1e-2 }
            )
        {
            return .unavailable(.separation(feature: nil))
        }
        guard let inverse = CholeskyFactor(hessian, order: order)?.inverse else {
            return .unavailable(.rankDeficient(feature: 0))
        }
        let a = Tensor(shape: [order, order], inverse)
        let middle = Tensor(shape: [order, order], scoreProducts(solution.point))
        let count = Double(targets.count)
        return .available(
            .init(
                classical: unshifted(inverse), hc0: unshifted(a.matmul(middle).matmul(a).elements),
                hc1Factor: count / (count - Double(order))))
    }

    /// Σ g gᵀ over the examples' gradients.
    private func scoreProducts(_ point: [Double]) -> [Double] {
        let loss = OrdinalLoss(thresholds: Array(point[featureCount...]), targets: targets, weights: weights)
        var margins = [Double](repeating: 0, count: targets.count)
        let main = margins.withUnsafeMutableBufferPointer { margins in
            margins.baseAddress.flatMap {
                design.derivatives(
                    at: Array(point[..<featureCount]) + [0], loss: loss, offset: nil, margins: $0,
                    second: .outerProduct
                ).second
            }
        }
        var result = [Double](repeating: 0, count: order * order)
        for row in 0..<featureCount {
            for column in 0..<featureCount {
                result[row * order + column] = main?[row * design.width + column] ?? 0
            }
        }
        let count = classCount - 1
        let scores = targets.indices.map { loss.scores($0, margins[$0]) }
        for threshold in 0..<count {
            let row = featureCount + threshold
            let factors = scores.map { $0.margin * $0.threshold(threshold) }
            for (column, value) in weightedSum(factors)[..<featureCount].enumerated() {
                result[row * order + column] = value
                result[column * order + row] = value
            }
            for other in 0..<count {
                result[row * order + featureCount + other] =
                    scores.reduce(0) { $0 + $1.threshold(threshold) * $1.threshold(other) }
            }
        }
        return result
    }

    /// A covariance for columns less their shift, for the columns as they are: θ = θ' + shift · β.
    private func unshifted(_ matrix: [Double]) -> [Double] {
        var result = matrix
        for row in featureCount..<order {
            for column in 0..<order {
                for feature in 0..<featureCount {
                    result[row * order + column] += design.shift[feature] * result[feature * order + column]
                }
            }
        }
        for row in 0..<order {
            for column in featureCount..<order {
                for feature in 0..<featureCount {
                    result[row * order + column] += design.shift[feature] * result[row * order + feature]
                }
            }
        }
        return result
    }
}

/// The loss of ordinal regression at given thresholds, as a function of the margin η.
struct OrdinalLoss: MarginLoss {
    let thresholds: [Double]
    let targets: [Int32]
    let weights: [Double]?

    var outputs: Int { 1 }
    var isIncreasing: Bool { zip(thresholds, thresholds.dropFirst()).allSatisfy { $0 < $1 } }

    /// An example's derivatives by the margin and by the thresholds above and below its class.
    struct Scores {
        var target: Int
        var margin: Double
        var upper: Double
        var lower: Double

        func threshold(_ index: Int) -> Double { index == target ? upper : index == target - 1 ? lower : 0 }
    }

    func evaluate(
        _ range: Range<Int>, margins: UnsafePointer<Double>, stride: Int,
        slopes: UnsafeMutablePointer<Double>,
        curvatures: UnsafeMutablePointer<Double>, couplings: UnsafeMutablePointer<Double>
    ) -> Double {
        var total = 0.0
        for index in 0..<range.count {
            let terms = terms(Int(targets[range.lowerBound + index]), margins[index])
            let weight = weights?[range.lowerBound + index] ?? 1
            total += weight * terms.loss
            slopes[index] = weight * (terms.above - terms.below)
            curvatures[index] = weight * (terms.above * (1 - terms.above) + terms.below * (1 - terms.below))
        }
        return total
    }

    func value(_ range: Range<Int>, margins: UnsafePointer<Double>, stride: Int) -> Double {
        (0..<range.count).reduce(0) { sum, index in
            sum + (weights?[range.lowerBound + index] ?? 1)
                * terms(Int(targets[range.lowerBound + index]), margins[index]).loss
        }
    }

    func scores(_ example: Int, _ margin: Double) -> Scores {
        let target = Int(targets[example])
        let terms = terms(target, margin)
        let weight = weights?[example] ?? 1
        return Scores(
            target: target, margin: weight * (terms.above - terms.below),
            upper: -weight * (terms.above + terms.narrow),
            lower: weight * (terms.below + terms.narrow))
    }

    /// Gradient and Hessian by the thresholds.
    func thresholdDerivatives(_ margins: [Double]) -> (gradient: [Double], hessian: [Double]) {
        let count = thresholds.count
        var gradient = [Double](repeating: 0, count: count)
        var hessian = [Double](repeating: 0, count: count * count)
        for (example, margin) in margins.enumerated() {
            let target = Int(targets[example])
            let weight = weights?[example] ?? 1
            let terms = terms(target, margin)
            let bend = terms.narrow * (1 + terms.narrow)
            if target < count {
                gradient[target] -= weight * (terms.above + terms.narrow)
                hessian[target * count + target] += weight * (terms.above * (1 - terms.above) + bend)
            }
            guard target > 0 else { continue }
            let lower = target - 1
            gradient[lower] += weight * (terms.below + terms.narrow)
            hessian[lower * count + lower] += weight * (terms.below * (1 - terms.below) + bend)
            if target < count {
                hessian[lower * count + target] -= weight * bend
                hessian[target * count + lower] -= weight * bend
            }
        }
        return (gradient, hessian)
    }

    /// The second derivative by the margin and a threshold, example by example.
    func crossFactors(_ threshold: Int, _ margins: [Double]) -> [Double] {
        margins.indices.map { example in
            let target = Int(targets[example])
            guard target == threshold || target == threshold + 1 else { return 0 }
            let terms = terms(target, margins[example])
            let side = target == threshold ? terms.above : terms.below
            return -(weights?[example] ?? 1) * side * (1 - side)
        }
    }

    /// The loss, σ(η − θₖ), σ(θₖ₋₁ − η), and 1 / (e^Δ − 1), each 0 where there is no such threshold.
    private func terms(_ target: Int, _ margin: Double) -> (
        loss: Double, above: Double, below: Double, narrow: Double
    ) {
        var (loss, above, below, narrow) = (0.0, 0.0, 0.0, 0.0)
        if target < thresholds.count {
            let a = thresholds[target] - margin
            loss += softplus(-a)
            above = 1 / (1 + exp(a))
        }
        if target > 0 {
            let b = thresholds[target - 1] - margin
            loss += softplus(b)
            below = 1 / (1 + exp(-b))
        }
        if target < thresholds.count, target > 0 {
            let gap = thresholds[target] - thresholds[target - 1]
            loss -= log(-expm1(-gap))
            narrow = 1 / expm1(gap)
        }
        return (loss, above, below, narrow)
    }

    private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}
