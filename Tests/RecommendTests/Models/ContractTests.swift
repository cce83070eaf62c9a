import Foundation
import Recommend
import TestSupport
import Testing

/// What every recommender must do, whatever it is.
@Suite struct ContractTests {
    typealias User = String
    typealias Item = Int

    static let recipes: [any Recommender<String, Int>] = [
        Popularity(), ItemKNN(.cosine, neighbors: 10), ItemKNN(.tfidf, neighbors: 10),
        ItemKNN(.bm25(), neighbors: 10),
        EASE(regularization: 5), ImplicitALS(factors: 8, iterations: 5),
        ImplicitALS(factors: 20, solver: .cholesky),
        ImplicitALS<String, Int>.huKorenVolinsky(factors: 8, solver: .blocks(size: 16)),
        BiasedMatrixFactorization(factors: 6, regularization: 2, iterations: 5),
        SVDPlusPlus(factors: 6, learningRate: 0.02),
        BiasedMatrixFactorization<String, Int>.gradientDescent(factors: 15, learningRate: 0.02),
        ImplicitALS(factors: 9, iterations: 4, isNonNegative: true),
        SASRec(factors: 8, heads: 2, blocks: 1, length: 6, epochs: 3),
        BayesianPersonalizedRanking(factors: 8, epochs: 20),
        BayesianPersonalizedRanking(factors: 16, epochs: 10, negatives: .popularity()),
        MarkovChain(), MarkovChain(recency: 0.9, smoothing: 5),
    ]

    @Test(arguments: recipes.indices) func recommends(_ index: Int) throws { try check(Self.recipes[index]) }

