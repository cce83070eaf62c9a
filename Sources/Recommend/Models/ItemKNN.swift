import Foundation
import Tensor

/// Nearest neighbours of items: an item scores by how much it resembles the items of the user's history.
///
/// The confidence of user u in item i becomes a weight, and two items' resemblance is the product of their columns of weights.
/// The score of item j is Σ c(u, i) · resemblance(i, j) over the user's items i that have j among their nearest `neighbors`.
public struct ItemKNN<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>: Recommender {
    /// How confidence is weighed.
    public enum Weighting: Sendable, Equatable, Codable {
        /// c; columns of length 1.
        case cosine
        /// √c · log(I / (1 + nᵤ)) for I items and nᵤ items of the user; columns of length 1.
        case tfidf
        /// c (k₁ + 1) / (c + k₁ (1 − b + b Lᵢ / L̄)) · log(I / (1 + nᵤ)) for an item's total Lᵢ of confidence and its mean L̄.
        case bm25(k1: Double = 1.2, b: Double = 0.75)
    }

    /// How confidence is weighed.
    public var weighting: Weighting
    /// How many neighbours each item keeps, at least 1.
    public var neighbors: Int

    /// Creates a recipe.
    public init(_ weighting: Weighting = .cosine, neighbors: Int = 50) {
        self.weighting = weighting
        self.neighbors = neighbors
    }

    /// `item kNN, cosine, 50`.
    public var name: String {
        switch weighting {
        case .cosine: "item kNN, cosine, \(neighbors)"
        case .tfidf: "item kNN, TF-IDF, \(neighbors)"
        case .bm25: "item kNN, BM25, \(neighbors)"
        }
    }

    /// Finds each item's neighbours.
    ///
    /// - Complexity: O(Σ nᵤ²) over users with nᵤ items.
    public func fit(_ confidence: Confidence<User, Item>, progress: ProgressHandler?) throws -> Model {
        try require(neighbors >= 1, "neighbors", "at least 1", "\(neighbors)")
        if case .bm25(let k1, let b) = weighting {
            try require(k1 >= 0 && k1.isFinite, "k1", "at least 0", "\(k1)")
            try require(0...1 ~= b, "b", "0 to 1", "\(b)")
        }
        let catalogue = Catalogue(confidence.interactions)
        let weights = weighted(catalogue.history)
        let users = weights.flipped
        let count = catalogue.items.count
        let part = 256
        var lists: [TopScores] = []
        for first in stride(from: 0, to: count, by: part) {
            try Task.checkCancellation()
            lists += parallelMap(min(part, count - first)) { neighborsOf(first + $0, weights, users) }
            _ = progress?(
                ProgressEvent(
                    phase: .training(epoch: 1, of: 1), step: min(count, first + part), total: count,
                    rateUnit: "items"))
        }
        return Model(catalogue: catalogue, similarity: Self.matrix(lists))
    }

    private func neighborsOf(
        _ item: Int, _ weights: SparseMatrix<Float>, _ users: SparseMatrix<Float>
    ) -> TopScores {
        var scores = [Float](repeating: 0, count: weights.columnCount)
        scores.withUnsafeMutableBufferPointer { scores in
            for place in users.range(item) {
                let weight = users.values[place]
                for other in weights.range(Int(users.columnIndices[place])) {
                    scores[Int(weights.columnIndices[other])] += weight * weights.values[other]
                }
            }
            scores[item] = -.infinity
            for index in scores.indices where !(scores[index] > 0) { scores[index] = -.infinity }
        }
        return TopScores.of(scores, count: neighbors)
    }

    /// Lists of neighbours as rows of a matrix, each in the order of its columns.
    private static func matrix(_ lists: [TopScores]) -> SparseMatrix<Float> {
        var offsets = [0]
        var columns: [Int32] = []
        var values: [Float] = []
        for list in lists {
            for place in list.indices.indices.sorted(by: { list.indices[$0] < list.indices[$1] }) {
                columns.append(list.indices[place])
                values.append(list.scores[place])
            }
            offsets.append(columns.count)
        }
        return SparseMatrix(
            trusted: lists.count, lists.count, rowOffsets: offsets, columnIndices: columns, values: values)
    }

