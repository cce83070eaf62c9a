import Foundation
import Recommend
import TestSupport
import Testing

@Suite struct EvaluationTests {
    @Test func metricsByHand() {
        let hits = [false, true, false, true, false]
        #expect(RankingMetric.precision.value(hits: hits, relevant: 3, at: 4) == 0.5)
        #expect(RankingMetric.recall.value(hits: hits, relevant: 4, at: 3) == 0.25)
        #expect(RankingMetric.mrr.value(hits: hits, relevant: 3, at: 5) == 0.5)
        #expect(RankingMetric.mrr.value(hits: hits, relevant: 3, at: 1) == 0)
        #expect(RankingMetric.hitRate.value(hits: hits, relevant: 3, at: 1) == 0)
        #expect(RankingMetric.map.value(hits: hits, relevant: 3, at: 5) == (0.5 + 0.5) / 3)
        #expect(RankingMetric.map.value(hits: hits, relevant: 9, at: 2) == 0.25)
        let ideal = 1 + 1 / log2(3.0)
        let found: Double = RankingMetric.ndcg.value(hits: hits, relevant: 2, at: 5)
        let expected: Double = (1 / log2(3.0) + 1 / log2(5.0)) / ideal
        #expect(abs(found - expected) < 1e-15)
        // A list that is too short is no better for it.
        #expect(RankingMetric.precision.value(hits: [true], relevant: 1, at: 10) == 0.1)
    }

    @Test func lists() throws {
        // Item 1 was taken by all four, item 2 by two, items 3 and 4 by one each.
        let train = Interactions(users: [1, 2, 3, 4, 1, 2, 3, 4], items: [1, 1, 1, 1, 2, 2, 3, 4])
        let model = try Popularity().fit(train)
        let test = Interactions(users: [1, 3, 9], items: [3, 2, 1])
        let report = try model.evaluate(on: test, at: [1])
        // 1 gets 3 (tie with 4 by order), 3 gets 2, the stranger 1.
        #expect(report.mean(.hitRate, at: 1) == 1 && report.userCount == 3)
        #expect(report.lists.coverage == 0.75)
        #expect(abs(report.lists.novelty - 1) < 1e-12)
        // Seven users of three recommended items, against Σ n² = 22 over eight interactions.
        let bias: Double = (7.0 / 3.0) / (22.0 / 8.0)
        #expect(abs(report.lists.popularityBias - bias) < 1e-12)
        let area: Double = 2.5 / 3  // 3 and 4 tie for user 1
        #expect(abs(report.auc - area) < 1e-12)
        // An item that the model does not know is relevant and missed.
        let cold = try model.evaluate(on: Interactions(users: [1, 1], items: [3, 77]), at: [2])
        #expect(cold.mean(.recall, at: 2) == 0.5)
    }

    @Test func oddOptions() throws {
        let dense = Tensor<Float>(shape: [3, 3], [1, 1, 0, 0, 1, 1, 1, 0, 0])
        let model = try Popularity().fit(Interactions(matrix: SparseMatrix(dense)))
        // A user without test interactions is not judged.
        let some = Tensor<Float>(shape: [3, 3], [0, 0, 1, 0, 0, 0, 0, 1, 0])
        let report = try model.evaluate(on: Interactions(matrix: SparseMatrix(some)), at: [2])
        #expect(report.userCount == 2 && report.mean(.ndcg, at: 2) > 0)
        for metric in RankingMetric.allCases {
            #expect(metric.value(hits: [true], relevant: 0, at: 1).isNaN)
            #expect(metric.value(hits: [true], relevant: 1, at: -1).isNaN)
        }
        expectFailure(.invalidOption) { _ = try report.interval(.ndcg, at: 5) }
        expectFailure(.invalidOption) { _ = try report.interval(.ndcg, at: 2, resamples: 5) }
        expectFailure(.invalidOption) { _ = try report.difference(to: report, .ndcg, at: 2, resamples: .max) }
        #expect(EASE<Int, Int>(regularization: .nan).name == "EASE, λ nan")
        expectFailure(.notFinite) {
            let sums = try Interactions(
                users: [1, 1], items: [1, 1], values: [1e38, 3e38], duplicates: .sum)
            _ = try Ratings(sums, scale: nil)
        }
    }

