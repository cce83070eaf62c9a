import Foundation
import Tensor

/// Matrix factorization for rankings: an item that a user took should score above one that is drawn at random.
///
/// Stochastic gradient ascent on Σ log σ(x·p + b_p − x·n − b_n) − λ/2 (‖x‖² + ‖p‖² + ‖n‖² + b_p² + b_n²) over what users took (p)
/// and what is drawn (n; where the user took that too, nothing is learnt). Confidence does not count, only that there is some.
/// An epoch visits each interaction once; results are the same for every number of threads.
///
/// Rendle, Freudenthaler, Gantner, Schmidt-Thieme: BPR: Bayesian Personalized Ranking from Implicit Feedback, UAI 2009,
/// arXiv:1205.2618.
public struct BayesianPersonalizedRanking<
    User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable
>: Recommender {
    /// How the other item of a pair is drawn.
    public enum Negatives: Sendable, Equatable, Codable {
        /// Each item equally likely: learns what is popular as well.
        case uniform
        /// In proportion to a power of the number of its users: with 1, popularity gains nothing.
        case popularity(exponent: Double = 0.75)
    }

    /// The number of factors, 1 to 4,095.
    public var factors: Int
    /// The learning rate, above 0.
    public var learningRate: Double
    /// λ, at least 0.
    public var regularization: Double
    /// How often each interaction is visited, at least 1.
    public var epochs: Int
    /// How the other item of a pair is drawn.
    public var negatives: Negatives
    /// The seed of the first factors and of what is drawn.
    public var seed: UInt64

    /// Creates a recipe.
    public init(
        factors: Int = 64, learningRate: Double = 0.05, regularization: Double = 0.01, epochs: Int = 30,
        negatives: Negatives = .uniform, seed: UInt64 = 1
    ) {
        self.factors = factors
        self.learningRate = learningRate
        self.regularization = regularization
        self.epochs = epochs
        self.negatives = negatives
        self.seed = seed
    }

    /// `BPR, 64 factors`.
    public var name: String { "BPR, \(factors) factors" }

    /// Fits the factors.
    ///
    /// - Complexity: An epoch is O(N F) for N interactions and F factors.
    public func fit(_ confidence: Confidence<User, Item>, progress: ProgressHandler?) throws -> Model {
        let options = PairwiseOptions(
            factors: factors, learningRate: learningRate, regularization: regularization, seed: seed)
        try options.check()
        try require(epochs >= 1, "epochs", "at least 1", "\(epochs)")
        let drawn: PairwiseRanking.Negatives
        switch negatives {
        case .uniform: drawn = .uniform
        case .popularity(let exponent):
            try require(0...2 ~= exponent, "exponent", "0 to 2", "\(exponent)")
            drawn = .popularity(exponent: exponent)
        }
        let matrix = confidence.interactions.matrix
        var training = PairwiseRanking(
            matrix, factors: factors, learningRate: learningRate, regularization: regularization,
            negatives: drawn, seed: seed)
        for epoch in 1...epochs {
            try Task.checkCancellation()
            let share = training.epoch(epoch)
            let event = ProgressEvent(
                phase: .training(epoch: epoch, of: epochs), step: epoch, total: epochs, loss: 1 - share,
                rateUnit: "interactions")
            if progress?(event) == .stop { break }
        }
        return Model(
            catalogue: Catalogue(confidence.interactions), options: options,
            factors: FactorPair(
                paddedUsers: training.users.withColumn(factors) { _ in 1 },
                paddedItems: training.items.withColumn(factors) { [biases = training.biases] in biases[$0] },
                factorCount: factors, usedWidth: factors + 1))
    }

    /// Factors of users and items, and the items' biases; only the order of scores means something.
    public struct Model: FactorModel {
        /// The users and items, and who took what.
        public let catalogue: Catalogue<User, Item>
        /// The users' rows [x, 1] and the items' rows [y, b].
        public let factors: FactorPair
        let options: PairwiseOptions

        init(catalogue: Catalogue<User, Item>, options: PairwiseOptions, factors: FactorPair) {
            self.catalogue = catalogue
            self.options = options
            self.factors = factors
        }

        /// 200 passes of the fit's own steps over the history, the items fixed: near a training user's factors, but not the same.
        /// Without a history, that of a user without factors: items are ranked by their biases.
        public func userRow(ofHistory history: History) -> [Float]? {
            let count = options.factors
            let width = factors.paddedItems.shape[1]
            var row = [Float](repeating: 0, count: width)
            row[count] = 1
            let (learningRate, keep) = (
                Float(options.learningRate), Float(1 - options.learningRate * options.regularization)
            )
            var random = SeededGenerator(seed: options.seed)
            let taken = Set(history.items)
            guard taken.count < catalogue.items.count else { return row }
            factors.paddedItems.withUnsafeElements { items in
                for _ in 0..<200 {
                    for item in history.items {
                        let negative = random.next(below: catalogue.items.count)
                        guard !taken.contains(Int32(truncatingIfNeeded: negative)) else { continue }
                        let (p, n) = (Int(item) * width, negative * width)
                        var margin: Float = 0
                        for j in 0...count { margin += row[j] * (items[p + j] - items[n + j]) }
                        let slope = learningRate / (1 + exp(margin))
                        for j in 0..<count { row[j] = keep * row[j] + slope * (items[p + j] - items[n + j]) }
                    }
                }
            }
            return row
        }

        /// The products of the factors of the item and of each of the history's items: how alike the model finds them.
        public func contributions(of history: History, toItemAt index: Int) -> [Float] {
            let target = factors.paddedItems.row(index)
            return history.items.map { item in
                let row = factors.paddedItems.row(Int(item))
                return (0..<options.factors).reduce(0) { $0 + row[$1] * target[$1] }
            }
        }

        private static var kind: String { "bayesian-personalized-ranking" }

        /// Writes the model to a safetensors file; rows are its tensors `users` and `items`.
        public func save(to url: URL) throws {
            try write(to: url, kind: Self.kind, fields: options) { factors.add(to: &$0) }
        }

        /// Reads a model that `save(to:)` wrote.
        public init(_ url: URL) throws {
            let (file, catalogue, options) = try Self.read(url, kind: Self.kind, PairwiseOptions.self)
            self.init(
                catalogue: catalogue, options: options,
                factors: try FactorPair(
                    from: file, users: catalogue.users.count, items: catalogue.items.count,
                    factorCount: options.factors, usedWidth: options.factors + 1))
        }
    }
}

/// What of a recipe for pairs a model needs to fold users in.
struct PairwiseOptions: Sendable, Equatable, CheckedFields {
    var factors: Int
    var learningRate: Double
    var regularization: Double
    var seed: UInt64

    /// - Throws: `.invalidOption` naming the first option out of its range.
    func check() throws(MarketingMLError) {
        try require(1...4095 ~= factors, "factors", "1 to 4095", "\(factors)")
        try require(
            learningRate > 0 && learningRate <= 10, "learningRate", "above 0, at most 10", "\(learningRate)")
        try require(
            regularization >= 0 && regularization * learningRate < 1, "regularization",
            "at least 0, and below 1 over the learning rate", "\(regularization)")
    }
}

extension Tensor where Scalar == Float {
    /// Padded to hold a column `index`, with that column set.
    fileprivate func withColumn(_ index: Int, _ value: (Int) -> Float) -> Tensor {
        let rows = shape[0]
        var result =
            shape[1] > index ? self : columns(index).widened(to: FactorMatrix.width(factors: index + 1))
        let width = result.shape[1]
        result.withUnsafeMutableElements { elements in
            for row in 0..<rows { elements[row * width + index] = value(row) }
        }
        return result
    }
}
