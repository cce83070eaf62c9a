import Tensor

/// A centred least-squares problem as coordinate descent sees it: one coefficient at a time.
protocol CoordinateProblem {
    /// Number of features (D).
    var count: Int { get }
    /// Σ w y², centred.
    var targetSquare: Double { get }
    /// Σ w x² of a feature, centred.
    func curvature(_ feature: Int) -> Double
    /// Σ w x r of a feature for the present residuals r.
    func correlation(_ feature: Int) -> Double
    /// Changes the residuals for a coefficient that grows by `step`.
    mutating func move(_ feature: Int, by step: Double)
    /// Σ w x r of all features, computed anew from these coefficients, the present ones, so that rounding does not add up.
    mutating func correlations(_ theta: [Double]) -> [Double]
    /// Σ w r² and Σ w y r.
    func residualProducts(_ theta: [Double], _ correlations: [Double]) -> (square: Double, target: Double)
}

/// Minimises ½ Σ w r² + λ Σ p (ρ |θ| + (1 − ρ) θ²) one coefficient after the other, warm-started from one λ to the next.
struct CoordinateDescent<Problem: CoordinateProblem> {
    private var problem: Problem
    private let ratio: Double
    private let options: ElasticNet.Options
    private let factors: [Double]
    /// The coefficients at the last λ.
    private(set) var theta: [Double]
    private var correlations: [Double]
    private var lastLambda: Double?

    init(_ problem: Problem, ratio: Double, options: ElasticNet.Options) {
        self.problem = problem
        self.ratio = ratio
        self.options = options
        factors = options.penaltyFactors ?? [Double](repeating: 1, count: problem.count)
        theta = [Double](repeating: 0, count: problem.count)
        correlations = []
        correlations = self.problem.correlations(theta)
    }

    /// The smallest λ at which all penalised coefficients are 0; nil without an absolute penalty.
    mutating func largestLambda() throws -> Double? {
        guard ratio > 0 else { return nil }
        // Features without a penalty are in the model from the start.
        if factors.contains(0) {
            _ = try solve(features: factors.indices.filter { factors[$0] == 0 }, lambda: 0, nil)
        }
        return factors.indices.reduce(0) { largest, feature in
            guard factors[feature] > 0 else { return largest }
            return max(largest, excess(feature) / (ratio * factors[feature]))
        }
    }

    /// Moves to the solution for λ.
    mutating func solve(lambda: Double, _ progress: ProgressHandler?) throws -> SolverReport {
        // The strong rule: what was well below the threshold at the last λ stays out, unless a check at the end says no.
        let last = lastLambda ?? .infinity
        var isCandidate = factors.indices.map { feature in
            theta[feature] != 0 || factors[feature] == 0 || ratio == 0 || last == .infinity
                || excess(feature) >= ratio * factors[feature] * (2 * lambda - last)
        }
        lastLambda = lambda
        var iterations = 0
        while true {
            let features = factors.indices.filter { isCandidate[$0] }
            let result = try solve(features: features, lambda: lambda, progress, from: iterations)
            iterations = result.iterations
            let violators = factors.indices.filter {
                !isCandidate[$0] && excess($0) > lambda * ratio * factors[$0] * (1 + 1e-12)
            }
            if violators.isEmpty || result.reason == .stopped || result.reason == .iterationLimit {
                let (gap, objective) = gap(lambda)
                let scale = max(problem.targetSquare / 2, .leastNormalMagnitude)
                return SolverReport(
                    solver: "coordinate descent", stopReason: result.reason, iterations: iterations,
                    objective: objective, violation: gap / scale)
            }
            for feature in violators { isCandidate[feature] = true }
        }
    }