    private func check(_ recipe: some Recommender<String, Int>) throws {
        let data = try SmallData.interactions()
        let model = try recipe.fit(data)
        let items = Set(data.items)
        for user in data.users {
            let seen = Set(data.events.filter { $0.user == user }.map(\.item))
            let best = model.recommend(for: user, count: 5)
            #expect(best.count <= 5 && seen.isDisjoint(with: best.map(\.item)), "\(recipe.name)")
            #expect(zip(best, best.dropFirst()).allSatisfy { $0.score >= $1.score }, "\(recipe.name)")
            #expect(best.allSatisfy { $0.score.isFinite })
            // A longer list begins with the shorter one; more than there are is all there are.
            let all = model.recommend(for: user, count: 1000, filter: .all)
            #expect(all.count <= items.count && Set(all.map(\.item)).count == all.count)
            #expect(
                model.recommend(for: user, count: 1000).map(\.item)
                    == all.map(\.item).filter { !seen.contains($0) })
            #expect(
                Array(all.map(\.item).prefix(3))
                    == model.recommend(for: user, count: 3, filter: .all).map(\.item))
        }
        let user = data.users[0]
        #expect(model.recommend(for: user, count: 0).isEmpty && model.recommend(for: user, count: -3).isEmpty)

        // Filters.
        let allowed: Set = [1003, 1004, 1009]
        let few = model.recommend(for: user, count: 9, filter: .init(includingSeen: true, allowed: allowed))
        #expect(allowed.isSuperset(of: few.map(\.item)))
        #expect(model.recommend(for: user, count: 9, filter: .init(denied: items)).isEmpty)
        let even = model.recommend(for: user, count: 9, filter: .init(rule: { $0 % 2 == 0 }))
        #expect(even.allSatisfy { $0.item % 2 == 0 })

        // Variety: without any the same list, with some the same candidates.
        #expect(
            try model.recommend(for: user, count: 4, diversity: 0).map(\.item)
                == model.recommend(for: user, count: 4).map(\.item))
        let varied = try model.recommend(for: user, count: 4, diversity: 0.7).map(\.item)
        #expect(Set(varied).count == varied.count)
        #expect(Set(varied).isSubset(of: model.recommend(for: user, count: 20).map(\.item)))
        #expect(throws: MarketingMLError.self) { try model.recommend(for: user, count: 4, diversity: 1.5) }

        // All users at once: the same answers.
        let everybody = model.recommendForAll(count: 4)
        #expect(everybody.map(\.user) == data.users)
        for (user, list) in everybody {
            let alone = model.recommend(for: user, count: 4)
            #expect(list.map(\.item) == alone.map(\.item), "\(recipe.name)")
            expectClose(list.map(\.score), alone.map(\.score), absolute: 1e-5, relative: 1e-5)
        }

        // Likeness.
        let similar = model.similarItems(to: data.items[0], count: 5)
        #expect(similar.count <= 5 && !similar.isEmpty && !similar.map(\.item).contains(data.items[0]))
        let users = model.similarUsers(to: user, count: 5)
        #expect(users.count == 5 && !users.map(\.user).contains(user))

        // Strangers.
        #expect(
            model.similarItems(to: -1, count: 3).isEmpty && model.similarUsers(to: "nobody", count: 3).isEmpty
        )
        #expect(try model.explain(-1, for: user) == nil)
        #expect(try model.explain(data.items[0], for: "nobody") == nil)
        let stranger = model.recommend(for: "nobody", count: 3).map(\.item)
        #expect(try model.foldIn(history: [], count: 3).map(\.item) == stranger)
        #expect(try model.foldIn(history: [-1, -2], count: 3).map(\.item) == stranger)

        // Somebody with a training user's history.
        let history = data.events.filter { $0.user == user }
        let again = try model.foldIn(history: history.map(\.item), values: history.map(\.value), count: 6)
        let known = model.recommend(for: user, count: 6)
        // Gradient steps do not end where they would end again; models of sequences want the order of time, not values.
        if recipe is BayesianPersonalizedRanking<String, Int> || recipe is SVDPlusPlus<String, Int>
            || recipe is MarkovChain<String, Int> || recipe is SASRec<String, Int>
            || (recipe as? BiasedMatrixFactorization<String, Int>)?.learningRate != nil
        {
            #expect(!again.isEmpty)
        } else {
            #expect(again.map(\.item) == known.map(\.item), "\(recipe.name)")
            expectClose(again.map(\.score), known.map(\.score), absolute: 1e-5, relative: 1e-5, recipe.name)
        }
        for bad in [Double.nan, -1, .infinity] {
            let error = #expect(throws: MarketingMLError.self) {
                try model.foldIn(history: [1000], values: [bad], count: 3)
            }
            #expect(error?.code == .invalidOption)
        }
        #expect(throws: MarketingMLError.self) { try model.foldIn(history: [1000], values: [], count: 3) }
        #expect(try model.foldIn(history: data.items, count: 5).isEmpty)

        // Explanations name the user's items.
        let best = try #require(known.first)
        let reason = try #require(try model.explain(best.item, for: user))
        #expect(Set(reason.contributions.map(\.item)) == Set(history.map(\.item)))
        #expect(abs(reason.score - best.score) < 1e-5 * (1 + abs(best.score)))
    }

    @Test(arguments: recipes.indices) func savesAndLoads(_ index: Int) throws {
        try savesAndLoads(Self.recipes[index])
    }

    private func savesAndLoads<Recipe: Recommender<String, Int>>(_ recipe: Recipe) throws {
        let data = try SmallData.interactions(users: 12, items: 9, perUser: 4)
        let model = try recipe.fit(data)
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/model")
            try model.save(to: url)
            let again = try Recipe.Model(url)
            for index in data.users.indices {
                #expect(again.scores(ofUserAt: index) == model.scores(ofUserAt: index), "\(recipe.name)")
            }
            #expect(again.catalogue.users == data.users && again.catalogue.items == data.items)
            let first = try model.foldIn(history: [1001, 1003], count: 5)
            #expect(try again.foldIn(history: [1001, 1003], count: 5).map(\.score) == first.map(\.score))
            let second = URL(fileURLWithPath: folder + "/again")
            try again.save(to: second)
            #expect(try Data(contentsOf: url) == Data(contentsOf: second))

            let bytes = try [UInt8](Data(contentsOf: url))
            try Data(bytes.prefix(bytes.count / 2)).write(to: url)
            #expect(throws: MarketingMLError.self) { try Recipe.Model(url) }
            try forEachMutation(of: bytes, count: 300) { bytes in
                try Data(bytes).write(to: url)
                do {
                    let model = try Recipe.Model(url)
                    _ = model.recommend(for: data.users[0], count: 3)
                    _ = try model.foldIn(history: [1001], count: 3)
                } catch is MarketingMLError {}
            }
        }
    }

    @Test(arguments: recipes.indices) func sameBitsForAllThreadCounts(_ index: Int) throws {
        func scores(_ recipe: some Recommender<String, Int>) throws -> [[Float]] {
            let data = try SmallData.interactions(users: 120, items: 70)
            let model = try recipe.fit(data)
            return data.users.indices.map { model.scores(ofUserAt: $0) }
        }
        let before = ThreadPool.threadCount
        defer { ThreadPool.threadCount = before }
        ThreadPool.threadCount = 1
        let one = try scores(Self.recipes[index])
        ThreadPool.threadCount = 2
        #expect(try scores(Self.recipes[index]) == one)
    }

    @Test(arguments: recipes.indices) func refusesBadData(_ index: Int) throws {
        func check(_ recipe: some Recommender<String, Int>) {
            let empty = Interactions(users: [String](), items: [Int]())
            #expect(throws: MarketingMLError.self) { try recipe.fit(empty) }
        }
        check(Self.recipes[index])
        let negative = try Interactions(users: ["a"], items: [1], values: [-1])
        let error = #expect(throws: MarketingMLError.self) { try ImplicitALS().fit(negative) }
        #expect(error?.code == .invalidOption)
    }
}
