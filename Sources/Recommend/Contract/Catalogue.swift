import Tensor

/// The users and items that a model knows, and the training data's interactions between them.
public struct Catalogue<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>: Sendable {
    let userIndex: IDIndex<User>
    let itemIndex: IDIndex<Item>
    /// Who took what, users × items, with the values that the model learned from.
    let history: SparseMatrix<Float>

    /// The users, by number.
    public var users: [User] { userIndex.ids }
    /// The items, by number.
    public var items: [Item] { itemIndex.ids }

    init(_ interactions: Interactions<User, Item>) {
        userIndex = interactions.userIndex
        itemIndex = interactions.itemIndex
        history = interactions.matrix
    }

    /// The number of a user; nil for one that the model does not know.
    public func index(ofUser user: User) -> Int? { userIndex[user] }
    /// The number of an item; nil for one that the model does not know.
    public func index(ofItem item: Item) -> Int? { itemIndex[item] }

    /// The history of the user with this number.
    public func history(ofUserAt index: Int) -> History {
        let range = history.range(index)
        return History(
            items: Array(history.columnIndices[range]), values: Array(history.values[range]))
    }

    /// The known ones of these items as a history; a repeated item counts once, with its last value.
    ///
    /// - Throws: `.invalidOption` for a value that is negative, infinite or NaN.
    func history(_ events: some Sequence<(item: Item, value: Double)>) throws(MarketingMLError) -> History {
        var values: [Int32: Float] = [:]
        for (item, value) in events {
            guard value >= 0, value.isFinite else {
                throw MarketingMLError(
                    .invalidOption,
                    "what is known of a user must be finite and at least 0; for item \(item) it is \(value)")
            }
            if let index = itemIndex[item] { values[Int32(truncatingIfNeeded: index)] = Float(value) }
        }
        let items = values.keys.sorted()
        return History(items: items, values: items.map { values[$0] ?? 0 })
    }
}

/// What a user did, by numbers of items.
public struct History: Sendable, Equatable {
    /// The numbers of the items, increasing.
    public internal(set) var items: [Int32]
    /// The confidence or rating of each.
    public internal(set) var values: [Float]

    /// As the only row of a matrix.
    func matrix(itemCount: Int) -> SparseMatrix<Float> {
        SparseMatrix(
            trusted: 1, itemCount, rowOffsets: [0, items.count], columnIndices: items, values: values)
    }
}
