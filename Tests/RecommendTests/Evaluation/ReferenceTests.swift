import Foundation
import TestSupport
import Testing

@testable import Recommend

/// Against implicit, scikit-learn and numpy: see Tests/Reference/recommend.py.
@Suite struct ReferenceTests {
    private struct Fixture: Decodable {
        struct ALS: Decodable {
            var items: [Double]
            var users: [Double]
            var loss: Double
        }
        var users: [Int]
        var items: [Int]
        var values: [Double]
        var heldout_users: [Int]
        var heldout_items: [Int]
        var knn: [String: [Double]]
        var ease: [Double]
        var als: ALS
        var scores: [Double]
        var metrics: [String: [String: Double]]
        var auc: Double

        var train: Interactions<Int, Int> {
            get throws { try Interactions(users: users, items: items, values: values) }
        }
        var test: Interactions<Int, Int> { Interactions(users: heldout_users, items: heldout_items) }
    }

    private let fixture: Fixture

    init() throws {
        let url = TestData.fixture("recommend.json", Bundle.module)
        fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
    }

    @Test func itemsAreNumberedAsInTheFixture() throws {
        let data = try fixture.train
        #expect(data.users == Array(0..<40) && data.items == Array(0..<25))
    }

    @Test func neighbors() throws {
        for (name, weighting) in [
            ("cosine", ItemKNN<Int, Int>.Weighting.cosine), ("tfidf", .tfidf), ("bm25", .bm25()),
        ] {
            let model = try ItemKNN(weighting, neighbors: 25).fit(fixture.train)
            let expected = try #require(fixture.knn[name])
            for item in 0..<25 {
                let found = model.similarities(ofItemAt: item).map { $0 == -.infinity ? 0 : Double($0) }
                // Neighbours that do not resemble an item are not kept.
                expectClose(
                    found, expected[item * 25..<(item + 1) * 25].map { max(0, $0) }, absolute: 1e-5,
                    relative: 1e-5, name)
            }
            // Only the best are kept.
            let few = try ItemKNN(weighting, neighbors: 4).fit(fixture.train)
            for item in 0..<25 {
                let kept = few.similarItems(to: item, count: 25)
                let best = model.similarItems(to: item, count: 4)
                #expect(kept.map(\.item) == best.map(\.item))
            }
        }
    }

    @Test func ease() throws {
        let model = try EASE(regularization: 5).fit(fixture.train)
        expectClose(
            model.weights.elements.map(Double.init), fixture.ease, absolute: 2e-6, relative: 1e-5, "by items")
        // Transposed, there are fewer users than items and the other way is taken.
        let turned = try Interactions(users: fixture.items, items: fixture.users, values: fixture.values)
        let other = try EASE(regularization: 5).fit(turned)
        let count = turned.items.count
        let x = turned.matrix
        var system = [Double](repeating: 0, count: count * count)
        for user in 0..<x.rowCount {
            for a in x.range(user) {
                for b in x.range(user) {
                    system[Int(x.columnIndices[a]) * count + Int(x.columnIndices[b])] += Double(
                        x.values[a] * x.values[b])
                }
            }
        }
        for i in 0..<count { system[i * (count + 1)] += 5 }
        // B = 1 − P diag(1/P): (XᵀX + λ) B must be XᵀX + λ less a diagonal.
        let b = other.weights.elements.map(Double.init)
        for i in 0..<count {
            #expect(b[i * (count + 1)] == 0)
            for j in 0..<count where i != j {
                let product = (0..<count).reduce(0) { $0 + system[i * count + $1] * b[$1 * count + j] }
                #expect(abs(product - system[i * count + j]) < 1e-3)
            }
        }
    }

    @Test func implicitsObjective() throws {
        let recipe = ImplicitALS<Int, Int>.huKorenVolinsky(factors: 6, regularization: 0.1, alpha: 2)
        let trainer = ALSTrainer(try fixture.train.matrix, ALSOptions(recipe))
        let items = Tensor(shape: [25, 6], fixture.als.items.map { Float($0) }).padded
        var users = Tensor<Float>.zeros([40, 16])
        try trainer.halfSweep(trainer.users, &users, fixed: items, .cholesky, "user")
        expectRelativeNorm(users.columns(6).elements.map(Double.init), fixture.als.users, 1e-5, "users")
        #expect(abs(trainer.loss(users, items) - fixture.als.loss) < 1e-5 * fixture.als.loss)
    }

    /// A model whose scores are given.
    private struct Scored: RecommenderModel {
        let catalogue: Catalogue<Int, Int>
        let scores: [Float]

        init(catalogue: Catalogue<Int, Int>, scores: [Float]) {
            self.catalogue = catalogue
            self.scores = scores
        }
        init(_ url: URL) throws { throw MarketingMLError(.unsupported, "") }
        func save(to url: URL) throws {}
        func scores(ofUserAt index: Int) -> [Float] { Array(scores[index * 25..<(index + 1) * 25]) }
        func scores(ofHistory history: History) -> [Float]? { nil }
        func similarities(ofItemAt index: Int) -> [Float] { [] }
        func contributions(of history: History, toItemAt index: Int) -> [Float] { [] }
    }

    @Test func metrics() throws {
        let model = Scored(
            catalogue: Catalogue(try fixture.train), scores: fixture.scores.map { Float($0) })
        let report = try model.evaluate(on: fixture.test, at: [10, 3])
        #expect(report.ks == [3, 10] && report.userCount == Set(fixture.heldout_users).count)
        for k in report.ks {
            let expected = try #require(fixture.metrics["\(k)"])
            for (metric, name) in [
                (RankingMetric.precision, "precision"), (.recall, "recall"), (.ndcg, "NDCG"), (.map, "MAP"),
                (.mrr, "mrr"),
                (.hitRate, "hit rate"),
            ] {
                #expect(
                    abs(report.mean(metric, at: k) - (expected[name] ?? .nan)) < 1e-12, "\(metric) at \(k)")
            }
        }
        #expect(abs(report.auc - fixture.auc) < 1e-12)
    }
}
