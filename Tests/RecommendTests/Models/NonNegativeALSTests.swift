import TestSupport
import Testing

@testable import Recommend

@Suite struct NonNegativeALSTests {
    /// A row is the best one without negative factors exactly if, in the loss' gradient g by it, g ≥ 0 everywhere and g = 0 where the
    /// row is above 0. Computed from the docstring's loss, densely, in Double.
    @Test(arguments: [false, true]) func rowsAreOptimal(excludesSeen: Bool) throws {
        let data = try SmallData.interactions()
        var recipe =
            excludesSeen
            ? ImplicitALS<String, Int>.huKorenVolinsky(factors: 7, regularization: 0.3, alpha: 2)
            : ImplicitALS(factors: 7, regularization: 0.1, alpha: 3, unobservedWeight: 0.5)
        recipe.isNonNegative = true
        let model = try recipe.fit(data)
        let (w, alpha) = (recipe.unobservedWeight, recipe.alpha)
        var zeros = 0
        for (user, id) in data.users.enumerated() {
            let x = model.factors.user(user)[..<7].map(Double.init)
            var gradient = x.map { recipe.regularization * $0 }
            for (item, other) in data.items.enumerated() {
                let y = model.factors.paddedItems.row(item)[..<7].map(Double.init)
                #expect(y.allSatisfy { $0 >= 0 })
                let p = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
                let seen = data.value(user: id, item: other)
                var slope = seen.map { alpha * $0 * (p - 1) } ?? 0
                if seen == nil || !excludesSeen { slope += w * p }
                for j in 0..<7 { gradient[j] += slope * y[j] }
            }
            for (value, slope) in zip(x, gradient) {
                #expect(value >= 0 && (value > 0 ? abs(slope) < 1e-4 : slope > -1e-4), "\(value), \(slope)")
                zeros += value == 0 ? 1 : 0
            }
        }
        // Some factors are held at 0: without the constraint they would be below.
        #expect(zeros > data.users.count / 2)
    }

    @Test func lossFallsAndIsAboveThatWithoutConstraint() throws {
        let data = try SmallData.interactions(users: 80, items: 60)
        var recipe = ImplicitALS<String, Int>(
            factors: 10, regularization: 0.1, alpha: 5, iterations: 30, solver: .cholesky, isNonNegative: true
        )
        recipe.tracksLoss = true
        let losses = try recipe.fit(data).losses
        #expect(zip(losses, losses.dropFirst()).allSatisfy { $1 <= $0 * (1 + 1e-5) })
        recipe.isNonNegative = false
        #expect(try #require(recipe.fit(data).losses.last) < #require(losses.last))
    }

    @Test func explanationsAddUp() throws {
        let data = try SmallData.interactions()
        let model = try ImplicitALS<String, Int>(factors: 6, alpha: 4, isNonNegative: true).fit(data)
        for user in data.users.prefix(8) {
            let reason = try #require(try model.explain(data.items[3], for: user))
            #expect(abs(reason.contributions.reduce(0) { $0 + $1.weight } - reason.score) < 1e-4)
        }
    }
}
