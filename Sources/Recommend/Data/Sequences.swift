import Tensor

/// Interactions in the order of time: what models of "what next" learn from. Values do not count.
public struct Sequences<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>: Feedback {
    let interactions: Interactions<User, Item>
    /// For each user, by number, the numbers of the items, the earliest first.
    let items: [[Int32]]

    /// Orders each user's items by their times, those of the same time by their first appearance in the data.
    ///
    /// - Throws: `.emptyData` if there are no interactions; `.invalidOption` if it is not known when they took place.
    public init(_ interactions: Interactions<User, Item>) throws(MarketingMLError) {
        guard interactions.count > 0 else { throw MarketingMLError(.emptyData, "there are no interactions") }
        guard let times = interactions.elementTimes else {
            throw MarketingMLError(
                .invalidOption, "a sequence needs to know when each interaction took place",
                at: .init(name: "times"))
        }
        let matrix = interactions.matrix
        self.interactions = interactions
        items = (0..<matrix.rowCount).map { user in
            matrix.range(user).sorted { (times[$0], $0) < (times[$1], $1) }.map { matrix.columnIndices[$0] }
        }
    }

    /// The interactions with new values, `values(n)` for a user's n items from the earliest to the last.
    func valued(_ values: (_ count: Int) -> [Double]) -> Interactions<User, Item> {
        var builder = Interactions<User, Item>.Builder(
            duplicates: .last, users: interactions.userIndex, items: interactions.itemIndex)
        for (user, items) in zip(interactions.users, items) {
            for (item, value) in zip(items, values(items.count)) {
                builder.append(user, interactions.items[Int(item)], value: value, time: nil)
            }
        }
        return builder.interactions
    }
}
