import Tensor

/// Recommends to everybody what most users took: the baseline that any other recommender has to beat.
///
/// ```swift
/// let model = try Popularity().fit(interactions)
/// for (item, score) in model.recommend(for: user, count: 10) { … }
/// ```
public struct Popularity<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>: Sendable {
    /// Creates the recipe; it has no options.
    public init() {}

    /// Counts how many users took each item.
    ///
    /// - Throws: `.emptyData` if there are no interactions; `CancellationError` if the task is cancelled or
    ///   `progress` answers `.stop`.
    public func fit(
        _ interactions: Interactions<User, Item>, progress: ProgressHandler = { _ in .continue }
    ) throws -> Model {
        guard interactions.count > 0 else { throw MarketingMLError(.emptyData, "there are no interactions") }
        let total = interactions.users.count
        let interval = max(1, total / 100)
        var counts = [Int](repeating: 0, count: interactions.items.count)
        for (row, items) in interactions.taken.enumerated() {
            if row % interval == 0 {
                let event = ProgressEvent(
                    phase: .training(epoch: 1, of: 1), step: row, total: total, rateUnit: "users")
                if Task.isCancelled || progress(event) == .stop { throw CancellationError() }
            }
            for item in items { counts[item] += 1 }
        }
        return Model(
            users: interactions.users, items: interactions.items, taken: interactions.taken, counts: counts)
    }

    /// The items in order of popularity, and who took what.
    public struct Model: Sendable {
        /// The items, the most popular first; of those that tie, the one that appeared first in the data.
        public let items: [Item]
        /// How many users took each item, in the order of `items`.
        public let counts: [Int]
        /// The users that the model knows.
        public let users: [User]
        /// For each user what the user took, as indices in `items`, ascending.
        let taken: [[Int]]
        private let userIndex: [User: Int]

        /// Ranks items by their counts; all arguments in the same, arbitrary order of items.
        init(users: [User], items: [Item], taken: [[Int]], counts: [Int]) {
            let order = items.indices.sorted { (-counts[$0], $0) < (-counts[$1], $1) }
            var rank = [Int](repeating: 0, count: items.count)
            for (place, item) in order.enumerated() { rank[item] = place }
            self.users = users
            self.items = order.map { items[$0] }
            self.counts = order.map { counts[$0] }
            self.taken = taken.map { row in row.map { rank[$0] }.sorted() }
            userIndex = Dictionary(zip(users, users.indices), uniquingKeysWith: { first, _ in first })
        }

        /// The most popular items, for a user whom the model need not know.
        ///
        /// - Parameters:
        ///   - user: Whom to recommend to.
        ///   - count: The most items to return.
        ///   - includingSeen: Whether items that the user took may be among them.
        /// - Returns: Items with the number of users who took them, the most popular first.
        /// - Complexity: O(`count` + items that the user took).
        public func recommend(
            for user: User, count: Int, includingSeen: Bool = false
        ) -> [(item: Item, score: Double)] {
            let seen = includingSeen ? [] : userIndex[user].map { taken[$0] } ?? []
            var recommended: [(item: Item, score: Double)] = []
            var nextSeen = 0
            for place in items.indices {
                if recommended.count >= count { break }
                if nextSeen < seen.count, seen[nextSeen] == place {
                    nextSeen += 1
                } else {
                    recommended.append((items[place], Double(counts[place])))
                }
            }
            return recommended
        }
    }
}
