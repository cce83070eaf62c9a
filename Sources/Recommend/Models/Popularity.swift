import Foundation
import Tensor

/// Recommends to everybody what most users took: the baseline that any other recommender has to beat.
///
/// ```swift
/// let model = try Popularity().fit(interactions)
/// for (item, score) in model.recommend(for: user, count: 10) { … }
/// ```
public struct Popularity<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>:
    Recommender
{
    /// Creates the recipe; it has no options.
    public init() {}

    /// `popularity`.
    public var name: String { "popularity" }

    /// Counts how many users took each item.
    public func fit(_ confidence: Confidence<User, Item>, progress: ProgressHandler?) throws -> Model {
        try Task.checkCancellation()
        let catalogue = Catalogue(confidence.interactions)
        return Model(catalogue: catalogue, counts: catalogue.history.columnCounts)
    }

    /// How many users took each item, and who took what. Two items resemble each other by the cosine of the sets of their users.
    public struct Model: RecommenderModel {
        /// The users and items, and who took what.
        public let catalogue: Catalogue<User, Item>
        /// How many users took each item, in the order of `catalogue.items`.
        public let counts: [Int]

        fileprivate init(catalogue: Catalogue<User, Item>, counts: [Int]) {
            self.catalogue = catalogue
            self.counts = counts
        }

        /// The number of users of each item.
        public func scores(ofUserAt index: Int) -> [Float] { counts.map { Float($0) } }

        /// The number of users of each item.
        public func scores(ofHistory history: History) -> [Float]? { counts.map { Float($0) } }

        /// The share of common users: |A ∩ B| / √(|A| |B|).
        public func similarities(ofItemAt index: Int) -> [Float] {
            let history = catalogue.history
            var common = [Int](repeating: 0, count: counts.count)
            for user in catalogue.users.indices {
                let place = history.firstElement(row: user, from: index)
                guard place < history.rowOffsets[user + 1], Int(history.columnIndices[place]) == index else {
                    continue
                }
                for column in history.columnIndices[history.range(user)] { common[Int(column)] += 1 }
            }
            return common.indices.map { item in
                common[item] == 0 ? 0 : Float(common[item]) / Float(counts[item] * counts[index]).squareRoot()
            }
        }

        /// Nothing: popularity is the same for everybody.
        public func contributions(of history: History, toItemAt index: Int) -> [Float] {
            [Float](repeating: 0, count: history.items.count)
        }

        private static var kind: String { "popularity" }

        /// Writes the model to a file.
        public func save(to url: URL) throws {
            try write(to: url, kind: Self.kind, fields: [String]()) { _ in }
        }

        /// Reads a model that `save(to:)` wrote.
        public init(_ url: URL) throws {
            let (_, catalogue, _) = try Self.read(url, kind: Self.kind, [String].self)
            self.init(catalogue: catalogue, counts: catalogue.history.columnCounts)
        }
    }
}
