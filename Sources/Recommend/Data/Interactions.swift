import Tensor

/// Which users had to do with which items, how much, and when: bought, read, clicked, rated. What recommenders learn from.
///
/// ```swift
/// let ratings = try Interactions<Int, Int>(csv: url, user: "userId", item: "movieId", value: "rating", time: "timestamp")
/// let (train, test) = try ratings.split(.lastPerUser(count: 1))
/// ```
///
/// Users and items keep the order of their first appearance. Each pair of a user and an item is there once; what becomes of
/// repeated ones says ``Duplicates``. What a value means is said by whoever learns from it: ``Ratings`` or ``Confidence``.
public struct Interactions<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>: Sendable
{
    let userIndex: IDIndex<User>
    let itemIndex: IDIndex<Item>
    /// The values, users × items.
    let matrix: SparseMatrix<Float>
    /// When, in the order of the matrix' elements.
    let elementTimes: [Int64]?

    /// The distinct users.
    public var users: [User] { userIndex.ids }
    /// The distinct items.
    public var items: [Item] { itemIndex.ids }
    /// How many distinct pairs of a user and an item there are.
    public var count: Int { matrix.storedCount }
    /// Whether it is known when each interaction took place.
    public var hasTimes: Bool { elementTimes != nil }

    init(users: IDIndex<User>, items: IDIndex<Item>, matrix: SparseMatrix<Float>, times: [Int64]?) {
        userIndex = users
        itemIndex = items
        self.matrix = matrix
        elementTimes = times
    }

    /// Collects pairs of a user and an item, as many of the one as of the other; each pair has the value 1, however often it
    /// occurs.
    public init(users: [User], items: [Item]) {
        precondition(
            users.count == items.count, "\(users.count) users and \(items.count) items: they must be pairs")
        var builder = Builder(duplicates: .last)
        for (user, item) in zip(users, items) { builder.append(user, item, value: 1, time: nil) }
        self = builder.interactions
    }

    /// Collects pairs with a value each, and a time if they are given.
    ///
    /// - Parameters:
    ///   - values: A rating, an amount, a count: any finite number.
    ///   - times: In any unit; only their order counts.
    ///   - duplicates: What becomes of pairs that occur more than once.
    /// - Throws: `.shapeMismatch` unless there are as many of each; `.notFinite` with the row, counted from 1.
    public init(
        users: [User], items: [Item], values: [Double], times: [Int64]? = nil, duplicates: Duplicates = .sum
    ) throws(MarketingMLError) {
        let count = users.count
        guard items.count == count, values.count == count, times == nil || times?.count == count else {
            throw MarketingMLError(
                .shapeMismatch,
                "\(count) users, \(items.count) items, \(values.count) values"
                    + (times.map { ", \($0.count) times" } ?? "") + ": there must be as many of each")
        }
        var builder = Builder(duplicates: duplicates)
        builder.reserve(count)
        for row in 0..<count {
            guard values[row].isFinite else {
                throw MarketingMLError(
                    .notFinite, "a value is \(values[row]), all must be finite", at: .init(row: row + 1))
            }
            builder.append(users[row], items[row], value: values[row], time: times?[row])
        }
        self = builder.interactions
    }

    /// Collects what a stream brings: a log that is read piece by piece.
    ///
    /// - Throws: `.notFinite` with the number of the event, counted from 1; what the stream throws.
    public init<Events: AsyncSequence>(
        stream: Events, duplicates: Duplicates = .sum
    ) async throws where Events.Element == Event {
        var builder = Builder(duplicates: duplicates)
        var row = 0
        for try await event in stream {
            row += 1
            guard event.value.isFinite else {
                throw MarketingMLError(
                    .notFinite, "a value is \(event.value), all must be finite", at: .init(row: row))
            }
            builder.append(event.user, event.item, value: event.value, time: event.time)
        }
        self = builder.interactions
    }

    /// One interaction.
    public struct Event: Sendable {
        /// Who.
        public var user: User
        /// What.
        public var item: Item
        /// How much; 1 where nothing is said.
        public var value: Double
        /// When, in any unit.
        public var time: Int64?

        /// Creates an event.
        public init(user: User, item: Item, value: Double = 1, time: Int64? = nil) {
            self.user = user
            self.item = item
            self.value = value
            self.time = time
        }
    }

    /// The events, users in their order, a user's items in theirs.
    public var events: [Event] {
        users.indices.flatMap { row in
            matrix.range(row).map { place in
                Event(
                    user: users[row], item: items[Int(matrix.columnIndices[place])],
                    value: Double(matrix.values[place]), time: elementTimes?[place])
            }
        }
    }

    /// The same pairs with other values.
    ///
    /// - Throws: `.notFinite` if a new value is NaN or infinite.
    public func withValues(_ transform: (Double) -> Double) throws(MarketingMLError) -> Interactions {
        let values = matrix.values.map { Float(transform(Double($0))) }
        if let bad = values.first(where: { !$0.isFinite }) {
            throw MarketingMLError(.notFinite, "a new value is \(bad), all must be finite")
        }
        return Interactions(
            users: userIndex, items: itemIndex,
            matrix: SparseMatrix(
                trusted: matrix.rowCount, matrix.columnCount, rowOffsets: matrix.rowOffsets,
                columnIndices: matrix.columnIndices, values: values), times: elementTimes)
    }

    /// The value of a pair; nil if the user had nothing to do with the item.
    public func value(user: User, item: Item) -> Double? {
        guard let row = userIndex[user], let column = itemIndex[item] else { return nil }
        let place = matrix.firstElement(row: row, from: column)
        guard place < matrix.rowOffsets[row + 1], Int(matrix.columnIndices[place]) == column else {
            return nil
        }
        return Double(matrix.values[place])
    }
}

extension Interactions where User == Int, Item == Int {
    /// Takes a matrix of users × items: users and items are the numbers of its rows and columns, also those without elements.
    public init(matrix: SparseMatrix<Float>) {
        var (users, items) = (IDIndex<Int>(), IDIndex<Int>())
        for row in 0..<matrix.rowCount { users.insert(row) }
        for column in 0..<matrix.columnCount { items.insert(column) }
        self.init(users: users, items: items, matrix: matrix, times: nil)
    }
}

/// What becomes of a pair of a user and an item that occurs more than once.
public enum Duplicates: String, Sendable, Codable {
    /// Its values are added up: amounts, seconds.
    case sum
    /// Its value is how often it occurs, whatever the values are: clicks.
    case count
    /// The last value counts, by time if there are times, else by order: ratings.
    case last
}

extension SparseMatrix {
    /// Where a row's elements stand.
    func range(_ row: Int) -> Range<Int> { rowOffsets[row]..<rowOffsets[row + 1] }
}