    @Test func comparesModels() throws {
        let data = try SmallData.interactions(users: 300, items: 60, perUser: 14)
        let (train, test) = try data.split(.lastPerUser(count: 2))
        let popularity = try Popularity().fit(train).evaluate(on: test, at: [5, 10])
        let als = try ImplicitALS(factors: 8, regularization: 1, alpha: 2).fit(train).evaluate(
            on: test, at: [5, 10])
        let difference = try als.difference(to: popularity, .ndcg, at: 10)
        #expect(difference.interval.lowerBound > 0 && difference.pValue < 0.01)
        let expected = als.mean(.ndcg, at: 10) - popularity.mean(.ndcg, at: 10)
        #expect(abs(difference.mean - expected) < 1e-12)
        #expect(try als.interval(.ndcg, at: 10).contains(als.mean(.ndcg, at: 10)))
        #expect(try als.difference(to: als, .map, at: 5).pValue == 1)
        let comparison = try ModelComparison([("popularity", popularity), ("ALS", als)], at: 10)
        #expect(comparison.description.split(separator: "\n").count == 3)
        #expect("\(als)".contains("NDCG"))
        #expect(throws: MarketingMLError.self) { try ModelComparison([("a", als)], at: 7) }
        let other = try Popularity().fit(train).evaluate(on: train, at: [10])
        if other.userCount != als.userCount {
            #expect(throws: MarketingMLError.self) { try als.difference(to: other, .ndcg, at: 10) }
        }
    }

    @Test func heldOutUsers() throws {
        let data = try SmallData.interactions(users: 300, items: 60, perUser: 14)
        let (train, told, test) = try data.splitUsers(fraction: 0.3, foldIn: 0.6, seed: 1)
        let model = try ImplicitALS(factors: 8, regularization: 1, alpha: 2).fit(train)
        let blind = try model.evaluate(on: test, at: [10])
        let informed = try model.evaluate(on: test, at: [10], foldIn: told)
        #expect(blind.mean(.recall, at: 10) == 0)
        #expect(informed.mean(.recall, at: 10) > 0.3)
        // What was told is no candidate.
        #expect(informed.auc > 0.6)
    }

    @Test func refuses() throws {
        let model = try Popularity().fit(Interactions(users: [1], items: [1]))
        #expect(throws: MarketingMLError.self) { try model.evaluate(on: Interactions(users: [], items: [])) }
        for ks in [[], [0], [3, -1]] {
            #expect(throws: MarketingMLError.self) {
                try model.evaluate(on: Interactions(users: [1], items: [1]), at: ks)
            }
        }
    }

    @Test func offPolicy() throws {
        // w = 2, 0.5, 4 clipped from 10: (2 + 4) / 6.5.
        let estimate = try OffPolicyEstimate(
            rewards: [1, 0, 1], propensities: [0.25, 0.5, 0.1], targets: [0.5, 0.25, 1], clip: 4)
        let v: Double = 6 / 6.5
        #expect(abs(estimate.value - v) < 1e-15 && estimate.clippedCount == 1)
        let size: Double = 6.5 * 6.5 / 20.25
        #expect(abs(estimate.effectiveSampleSize - size) < 1e-12)
        let variance: Double = 20 * (1 - v) * (1 - v) + 0.25 * v * v
        #expect(abs(estimate.standardError - variance.squareRoot() / 6.5) < 1e-12)
        // The policy that logged is its own best witness.
        let same = try OffPolicyEstimate(
            rewards: [1, 0, 0, 1], propensities: [0.3, 0.2, 0.9, 0.5], targets: [0.3, 0.2, 0.9, 0.5])
        #expect(same.value == 0.5 && same.effectiveSampleSize == 4)
        for (rewards, propensities, targets, code) in [
            ([1.0], [0.5, 0.5], [0.5], MarketingMLError.Code.shapeMismatch),
            ([.nan], [0.5], [0.5], .notFinite),
            ([1], [0], [0.5], .invalidOption), ([1], [0.5], [1.5], .invalidOption),
            ([1], [0.5], [0], .emptyData),
        ] {
            let error = #expect(throws: MarketingMLError.self) {
                try OffPolicyEstimate(rewards: rewards, propensities: propensities, targets: targets)
            }
            #expect(error?.code == code)
        }
    }
}
