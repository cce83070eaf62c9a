import Foundation
import MarketingML
import TestSupport
import Testing

/// Against scikit-learn; `Tests/Reference/metrics.py` makes the file.
@Suite struct ScikitLearnMetricsTests {
    private struct Golden: Decodable {
        struct Case: Decodable {
            var name: String
            var classes: Int
            var truth: [Int]
            var predictions: [Int]
            var probabilities: [[Double]]?
            var accuracy: Double
            var precision: [Double]
            var recall: [Double]
            var f1: [Double]
            var support: [Int]
            var macroF1: Double
            var weightedF1: Double
            var confusion: [[Int]]
            var logLoss: Double?
            var rocAUC: Double?
        }
        struct Area: Decodable {
            var name: String
            var truth: [Int]
            var scores: [Double]
            var rocAUC: Double
        }
        var cases: [Case]
        var auc: [Area]
    }

    private func golden() throws -> Golden {
        try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: TestData.fixture("metrics.json", .module)))
    }

    @Test func reports() throws {
        for example in try golden().cases {
            // Cases of predictions alone: all the probability on the prediction.
            let probabilities: [[Double]] =
                example.probabilities
                ?? example.predictions.map { answer in
                    (0..<example.classes).map { label -> Double in label == answer ? 1 : 0 }
                }
            let report = try ClassificationReport(
                labels: example.truth, probabilities: probabilities.flatMap { $0 },
                classes: LabelSet(0..<example.classes))
            func close(_ actual: [Double], _ expected: [Double], _ what: String) {
                expectClose(actual, expected, relative: 1e-14, "\(example.name): \(what)")
            }
            #expect(report.confusion.counts == example.confusion, "\(example.name)")
            #expect(report.classes.map(\.support) == example.support, "\(example.name)")
            close([report.accuracy], [example.accuracy], "accuracy")
            close(report.classes.map(\.precision), example.precision, "precision")
            close(report.classes.map(\.recall), example.recall, "recall")
            close(report.classes.map(\.f1), example.f1, "f1")
            close([report.macro.f1, report.weighted.f1], [example.macroF1, example.weightedF1], "averages")
            if example.probabilities != nil {
                close([report.logLoss], [try #require(example.logLoss)], "log loss")
                #expect((report.rocAUC == nil) == (example.rocAUC == nil), "\(example.name)")
                close([report.rocAUC ?? 0], [example.rocAUC ?? 0], "AUC")
            }
        }
    }

    @Test func areas() throws {
        for example in try golden().auc {
            let area = try ROC.area(scores: example.scores, isPositive: example.truth.map { $0 == 1 })
            expectClose([try #require(area)], [example.rocAUC], relative: 1e-14, example.name)
        }
    }
}
