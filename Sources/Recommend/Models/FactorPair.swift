import Tensor

/// Factors of users and of items: the score of an item for a user is the product of their rows.
public struct FactorPair: Sendable {
    /// How many factors a user or item has; rows may hold biases behind them.
    public let factorCount: Int
    /// How many elements of a row are in use; the others are padding.
    let usedWidth: Int
    /// [users, width].
    let paddedUsers: Tensor<Float>
    /// [items, width].
    let paddedItems: Tensor<Float>
    /// The items' rows in the layout in which they are scored.
    let packed: PackedFactors
    private let itemNorms: [Float]

    /// The users' rows, factors and biases: [users, used].
    public var users: Tensor<Float> { paddedUsers.columns(usedWidth) }
    /// The items' rows, factors and biases: [items, used].
    public var items: Tensor<Float> { paddedItems.columns(usedWidth) }

    init(paddedUsers: Tensor<Float>, paddedItems: Tensor<Float>, factorCount: Int, usedWidth: Int) {
        self.paddedUsers = paddedUsers
        self.paddedItems = paddedItems
        self.factorCount = factorCount
        self.usedWidth = usedWidth
        packed = PackedFactors(paddedItems)
        itemNorms = paddedItems.rowNorms(factorCount)
    }

    /// The row of a user: [width].
    func user(_ index: Int) -> [Float] { paddedUsers.row(index) }

    /// The cosine of items' factors.
    func similarities(ofItemAt index: Int) -> [Float] {
        var query = paddedItems.row(index)
        for place in factorCount..<query.count { query[place] = 0 }
        let scale = itemNorms[index]
        let products = packed.scores(query)
        return products.indices.map { item in
            let norms = itemNorms[item] * scale
            return norms > 0 ? products[item] / norms : 0
        }
    }

    /// The cosine of users' factors.
    func similarities(ofUserAt index: Int) -> [Float] {
        let query = paddedUsers.row(index)
        let width = query.count
        let norms = paddedUsers.rowNorms(factorCount)
        return paddedUsers.withUnsafeElements { users in
            norms.indices.map { user in
                var product: Float = 0
                for place in 0..<factorCount { product += query[place] * users[user * width + place] }
                let scale = norms[user] * norms[index]
                return scale > 0 ? product / scale : 0
            }
        }
    }

    /// Adds both to a model's file.
    func add(to writer: inout SafeTensorsWriter) {
        writer.add("users", users)
        writer.add("items", items)
    }

    /// Reads what `add` wrote.
    init(from file: ModelFile, users: Int, items: Int, factorCount: Int, usedWidth: Int) throws {
        guard 1...4096 ~= factorCount, factorCount <= usedWidth, usedWidth <= factorCount + 2 else {
            throw file.malformed("\(factorCount) factors in rows of \(usedWidth)")
        }
        let userRows: Tensor<Float> = try file.tensor("users", shape: [users, usedWidth])
        let itemRows: Tensor<Float> = try file.tensor("items", shape: [items, usedWidth])
        self.init(
            paddedUsers: userRows.padded, paddedItems: itemRows.padded, factorCount: factorCount,
            usedWidth: usedWidth)
    }
}

/// A model whose scores are products of factors.
public protocol FactorModel<User, Item>: RecommenderModel {
    /// The users' and items' factors.
    var factors: FactorPair { get }
    /// The row of a user of whom only a history is known, as wide as the items' rows; nil if nothing follows from it.
    func userRow(ofHistory history: History) throws -> [Float]?
}

extension FactorModel {
    /// The products of the user's row and the items' rows.
    public func scores(ofUserAt index: Int) -> [Float] { factors.packed.scores(factors.user(index)) }

    /// The products with the row that follows from the history.
    public func scores(ofHistory history: History) throws -> [Float]? {
        try userRow(ofHistory: history).map { factors.packed.scores($0) }
    }

    /// The cosine of the items' factors.
    public func similarities(ofItemAt index: Int) -> [Float] { factors.similarities(ofItemAt: index) }

    /// The cosine of the users' factors.
    public func similarities(ofUserAt index: Int) -> [Float] { factors.similarities(ofUserAt: index) }

    /// Scores are made in blocks and looked through while they are in the cache.
    public func top(
        ofUsers users: Range<Int>, count: Int, offsets: [Float]?, includingSeen: Bool
    ) -> TopItems {
        TopItems(
            factors.packed.top(
                of: factors.paddedUsers, users, offsets: offsets,
                excluded: includingSeen ? nil : catalogue.history, count: count))
    }
}

extension Tensor where Scalar == Float {
    /// Row `index` of a matrix.
    func row(_ index: Int) -> [Float] {
        withUnsafeElements { Array($0[index * shape[1]..<(index + 1) * shape[1]]) }
    }

    /// The first columns of a matrix.
    func columns(_ count: Int) -> Tensor {
        let (rows, width) = (shape[0], shape[1])
        if count == width { return self }
        return copied(to: [rows, count]) { from, to in
            for row in 0..<rows {
                for column in 0..<count { to[row * count + column] = from[row * width + column] }
            }
        }
    }

    /// With columns of zeros behind its own, up to the width of factors.
    var padded: Tensor { widened(to: FactorMatrix.width(factors: shape[1])) }

    /// With columns of zeros behind its own.
    func widened(to wide: Int) -> Tensor {
        let (rows, width) = (shape[0], shape[1])
        if wide == width { return self }
        return copied(to: [rows, wide]) { from, to in
            for row in 0..<rows {
                for column in 0..<width { to[row * wide + column] = from[row * width + column] }
            }
        }
    }

    /// The norms of the rows' first `count` elements.
    func rowNorms(_ count: Int) -> [Float] {
        let width = shape[1]
        return withUnsafeElements { elements in
            (0..<shape[0]).map { row in
                var square: Float = 0
                for place in row * width..<row * width + count { square += elements[place] * elements[place] }
                return square.squareRoot()
            }
        }
    }

    private func copied(
        to shape: [Int], _ body: (UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) -> Void
    ) -> Tensor {
        var result = Tensor.zeros(shape)
        withUnsafeElements { from in result.withUnsafeMutableElements { body(from, $0) } }
        return result
    }
}
