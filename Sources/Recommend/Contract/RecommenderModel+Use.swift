import Tensor

extension RecommenderModel {
    /// The best items for a user.
    ///
    /// A user whom the model does not know has an empty history: models that can tell nothing from that return an empty array,
    /// ``Popularity`` what is popular. If fewer items are left than asked for, all of them are returned.
    ///
    /// - Returns: Items with their scores, the best first, at most `count`.
    public func recommend(
        for user: User, count: Int, filter: RecommendationFilter<Item> = .unseen
    ) -> [(item: Item, score: Double)] {
        let offsets = filter.offsets(of: catalogue.items)
        guard let index = catalogue.userIndex[user] else {
            let scores = try? scores(ofHistory: History(items: [], values: []))
            return scores.map { best(of: $0, count: count, offsets: offsets, leavingOut: []) } ?? []
        }
        let found = top(
            ofUsers: index..<index + 1, count: count, offsets: offsets, includingSeen: filter.includingSeen)
        return found.list(0, of: catalogue.items)
    }

    /// The best items for every user, in the order of `catalogue.users`.
    ///
    /// Inlinable, since half of the time would go into making lists of ids whose type is not known.
    @inlinable public func recommendForAll(
        count: Int, filter: RecommendationFilter<Item> = .unseen
    ) -> [(user: User, items: [(item: Item, score: Double)])] {
        let found = topForAll(count: count, filter: filter)
        let (users, items) = (catalogue.users, catalogue.items)
        let lists = inParallel(users.count, of: 256) { range in
            range.map { (user: users[$0], items: found.list($0, of: items)) }
        }
        var all: [(user: User, items: [(item: Item, score: Double)])] = []
        all.reserveCapacity(users.count)
        for part in lists { all += part }
        return all
    }

    @usableFromInline func topForAll(count: Int, filter: RecommendationFilter<Item>) -> TopItems {
        top(
            ofUsers: catalogue.users.indices, count: count, offsets: filter.offsets(of: catalogue.items),
            includingSeen: filter.includingSeen)
    }

    /// The best items for somebody whom the model has never seen, from what is known of them.
    ///
    /// - Parameter history: Items that the user took, each with confidence 1; unknown ones do not count. Without a known one
    ///   the answer is that for an unknown user.
    /// - Throws: `.invalidOption` if the model's options leave the user's equations without a solution.
    public func foldIn(
        history: [Item], count: Int, filter: RecommendationFilter<Item> = .unseen
    ) throws -> [(item: Item, score: Double)] {
        try foldIn(
            history: history, values: [Double](repeating: 1, count: history.count), count: count,
            filter: filter)
    }

    /// The best items for somebody whom the model has never seen, from items with a confidence or rating each.
    ///
    /// - Throws: `.shapeMismatch` unless there is a value for each item; `.invalidOption` for one that is negative, infinite or NaN.
    public func foldIn(
        history: [Item], values: [Double], count: Int, filter: RecommendationFilter<Item> = .unseen
    ) throws -> [(item: Item, score: Double)] {
        guard values.count == history.count else {
            throw MarketingMLError(.shapeMismatch, "\(history.count) items, \(values.count) values")
        }
        let known = try catalogue.history(zip(history, values).map { (item: $0, value: $1) })
        guard let scores = try scores(ofHistory: known) else { return [] }
        return best(
            of: scores, count: count, offsets: filter.offsets(of: catalogue.items),
            leavingOut: filter.includingSeen ? [] : known.items)
    }

    /// The items that resemble one most, itself left out; empty for an unknown item.
    public func similarItems(to item: Item, count: Int) -> [(item: Item, score: Double)] {
        guard let index = catalogue.itemIndex[item] else { return [] }
        return best(
            of: similarities(ofItemAt: index), count: count, offsets: nil,
            leavingOut: [Int32(truncatingIfNeeded: index)])
    }

