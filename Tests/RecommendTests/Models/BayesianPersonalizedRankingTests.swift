import Foundation
import TestSupport
import Testing

@testable import Recommend

@Suite struct BayesianPersonalizedRankingTests {
    /// Over epochs, each item is drawn as often as its weight says, although it competes only within its group.
    @Test(arguments: [0.0, 1.0]) func negativesHaveTheirShare(exponent: Double) {
        // 600 users and items, so that there are two groups; item i has 1 + i mod 3 users.
        let (users, items) = (600, 600)
        var rows = [[Int: Float]](repeating: [:], count: users)
        for item in 0..<items {
            for turn in 0...item % 3 { rows[(item * 7 + turn * 100) % users][item] = 1 }
        }
        guard let taken = try? SparseMatrix<Float>(rows: rows, columnCount: items) else { return }
        let ranking = PairwiseRanking(
            taken, factors: 4, learningRate: 0.05, regularization: 0.01,
            negatives: exponent == 0 ? .uniform : .popularity(exponent: exponent), seed: 1)
        var random = SeededGenerator(seed: 5)
        var drawn = [Double](repeating: 0, count: items)
        for _ in 0..<300 {
            var groups = [UInt8](repeating: 0, count: items)
            for (place, item) in random.permutation(items).enumerated() { groups[item] = UInt8(place % 2) }
            for group in 0..<2 {
                let candidates = ranking.candidates(group: group, groups, &random)
                for item in candidates { drawn[Int(item)] += 0.5 / Double(candidates.count) / 300 }
            }
        }
        for kind in 0..<3 {
            let share = stride(from: kind, to: items, by: 3).reduce(0) { $0 + drawn[$1] }
            let expected = exponent == 0 ? 1.0 / 3 : Double(kind + 1) / 6
            #expect(abs(share - expected) < 0.01, "\(kind): \(share)")
        }
    }

    @Test func checkerboard() throws {
        let data = SmallData.checkerboard(size: 40)
        let model = try BayesianPersonalizedRanking(factors: 4, epochs: 60).fit(data)
        for user in 0..<40 { #expect(model.recommend(for: user, count: 1).map(\.item) == [user]) }
    }

    @Test func manyGroupsGiveTheSameBits() throws {
        var (users, items): ([Int], [Int]) = ([], [])
        var random = SeededGenerator(seed: 3)
        for user in 0..<1200 {
            for _ in 0..<10 {
                users.append(user)
                items.append(random.next(below: 600) * 2 + user % 2)
            }
        }
        let data = Interactions(users: users, items: items)
        let before = ThreadPool.threadCount
        defer { ThreadPool.threadCount = before }
        ThreadPool.threadCount = 1
        let one = try BayesianPersonalizedRanking(factors: 16, epochs: 3).fit(data)
        ThreadPool.threadCount = 2
        let two = try BayesianPersonalizedRanking(factors: 16, epochs: 3).fit(data)
        #expect(one.factors.users == two.factors.users && one.factors.items == two.factors.items)
    }

    @Test func learnsTaste() throws {
        let data = try SmallData.interactions(users: 300, items: 60, perUser: 14)
        let (train, test) = try data.split(.lastPerUser(count: 2))
        let area = try BayesianPersonalizedRanking(factors: 8, epochs: 60).fit(train).evaluate(on: test).auc
        let popularity = try Popularity().fit(train).evaluate(on: test).auc
        #expect(area > popularity + 0.1)
    }
}
