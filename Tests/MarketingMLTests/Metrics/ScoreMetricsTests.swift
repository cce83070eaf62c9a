import MarketingML
import TestSupport
import Testing

/// Metrics of scores, against scikit-learn and against counting.
@Suite struct ScoreMetricsTests {
    @Test func binaryScores() throws {
        for example in try ScoreFixture.load().binary {
            let judged = try BinaryEvaluation(
                scores: example.scores, isPositive: example.truth.map { $0 == 1 }, weights: example.weights)
            func close(_ scoring: Scoring, _ expected: Double) throws {
                let value = try judged.value(of: scoring).value
                expectClose([value], [expected], relative: 1e-13, "\(example.name): \(scoring)")
            }
            try close(.rocAUC, example.rocAUC)
            try close(.averagePrecision, example.averagePrecision)
            try close(.logLoss, example.logLoss)
            try close(.brierScore, example.brier)
            try close(.accuracy, example.accuracy)
            try close(.balancedAccuracy, example.balancedAccuracy)
            try close(.precision, example.precision)
            try close(.recall, example.recall)
            try close(.f1, example.f1)
            if let expected = example.kolmogorovSmirnov { try close(.kolmogorovSmirnov, expected) }
            #expect(judged.rocAUC == (try judged.value(of: .rocAUC).value))

            let curve = judged.rocCurve
            expectClose(curve.map(\.falsePositiveRate), example.roc.fpr, absolute: 1e-14, example.name)
            expectClose(curve.map(\.truePositiveRate), example.roc.tpr, absolute: 1e-14, example.name)
            let precisions = judged.precisionRecallCurve
            expectClose(
                precisions.map(\.precision).suffix(example.pr.precision.count), example.pr.precision,
                absolute: 1e-14, example.name)
            expectClose(
                precisions.map(\.recall).suffix(example.pr.recall.count), example.pr.recall,
                absolute: 1e-14, example.name)
        }
    }

    @Test func calibrationCurves() throws {
        let example = try ScoreFixture.load().calibrationCurves
        let judged = try BinaryEvaluation(scores: example.scores, isPositive: example.truth.map { $0 == 1 })
        let uniform = try judged.calibrationCurve()
        expectClose(uniform.bins.map(\.predicted), example.uniform.predicted, relative: 1e-13)
        expectClose(uniform.bins.map(\.observed), example.uniform.observed, relative: 1e-13)
        expectClose([uniform.expectedError], [example.ece], relative: 1e-12)
        #expect(try judged.value(of: .expectedCalibrationError()).value == uniform.expectedError)
        let quantiles = try judged.calibrationCurve(strategy: .quantile)
        expectClose(quantiles.bins.map(\.predicted), example.quantile.predicted, relative: 1e-13)
        expectClose(quantiles.bins.map(\.observed), example.quantile.observed, relative: 1e-13)
        #expect(uniform.bins.reduce(0) { $0 + $1.weight } == 400)
    }

    @Test func multiclass() throws {
        let example = try ScoreFixture.load().multiclass
        let flat = example.probabilities.flatMap { $0 }
        let predicted = example.probabilities.map { row in
            row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
        }
        for (weights, expected) in [(nil, example.plain), (example.weights, example.weighted)] {
            let outcomes = try ClassificationOutcomes(
                classCount: 4, truth: example.truth, predicted: predicted, decisionValues: flat,
                probabilities: flat, weights: weights)
            let scorings: [Scoring] = [
                .balancedAccuracy, .logLoss, .brierScore, .rocAUC, .averagePrecision, .precision, .recall,
                .f1,
            ]
            expectClose(
                try scorings.map { try outcomes.value(of: $0).value },
                [
                    expected.balancedAccuracy, expected.logLoss, expected.brier, expected.rocAUC,
                    expected.averagePrecision, expected.precision, expected.recall, expected.f1,
                ], relative: 1e-13)
        }
    }

    @Test func regressions() throws {
        for example in try ScoreFixture.load().regression {
            let outcomes = try RegressionOutcomes(
                targets: example.targets, predictions: example.predictions, weights: example.weights)
            let scorings: [Scoring] = [.rSquared, .rootMeanSquaredError, .meanAbsoluteError]
            expectClose(
                try scorings.map { try outcomes.value(of: $0).value },
                [example.rSquared, example.rootMeanSquaredError, example.meanAbsoluteError], absolute: 1e-15,
                relative: 1e-13, example.name)
        }
    }

