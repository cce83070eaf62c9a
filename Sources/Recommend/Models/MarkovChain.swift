import Foundation
import Tensor

/// Recommends what comes next: items that followed the user's last ones in other users' sequences.
///
///     P(j | i) = (nᵢⱼ + κ pⱼ) / (nᵢ + κ),      score(j) = Σₖ ρᵏ P(j | k-th last item) / Σₖ ρᵏ
///
/// with nᵢⱼ users for whom j came right after i, nᵢ = Σⱼ nᵢⱼ, and the share pⱼ of item j in all interactions. With ρ = 0 it is
/// the first-order chain; a little of the items before the last makes up for rare ones.
///
/// ```swift
/// let model = try MarkovChain(recency: 0.3).fit(interactions)
/// model.next(after: ["tent", "stove"], count: 3)
/// ```
///
/// Rendle, Freudenthaler, Schmidt-Thieme: Factorizing Personalized Markov Chains for Next-basket Recommendation, WWW 2010,
/// doi:10.1145/1772690.1772773 (section 3, the chain without factors).
public struct MarkovChain<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>:
    Recommender
{
    /// ρ, the weight of each item relative to the one after it, in [0, 1].
    public var recency: Double
    /// κ, how many transitions popularity counts for, at least 0. With 0 an item that never followed scores 0.
    public var smoothing: Double

    /// Creates a recipe.
    public init(recency: Double = 0.5, smoothing: Double = 1) {
        self.recency = recency
        self.smoothing = smoothing
    }

    /// `Markov chain`.
    public var name: String { "Markov chain" }

    /// Counts which item follows which.
    ///
    /// - Complexity: O(N log N) for N interactions.
    public func fit(_ sequences: Sequences<User, Item>, progress: ProgressHandler?) throws -> Model {
        let options = MarkovOptions(recency: recency, smoothing: smoothing)
        try options.check()
        try Task.checkCancellation()
        let matrix = sequences.interactions.matrix
        var pairs: [(from: Int32, to: Int32)] = []
        for items in sequences.items { pairs += zip(items, items.dropFirst()).map { (from: $0, to: $1) } }
        pairs.sort { ($0.from, $0.to) < ($1.from, $1.to) }
        var offsets = [Int](repeating: 0, count: matrix.columnCount + 1)
        var (columns, counts): ([Int32], [Float]) = ([], [])
        for (place, pair) in pairs.enumerated() {
            if place > 0, pairs[place - 1] == pair {
                counts[counts.count - 1] += 1
            } else {
                columns.append(pair.to)
                counts.append(1)
            }
            offsets[Int(pair.from) + 1] = columns.count
        }
        for row in 1..<offsets.count { offsets[row] = max(offsets[row], offsets[row - 1]) }
        let transitions = SparseMatrix(
            trusted: matrix.columnCount, matrix.columnCount, rowOffsets: offsets, columnIndices: columns,
            values: counts)
        return Model(
            catalogue: Catalogue(sequences.valued(options.weights)), options: options,
            transitions: transitions)
    }

    /// What followed what. A user's history has the weight ρᵏ of each item as its value.
    public struct Model: RecommenderModel {
        /// The users and items, and how recently a user took which.
        public let catalogue: Catalogue<User, Item>
        let options: MarkovOptions
        /// nᵢⱼ.
        let transitions: SparseMatrix<Float>
        /// pⱼ.
        private let shares: [Float]
        /// nᵢ + κ.
        private let totals: [Float]

        fileprivate init(
            catalogue: Catalogue<User, Item>, options: MarkovOptions, transitions: SparseMatrix<Float>
        ) {
            self.catalogue = catalogue
            self.options = options
            self.transitions = transitions
            shares = catalogue.history.columnCounts.map { Float($0) / Float(catalogue.history.storedCount) }
            totals = (0..<transitions.rowCount).map { row in
                transitions.values[transitions.range(row)].reduce(Float(options.smoothing), +)
            }
        }

        /// The items that will come next after these, given from the earliest to the last; unknown ones do not count.
        ///
        /// - Returns: Items with their scores, the best first, at most `count`; nothing if no item is known.
        public func next(
            after items: [Item], count: Int, filter: RecommendationFilter<Item> = .unseen
        ) throws -> [(item: Item, score: Double)] {
            let known = items.filter { catalogue.itemIndex[$0] != nil }
            return try foldIn(
                history: known, values: options.weights(known.count), count: count, filter: filter)
        }

        /// The chances that each item comes next.
        public func scores(ofUserAt index: Int) -> [Float] { scored(catalogue.history(ofUserAt: index)) }

        /// The chances that each item comes next, values being the items' weights.
        public func scores(ofHistory history: History) -> [Float]? {
            history.items.isEmpty ? nil : scored(history)
        }

        private func scored(_ history: History) -> [Float] {
            let total = history.values.reduce(0, +)
            guard total > 0 else { return shares }
            var popularity: Float = 0
            var scores = [Float](repeating: 0, count: shares.count)
            for (item, value) in zip(history.items, history.values) where value > 0 && totals[Int(item)] > 0 {
                let weight = value / total / totals[Int(item)]
                popularity += weight * Float(options.smoothing)
                for place in transitions.range(Int(item)) {
                    scores[Int(transitions.columnIndices[place])] += weight * transitions.values[place]
                }
            }
            for item in scores.indices { scores[item] += popularity * shares[item] }
            return scores
        }

        /// The chances that each item follows this one.
        public func similarities(ofItemAt index: Int) -> [Float] {
            scored(History(items: [Int32(truncatingIfNeeded: index)], values: [1]))
        }

        /// The chance that the item follows each one, times its weight: they add up to the score.
        public func contributions(of history: History, toItemAt index: Int) -> [Float] {
            let total = history.values.reduce(0, +)
            return zip(history.items, history.values).map { item, value in
                total > 0
                    ? value / total * scored(History(items: [item], values: [1]))[index] : 0
            }
        }

        private static var kind: String { "markov-chain" }

        /// Writes the model to a file.
        public func save(to url: URL) throws {
            try write(to: url, kind: Self.kind, fields: options) { transitions.add("transitions", to: &$0) }
        }

        /// Reads a model that `save(to:)` wrote.
        public init(_ url: URL) throws {
            let (file, catalogue, options) = try Self.read(url, kind: Self.kind, MarkovOptions.self)
            let items = catalogue.items.count
            let transitions = try SparseMatrix(from: file, "transitions", rows: items, columns: items)
            guard transitions.values.allSatisfy({ $0 > 0 && $0.isFinite }), catalogue.history.storedCount > 0,
                catalogue.history.values.allSatisfy({ $0 >= 0 && $0.isFinite })
            else { throw file.malformed("counts of transitions must be above 0") }
            self.init(catalogue: catalogue, options: options, transitions: transitions)
        }
    }
}

/// What of the recipe a model needs.
struct MarkovOptions: Sendable, Equatable, CheckedFields {
    var recency: Double
    var smoothing: Double

    /// - Throws: `.invalidOption` naming the first option out of its range.
    func check() throws(MarketingMLError) {
        try require(0...1 ~= recency, "recency", "0 to 1", "\(recency)")
        try require(smoothing >= 0 && smoothing.isFinite, "smoothing", "at least 0", "\(smoothing)")
    }

    /// The weights of a sequence's items, the earliest first: …, ρ², ρ, 1.
    func weights(_ count: Int) -> [Double] { (0..<count).map { pow(recency, Double(count - 1 - $0)) } }
}
