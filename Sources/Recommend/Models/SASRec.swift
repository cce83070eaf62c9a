import Foundation
import Tensor

/// Recommends what comes next from the order of what came before: a small Transformer over a user's last items.
///
/// Items and places are embedded; blocks of causal self-attention and a layer at each place turn them into a state h after each
/// item; the score of item j as the next one is h·yⱼ with its embedding y. The loss is the cross-entropy of each next item
/// among all items, by Adam: with it the network does better than with sampled negatives (Klenitskiy, Vasilev: Turning Dross
/// Into Gold Loss, RecSys 2023, arXiv:2309.07602). Layers are normalised before each half of a block, as in the paper.
///
/// ```swift
/// let model = try SASRec(factors: 64).fit(interactions)
/// model.next(after: ["tent", "stove"], count: 3)
/// ```
///
/// Kang, McAuley: Self-Attentive Sequential Recommendation, ICDM 2018, arXiv:1808.09781.
public struct SASRec<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>: Recommender {
    /// D, the length of embeddings and states, 1 to 4,096.
    public var factors: Int
    /// The number of attention heads, a divisor of `factors`.
    public var heads: Int
    /// The number of blocks, 1 to 32.
    public var blocks: Int
    /// L: how many of a user's last items count, 1 to 4,096.
    public var length: Int
    /// The share of elements and attentions that are left out at random while it learns, in [0, 1).
    public var dropout: Double
    /// Adam's learning rate, above 0.
    public var learningRate: Double
    /// How often each sequence is visited, at least 1.
    public var epochs: Int
    /// How many sequences a step takes, at least 1.
    public var batchSize: Int
    /// The seed of the first weights, the order of the sequences and of what is left out.
    public var seed: UInt64

    /// Creates a recipe.
    public init(
        factors: Int = 64, heads: Int = 1, blocks: Int = 2, length: Int = 50, dropout: Double = 0.2,
        learningRate: Double = 1e-3, epochs: Int = 30, batchSize: Int = 128, seed: UInt64 = 1
    ) {
        self.factors = factors
        self.heads = heads
        self.blocks = blocks
        self.length = length
        self.dropout = dropout
        self.learningRate = learningRate
        self.epochs = epochs
        self.batchSize = batchSize
        self.seed = seed
    }

    /// `SASRec, 64 factors`.
    public var name: String { "SASRec, \(factors) factors" }

    /// Fits the network.
    ///
    /// - Parameter progress: The loss in its events is an epoch's mean cross-entropy.
    /// - Throws: `.emptyData` if no user has two items; `.invalidOption` also if the steps diverge.
    /// - Complexity: An epoch is O(N (D² + L D + I D)) for N interactions and I items.
    public func fit(_ sequences: Sequences<User, Item>, progress: ProgressHandler?) throws -> Model {
        let options = SASRecOptions(
            factors: factors, heads: heads, blocks: blocks, length: length, seed: seed)
        try options.check()
        try require(0..<1 ~= dropout, "dropout", "at least 0, below 1", "\(dropout)")
        try require(
            learningRate > 0 && learningRate.isFinite, "learningRate", "above 0", "\(learningRate)")
        try require(epochs >= 1, "epochs", "at least 1", "\(epochs)")
        try require(batchSize >= 1, "batchSize", "at least 1", "\(batchSize)")
        let trained = sequences.items.filter { $0.count > 1 }.map { $0.suffix(length + 1) }
        guard !trained.isEmpty else {
            throw MarketingMLError(.emptyData, "no user has two items: nothing follows anything")
        }
        var network = SASRecNetwork<Float>(items: sequences.interactions.items.count, options)
        var optimizer = Adam<Float>(learningRate: learningRate, beta2: 0.98)
        for epoch in 1...epochs {
            var random = SeededGenerator(seed: seed, stream: UInt64(epoch) &+ 1 << 20)
            let order = random.permutation(trained.count)
            var total = 0.0
            var count = 0
            for start in stride(from: 0, to: order.count, by: batchSize) {
                try Task.checkCancellation()
                let batch = order[start..<min(order.count, start + batchSize)].map { trained[$0] }
                let streams = DropoutStreams(seed: seed, step: optimizer.step)
                let (loss, gradients) = valueAndGradient(of: network) {
                    $0.loss(batch, dropout: dropout, streams)
                }
                optimizer.update(&network, with: gradients)
                let targets = batch.reduce(0) { $0 + $1.count - 1 }
                total += Double(loss.item) * Double(targets)
                count += targets
            }
            guard total.isFinite else {
                throw MarketingMLError(
                    .invalidOption, "is too large: the steps diverge in epoch \(epoch)",
                    at: .init(name: "learningRate"))
            }
            let event = ProgressEvent(
                phase: .training(epoch: epoch, of: epochs), step: epoch, total: epochs,
                loss: total / Double(count), rateUnit: "interactions")
            if progress?(event) == .stop { break }
        }
        return try Model(sequences, options, network)
    }

