import Foundation
import Tensor

/// A linear model between items in closed form: the item × item matrix B with a zero diagonal that minimises
/// ‖X − X B‖² + λ ‖B‖² for the users × items matrix X of confidence. Simple, and hard to beat for catalogues of some thousand items.
///
/// With P = (XᵀX + λ)⁻¹ it is B(i, j) = −P(i, j) / P(j, j) off the diagonal. Where there are fewer users than items the inverse is
/// computed from the users' Gram matrix instead.
///
/// Steck: Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, doi:10.1145/3308558.3313710, arXiv:1905.03375.
public struct EASE<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>: Recommender {
    /// The most items: B is a full matrix.
    public static var maximumItems: Int { 20_000 }

    /// λ, above 0.
    public var regularization: Double

    /// Creates a recipe; λ is in the order of the number of users who take a popular pair of items: 100 to 1,000.
    public init(regularization: Double = 250) { self.regularization = regularization }

    /// `EASE, λ 250`.
    public var name: String {
        "EASE, λ \(Int(exactly: regularization.rounded()).map { "\($0)" } ?? "\(regularization)")"
    }

    /// Computes B.
    ///
    /// - Throws: `.invalidOption` for λ; `.tooLarge` for more than ``maximumItems`` items.
    /// - Complexity: O(min(U, I)³ + N I) in time, O(I²) in memory.
    public func fit(_ confidence: Confidence<User, Item>, progress: ProgressHandler?) throws -> Model {
        try require(
            regularization > 0 && regularization.isFinite, "regularization", "above 0", "\(regularization)")
        let catalogue = Catalogue(confidence.interactions)
        let (users, items) = (catalogue.users.count, catalogue.items.count)
        guard items <= Self.maximumItems else {
            throw MarketingMLError(
                .tooLarge,
                "\(items) items, EASE takes \(Self.maximumItems): leave out rare ones, or use another model")
        }
        try Task.checkCancellation()
        var weights =
            users < items
            ? try inverseByUsers(catalogue.history) : try inverse(of: catalogue.history).map { Float($0) }
        weights.withUnsafeMutableBufferPointer { weights in
            let diagonal = (0..<items).map { weights[$0 * (items + 1)] }
            for i in 0..<items {
                for j in 0..<items { weights[i * items + j] /= -diagonal[j] }
                weights[i * (items + 1)] = 0
            }
        }
        return Model(catalogue: catalogue, weights: Tensor(shape: [items, items], weights))
    }

    /// (MᵀM + λ)⁻¹, whole.
    private func inverse(of matrix: SparseMatrix<Float>) throws(MarketingMLError) -> [Double] {
        var system = gramMatrix(matrix)
        for i in 0..<matrix.columnCount { system[i * (matrix.columnCount + 1)] += regularization }
        guard let factor = CholeskyFactor(system, order: matrix.columnCount) else {
            throw MarketingMLError(
                .invalidOption, "is too small for these data: the equations have no solution",
                at: .init(name: "regularization"))
        }
        return factor.inverse
    }

    /// λ (XᵀX + λ)⁻¹ = 1 − Xᵀ (X Xᵀ + λ)⁻¹ X, whole; the factor λ has no effect on B.
    private func inverseByUsers(_ x: SparseMatrix<Float>) throws(MarketingMLError) -> [Float] {
        let columns = x.flipped
        let kernel = try inverse(of: columns)
        let (users, items) = (x.rowCount, x.columnCount)
        return [Float](unsafeUninitializedCapacity: items * items) { result, count in
            count = items * items
            guard let target = result.baseAddress else { return }
            let start = UnsafeMutablePointer<Float>(target)
            parallelRanges(items, grain: 16) { range in
                var mixed = [Double](repeating: 0, count: users)
                for item in range {
                    for user in mixed.indices { mixed[user] = 0 }
                    for place in columns.range(item) {
                        let row = Int(columns.columnIndices[place]) * users
                        let value = Double(columns.values[place])
                        for user in 0..<users { mixed[user] += value * kernel[row + user] }
                    }
                    let line = start + item * items
                    line.initialize(repeating: 0, count: items)
                    for user in 0..<users {
                        let factor = Float(mixed[user])
                        for place in x.range(user) {
                            line[Int(x.columnIndices[place])] -= factor * x.values[place]
                        }
                    }
                    line[item] += 1
                }
            }
        }
    }

    /// The weights between items.
    public struct Model: RecommenderModel {
        /// The users and items, and who took what.
        public let catalogue: Catalogue<User, Item>
        /// B: [items, items].
        public let weights: Tensor<Float>

        /// Row `index` of X B.
        public func scores(ofUserAt index: Int) -> [Float] { scored(catalogue.history(ofUserAt: index)) }

        /// x B for the row x of the history.
        public func scores(ofHistory history: History) -> [Float]? {
            history.items.isEmpty ? nil : scored(history)
        }

        private func scored(_ history: History) -> [Float] {
            let count = catalogue.items.count
            var scores = [Float](repeating: 0, count: count)
            weights.withUnsafeElements { weights in
                scores.withUnsafeMutableBufferPointer { scores in
                    for (item, value) in zip(history.items, history.values) {
                        let row = Int(item) * count
                        for column in 0..<count { scores[column] += value * weights[row + column] }
                    }
                }
            }
            return scores
        }

        /// B(index, ·): how much the item speaks for each other one.
        public func similarities(ofItemAt index: Int) -> [Float] { weights.row(index) }

        /// c(i) · B(i, j) for each item i.
        public func contributions(of history: History, toItemAt index: Int) -> [Float] {
            zip(history.items, history.values).map { $1 * weights[Int($0), index] }
        }

        private static var kind: String { "ease" }

        /// Writes the model to a file; B is its tensor `weights`.
        public func save(to url: URL) throws {
            try write(to: url, kind: Self.kind, fields: [String]()) { $0.add("weights", weights) }
        }

        init(catalogue: Catalogue<User, Item>, weights: Tensor<Float>) {
            self.catalogue = catalogue
            self.weights = weights
        }

        /// Reads a model that `save(to:)` wrote.
        public init(_ url: URL) throws {
            let (file, catalogue, _) = try Self.read(url, kind: Self.kind, [String].self)
            let count = catalogue.items.count
            self.init(catalogue: catalogue, weights: try file.tensor("weights", shape: [count, count]))
        }
    }
}
