import Tensor

/// The covariance of a fit's coefficients, or why there is none: for the features as they are, output after
/// output, the intercept at each one's end.
enum CoefficientInference: Sendable, Equatable {
    case unavailable(InferenceUnavailable)
    case available(Covariances)

    struct Covariances: Sendable, Equatable {
        /// Of the maximum of the likelihood: the inverse of the Hessian (times the dispersion, for models
        /// that have one).
        var classical: [Double]
        /// The sandwich estimate.
        var hc0: [Double]
        /// n / (n − k), the factor of HC1.
        var hc1Factor: Double

        func matrix(_ kind: CovarianceKind) throws(MarketingMLError) -> [Double] {
            switch kind {
            case .classical: return classical
            case .hc0: return hc0
            case .hc1: return hc0.map { $0 * hc1Factor }
            case .hc2, .hc3:
                throw MarketingMLError(
                    .invalidOption, "\(kind) is defined for linear regression; use .classical, .hc0 or .hc1")
            }
        }
    }

    /// Computes both covariances at the optimum, in double precision.
    ///
    /// - Parameters:
    ///   - expected: The loss whose curvature is the expected one, where that is not the loss itself; it
    ///     stands in for the Hessian in the classical estimate.
    ///   - dispersion: What the classical covariance is multiplied with.
    ///   - isBounded: Whether the optimum is finite even where features separate the classes.
    init(
        _ problem: MarginProblem, _ solution: MarginSolution, expected: (any MarginLoss)? = nil,
        dispersion: Double = 1,
        isBounded: Bool = false
    ) {
        guard problem.order <= 3000 else {
            self = .unavailable(.notKept)
            return
        }
        let at = solution.coefficients
        let hessian = problem.derivatives(at: at, margins: solution.margins, second: .hessian)
        guard let matrix = hessian.second else {
            self = .unavailable(.notKept)
            return
        }
        if let reason = problem.obstacle(matrix, gradient: hessian.gradient, solution, isBounded: isBounded) {
            self = .unavailable(reason)
            return
        }
        let scores = problem.derivatives(at: at, margins: solution.margins, second: .outerProduct)
        guard let inverse = CholeskyFactor(matrix, order: problem.order)?.inverse, let middle = scores.second
        else {
            self = .unavailable(.rankDeficient(feature: 0))
            return
        }
        var bread = inverse
        if let expected {
            let information = problem.with(expected).derivatives(
                at: at, margins: solution.margins, second: .hessian)
            guard let second = information.second,
                let factor = CholeskyFactor(second, order: problem.order)
            else {
                self = .unavailable(.rankDeficient(feature: 0))
                return
            }
            bread = factor.inverse
        }
        let order = problem.order
        let a = Tensor(shape: [order, order], inverse)
        let sandwich = a.matmul(Tensor(shape: [order, order], middle)).matmul(a)
        let count = Double(problem.design.rowCount)
        self = .available(
            Covariances(
                classical: problem.unshifted(covariance: bread.map { $0 * dispersion }),
                hc0: problem.unshifted(covariance: sandwich.elements),
                hc1Factor: count / (count - Double(order))))
    }

    /// The table, with the intercept of each output first.
    func table(
        coefficients: [[Double]], intercepts: [Double], hasIntercept: Bool, outputNames: [String],
        names: [String]?,
        covariance: CovarianceKind, level: Double, statistic: CoefficientTable.Statistic
    ) throws -> CoefficientTable {
        let features = coefficients.first?.count ?? 0
        guard names == nil || names?.count == features else {
            throw MarketingMLError(
                .shapeMismatch, "expected \(features) names of features, found \(names?.count ?? 0)")
        }
        let covariances: Covariances
        switch self {
        case .unavailable(let reason): throw reason
        case .available(let found): covariances = found
        }
        let matrix = try covariances.matrix(covariance)
        let width = features + (hasIntercept ? 1 : 0)
        let order = width * coefficients.count
        var (rows, estimates, variances): ([String], [Double], [Double]) = ([], [], [])
        for (output, own) in coefficients.enumerated() {
            let prefix = outputNames.isEmpty ? "" : outputNames[output] + ": "
            func add(_ name: String, _ estimate: Double, _ index: Int) {
                rows.append(prefix + name)
                estimates.append(estimate)
                let place = output * width + index
                variances.append(matrix[place * order + place])
            }
            if hasIntercept { add("intercept", intercepts[output], features) }
            for index in 0..<features { add(names?[index] ?? "x\(index)", own[index], index) }
        }
        return try CoefficientTable(
            names: rows, estimates: estimates, variances: variances, covariance: covariance,
            statistic: statistic,
            level: level, exponentiated: true)
    }
}

extension MarginProblem {
    func with(_ loss: any MarginLoss) -> MarginProblem {
        MarginProblem(
            design: design, loss: loss, offset: offset, l1: l1, l2: l2, slopeScale: slopeScale,
            hasFreeIntercepts: hasFreeIntercepts)
    }