    /// Exact on any number of threads: whole numbers of pairs, whatever the sizes around the parts that are sorted
    /// separately.
    @Test(arguments: [3, 1000, 32_768, 32_769, 200_000]) func areaIsExact(count: Int) throws {
        var random = SeededGenerator(seed: UInt64(count))
        let levels = 500
        let isPositive = (0..<count).map { $0 == 0 || ($0 > 1 && random.next(below: 4) == 0) }
        let ranks = isPositive.map { random.next(below: levels) + ($0 ? 20 : 0) }
        // Pairs by counting each level.
        var (positives, negatives) = ([Int](repeating: 0, count: 600), [Int](repeating: 0, count: 600))
        for (rank, positive) in zip(ranks, isPositive) {
            if positive { positives[rank] += 1 } else { negatives[rank] += 1 }
        }
        var (doubled, below) = (0, 0)
        for level in 0..<600 {
            doubled += positives[level] * (2 * below + negatives[level])
            below += negatives[level]
        }
        let all = positives.reduce(0, +)
        let expected = Double(doubled) / (2 * Double(all) * Double(count - all))
        let scores = ranks.map { Float($0) / 100 - 2.5 }
        #expect(try ROC.area(scores: scores, isPositive: isPositive) == expected)
        #expect(try ROC.area(scores: scores.map { Double($0) }, isPositive: isPositive) == expected)
        let judged = try BinaryEvaluation(scores: scores.map { Double($0) }, isPositive: isPositive)
        #expect(judged.rocAUC == expected)
        // Zeros of either sign tie.
        #expect(try ROC.area(scores: [0.0, -0.0, -0.0, 0.0], isPositive: [true, false, true, false]) == 0.5)
    }

    @Test func liftAndGain() throws {
        let judged = try BinaryEvaluation(
            scores: [9, 8, 8, 8, 5, 4, 3, 2, 1, 0],
            isPositive: [1, 1, 0, 1, 0, 0, 1, 0, 0, 0].map { $0 == 1 })
        #expect(judged.gain(at: 0.1) == 0.25)
        // Two of the three that tie: two thirds of their two positives.
        expectClose([judged.gain(at: 0.3)], [(1 + 2 * 2.0 / 3) / 4], relative: 1e-15)
        #expect(judged.gain(at: 0.4) == 0.75)
        #expect(judged.gain(at: 1) == 1)
        #expect(judged.lift(at: 0.4) == 0.75 / 0.4)
        #expect(judged.gainCurve(points: 10).map(\.share).last == 1)
        #expect(try judged.value(of: .lift(at: 0.1)).value == 2.5)
        // An example of weight 2 is two examples.
        let weighted = try BinaryEvaluation(
            scores: [3, 2, 1], isPositive: [true, false, true], weights: [2, 1, 1])
        let repeated = try BinaryEvaluation(
            scores: [3, 3, 2, 1], isPositive: [true, true, false, true])
        #expect(weighted.gain(at: 0.6) == repeated.gain(at: 0.6))
        #expect(weighted.rocAUC == repeated.rocAUC)
    }

    @Test func errors() throws {
        for bad in [Double.nan, .infinity, -.infinity] {
            expectFailure(.notFinite) { _ = try ROC.area(scores: [0, bad], isPositive: [true, false]) }
            expectFailure(.notFinite) {
                _ = try ROC.area(scores: [0, Float(bad)], isPositive: [true, false])
            }
        }
        #expect(try ROC.area(scores: [0.0, 1], isPositive: [true, true]) == nil)
        #expect(try ROC.area(scores: [Double](), isPositive: []) == nil)
        expectFailure(.shapeMismatch) { _ = try BinaryEvaluation(scores: [0, 1], isPositive: [true]) }
        expectFailure(.emptyData) { _ = try BinaryEvaluation(scores: [0, 1], isPositive: [true, true]) }
        expectFailure(.emptyData) {
            _ = try BinaryEvaluation(scores: [0, 1], isPositive: [true, false], weights: [0, 1])
        }
        expectFailure(.invalidOption) {
            _ = try BinaryEvaluation(scores: [0, 1], isPositive: [true, false], weights: [-1, 1])
        }
        let scores = try BinaryEvaluation(scores: [-3, 4, 1], isPositive: [true, false, true])
        expectFailure(.invalidOption) { _ = try scores.value(of: .logLoss) }
        expectFailure(.invalidOption) { _ = try scores.value(of: .rSquared) }
        expectFailure(.invalidOption) { _ = try scores.value(of: .lift(at: 0)) }
        expectFailure(.invalidOption) { _ = try scores.value(of: .accuracy, interval: .deLong) }
        expectFailure(.invalidOption) { _ = try scores.value(of: .rocAUC, interval: .wilson) }
        expectFailure(.invalidOption) { _ = try scores.value(of: .rocAUC, interval: .bootstrap(), level: 1) }
        expectFailure(.invalidOption) {
            _ = try scores.value(of: .rocAUC, interval: .bootstrap(resamples: 3))
        }
        expectFailure(.emptyData) { _ = try scores.value(of: .rocAUC, interval: .deLong) }
        expectFailure(.invalidOption) { _ = try scores.calibrationCurve() }
        expectFailure(.notFinite) { _ = try RegressionOutcomes(targets: [1], predictions: [.nan]) }
        expectFailure(.emptyData) { _ = try RegressionOutcomes(targets: [], predictions: []) }
        let regression = try RegressionOutcomes(targets: [1, 2], predictions: [1, 3])
        expectFailure(.invalidOption) { _ = try regression.value(of: .accuracy) }
    }
}
