import MarketingML
import TestSupport
import Testing

@Suite struct DecisionTests {
    /// Ten examples with a tie; every rule against trying all thresholds.
    private func judged(weights: [Double]? = nil) throws -> BinaryEvaluation {
        try BinaryEvaluation(
            scores: [0.9, 0.8, 0.7, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
            isPositive: [1, 1, 0, 1, 0, 1, 0, 0, 0, 0].map { $0 == 1 }, weights: weights)
    }

    @Test func rules() throws {
        let judged = try judged()
        let f1 = try judged.threshold(.f1)
        // From 0.5 on: 4 of 4 positives, 2 negatives: 8 / 10; from 0.7 on: 3 and 1: 6 / 8.
        #expect(f1.threshold == 0.5 && f1.truePositives == 4 && f1.falsePositives == 2)
        #expect(f1.f1 == 0.8 && f1.recall == 1 && f1.precision == 4.0 / 6 && f1.accuracy == 0.8)
        #expect(try judged.threshold(.positiveShare(0.35)).threshold == 0.8)
        #expect(try judged.threshold(.positiveShare(0.05)).truePositives == 0)
        #expect(try judged.threshold(.positiveShare(1)).threshold == 0.1)
        #expect(try judged.threshold(.recall(0.7)).threshold == 0.7)
        #expect(try judged.threshold(.recall(1)).threshold == 0.5)
        #expect(try judged.threshold(.precision(0.75)).threshold == 0.7)
        #expect(try judged.threshold(.precision(1)).threshold == 0.8)
        // A contact costs 5, a response brings 10 more: worth it while a third respond.
        let campaign = Payoffs(truePositive: 5, falsePositive: -5)
        let best = try judged.threshold(.payoffs(campaign))
        // 0.8: 10; 0.7: 10; 0.5: 10: of equal ones the highest threshold.
        #expect(best.threshold == 0.8 && best.profit(campaign) == 10)
        let nobody = try judged.threshold(
            .payoffs(Payoffs(truePositive: 1, falsePositive: -100, falseNegative: 2)))
        #expect(nobody.truePositives == 0 && nobody.threshold > 0.9 && nobody.positiveShare == 0)
        #expect(nobody.precision == 0)
        let fixed = judged.decision(at: 0.65)
        #expect(fixed.truePositives == 3 && fixed.falsePositives == 1)
        #expect(judged.decision(at: 2).truePositives == 0 && judged.decision(at: 0).falsePositives == 6)
    }

    @Test func costs() throws {
        let costs = Payoffs.costs(falsePositive: 1, falseNegative: 5)
        #expect(costs.breakEvenProbability == 1.0 / 6)
        #expect(Payoffs(truePositive: 40, falsePositive: -10).breakEvenProbability == 0.2)
        #expect(Payoffs(truePositive: 1, falsePositive: 1).breakEvenProbability == nil)
        let best = try judged().threshold(.payoffs(costs))
        #expect(best.threshold == 0.5 && best.profit(costs) == -2)
    }

    /// Of calibrated probabilities the best threshold lies near the break-even point.
    @Test func breakEven() throws {
        var random = SeededGenerator(seed: 8)
        let probabilities = (0..<20_000).map { _ in random.nextUniform() }
        let judged = try BinaryEvaluation(
            scores: probabilities, isPositive: probabilities.map { random.nextUniform() < $0 })
        let payoffs = Payoffs(truePositive: 30, falsePositive: -10)
        let best = try judged.threshold(.payoffs(payoffs))
        #expect(abs(best.threshold - 0.25) < 0.05)
        let curve = try judged.profitCurve(payoffs)
        #expect(curve.best.profit == best.profit(payoffs) && curve.best.threshold == best.threshold)
    }

    @Test func profitCurve() throws {
        let payoffs = Payoffs(truePositive: 5, falsePositive: -2, trueNegative: 0, falseNegative: -1)
        let curve = try judged().profitCurve(payoffs)
        #expect(curve.points.count == 10)
        #expect(
            curve.points[0].profit == -4 && curve.points[0].share == 0 && curve.points[0].threshold == nil)
        #expect(curve.points[1].profit == 5 - 3)
        #expect(curve.profitOfAll == 20 - 12)
        #expect(curve.best.threshold == 0.5 && curve.best.profit == 16)
        // The tie at 0.7 is passed in proportion: 10 - 2 at a share of 0.2, 15 - 2 - 1 at 0.4.
        #expect(curve.profit(at: 0.3) == 10)
        #expect(curve.profit(at: 1) == 8 && curve.profit(at: 0) == -4)
        #expect(curve.description.contains("best 16 at 60.0 %"))
        let doubled = try judged(weights: [Double](repeating: 2, count: 10)).profitCurve(payoffs)
        #expect(doubled.best.profit == 32 && doubled.best.share == curve.best.share)
    }

    @Test func errors() throws {
        let judged = try judged()
        for rule in [ThresholdRule.recall(0), .recall(1.1), .positiveShare(-1), .precision(.nan)] {
            #expect(throws: MarketingMLError.self) { try judged.threshold(rule) }
        }
        #expect(throws: MarketingMLError.self) {
            try judged.threshold(.payoffs(Payoffs(truePositive: .infinity, falsePositive: 0)))
        }
        #expect(throws: MarketingMLError.self) {
            try judged.profitCurve(Payoffs(truePositive: .nan, falsePositive: 0))
        }
    }
}
