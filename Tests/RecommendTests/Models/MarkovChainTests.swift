import Foundation
import Recommend
import TestSupport
import Testing

@Suite struct MarkovChainTests {
    /// Three sequences: a b c, a b d, b c.
    private func small() throws -> Interactions<Int, String> {
        let rows: [(Int, String, Int64)] = [
            (1, "b", 20), (1, "a", 10), (1, "c", 30), (2, "a", 1), (2, "d", 3), (2, "b", 2), (3, "c", 9),
            (3, "b", 8),
        ]
        return try Interactions(
            users: rows.map(\.0), items: rows.map(\.1), values: rows.map { _ in 1 }, times: rows.map(\.2))
    }

    @Test func transitionsByHand() throws {
        let model = try MarkovChain(recency: 0, smoothing: 1).fit(small())
        // b was followed by c twice and by d once; shares are a 2/8, b 3/8, c 2/8, d 1/8. So (n + share) / 4.
        let found = try model.next(after: ["a", "b"], count: 4, filter: .all)
        let scores = Dictionary(uniqueKeysWithValues: found.map { ($0.item, $0.score) })
        expectClose(
            ["a", "b", "c", "d"].map { scores[$0] ?? .nan }, [0.0625, 0.09375, 0.5625, 0.28125],
            absolute: 1e-6)
        #expect(found.map(\.item) == ["c", "d", "b", "a"])
        #expect(try model.next(after: ["b"], count: 4).map(\.item) == ["c", "d", "a"])
        // A user's own sequence ends with c, which nothing follows: popularity decides.
        #expect(model.recommend(for: 1, count: 1, filter: .all).first?.item == "b")
    }

    @Test func earlierItemsCountLess() throws {
        let model = try MarkovChain(recency: 0.5, smoothing: 0).fit(small())
        let found = try model.next(after: ["a", "b"], count: 4, filter: .all)
        let scores = Dictionary(uniqueKeysWithValues: found.map { ($0.item, $0.score) })
        // Weights 1/3 and 2/3: after a always b, after b c in two of three cases.
        expectClose(
            ["b", "c", "d"].map { scores[$0] ?? .nan }, [0.333333, 0.444444, 0.222222], absolute: 1e-5)
        let reason = try #require(try model.explain("c", for: 3))
        #expect(abs(reason.contributions.reduce(0) { $0 + $1.weight } - reason.score) < 1e-6)
    }

    @Test func findsACycle() throws {
        var rows: (users: [Int], items: [Int], times: [Int64]) = ([], [], [])
        for user in 0..<60 {
            for step in 0..<4 {
                rows.users.append(user)
                rows.items.append((user + step) % 12)
                rows.times.append(Int64(step))
            }
        }
        let model = try MarkovChain().fit(
            Interactions(
                users: rows.users, items: rows.items, values: rows.items.map { _ in 1 }, times: rows.times))
        for user in 0..<60 {
            #expect(model.recommend(for: user, count: 1).first?.item == (user + 4) % 12)
        }
    }

    @Test func badInput() throws {
        let timeless = Interactions(users: [1, 1], items: ["a", "b"])
        #expect(throws: MarketingMLError.self) { try MarkovChain().fit(timeless) }
        for recipe in [
            MarkovChain<Int, String>(recency: 1.1), MarkovChain(recency: .nan), MarkovChain(smoothing: -1),
            MarkovChain(smoothing: .infinity),
        ] {
            let error = #expect(throws: MarketingMLError.self) { try recipe.fit(small()) }
            #expect(error?.code == .invalidOption)
        }
        let model = try MarkovChain().fit(small())
        #expect(try model.next(after: [], count: 3).isEmpty && model.next(after: ["?"], count: 3).isEmpty)
    }
}
