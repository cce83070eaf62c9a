import Foundation
import MarketingML
import Recommend

/// Whether models differ where there are users enough to tell: 20,000 generated users with tastes of rank 12 over 1,500 items,
/// which `Benchmarks/Peers/recommend_quality.py` makes. Options are chosen by NDCG@10 on one held-out part, judged on another.
struct RecommendQualityCase: BenchmarkCase {
    static let all = [RecommendQualityCase()]

    var name: String { "recommend_quality/rank12" }

    func measure(repeats: Int) throws -> Measurement {
        let clock = ContinuousClock()
        let data = try PeerData("recommend_quality")
        let parts = try ["train", "dev", "test"].map {
            Interactions(users: try data.integers("\($0)_users"), items: try data.integers("\($0)_items"))
        }
        let (train, dev, test) = (parts[0], parts[1], parts[2])
        var reports: [(name: String, report: RankingReport)] = []
        func choose(_ kind: String, _ recipes: [any Recommender<Int, Int>]) throws {
            var best: (value: Double, model: any RecommenderModel<Int, Int>)?
            for recipe in recipes {
                let model = try Self.fitted(recipe, train)
                let value = try model.evaluate(on: dev, at: [10], includingAUC: false).mean(.ndcg, at: 10)
                if value > best?.value ?? -1 { best = (value, model) }
            }
            if let best {
                reports.append((kind, try best.model.evaluate(on: test, at: [10], includingAUC: false)))
            }
        }
        let seconds = try clock.measure {
            try choose("popularity", [Popularity()])
            try choose(
                "knn",
                [20, 50, 100, 200].flatMap {
                    [
                        ItemKNN(.cosine, neighbors: $0), ItemKNN(.tfidf, neighbors: $0),
                        ItemKNN(.bm25(), neighbors: $0),
                    ]
                })
            try choose("ease", [100, 500, 2_000, 8_000].map { EASE(regularization: $0) })
            try choose(
                "als",
                [16, 32].flatMap { factors in
                    [0.03, 0.1, 0.3].flatMap { weight in
                        [0.003, 0.01, 0.03].map {
                            ImplicitALS(
                                factors: factors, regularization: $0, regularizationExponent: 1,
                                unobservedWeight: weight, iterations: 12)
                        }
                    }
                })
        }
        var quality: [String: Double] = [:]
        for (name, report) in reports { quality[name] = report.mean(.ndcg, at: 10) }
        for (name, report) in reports where name == "als" || name == "ease" {
            for (other, base) in reports where other == "popularity" || other == "knn" {
                let difference = try report.difference(to: base, .ndcg, at: 10)
                quality["\(name)-\(other)-low"] = difference.interval.lowerBound
                quality["\(name)-\(other)-high"] = difference.interval.upperBound
            }
        }
        return Measurement(runs: [seconds / .seconds(1)], quality: quality)
    }

    private static func fitted(
        _ recipe: some Recommender<Int, Int>, _ data: Interactions<Int, Int>
    ) throws -> any RecommenderModel<Int, Int> { try recipe.fit(data) }
}
