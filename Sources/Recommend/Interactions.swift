import Tensor

/// Which users took which items: bought, read, clicked. What recommenders learn from.
///
/// Users and items keep the order of their first appearance; taking an item again counts once.
public struct Interactions<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>: Sendable
{
    /// The distinct users.
    public let users: [User]
    /// The distinct items.
    public let items: [Item]
    /// For each user, in the order of `users`, the indices in `items` of what the user took, ascending.
    let taken: [[Int]]

    /// Collects pairs of a user and an item, as many of the one as of the other.
    public init(users: [User], items: [Item]) {
        precondition(
            users.count == items.count, "\(users.count) users and \(items.count) items: they must be pairs")
        var userIndex: [User: Int] = [:]
        var itemIndex: [Item: Int] = [:]
        var taken: [Set<Int>] = []
        var distinct: (users: [User], items: [Item]) = ([], [])
        for (user, item) in zip(users, items) {
            let row = userIndex[user] ?? taken.count
            if row == taken.count {
                userIndex[user] = row
                distinct.users.append(user)
                taken.append([])
            }
            let column = itemIndex[item] ?? distinct.items.count
            if column == distinct.items.count {
                itemIndex[item] = column
                distinct.items.append(item)
            }
            taken[row].insert(column)
        }
        self.users = distinct.users
        self.items = distinct.items
        self.taken = taken.map { $0.sorted() }
    }

    /// How many distinct pairs of a user and an item there are.
    public var count: Int { taken.reduce(0) { $0 + $1.count } }
}