    /// The users who resemble one most, himself left out; empty for an unknown user.
    public func similarUsers(to user: User, count: Int) -> [(user: User, score: Double)] {
        guard let index = catalogue.userIndex[user] else { return [] }
        var scores = similarities(ofUserAt: index)
        scores[index] = -.infinity
        let found = TopScores.of(scores, count: count)
        return zip(found.indices, found.scores).map { (catalogue.users[Int($0)], Double($1)) }
    }

    /// Which of the user's items weigh how much in the score of an item; nil if the user or the item is not known.
    public func explain(_ item: Item, for user: User) throws -> Explanation<Item>? {
        guard let row = catalogue.userIndex[user], let column = catalogue.itemIndex[item] else { return nil }
        let history = catalogue.history(ofUserAt: row)
        let weights = try contributions(of: history, toItemAt: column)
        let order = weights.indices.sorted { (-weights[$0], $0) < (-weights[$1], $1) }
        return Explanation(
            item: item, score: Double(scores(ofUserAt: row)[column]),
            contributions: order.map { (catalogue.items[Int(history.items[$0])], Double(weights[$0])) })
    }

    private func best(
        of scores: [Float], count: Int, offsets: [Float]?, leavingOut seen: [Int32]
    ) -> [(item: Item, score: Double)] {
        TopItems(.of(scores.leavingOut(seen, offsets), count: count)).list(0, of: catalogue.items)
    }
}

// MARK: - What models need not write

extension RecommenderModel {
    /// User by user, from all scores.
    public func top(
        ofUsers users: Range<Int>, count: Int, offsets: [Float]?, includingSeen: Bool
    ) -> TopItems {
        let parts = parallelMap(users.count) { place in
            let user = users.lowerBound + place
            let seen = includingSeen ? [] : catalogue.history(ofUserAt: user).items
            return TopScores.of(scores(ofUserAt: user).leavingOut(seen, offsets), count: count)
        }
        return TopItems(TopScores(parts))
    }

    /// The cosine of the users' histories.
    public func similarities(ofUserAt index: Int) -> [Float] {
        let history = catalogue.history
        var dense = [Float](repeating: 0, count: history.columnCount)
        for place in history.range(index) { dense[Int(history.columnIndices[place])] = history.values[place] }
        return catalogue.users.indices.map { user in
            var (dot, square): (Float, Float) = (0, 0)
            for place in history.range(user) {
                dot += history.values[place] * dense[Int(history.columnIndices[place])]
                square += history.values[place] * history.values[place]
            }
            return square > 0 ? dot / square.squareRoot() : 0
        }.scaled(by: history.values[history.range(index)].reduce(0) { $0 + $1 * $1 })
    }
}

/// Why an item is recommended: what each item of the user's history contributes to its score.
public struct Explanation<Item: Sendable>: Sendable {
    /// The item in question.
    public let item: Item
    /// Its score for the user.
    public let score: Double
    /// The user's items with their contributions, the largest first. For models that are linear in the history they add up to the
    /// score, up to what the item has for everybody.
    public let contributions: [(item: Item, weight: Double)]
}

/// What `body` gives for parts of `size` of the numbers below `count`, in their order.
@usableFromInline func inParallel<Result: Sendable>(
    _ count: Int, of size: Int, _ body: (Range<Int>) -> Result
) -> [Result] {
    parallelMap((count + size - 1) / size) { body($0 * size..<min(count, ($0 + 1) * size)) }
}

extension [Float] {
    /// With `offsets` added, and −∞ in some places.
    func leavingOut(_ places: [Int32], _ offsets: [Float]?) -> [Float] {
        var result = self
        if let offsets {
            for index in result.indices { result[index] += offsets[index] }
        }
        for place in places { result[Int(place)] = -.infinity }
        return result
    }

    fileprivate func scaled(by square: Float) -> [Float] {
        square > 0 ? map { $0 / square.squareRoot() } : self
    }
}