    /// The weights of users × items.
    private func weighted(_ history: SparseMatrix<Float>) -> SparseMatrix<Float> {
        var totals = [Double](repeating: 0, count: history.columnCount)
        for (column, value) in zip(history.columnIndices, history.values) {
            totals[Int(column)] += Double(value)
        }
        let meanTotal = totals.reduce(0, +) / Double(max(1, totals.count))
        var values = history.values.map(Double.init)
        for user in 0..<history.rowCount {
            let range = history.range(user)
            let rarity = log(Double(history.columnCount)) - log(1 + Double(range.count))
            for place in range {
                switch weighting {
                case .cosine: break
                case .tfidf: values[place] = values[place].squareRoot() * rarity
                case .bm25(let k1, let b):
                    let length = 1 - b + b * totals[Int(history.columnIndices[place])] / meanTotal
                    let denominator = values[place] + k1 * length
                    values[place] = denominator > 0 ? values[place] * (k1 + 1) / denominator * rarity : 0
                }
            }
        }
        if weighting == .cosine || weighting == .tfidf {
            var squares = [Double](repeating: 0, count: history.columnCount)
            for (column, value) in zip(history.columnIndices, values) {
                squares[Int(column)] += value * value
            }
            for (place, column) in history.columnIndices.enumerated() where squares[Int(column)] > 0 {
                values[place] /= squares[Int(column)].squareRoot()
            }
        }
        return SparseMatrix(
            trusted: history.rowCount, history.columnCount, rowOffsets: history.rowOffsets,
            columnIndices: history.columnIndices, values: values.map { Float($0) })
    }

    /// Each item's neighbours.
    public struct Model: RecommenderModel {
        /// The users and items, and who took what.
        public let catalogue: Catalogue<User, Item>
        /// Row i: the neighbours of item i.
        let similarity: SparseMatrix<Float>

        init(catalogue: Catalogue<User, Item>, similarity: SparseMatrix<Float>) {
            self.catalogue = catalogue
            self.similarity = similarity
        }

        /// Σ c(i) · resemblance(i, j) over the user's items.
        public func scores(ofUserAt index: Int) -> [Float] {
            scored(catalogue.history(ofUserAt: index))
        }

        /// Σ c(i) · resemblance(i, j) over the history's items; items that resemble none of them have no score.
        public func scores(ofHistory history: History) -> [Float]? {
            history.items.isEmpty ? nil : scored(history)
        }

        /// Items that no neighbour speaks for must not be recommended: their score is −∞.
        private func scored(_ history: History) -> [Float] {
            var scores = [Float](repeating: -.infinity, count: catalogue.items.count)
            for (item, value) in zip(history.items, history.values) {
                for place in similarity.range(Int(item)) {
                    let column = Int(similarity.columnIndices[place])
                    let contribution = value * similarity.values[place]
                    scores[column] =
                        scores[column] == -.infinity ? contribution : scores[column] + contribution
                }
            }
            return scores
        }

        /// The resemblance of the item's neighbours.
        public func similarities(ofItemAt index: Int) -> [Float] {
            var result = [Float](repeating: -.infinity, count: catalogue.items.count)
            for place in similarity.range(index) {
                result[Int(similarity.columnIndices[place])] = similarity.values[place]
            }
            return result
        }

        /// c(i) · resemblance(i, j) for each item i.
        public func contributions(of history: History, toItemAt index: Int) -> [Float] {
            zip(history.items, history.values).map { item, value in
                let place = similarity.firstElement(row: Int(item), from: index)
                let isNeighbor =
                    place < similarity.rowOffsets[Int(item) + 1]
                    && Int(similarity.columnIndices[place]) == index
                return isNeighbor ? value * similarity.values[place] : 0
            }
        }

        private static var kind: String { "item-knn" }

        /// Writes the model to a file.
        public func save(to url: URL) throws {
            try write(to: url, kind: Self.kind, fields: [String]()) { similarity.add("similarity", to: &$0) }
        }

        /// Reads a model that `save(to:)` wrote.
        public init(_ url: URL) throws {
            let (file, catalogue, _) = try Self.read(url, kind: Self.kind, [String].self)
            let similarity = try SparseMatrix(
                from: file, "similarity", rows: catalogue.items.count, columns: catalogue.items.count)
            self.init(catalogue: catalogue, similarity: similarity)
        }
    }
}
