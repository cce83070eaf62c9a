import Foundation
import Tensor

/// What of an ALS recipe says what is minimised.
struct ALSOptions: Sendable, Codable, Equatable {
    var factors: Int
    var regularization: Double
    var regularizationExponent: Double
    var alpha: Double
    var unobservedWeight: Double
    var excludesSeen: Bool
    var isNonNegative: Bool
    var iterations: Int
    var solver: ALSSolver

    init<User, Item>(_ recipe: ImplicitALS<User, Item>) {
        factors = recipe.factors
        regularization = recipe.regularization
        regularizationExponent = recipe.regularizationExponent
        alpha = recipe.alpha
        unobservedWeight = recipe.unobservedWeight
        excludesSeen = recipe.excludesSeenFromUnobserved
        isNonNegative = recipe.isNonNegative
        iterations = recipe.iterations
        solver = recipe.solver
    }

    /// - Throws: `.invalidOption` naming the first option out of its range.
    func check() throws(MarketingMLError) {
        try require(1...4096 ~= factors, "factors", "1 to 4096", "\(factors)")
        try require(iterations >= 1, "iterations", "at least 1", "\(iterations)")
        try require(
            regularization > 0 && regularization.isFinite, "regularization", "above 0", "\(regularization)")
        try require(
            -1...2 ~= regularizationExponent, "regularizationExponent", "-1 to 2", "\(regularizationExponent)"
        )
        try require(alpha > 0 && alpha.isFinite, "alpha", "above 0", "\(alpha)")
        try require(
            unobservedWeight >= 0 && unobservedWeight.isFinite, "unobservedWeight", "at least 0",
            "\(unobservedWeight)")
        switch solver {
        case .conjugateGradient(let steps): try require(1...1000 ~= steps, "steps", "1 to 1000", "\(steps)")
        case .blocks(let size): try require(1...4096 ~= size, "size", "1 to 4096", "\(size)")
        case .cholesky: break
        }
    }

    /// What solves rows to the end.
    var exactSolver: FactorProblem.Solver { isNonNegative ? .nonNegative : .cholesky }

    /// The weight of a row's square, for a row with so many elements against `others` on the other side.
    func penalty(elements: Int, others: Int) -> Float {
        let frequency = Double(elements) + unobservedWeight * Double(others)
        return Float(regularization * pow(frequency, regularizationExponent))
    }

    /// The equations of rows with these elements.
    func problem(_ elements: SparseMatrix<Float>) -> FactorProblem {
        FactorProblem(
            elements: elements, alpha: alpha, slope: alpha, base: excludesSeen ? unobservedWeight : 0,
            unobserved: unobservedWeight,
            penalties: (0..<elements.rowCount).map {
                penalty(elements: elements.range($0).count, others: elements.columnCount)
            })
    }
}

/// - Throws: `.invalidOption` unless the condition holds.
func require(
    _ condition: Bool, _ name: String, _ expected: String, _ found: String
) throws(MarketingMLError) {
    guard condition else {
        throw MarketingMLError(.invalidOption, "must be \(expected), is \(found)", at: .init(name: name))
    }
}

/// Alternating least squares on a matrix of confidence.
struct ALSTrainer {
    let options: ALSOptions
    let users: FactorProblem
    let items: FactorProblem

    init(_ matrix: SparseMatrix<Float>, _ options: ALSOptions) {
        self.options = options
        users = options.problem(matrix)
        items = options.problem(matrix.flipped)
    }

    /// Items start with factors of length about 0.1, users with zeros.
    func run(
        solver: ALSSolver, iterations: Int, tracksLoss: Bool, seed: UInt64, progress: ProgressHandler?
    ) throws -> (users: Tensor<Float>, items: Tensor<Float>, losses: [Double]) {
        var itemRows = FactorMatrix.random(
            rows: items.elements.rowCount, factors: options.factors,
            standardDeviation: 0.1 / Double(options.factors).squareRoot(), seed: seed, stream: 1)
        if options.isNonNegative {
            itemRows.withUnsafeMutableElements { rows in
                for place in rows.indices { rows[place] = abs(rows[place]) }
            }
        }
        let solver: FactorProblem.Solver =
            options.isNonNegative ? .nonNegative : solver.factorSolver
        var userRows = Tensor<Float>.zeros([users.elements.rowCount, itemRows.shape[1]])
        var losses: [Double] = []
        let start = ContinuousClock.now
        for iteration in 1...iterations {
            try Task.checkCancellation()
            try halfSweep(users, &userRows, fixed: itemRows, solver, "user")
            try halfSweep(items, &itemRows, fixed: userRows, solver, "item")
            if tracksLoss { losses.append(loss(userRows, itemRows)) }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let event = ProgressEvent(
                phase: .training(epoch: iteration, of: iterations), step: iteration, total: iterations,
                loss: losses.last, rate: Double(iteration * users.elements.storedCount) / max(seconds, 1e-9),
                rateUnit: "interactions",
                secondsLeft: seconds / Double(iteration) * Double(iterations - iteration))
            if progress?(event) == .stop { break }
        }
        try Task.checkCancellation()
        try halfSweep(users, &userRows, fixed: itemRows, options.exactSolver, "user")
        losses.append(loss(userRows, itemRows))
        return (userRows, itemRows, losses)
    }

    func halfSweep(
        _ problem: FactorProblem, _ solved: inout Tensor<Float>, fixed: Tensor<Float>,
        _ solver: FactorProblem.Solver,
        _ side: String
    ) throws(MarketingMLError) {
        let failed = problem.solve(
            &solved, fixed: fixed, factors: options.factors, shared: problem.sharedSystem(of: fixed),
            by: solver)
        if let failed {
            throw MarketingMLError(
                .invalidOption,
                "the equations of \(side) number \(failed) have no solution: raise regularization, or the confidence "
                    + "of what was seen above that of what was not", at: .init(name: "regularization"))
        }
    }

    /// The loss that is minimised.
    func loss(_ userRows: Tensor<Float>, _ itemRows: Tensor<Float>) -> Double {
        let seen = users.elementLoss(of: userRows, fixed: itemRows, factors: options.factors)
        let (x, y) = (FactorMatrix.gram(userRows), FactorMatrix.gram(itemRows))
        let all = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
        let penalty = Self.penalty(userRows, users.penalties) + Self.penalty(itemRows, items.penalties)
        return seen + options.unobservedWeight * all + penalty
    }

    private static func penalty(_ rows: Tensor<Float>, _ penalties: [Float]) -> Double {
        let width = rows.shape[1]
        return rows.withUnsafeElements { elements in
            var total = 0.0
            for (row, penalty) in penalties.enumerated() {
                var square: Float = 0
                for place in row * width..<(row + 1) * width { square += elements[place] * elements[place] }
                total += Double(penalty) * Double(square)
            }
            return total
        }
    }
}
