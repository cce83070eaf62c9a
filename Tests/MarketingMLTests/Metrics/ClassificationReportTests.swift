import Foundation
import MarketingML
import TestSupport
import Testing

@Suite struct ClassificationReportTests {
    private func report(
        _ truth: [Int], _ rows: [[Double]], classes: Int
    ) throws -> ClassificationReport<Int> {
        try ClassificationReport(
            labels: truth, probabilities: rows.flatMap { $0 }, classes: LabelSet(0..<classes))
    }

    @Test func byHand() throws {
        let report = try report(
            [0, 0, 1, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.5, 0.5], [0.1, 0.9]], classes: 2)
        #expect(report.confusion.counts == [[1, 1], [1, 2]])
        #expect(report.accuracy == 0.6)
        #expect(report.majorityShare == 0.6)
        #expect(report.classes[1].precision == 2.0 / 3)
        #expect(report.classes[0].recall == 0.5)
        #expect(report.classes.map(\.support) == [2, 3])
        // Pairs in order: 0.1 below all three, 0.6 above 0.5 only.
        #expect(report.rocAUC == 5.0 / 6)
        let logs = log(0.9) + log(0.4) + log(0.8) + log(0.5) + log(0.9)
        expectClose([report.logLoss], [-logs / 5], relative: 1e-14)
    }

    /// The area equals the share of pairs in order, ties half, counted pair by pair.
    @Test func areaAgainstAllPairs() throws {
        var random = SeededGenerator(seed: 4)
        for count in 0..<60 {
            let scores = (0..<count).map { _ in Float(random.next(below: 8)) }
            let positive = (0..<count).map { _ in random.next(below: 3) == 0 }
            var pairs = 0
            var inOrder = 0.0
            for i in 0..<count where positive[i] {
                for j in 0..<count where !positive[j] {
                    pairs += 1
                    inOrder += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
                }
            }
            let area = try ROC.area(scores: scores, isPositive: positive)
            #expect(area == (pairs == 0 ? nil : inOrder / Double(pairs)))
        }
    }

    @Test func classesThatAreAbsent() throws {
        let report = try report([0, 0, 1], [[0.9, 0.1, 0], [0.6, 0.4, 0], [0.2, 0.8, 0]], classes: 3)
        #expect(report.rocAUC == nil)
        #expect(report.macro.f1 == 2.0 / 3)
        #expect(report.classes[2].f1 == 0)
        #expect(report.description.contains("ROC AUC"))
    }

    /// Of many classes the confusions are listed, not drawn as a matrix.
    @Test func manyClasses() throws {
        let truth = (0..<30).flatMap { [$0, $0, $0] }
        let rows = truth.enumerated().map { place, label in
            (0..<30).map {
                $0 == (label == 7 && place % 3 > 0 ? 3 : label == 9 && place % 3 == 0 ? 8 : label) ? 1.0 : 0
            }
        }
        let report = try report(truth, rows, classes: 30)
        let pairs = report.confusion.mostFrequent(5)
        #expect(
            pairs.map(\.truth) == [7, 9] && pairs.map(\.predicted) == [3, 8] && pairs.map(\.count) == [2, 1])
        #expect(report.confusion.mostFrequent(1).count == 1 && report.confusion.mostFrequent(-1).isEmpty)
        #expect(report.description.hasSuffix("predicted class):\n     2  7, 3\n     1  9, 8"))
    }

    @Test func certainAndWrong() throws {
        let report = try report([0, 1], [[0, 1], [0, 1]], classes: 2)
        #expect(report.logLoss.isFinite && report.logLoss > 17)
        let float = try ClassificationReport(
            labels: [0, 1], probabilities: [0, 1, 0, 1] as [Float], classes: LabelSet(0...1))
        #expect(float.logLoss < 8.1)
    }

    @Test func errors() throws {
        let classes = try LabelSet(["a", "b"])
        func code(_ labels: [String], _ probabilities: [Double]) -> MarketingMLError.Code? {
            do {
                _ = try ClassificationReport(labels: labels, probabilities: probabilities, classes: classes)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code([], []) == .emptyData)
        #expect(code(["a"], [1]) == .shapeMismatch)
        #expect(code(["c"], [0.5, 0.5]) == .unknownLabel)
        #expect(code(["a"], [.nan, 0.5]) == .notFinite)
        #expect(code(["a"], [1, 0]) == nil)
    }

    @Test func table() throws {
        let report = try ClassificationReport(
            labels: ["negative", "positive", "positive"], probabilities: [0.8, 0.2, 0.3, 0.7, 0.6, 0.4],
            classes: LabelSet(["positive", "negative"]))
        #expect(
            report.description == """
                              precision     recall   f1-score    support

                    negative     0.5000     1.0000     0.6667          1
                    positive     1.0000     0.5000     0.6667          2

                    accuracy                           0.6667          3
                   macro avg     0.7500     0.7500     0.6667          3
                weighted avg     0.8333     0.6667     0.6667          3

                    majority                           0.6667
                     ROC AUC                           1.0000
                    log loss                           0.4987

                true class in rows, predicted in columns:
                              negative  positive
                    negative         1         0
                    positive         1         1
                """)
    }

    @Test func codable() throws {
        let report = try report([0, 1], [[0.9, 0.1], [0.3, 0.7]], classes: 2)
        let again = try JSONDecoder().decode(
            ClassificationReport<Int>.self, from: JSONEncoder().encode(report))
        #expect(again == report)
    }
}
