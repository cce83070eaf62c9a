import Foundation
import Tensor

/// Predicts ratings: the mean, what a user and an item deviate from it, and a product of factors.
///
///     Σ rated (r − μ − bᵤ − bᵢ − x·y)²  +  λ (‖X‖² + ‖Y‖²)  +  λ_b (Σ bᵤ² + Σ bᵢ²)
///
/// Alternating least squares: a user's factors and bias are solved for together, exactly, then an item's; every fit ends with the
/// users. ``gradientDescent(factors:learningRate:regularization:epochs:seed:)`` is the other way. Predictions are kept within the
/// scale of the ratings.
///
/// ```swift
/// let model = try BiasedMatrixFactorization(factors: 64).fit(train)
/// model.predict(user: 1, item: 318)
/// ```
///
/// Koren, Bell, Volinsky: Matrix Factorization Techniques for Recommender Systems, Computer 42, 2009, doi:10.1109/MC.2009.263.
public struct BiasedMatrixFactorization<
    User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable
>: Recommender {
    /// The number of factors, 1 to 4,094.
    public var factors: Int
    /// λ, above 0.
    public var regularization: Double
    /// λ_b, above 0: as if so many more ratings of each user and item were as expected.
    public var biasRegularization: Double
    /// The number of iterations over items and users, or of epochs of gradient descent, at least 1.
    public var iterations: Int
    /// The learning rate of gradient descent; nil for least squares.
    public private(set) var learningRate: Double?
    /// The seed of the first factors.
    public var seed: UInt64

    /// Creates a recipe.
    public init(
        factors: Int = 64, regularization: Double = 12, biasRegularization: Double = 5, iterations: Int = 12,
        seed: UInt64 = 1
    ) {
        self.factors = factors
        self.regularization = regularization
        self.biasRegularization = biasRegularization
        self.iterations = iterations
        self.seed = seed
    }

    /// Stochastic gradient descent, a step for each rating:
    ///
    ///     Σ rated [ (r − μ − bᵤ − bᵢ − x·y)²  +  λ (‖x‖² + ‖y‖² + bᵤ² + bᵢ²) ]
    ///
    /// Here λ counts once for each rating, so it is far smaller than with least squares, which reach a lower error on most data.
    public static func gradientDescent(
        factors: Int = 20, learningRate: Double = 0.007, regularization: Double = 0.02, epochs: Int = 20,
        seed: UInt64 = 1
    ) -> BiasedMatrixFactorization {
        var recipe = BiasedMatrixFactorization(
            factors: factors, regularization: regularization, biasRegularization: regularization,
            iterations: epochs, seed: seed)
        recipe.learningRate = learningRate
        return recipe
    }

    /// `biased MF, 64 factors`.
    public var name: String {
        "biased MF\(learningRate == nil ? "" : " by gradient descent"), \(factors) factors"
    }

    /// Fits biases and factors.
    ///
    /// - Parameter progress: The loss in its events is the mean squared error on the training ratings.
    /// - Throws: `.invalidOption`, also if steps of gradient descent diverge; `CancellationError`.
    /// - Complexity: An iteration is O(N F² + (U + I) F³) for N ratings and F factors, O(N F) by gradient descent.
    public func fit(_ ratings: Ratings<User, Item>, progress: ProgressHandler?) throws -> Model {
        var options = RatingOptions(
            factors: factors, regularization: regularization, biasRegularization: biasRegularization,
            learningRate: learningRate, iterations: iterations, mean: 0, lowest: ratings.scale.lowerBound,
            highest: ratings.scale.upperBound)
        try options.check()
        let matrix = ratings.interactions.matrix
        options.mean = matrix.values.reduce(0) { $0 + Double($1) } / Double(matrix.storedCount)
        let (users, items) =
            if let learningRate {
                try descend(matrix, learningRate, mean: options.mean, progress)
            } else {
                try RatingTrainer(matrix, options).run(iterations: iterations, seed: seed, progress: progress)
            }
        return Model(
            catalogue: Catalogue(ratings.interactions), options: options,
            factors: FactorPair(
                paddedUsers: users, paddedItems: items, factorCount: factors, usedWidth: factors + 2))
    }

    private func descend(
        _ matrix: SparseMatrix<Float>, _ learningRate: Double, mean: Double, _ progress: ProgressHandler?
    ) throws -> (users: Tensor<Float>, items: Tensor<Float>) {
        var training = RatingSteps(
            matrix, mean: mean, factors: factors, standardDeviation: 0.1, learningRate: learningRate,
            regularization: regularization, withHistory: false, seed: seed)
        try training.run(epochs: iterations, progress: progress)
        return training.rows(factors: factors)
    }

    /// Biases and factors. Items are ranked by the rating that is predicted, before it is kept within the scale.
    public struct Model: RatingModel {
        /// The users and items, and the ratings that the model learned from.
        public let catalogue: Catalogue<User, Item>
        /// The users' rows [x, μ + bᵤ, 1] and the items' rows [y, 1, bᵢ].
        public let factors: FactorPair
        /// The mean of the ratings that it learned from.
        public var meanRating: Double { options.mean }
        /// The ratings that can be given.
        public var ratingScale: ClosedRange<Double> { options.lowest...options.highest }
        let options: RatingOptions

        init(catalogue: Catalogue<User, Item>, options: RatingOptions, factors: FactorPair) {
            self.catalogue = catalogue
            self.options = options
            self.factors = factors
        }

        /// The user's bias and factors given the items', as at the end of the fit; those of an unknown user without a history. With
        /// gradient descent, as many steps as the fit's: near a training user's row, but not the same.
        public func userRow(ofHistory history: History) throws -> [Float]? {
            guard !history.items.isEmpty else { return options.unknownUser }
            if let learningRate = options.learningRate {
                return descended(history, Float(learningRate))
            }
            let matrix = history.matrix(itemCount: catalogue.items.count)
            let trainer = RatingSide(options, fixedColumn: options.factors + 1, biasColumn: options.factors)
            var row = Tensor<Float>.zeros([1, factors.paddedItems.shape[1]])
            try trainer.solve(&row, ratings: matrix, fixed: factors.paddedItems, mean: options.mean)
            return row.elements
        }

        private func descended(_ history: History, _ learningRate: Float) -> [Float] {
            var row = options.unknownUser
            let (count, mean) = (options.factors, Float(options.mean))
            let keep = 1 - learningRate * Float(options.regularization)
            for _ in 0..<options.iterations {
                for (item, rating) in zip(history.items, history.values) {
                    let y = factors.paddedItems.row(Int(item))
                    let error = zip(row, y).reduce(rating) { $0 - $1.0 * $1.1 }
                    for j in 0..<count { row[j] = keep * row[j] + learningRate * error * y[j] }
                    row[count] = mean + keep * (row[count] - mean) + learningRate * error
                }
            }
            return row
        }

        /// What each rating's deviation from the expected one adds to the prediction, through the user's factors and bias.
        public func contributions(of history: History, toItemAt index: Int) throws -> [Float] {
            let size = options.factors + 1
            let side = RatingSide(options, fixedColumn: options.factors + 1, biasColumn: options.factors)
            let rows = history.items.map { side.fixedRow(factors.paddedItems.row(Int($0))) }
            var system = [Double](repeating: 0, count: size * size)
            for i in 0..<size { system[i * (size + 1)] = options.penalty(ratings: rows.count) }
            for (row, _) in rows {
                for i in 0..<size {
                    for j in 0..<size { system[i * size + j] += row[i] * row[j] }
                }
            }
            guard let factor = CholeskyFactor(system, order: size) else {
                throw MarketingMLError(.invalidOption, "the user's equations have no solution")
            }
            let direction = factor.solve(side.fixedRow(factors.paddedItems.row(index)).row)
            return zip(rows, history.values).map { row, value in
                let deviation = Double(value) - options.mean - row.bias
                return Float(deviation * zip(row.row, direction).reduce(0) { $0 + $1.0 * $1.1 })
            }
        }

        private static var kind: String { "biased-matrix-factorization" }

        /// Writes the model to a safetensors file; rows are its tensors `users` and `items`.
        public func save(to url: URL) throws {
            try write(to: url, kind: Self.kind, fields: options) { factors.add(to: &$0) }
        }

        /// Reads a model that `save(to:)` wrote.
        public init(_ url: URL) throws {
            let (file, catalogue, options) = try Self.read(url, kind: Self.kind, RatingOptions.self)
            self.init(
                catalogue: catalogue, options: options,
                factors: try FactorPair(
                    from: file, users: catalogue.users.count, items: catalogue.items.count,
                    factorCount: options.factors, usedWidth: options.factors + 2))
        }
    }
}
