import Tensor

/// The quadratic problem behind every support vector machine: over N examples with kernel matrix K and variables αₖ, each of
/// which belongs to an example eₖ with a sign sₖ,
///
///     minimise ½ βᵀKβ + Σ pₖαₖ,  β_e = Σ sₖαₖ over the variables of example e,
///     0 ≤ αₖ ≤ Cₖ,  Σ sₖαₖ constant (and, for ν, Σ αₖ constant too).
struct DualProblem {
    /// Number of examples (N).
    var exampleCount: Int
    /// eₖ.
    var examples: [Int]
    /// sₖ: 1 or −1.
    var signs: [Double]
    /// pₖ.
    var linear: [Double]
    /// Cₖ.
    var bounds: [Double]
    /// Where the search starts: α within its bounds; fixes the sums.
    var start: [Double]
    /// Whether the variables of each sign keep their own sum.
    var keepsSumOfEachSign = false

    /// Number of variables.
    var count: Int { signs.count }

    /// β.
    func coefficients(_ alpha: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: exampleCount)
        for (place, example) in examples.enumerated() { result[example] += signs[place] * alpha[place] }
        return result
    }

    // MARK: The five machines

    /// C-SVC: the signs are the classes.
    static func classification(signs: [Double], bounds: [Double]) -> DualProblem {
        let count = signs.count
        return DualProblem(
            exampleCount: count, examples: Array(0..<count), signs: signs,
            linear: [Double](repeating: -1, count: count),
            bounds: bounds, start: [Double](repeating: 0, count: count))
    }

    /// ν-SVC: Σ α of each class is half of `total`.
    static func nuClassification(signs: [Double], bounds: [Double], total: Double) -> DualProblem {
        let count = signs.count
        var left = (positive: total / 2, negative: total / 2)
        var start = [Double](repeating: 0, count: count)
        for place in 0..<count {
            if signs[place] > 0 {
                start[place] = min(bounds[place], left.positive)
                left.positive -= start[place]
            } else {
                start[place] = min(bounds[place], left.negative)
                left.negative -= start[place]
            }
        }
        return DualProblem(
            exampleCount: count, examples: Array(0..<count), signs: signs,
            linear: [Double](repeating: 0, count: count),
            bounds: bounds, start: start, keepsSumOfEachSign: true)
    }

    /// One class: Σ α is `total`.
    static func oneClass(bounds: [Double], total: Double) -> DualProblem {
        let count = bounds.count
        var left = total
        let start = bounds.map { bound in
            let taken = min(bound, left)
            left -= taken
            return taken
        }
        return DualProblem(
            exampleCount: count, examples: Array(0..<count), signs: [Double](repeating: 1, count: count),
            linear: [Double](repeating: 0, count: count), bounds: bounds, start: start)
    }

    /// ε-SVR: a variable an example for being below the tube and one for being above.
    static func regression(targets: [Double], bounds: [Double], epsilon: Double) -> DualProblem {
        let count = targets.count
        return DualProblem(
            exampleCount: count, examples: Array(0..<count) + Array(0..<count),
            signs: [Double](repeating: 1, count: count) + [Double](repeating: -1, count: count),
            linear: targets.map { epsilon - $0 } + targets.map { epsilon + $0 }, bounds: bounds + bounds,
            start: [Double](repeating: 0, count: 2 * count))
    }

    /// ν-SVR: Σ α of each sign is half of `total`.
    static func nuRegression(targets: [Double], bounds: [Double], total: Double) -> DualProblem {
        var problem = regression(targets: targets, bounds: bounds, epsilon: 0)
        var left = total / 2
        let start = bounds.map { bound in
            let taken = min(bound, left)
            left -= taken
            return taken
        }
        problem.start = start + start
        problem.keepsSumOfEachSign = true
        return problem
    }
}

/// Where a solver of a ``DualProblem`` ended.
struct DualSolution {
    /// α.
    var alpha: [Double]
    /// β, one an example.
    var coefficients: [Double]
    /// b of the decision function Σ βₑ k(x, xₑ) + b.
    var intercept: Double
    /// For problems that keep the sum of each sign: the width that goes with it (ρ of ν-SVC, −ε of ν-SVR).
    var width: Double
    /// How it ended.
    var report: SolverReport
}
