import Foundation
import MarketingML
import TestSupport
import Testing

@testable import MarketingML

@Suite struct CalibrationTests {
    @Test func platt() throws {
        for example in try ScoreFixture.load().platt {
            let scaling = try PlattScaling(
                scores: example.scores, isPositive: example.truth.map { $0 == 1 }, weights: example.weights)
            expectClose(
                [scaling.slope, scaling.intercept], [example.slope, example.intercept], relative: 1e-8,
                example.name)
            // The library stops at a larger gradient.
            expectClose(
                example.scores.map(scaling.probability), example.libraryProbabilities, absolute: 2e-5,
                example.name)
        }
    }

    @Test func isotonic() throws {
        for example in try ScoreFixture.load().isotonic {
            let function = try IsotonicRegression(x: example.x, y: example.y, weights: example.weights)
            expectClose(example.at.map { function($0) }, example.values, absolute: 1e-12, example.name)
        }
    }

    @Test func temperature() throws {
        for example in try ScoreFixture.load().temperature {
            let (decisions, classes): ([Double], Int) =
                switch example.decisions {
                case .values(let values): (values, 2)
                case .rows(let rows): (rows.flatMap { $0 }, rows[0].count)
                }
            let calibrator = try Calibrator(.temperature, outcomes(decisions, example.truth, classes))
            expectClose(
                calibrator.probabilities(of: decisions), example.probabilities.flatMap { $0 }, absolute: 1e-7,
                example.name)
        }
    }

    @Test func manyClasses() throws {
        let example = try ScoreFixture.load().calibrated
        let decisions = example.decisions.flatMap { $0 }
        let platt = try Calibrator(.platt, outcomes(decisions, example.truth, 3))
        expectClose(
            platt.probabilities(of: decisions), example.sigmoid.flatMap { $0 }, absolute: 2e-5, "platt")
        let isotonic = try Calibrator(.isotonic, outcomes(decisions, example.truth, 3))
        expectClose(
            isotonic.probabilities(of: decisions), example.isotonic.flatMap { $0 }, absolute: 1e-12,
            "isotonic")
    }

    private func outcomes(_ decisions: [Double], _ truth: [Int], _ classes: Int) throws
        -> ClassificationOutcomes
    {
        try ClassificationOutcomes(
            classCount: classes, truth: truth, predicted: truth, decisionValues: decisions)
    }

    /// Scores that say too much are taken back to what is true.
    @Test(arguments: CalibrationMethod.allCases) func improves(method: CalibrationMethod) throws {
        var random = SeededGenerator(seed: 3)
        func draw() -> (scores: [Double], isPositive: [Bool]) {
            let logits = (0..<4000).map { _ in 4 * random.nextUniform() - 2 }
            return (logits.map { 5 * $0 }, logits.map { random.nextUniform() < 1 / (1 + exp(-$0)) })
        }
        let (fit, test) = (draw(), draw())
        let calibrator = try Calibrator(method, scores: fit.scores, isPositive: fit.isPositive)
        func error(_ probabilities: [Double]) throws -> Double {
            try BinaryEvaluation(scores: probabilities, isPositive: test.isPositive).value(
                of: .expectedCalibrationError()
            ).value
        }
        let calibrated = calibrator.probabilities(of: test.scores)
        let positive = stride(from: 1, to: calibrated.count, by: 2).map { calibrated[$0] }
        #expect(try error(positive) < 0.04)
        #expect(try error(test.scores.map { 1 / (1 + exp(-$0)) }) > 0.15)
    }

    @Test func crossFitted() throws {
        let data = Example.overlapping(400)
        let recipe = CalibratedClassifier(CentroidClassifier(), method: .platt, folds: 4)
        #expect(recipe.name == "centroids, platt")
        let model = try recipe.fit(data.features, data.labels)
        let probabilities = try model.probabilities(of: data.features)
        #expect(probabilities.shape == [400, 2])
        expectClose(
            (0..<400).map { probabilities[$0, 0] + probabilities[$0, 1] }, [Double](repeating: 1, count: 400),
            absolute: 1e-14)
        let decisions = try model.decisionValues(of: data.features).elements
        expectClose(decisions, (0..<400).map { probabilities[$0, 1] - probabilities[$0, 0] })
        // Calibration keeps the order, and comes from the folds' predictions, not from the model's own.
        let base = try CentroidClassifier().fit(data.features, data.labels)
        let judged = try crossValidate(
            CentroidClassifier(), data.features, data.labels,
            folds: .stratified(data.labels, count: 4, seed: 1), scoring: [])
        let expected = try Calibrator(.platt, judged.outOfFold)
        expectClose(
            probabilities.elements,
            expected.probabilities(of: try base.decisionValues(of: data.features).elements))
        let prefit = try base.calibrated(.isotonic, on: data.features, data.labels)
        #expect(prefit.calibrator.method == .isotonic)
        #expect(try prefit.predict(data.features).count == 400)
    }

    @Test func errors() throws {
        for method in CalibrationMethod.allCases {
            expectFailure(.notFinite) {
                _ = try Calibrator(method, scores: [1, .nan], isPositive: [true, false])
            }
            expectFailure(.shapeMismatch) {
                _ = try Calibrator(method, scores: [1], isPositive: [true, false])
            }
            expectFailure(.emptyData) { _ = try Calibrator(method, scores: [], isPositive: []) }
        }
        expectFailure(.emptyData) { _ = try Calibrator(.platt, scores: [1, 2], isPositive: [true, true]) }
        let data = Example.overlapping(20)
        expectFailure(.emptyData) {
            _ = try CalibratedClassifier(CentroidClassifier(), folds: 15).fit(data.features, data.labels)
        }
        expectFailure(.invalidOption) {
            _ = try CalibratedClassifier(CentroidClassifier(), folds: 1).fit(data.features, data.labels)
        }
    }

    @Test func file() throws {
        let data = Example.overlapping(200)
        for method in CalibrationMethod.allCases {
            let base = try CentroidClassifier().fit(data.features, data.labels)
            let model = try base.calibrated(method, on: data.features, data.labels)
            try withTemporaryDirectory { directory in
                let url = URL(fileURLWithPath: directory).appending(path: "model")
                try model.save(to: url)
                let again = try CalibratedModel<CentroidModel<String>>(url)
                #expect(again.calibrator == model.calibrator)
                #expect(
                    try again.probabilities(of: data.features) == model.probabilities(of: data.features))
                let bytes = [UInt8](try Data(contentsOf: url))
                let damaged = URL(fileURLWithPath: directory).appending(path: "damaged")
                try forEachMutation(of: bytes, count: 500) { bytes in
                    try Data(bytes).write(to: damaged)
                    do {
                        let model = try CalibratedModel<CentroidModel<String>>(damaged)
                        let values = try model.probabilities(of: data.features).elements
                        #expect(values.allSatisfy { 0...1 ~= $0 })
                    } catch is MarketingMLError {}
                }
            }
        }
    }
}