    /// Rounds over the features, most of them over those alone that are not 0, until the gap is small.
    private mutating func solve(
        features: [Int], lambda: Double, _ progress: ProgressHandler?, from start: Int = 0
    ) throws -> (reason: SolverReport.StopReason, iterations: Int) {
        let scale = max(problem.targetSquare / 2, .leastNormalMagnitude)
        var iterations = start
        var lastObjective = Double.infinity
        while true {
            try Task.checkCancellation()
            // One pass over all, then over the active ones until these are settled, then a look at the gap.
            var largest = pass(features, lambda)
            iterations += 1
            let active = features.filter { theta[$0] != 0 }
            let enough = largest * 1e-3
            var rounds = 0
            while largest > enough, rounds < 100, iterations < options.iterationLimit, !active.isEmpty {
                largest = pass(active, lambda)
                iterations += 1
                rounds += 1
            }
            correlations = problem.correlations(theta)
            let (gap, objective) = gap(lambda, over: features)
            if gap <= options.tolerance * scale { return (.converged, iterations) }
            if iterations >= options.iterationLimit { return (.iterationLimit, iterations) }
            // The last digits of the objective: nothing moves any more.
            if largest == 0 || (objective >= lastObjective && gap <= 1e-12 * scale) {
                return (.noFurtherProgress, iterations)
            }
            lastObjective = objective
            if let progress {
                let event = ProgressEvent(
                    phase: .other("coordinate descent"), step: iterations, total: options.iterationLimit,
                    loss: objective, rateUnit: "passes")
                if progress(event) == .stop { return (.stopped, iterations) }
            }
        }
    }

    /// Sets each of the features to its best value in turn; returns the largest change in what it adds to the fit, squared.
    private mutating func pass(_ features: [Int], _ lambda: Double) -> Double {
        var largest = 0.0
        for feature in features {
            let curvature = problem.curvature(feature)
            let old = theta[feature]
            let pull = problem.correlation(feature) + curvature * old
            let absolute = lambda * ratio * factors[feature]
            let squared = curvature + 2 * lambda * (1 - ratio) * factors[feature]
            var new = 0.0
            if squared > 0 {
                if pull > absolute {
                    new = (pull - absolute) / squared
                } else if pull < -absolute, !options.isNonnegative {
                    new = (pull + absolute) / squared
                }
            }
            guard new != old else { continue }
            let step = new - old
            theta[feature] = new
            problem.move(feature, by: step)
            largest = max(largest, step * step * squared)
        }
        return largest
    }

    /// How large a feature's pull on its coefficient at 0 is.
    private func excess(_ feature: Int) -> Double {
        options.isNonnegative ? max(0, correlations[feature]) : abs(correlations[feature])
    }

    /// The duality gap of the problem restricted to some features, and the objective.
    ///
    /// The dual point is the residual, scaled to be feasible, of the lasso that the squared penalty makes with further examples.
    /// Where a feature has no absolute penalty scaling cannot make it feasible; the gap then is the decrease that one Newton step on
    /// each coefficient would promise, which is 0 at the same place.
    private func gap(_ lambda: Double, over features: [Int]? = nil) -> (gap: Double, objective: Double) {
        let (square, target) = problem.residualProducts(theta, correlations)
        let beta = 2 * lambda * (1 - ratio)
        var absolute = 0.0
        var squared = 0.0
        var scale = 1.0
        var promised = 0.0
        func look(_ feature: Int) {
            let factor = factors[feature]
            absolute += lambda * ratio * factor * abs(theta[feature])
            squared += beta * factor * theta[feature] * theta[feature]
            let pull = correlations[feature] - beta * factor * theta[feature]
            let size = options.isNonnegative ? max(0, pull) : abs(pull)
            let limit = lambda * ratio * factor
            if limit > 0 {
                if size > limit { scale = min(scale, limit / size) }
            } else {
                let curvature = problem.curvature(feature) + beta * factor
                let blocked = options.isNonnegative && theta[feature] == 0 && pull < 0
                if curvature > 0, !blocked { promised += pull * pull / curvature / 2 }
            }
        }
        if let features { features.forEach(look) } else { theta.indices.forEach(look) }
        let objective = (square + squared) / 2 + absolute
        let dual = scale * (target) - (square + squared) * scale * scale / 2
        return (max(0, objective - dual) + promised, objective)
    }
}
