import Foundation
import Recommend
import TestSupport
import Testing

@Suite struct ItemFeaturesTests {
    /// Users of group g take items of group g; an item's features tell its group.
    private func fitted() throws -> (
        model: ImplicitALS<String, Int>.Model, known: [(item: Int, features: [Double])]
    ) {
        let data = try SmallData.interactions(users: 60, items: 30, perUser: 8)
        let model = try ImplicitALS<String, Int>(factors: 6, iterations: 10).fit(data)
        return (model, data.items.map { ($0, features(ofGroup: ($0 - 1000) % 3)) })
    }

    private func features(ofGroup group: Int) -> [Double] { (0..<3).map { $0 == group ? 1 : 0 } }

    @Test func newItemsGoToTheirGroup() throws {
        let (model, known) = try fitted()
        let new = (0..<3).map { (item: 2000 + $0, features: features(ofGroup: $0)) }
        let more = try model.adding(items: new, describedAs: known, regularization: 0.1)
        #expect(more.catalogue.items == model.catalogue.items + [2000, 2001, 2002])
        // A fifth of what users take is from any group, so a few may have changed sides.
        let right = (0..<60).count { user in
            let arrivals = more.recommend(
                for: "user \(user)", count: 1, filter: .init(allowed: [2000, 2001, 2002]))
            return arrivals.first?.item == 2000 + user % 3
        }
        #expect(right >= 57, "\(right) of 60")
        // What was known scores as before.
        for user in model.catalogue.users.indices {
            #expect(
                Array(more.scores(ofUserAt: user).prefix(model.catalogue.items.count))
                    == model.scores(ofUserAt: user))
        }
    }

    /// With a feature of its own for each item the map is the items' factors, but for λ.
    @Test func reproducesFactorsOfDescribedItems() throws {
        let (model, _) = try fitted()
        let items = model.catalogue.items
        func oneHot(_ place: Int) -> [Double] { items.indices.map { $0 == place ? 1 : 0 } }
        let more = try model.adding(
            items: [(item: -7, features: oneHot(4))],
            describedAs: items.enumerated().map { (item: $1, features: oneHot($0)) }, regularization: 1e-7)
        let scores = more.scores(ofUserAt: 3)
        expectClose([scores[items.count]], [scores[4]], absolute: 1e-4)
    }

    @Test func badInput() throws {
        let (model, known) = try fitted()
        let new = (item: 5000, features: [1.0, 0, 0])
        func code(
            _ items: [(item: Int, features: [Double])], _ known: [(item: Int, features: [Double])],
            _ regularization: Double = 1
        ) -> MarketingMLError.Code? {
            do {
                _ = try model.adding(items: items, describedAs: known, regularization: regularization)
                return nil
            } catch { return error.code }
        }
        #expect(code([new], known) == nil && code([], known) == nil)
        #expect(code([new], []) == .shapeMismatch)
        #expect(code([], []) == .emptyData)
        #expect(code([new], [(item: -1, features: [0, 0, 1])]) == .emptyData)
        #expect(code([(item: 5000, features: [1])], known) == .shapeMismatch)
        #expect(code([(item: 5000, features: [1, .nan, 0])], known) == .notFinite)
        #expect(code([(item: 1001, features: [1, 0, 0])], known) == .invalidOption)
        #expect(code([new, new], known) == .invalidOption)
        #expect(code([new], known, 0) == .invalidOption)
    }
}