    /// What stands in the way of standard errors at a solution without penalty.
    fileprivate func obstacle(
        _ hessian: [Double], gradient: [Double], _ solution: MarginSolution, isBounded: Bool
    ) -> InferenceUnavailable? {
        if let constant = (0..<design.featureCount).first(where: { design.scale[$0] == 0 }) {
            return .rankDeficient(feature: constant)
        }
        if !isBounded, let direction = SymmetricPseudoInverse(hessian, order: order)?.solve(gradient),
            isSeparating(direction.map { -$0 })
        {
            return .separation(feature: (0..<design.featureCount).first { separates($0) })
        }
        if let first = RankDeficiency.dependentColumns(hessian, order: order, tolerance: 1e-11).first {
            return .rankDeficient(feature: min(first % design.width, design.featureCount - 1))
        }
        guard design.rowCount > order else { return .tooFewExamples }
        guard solution.stopReason == .converged || solution.stopReason == .noFurtherProgress else {
            return .notConverged
        }
        return nil
    }

    /// Whether a step separates the classes: no example's loss rises along it without end and some fall.
    ///
    /// Where classes are separated the likelihood has no maximum; Newton's steps then keep their length,
    /// about 1 in the margins, and their direction is a certificate (compare A. Albert and J. A. Anderson,
    /// Biometrika 71 (1984) 1–10).
    private func isSeparating(_ step: [Double]) -> Bool {
        var moves = [Double](repeating: 0, count: outputs * design.rowCount)
        let count = design.rowCount
        return moves.withUnsafeMutableBufferPointer { moves in
            guard let moves = moves.baseAddress else { return false }
            for output in 0..<outputs {
                design.addMargins(
                    Array(step[output * design.width..<(output + 1) * design.width]),
                    to: moves + output * count)
            }
            var (lowest, highest) = (0.0, 0.0)
            for example in 0..<count {
                guard let rise = leastRise(example, moves, count) else { continue }
                lowest = min(lowest, rise.least)
                highest = max(highest, rise.most)
            }
            return highest > 0.05 && lowest > -1e-5 * highest
        }
    }

    /// Whether a feature alone, with an intercept, separates a class from the others, ties allowed.
    private func separates(_ feature: Int) -> Bool {
        guard design.hasIntercept, let classes else { return false }
        var values = [Double](repeating: 0, count: design.rowCount)
        let unit = (0..<design.width).map { $0 == feature ? 1.0 : 0 }
        values.withUnsafeMutableBufferPointer { values in
            if let base = values.baseAddress { design.addMargins(unit, to: base) }
        }
        var ranges: [Int32: (low: Double, high: Double)] = [:]
        for (example, value) in values.enumerated() {
            guard let label = classes(example) else { continue }
            let range = ranges[label] ?? (value, value)
            ranges[label] = (min(range.low, value), max(range.high, value))
        }
        return ranges.contains { label, own in
            let others = ranges.filter { $0.key != label }.values
            let low = others.map(\.low).min() ?? .infinity
            let high = others.map(\.high).max() ?? -.infinity
            return (own.low >= high && own.high > low) || (own.high <= low && own.low < high)
        }
    }

    /// The class of an example with a weight; nil for losses of other targets than classes.
    private var classes: ((Int) -> Int32?)? {
        if let loss = loss as? SingleMarginLoss, loss.kind == .logistic {
            return { example in (loss.weights?[example] ?? 1) > 0 ? Int32(loss.targets[example]) : nil }
        }
        guard let loss = loss as? SoftmaxLoss else { return nil }
        return { example in (loss.weights?[example] ?? 1) > 0 ? loss.targets[example] : nil }
    }

    /// How much a step widens the lead of an example's own class over the others: over the closest and the
    /// farthest.
    private func leastRise(
        _ example: Int, _ moves: UnsafePointer<Double>, _ count: Int
    ) -> (least: Double, most: Double)? {
        if let loss = loss as? SingleMarginLoss, loss.kind == .logistic {
            guard loss.weights.map({ $0[example] > 0 }) ?? true else { return nil }
            let rise = loss.targets[example] > 0.5 ? moves[example] : -moves[example]
            return (rise, rise)
        }
        guard let loss = loss as? SoftmaxLoss, loss.weights.map({ $0[example] > 0 }) ?? true else {
            return nil
        }
        let first = loss.hasReference ? 1 : 0
        let own = Int(loss.targets[example]) - first
        let base = own < 0 ? 0 : moves[own * count + example]
        var (least, most) = (Double.infinity, -Double.infinity)
        for output in -first..<outputs where output != own {
            let rise = base - (output < 0 ? 0 : moves[output * count + example])
            least = min(least, rise)
            most = max(most, rise)
        }
        return (least, most)
    }

    /// A covariance for columns less their shift, turned into that for the columns as they are: only
    /// intercepts change.
    fileprivate func unshifted(covariance matrix: [Double]) -> [Double] {
        guard design.hasIntercept else { return matrix }
        var result = matrix
        let (order, width, features) = (order, design.width, design.featureCount)
        // T C Tᵀ with T the identity but for the intercepts' rows, which hold −shift.
        for output in 0..<outputs {
            let target = (output + 1) * width - 1
            for column in 0..<order {
                for feature in 0..<features {
                    result[target * order + column] -=
                        design.shift[feature] * result[(output * width + feature) * order + column]
                }
            }
        }
        for output in 0..<outputs {
            let target = (output + 1) * width - 1
            for row in 0..<order {
                for feature in 0..<features {
                    result[row * order + target] -=
                        design.shift[feature] * result[row * order + output * width + feature]
                }
            }
        }
        return result
    }
}