    /// The network, and the state after each user's last item. A user's history has the places of the items in time, 1, 2, …, as
    /// its values.
    public struct Model: FactorModel {
        /// The users and items, and the order in which a user took them.
        public let catalogue: Catalogue<User, Item>
        /// The users' states and the items' embeddings.
        public let factors: FactorPair
        let options: SASRecOptions
        let network: SASRecNetwork<Float>

        init(
            _ sequences: Sequences<User, Item>, _ options: SASRecOptions, _ network: SASRecNetwork<Float>
        ) throws {
            catalogue = Catalogue(sequences.valued { (0..<$0).map { Double($0 + 1) } })
            self.options = options
            self.network = network
            // So many sequences at a time that their states stay small beside the model.
            let part = 1024
            let states = stride(from: 0, to: sequences.items.count, by: part).map { start in
                Self.lastStates(
                    of: sequences.items[start..<min(sequences.items.count, start + part)].map { $0[...] },
                    network)
            }
            factors = FactorPair(
                paddedUsers: Tensor.concatenated(states).padded, paddedItems: network.items.padded,
                factorCount: options.factors, usedWidth: options.factors)
        }

        /// The states after the last item of each sequence: [sequences, D]; none may be empty.
        private static func lastStates(
            of sequences: [ArraySlice<Int32>], _ network: SASRecNetwork<Float>
        ) -> Tensor<Float> {
            let sequences = sequences.map { $0.suffix(network.positions.shape[0]) }
            var ends: [Int] = []
            for sequence in sequences { ends.append((ends.last ?? -1) + sequence.count) }
            return network.states(of: sequences).rows(at: ends)
        }

        /// The items that will come next after these, given from the earliest to the last; unknown ones do not count.
        ///
        /// - Returns: Items with their scores, the best first, at most `count`; nothing if no item is known.
        public func next(
            after items: [Item], count: Int, filter: RecommendationFilter<Item> = .unseen
        ) throws -> [(item: Item, score: Double)] {
            try foldIn(
                history: items, values: items.indices.map { Double($0 + 1) }, count: count, filter: filter)
        }

        /// The state after the history's items in the order of their values, those of the same value in the order of the
        /// catalogue; nil for an empty history.
        public func userRow(ofHistory history: History) -> [Float]? {
            guard !history.items.isEmpty else { return nil }
            return Self.lastStates(of: [history.ordered[...]], network).padded.elements
        }

        /// How much lower the score would be had the user not taken the item.
        public func contributions(of history: History, toItemAt index: Int) -> [Float] {
            let ordered = history.ordered
            let whole = userRow(ofHistory: history) ?? []
            let target = factors.paddedItems.row(index)
            func score(_ row: some Sequence<Float>) -> Float {
                zip(row, target).reduce(0) { $0 + $1.0 * $1.1 }
            }
            guard ordered.count > 1 else { return history.items.map { _ in score(whole) } }
            let rows = Self.lastStates(
                of: history.items.map { left in ordered.filter { $0 != left }[...] }, network)
            return history.items.indices.map { score(whole) - score(rows.row($0)) }
        }

        private static var kind: String { "sasrec" }

        /// Writes the model to a safetensors file: `users` and `items`, and the network's other weights.
        public func save(to url: URL) throws {
            try write(to: url, kind: Self.kind, fields: options) { writer in
                factors.add(to: &writer)
                for (name, value) in network.parameters.dropFirst() { writer.add(name, value) }
            }
        }

        /// Reads a model that `save(to:)` wrote.
        public init(_ url: URL) throws {
            let (file, catalogue, options) = try Self.read(url, kind: Self.kind, SASRecOptions.self)
            let pair = try FactorPair(
                from: file, users: catalogue.users.count, items: catalogue.items.count,
                factorCount: options.factors, usedWidth: options.factors)
            var network = SASRecNetwork<Float>(items: 0, options)
            try network.forEachParameter { name, value in
                value =
                    name == "item-rows" ? pair.items : try file.tensor(name, shape: value.shape)
            }
            self.catalogue = catalogue
            self.options = options
            self.network = network
            factors = pair
        }
    }
}

/// What of the recipe a model needs.
struct SASRecOptions: Sendable, Equatable, CheckedFields {
    var factors: Int
    var heads: Int
    var blocks: Int
    var length: Int
    var seed: UInt64

    /// - Throws: `.invalidOption` naming the first option out of its range.
    func check() throws(MarketingMLError) {
        try require(1...4096 ~= factors, "factors", "1 to 4096", "\(factors)")
        try require(heads >= 1 && factors % max(1, heads) == 0, "heads", "a divisor of factors", "\(heads)")
        try require(1...32 ~= blocks, "blocks", "1 to 32", "\(blocks)")
        try require(1...4096 ~= length, "length", "1 to 4096", "\(length)")
    }
}

extension History {
    /// The items in the order of their values.
    fileprivate var ordered: [Int32] {
        items.indices.sorted { (values[$0], $0) < (values[$1], $1) }.map { items[$0] }
    }
}
