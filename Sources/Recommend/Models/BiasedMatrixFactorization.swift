import Foundation
import Tensor

/// Predicts ratings: the mean, what a user and an item deviate from it, and a product of factors.
///
///     Σ rated (r − μ − bᵤ − bᵢ − x·y)²  +  λ (‖X‖² + ‖Y‖²)  +  λ_b (Σ bᵤ² + Σ bᵢ²)
///
/// Alternating least squares: a user's factors and bias are solved for together, exactly, then an item's; every fit ends with the
/// users. Predictions are kept within the scale of the ratings.
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
    /// The number of iterations over items and users, at least 1.
    public var iterations: Int
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

    /// `biased MF, 64 factors`.
    public var name: String { "biased MF, \(factors) factors" }

    /// Fits biases and factors.
    ///
    /// - Parameter progress: The loss in its events is the mean squared error on the training ratings.
    /// - Complexity: An iteration is O(N F² + (U + I) F³) for N ratings and F factors.
    public func fit(_ ratings: Ratings<User, Item>, progress: ProgressHandler?) throws -> Model {
        var options = RatingOptions(
            factors: factors, regularization: regularization, biasRegularization: biasRegularization, mean: 0,
            lowest: ratings.scale.lowerBound, highest: ratings.scale.upperBound)
        try options.check()
        try require(iterations >= 1, "iterations", "at least 1", "\(iterations)")
        let matrix = ratings.interactions.matrix
        options.mean = matrix.values.reduce(0) { $0 + Double($1) } / Double(matrix.storedCount)
        let (users, items) = try RatingTrainer(matrix, options).run(
            iterations: iterations, seed: seed, progress: progress)
        return Model(
            catalogue: Catalogue(ratings.interactions), options: options,
            factors: FactorPair(
                paddedUsers: users, paddedItems: items, factorCount: factors, usedWidth: factors + 2))
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

        /// The user's bias and factors given the items', as at the end of the fit; those of an unknown user without a history.
        public func userRow(ofHistory history: History) throws -> [Float]? {
            guard !history.items.isEmpty else { return options.unknownUser }
            let matrix = history.matrix(itemCount: catalogue.items.count)
            let trainer = RatingSide(options, fixedColumn: options.factors + 1, biasColumn: options.factors)
            var row = Tensor<Float>.zeros([1, factors.paddedItems.shape[1]])
            try trainer.solve(&row, ratings: matrix, fixed: factors.paddedItems, mean: options.mean)
            return row.elements
        }

        /// What each rating's deviation from the expected one adds to the prediction, through the user's factors and bias.
        public func contributions(of history: History, toItemAt index: Int) throws -> [Float] {
            let size = options.factors + 1
            let side = RatingSide(options, fixedColumn: options.factors + 1, biasColumn: options.factors)
            let rows = history.items.map { side.fixedRow(factors.paddedItems.row(Int($0))) }
            var system = [Double](repeating: 0, count: size * size)
            for i in 0..<size { system[i * (size + 1)] = options.regularization }
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
