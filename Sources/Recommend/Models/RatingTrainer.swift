import Foundation
import Tensor

/// What of a recipe for ratings says what is minimised, and what was found about the ratings.
struct RatingOptions: Sendable, Equatable, CheckedFields {
    var factors: Int
    var regularization: Double
    var biasRegularization: Double
    /// Of gradient descent; nil for least squares.
    var learningRate: Double?
    var iterations: Int
    var mean: Double
    var lowest: Double
    var highest: Double

    /// - Throws: `.invalidOption` naming the first option out of its range.
    func check() throws(MarketingMLError) {
        try require(1...4094 ~= factors, "factors", "1 to 4094", "\(factors)")
        try require(
            regularization > 0 && regularization.isFinite, "regularization", "above 0", "\(regularization)")
        try require(
            biasRegularization > 0 && biasRegularization.isFinite, "biasRegularization", "above 0",
            "\(biasRegularization)")
        try require(iterations >= 1, "iterations", "at least 1", "\(iterations)")
        if let learningRate {
            try require(
                learningRate > 0 && learningRate <= 10 && learningRate * regularization < 1, "learningRate",
                "above 0, at most 10, and below 1 over the regularization", "\(learningRate)")
        }
        try require(mean.isFinite && lowest <= highest, "scale", "ordered", "\(lowest), \(highest)")
    }

    /// The weight of a row's square, for a row with so many ratings: λ, which gradient descent counts once a rating.
    func penalty(ratings count: Int) -> Double {
        learningRate == nil ? regularization : regularization * Double(count)
    }

    /// Biases are solved for as one more factor against a column of this constant: λ (b / constant)² = λ_b b².
    var biasScale: Double { (regularization / biasRegularization).squareRoot() }

    /// The row of a user of whom nothing is known.
    var unknownUser: [Float] {
        var row = [Float](repeating: 0, count: FactorMatrix.width(factors: factors + 2))
        row[factors] = Float(mean)
        row[factors + 1] = 1
        return row
    }
}

/// One side of the alternation. Rows of users are [x, μ + bᵤ, 1], rows of items [y, 1, bᵢ].
struct RatingSide {
    let options: RatingOptions
    /// The column of the other side's rows with its bias.
    let fixedColumn: Int
    /// The column of this side's rows with its bias.
    let biasColumn: Int

    init(_ options: RatingOptions, fixedColumn: Int, biasColumn: Int) {
        self.options = options
        self.fixedColumn = fixedColumn
        self.biasColumn = biasColumn
    }

    /// Solves for factors and biases together.
    ///
    /// - Parameter mean: What the other side's bias does not hold of μ; it goes to this side's.
    func solve(
        _ solved: inout Tensor<Float>, ratings: SparseMatrix<Float>, fixed: Tensor<Float>, mean: Double
    ) throws(MarketingMLError) {
        let width = fixed.shape[1]
        let scale = options.biasScale
        // What the other side expects is taken off the ratings; its column then holds nothing.
        var known = fixed
        var residuals = ratings.values
        known.withUnsafeMutableElements { known in
            for (place, column) in ratings.columnIndices.enumerated() {
                residuals[place] -= Float(mean) + known[Int(column) * width + fixedColumn]
            }
            for row in 0..<fixed.shape[0] {
                known[row * width + fixedColumn] = 0
                known[row * width + biasColumn] = Float(scale)
            }
        }
        let problem = FactorProblem(
            elements: SparseMatrix(
                trusted: ratings.rowCount, ratings.columnCount, rowOffsets: ratings.rowOffsets,
                columnIndices: ratings.columnIndices, values: residuals),
            alpha: 1, slope: 0, base: -1, unobserved: 0,
            penalties: [Float](repeating: Float(options.regularization), count: ratings.rowCount))
        let failed = problem.solve(
            &solved, fixed: known, factors: options.factors + 2, shared: problem.sharedSystem(of: known),
            by: .cholesky)
        guard failed == nil else {
            throw MarketingMLError(
                .invalidOption, "is too small: equations have no solution", at: .init(name: "regularization"))
        }
        solved.withUnsafeMutableElements { solved in
            for row in 0..<ratings.rowCount {
                let bias = Double(solved[row * width + biasColumn]) * scale
                solved[row * width + biasColumn] = Float(bias + mean)
                solved[row * width + fixedColumn] = 1
            }
        }
    }

    /// The other side's row as `solve` sees it, and its bias.
    func fixedRow(_ row: [Float]) -> (row: [Double], bias: Double) {
        (row[..<options.factors].map(Double.init) + [options.biasScale], Double(row[fixedColumn]))
    }
}

/// Alternating least squares on ratings.
struct RatingTrainer {
    let options: RatingOptions
    let byUser: SparseMatrix<Float>
    let byItem: SparseMatrix<Float>

    init(_ matrix: SparseMatrix<Float>, _ options: RatingOptions) {
        self.options = options
        byUser = matrix
        byItem = matrix.flipped
    }

    func run(
        iterations: Int, seed: UInt64, progress: ProgressHandler?
    ) throws -> (users: Tensor<Float>, items: Tensor<Float>) {
        let count = options.factors
        let users = RatingSide(options, fixedColumn: count + 1, biasColumn: count)
        let items = RatingSide(options, fixedColumn: count, biasColumn: count + 1)
        var itemRows = FactorMatrix.random(
            rows: byItem.rowCount, factors: count + 2, standardDeviation: 0.1, seed: seed, stream: 1)
        itemRows.withUnsafeMutableElements { rows in
            let width = FactorMatrix.width(factors: count + 2)
            for row in 0..<byItem.rowCount {
                rows[row * width + count] = 1
                rows[row * width + count + 1] = 0
            }
        }
        var userRows = Tensor<Float>.zeros([byUser.rowCount, itemRows.shape[1]])
        try users.solve(&userRows, ratings: byUser, fixed: itemRows, mean: options.mean)
        for iteration in 1...iterations {
            try Task.checkCancellation()
            // The users' column holds μ + bᵤ, so nothing of μ is left for the items.
            try items.solve(&itemRows, ratings: byItem, fixed: userRows, mean: 0)
            try users.solve(&userRows, ratings: byUser, fixed: itemRows, mean: options.mean)
            let event = ProgressEvent(
                phase: .training(epoch: iteration, of: iterations), step: iteration, total: iterations,
                loss: progress == nil ? nil : meanSquaredError(userRows, itemRows), rateUnit: "ratings")
            if progress?(event) == .stop { break }
        }
        return (userRows, itemRows)
    }

    private func meanSquaredError(_ users: Tensor<Float>, _ items: Tensor<Float>) -> Double {
        let problem = FactorProblem(
            elements: byUser, alpha: 1, slope: 0, base: -1, unobserved: 0,
            penalties: [Float](repeating: 0, count: byUser.rowCount))
        // Σ p² − 2 c p + c, of which Σ c² − c is missing.
        let sum = byUser.values.reduce(
            problem.elementLoss(of: users, fixed: items, factors: options.factors + 2)
        ) { $0 + Double($1) * (Double($1) - 1) }
        return sum / Double(byUser.storedCount)
    }
}
