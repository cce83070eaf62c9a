import Foundation
import Tensor

/// Predicts ratings from factors, biases, and what a user chose to rate at all:
///
///     r ≈ μ + bᵤ + bᵢ + y·( x + |N(u)|^(−1/2) Σ z )
///
/// with a row z for each item of N(u), those that the user rated. Stochastic gradient descent on the squared error plus
/// λ (b² + c² + ‖x‖² + ‖y‖² + Σ ‖z‖²) of what each rating touches, user after user. Each rating's step changes all z of its user
/// alike, so an epoch takes O(N F) for N ratings instead of O(Σ nᵤ² F), with the same result.
///
/// Koren: Factorization Meets the Neighborhood, KDD 2008, doi:10.1145/1401890.1401944.
public struct SVDPlusPlus<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>:
    Recommender
{
    /// The number of factors, 1 to 4,094.
    public var factors: Int
    /// The learning rate, above 0.
    public var learningRate: Double
    /// λ, at least 0.
    public var regularization: Double
    /// How often each rating is visited, at least 1.
    public var epochs: Int
    /// The seed of the first factors.
    public var seed: UInt64

    /// Creates a recipe.
    public init(
        factors: Int = 20, learningRate: Double = 0.007, regularization: Double = 0.02, epochs: Int = 20,
        seed: UInt64 = 1
    ) {
        self.factors = factors
        self.learningRate = learningRate
        self.regularization = regularization
        self.epochs = epochs
        self.seed = seed
    }

    /// `SVD++, 20 factors`.
    public var name: String { "SVD++, \(factors) factors" }

    /// Fits biases and factors.
    ///
    /// - Parameter progress: The loss in its events is the mean squared error before each step.
    /// - Throws: `.invalidOption` also if the steps diverge.
    public func fit(_ ratings: Ratings<User, Item>, progress: ProgressHandler?) throws -> Model {
        let matrix = ratings.interactions.matrix
        let options = SVDOptions(
            steps: PairwiseOptions(
                factors: factors, learningRate: learningRate, regularization: regularization, seed: seed),
            mean: matrix.values.reduce(0) { $0 + Double($1) } / Double(matrix.storedCount),
            lowest: ratings.scale.lowerBound, highest: ratings.scale.upperBound)
        try options.check()
        try require(epochs >= 1, "epochs", "at least 1", "\(epochs)")
        var training = RatingSteps(
            matrix, mean: options.mean, factors: factors, standardDeviation: 0.1, learningRate: learningRate,
            regularization: regularization, withHistory: true, seed: seed)
        try training.run(epochs: epochs, progress: progress)
        return Model(Catalogue(ratings.interactions), options, training)
    }

    /// Biases and factors. Items are ranked by the rating that is predicted, before it is kept within the scale.
    public struct Model: RatingModel {
        /// The users and items, and the ratings that the model learned from.
        public let catalogue: Catalogue<User, Item>
        /// The users' rows [x + Σ z / √n, μ + bᵤ, 1] and the items' rows [y, 1, bᵢ].
        public let factors: FactorPair
        /// The mean of the ratings that it learned from.
        public var meanRating: Double { options.mean }
        /// The ratings that can be given.
        public var ratingScale: ClosedRange<Double> { options.lowest...options.highest }
        let options: SVDOptions
        /// z, in rows as wide as the items'.
        let history: Tensor<Float>

        fileprivate init(_ catalogue: Catalogue<User, Item>, _ options: SVDOptions, _ training: RatingSteps) {
            let count = options.steps.factors
            let (plain, items) = training.rows(factors: count)
            var users = plain
            let width = users.shape[1]
            let history = (training.history ?? .zeros(training.items.shape)).columns(count).widened(to: width)
            users.withUnsafeMutableElements { users in
                for user in catalogue.users.indices {
                    let sum = options.sum(of: catalogue.history(ofUserAt: user).items, history)
                    for column in 0..<count { users[user * width + column] += sum[column] }
                }
            }
            self.init(
                catalogue: catalogue, options: options, history: history,
                factors: FactorPair(
                    paddedUsers: users, paddedItems: items, factorCount: count, usedWidth: count + 2))
        }

        private init(
            catalogue: Catalogue<User, Item>, options: SVDOptions, history: Tensor<Float>, factors: FactorPair
        ) {
            self.catalogue = catalogue
            self.options = options
            self.history = history
            self.factors = factors
        }

        /// A row without factors of its own: the sum over the history and the bias that its ratings suggest, shrunk by five
        /// ratings. Near a training user's row.
        public func userRow(ofHistory history: History) -> [Float]? {
            let count = options.steps.factors
            var row = options.sum(of: history.items, self.history)
            row += [Float](repeating: 0, count: factors.paddedItems.shape[1] - row.count)
            var deviation: Float = 0
            for (item, rating) in zip(history.items, history.values) {
                let y = factors.paddedItems.row(Int(item))
                deviation +=
                    rating - Float(options.mean) - y[count + 1]
                    - (0..<count).reduce(0) { $0 + row[$1] * y[$1] }
            }
            row[count] = Float(options.mean) + deviation / Float(history.items.count + 5)
            row[count + 1] = 1
            return row
        }

        /// y · z / √n for each item of the history.
        public func contributions(of history: History, toItemAt index: Int) -> [Float] {
            let y = factors.paddedItems.row(index)
            return history.items.map { item in
                let sum = options.sum(of: [item], self.history)
                let product = (0..<options.steps.factors).reduce(Float(0)) { $0 + sum[$1] * y[$1] }
                return product / Float(history.items.count).squareRoot()
            }
        }

        private static var kind: String { "svd-plus-plus" }

        /// Writes the model to a safetensors file; rows are its tensors `users`, `items` and `history-rows`.
        public func save(to url: URL) throws {
            try write(to: url, kind: Self.kind, fields: options) { writer in
                factors.add(to: &writer)
                writer.add("history-rows", history.columns(options.steps.factors))
            }
        }

        /// Reads a model that `save(to:)` wrote.
        public init(_ url: URL) throws {
            let (file, catalogue, options) = try Self.read(url, kind: Self.kind, SVDOptions.self)
            let (items, count) = (catalogue.items.count, options.steps.factors)
            let pair = try FactorPair(
                from: file, users: catalogue.users.count, items: items, factorCount: count,
                usedWidth: count + 2)
            let rows: Tensor<Float> = try file.tensor("history-rows", shape: [items, count])
            self.init(
                catalogue: catalogue, options: options,
                history: rows.widened(to: FactorMatrix.width(factors: count + 2)), factors: pair)
        }
    }
}

/// What of the recipe a model needs, and what was found about the ratings.
struct SVDOptions: Sendable, Equatable, CheckedFields {
    var steps: PairwiseOptions
    var mean: Double
    var lowest: Double
    var highest: Double

    /// - Throws: `.invalidOption` naming the first option out of its range.
    func check() throws(MarketingMLError) {
        try steps.check()
        try require(steps.factors <= 4094, "factors", "1 to 4094", "\(steps.factors)")
        try require(mean.isFinite && lowest <= highest, "scale", "ordered", "\(lowest), \(highest)")
    }

    /// Σ z / √n over items: [factors].
    func sum(of items: [Int32], _ history: Tensor<Float>) -> [Float] {
        var sum = [Float](repeating: 0, count: steps.factors)
        guard !items.isEmpty else { return sum }
        let width = history.shape[1]
        let share = 1 / Float(items.count).squareRoot()
        history.withUnsafeElements { rows in
            for item in items {
                for column in sum.indices { sum[column] += share * rows[Int(item) * width + column] }
            }
        }
        return sum
    }
}
