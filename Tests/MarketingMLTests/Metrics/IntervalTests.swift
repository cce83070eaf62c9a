import MarketingML
import TestSupport
import Testing

@Suite struct IntervalTests {
    @Test func deLong() throws {
        let example = try ScoreFixture.load().deLong
        let isPositive = example.truth.map { $0 == 1 }
        let comparison = try ROC.compare(example.first, example.second, isPositive: isPositive)
        expectClose(
            [comparison.first, comparison.second, comparison.z, comparison.pValue],
            [example.firstAUC, example.secondAUC, example.z, example.pValue], relative: 1e-10)
        let error = (example.firstVariance + example.secondVariance - 2 * example.covariance).squareRoot()
        let interval = try #require(comparison.difference.interval)
        let z = 1.959963984540054
        expectClose(
            [interval.lower, interval.upper],
            [comparison.difference.value - z * error, comparison.difference.value + z * error],
            relative: 1e-10)

        let judged = try BinaryEvaluation(scores: example.first, isPositive: isPositive)
        let area = try judged.value(of: .rocAUC, interval: .deLong, level: 0.9)
        let single = try #require(area.interval)
        expectClose(
            [area.value, single.upper - area.value, area.value - single.lower],
            [example.firstAUC] + [1, 1].map { $0 * 1.6448536269514722 * example.firstVariance.squareRoot() },
            relative: 1e-10)
        let same = try ROC.compare(example.first, example.first.map { 2 * $0 + 1 }, isPositive: isPositive)
        #expect(same.z == 0 && same.pValue == 1 && same.difference.value == 0)
    }

    /// Agresti and Coull's table of Wilson's interval; 0 of 10 and 10 of 10 stay inside 0...1.
    @Test func wilson() throws {
        func interval(_ right: Int, of count: Int) throws -> ConfidenceInterval {
            let truth = [Int](repeating: 0, count: count)
            let predicted = (0..<count).map { $0 < right ? 0 : 1 }
            let outcomes = try ClassificationOutcomes(
                classCount: 2, truth: truth, predicted: predicted, decisionValues: predicted.map(Double.init))
            return try #require(outcomes.value(of: .accuracy, interval: .wilson).interval)
        }
        let none = try interval(0, of: 10)
        // z² / (n + z²).
        expectClose([none.lower, none.upper], [0, 0.2775327998628892], absolute: 1e-12)
        let some = try interval(8, of: 10)
        expectClose([some.lower, some.upper], [0.4901624715366175, 0.9433178485456247], absolute: 1e-12)
    }

    /// The share of 95 % intervals that cover the truth, over many samples of a known population.
    @Test func bootstrapCoverage() throws {
        // Normal scores one standard deviation apart: the area is Φ(1 / √2).
        let truth = 0.7602499389065233
        var (bootstrap, deLong) = (0, 0)
        let samples = 200
        for sample in 0..<samples {
            var random = SeededGenerator(seed: 77, stream: UInt64(sample))
            let isPositive = (0..<100).map { $0 % 2 == 0 }
            // Twelve uniforms make a number that is as good as normal here.
            let scores = isPositive.map { positive in
                (0..<12).reduce(positive ? -5.0 : -6.0) { sum, _ in sum + random.nextUniform() }
            }
            let judged = try BinaryEvaluation(scores: scores, isPositive: isPositive)
            let drawn = try judged.value(
                of: .rocAUC, interval: .bootstrap(resamples: 200, seed: UInt64(sample)))
            if try #require(drawn.interval).contains(truth) { bootstrap += 1 }
            let exact = try judged.value(of: .rocAUC, interval: .deLong)
            if try #require(exact.interval).contains(truth) { deLong += 1 }
        }
        // 190 expected, standard deviation 3.1; the percentile interval is somewhat short.
        #expect(178...199 ~= bootstrap, "\(bootstrap) of \(samples)")
        #expect(180...199 ~= deLong, "\(deLong) of \(samples)")
    }

    @Test func bootstrapDependsOnTheSeedAlone() throws {
        let example = try ScoreFixture.load().binary[3]
        let judged = try BinaryEvaluation(
            scores: example.scores, isPositive: example.truth.map { $0 == 1 }, weights: example.weights)
        for scoring in [Scoring.rocAUC, .f1, .logLoss, .expectedCalibrationError(), .lift(at: 0.2)] {
            let first = try judged.value(of: scoring, interval: .bootstrap(resamples: 100, seed: 5))
            let threads = ThreadPool.threadCount
            ThreadPool.threadCount = 1
            let again = try judged.value(of: scoring, interval: .bootstrap(resamples: 100, seed: 5))
            ThreadPool.threadCount = threads
            #expect(first == again)
            let other = try judged.value(of: scoring, interval: .bootstrap(resamples: 100, seed: 6))
            #expect(first.interval != other.interval)
            let interval = try #require(first.interval)
            #expect(interval.lower < interval.upper)
        }
        let regression = try RegressionOutcomes(targets: [1, 2, 3, 4, 5], predictions: [1, 2, 4, 4, 4])
        let value = try regression.value(of: .rSquared, interval: .bootstrap(resamples: 50))
        #expect(try #require(value.interval).lower <= value.value)
    }

    @Test func text() {
        #expect(MetricValue(0.78531).description == "0.7853")
        let interval = ConfidenceInterval(lower: 0.7, upper: 0.8, level: 0.95, method: .deLong)
        #expect(MetricValue(0.75, interval: interval).description == "0.7500 [0.7000, 0.8000]")
    }
}
