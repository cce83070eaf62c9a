import Foundation
import MarketingML
import TestSupport
import Testing

@testable import Tensor

/// LIBSVM's a9a, which is UCI Adult as 123 binary features.
@Suite struct AdultLogisticTests {
    private func read(_ url: URL) throws -> (x: SparseMatrix<Float>, labels: [Int]) {
        let text = String(decoding: try InputFile.read(url.path), as: UTF8.self)
        var labels: [Int] = [], rows: [[Int: Float]] = []
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            labels.append(Int(parts[0]) ?? Int(parts[0].dropFirst()) ?? 0)
            rows.append(
                Dictionary(
                    uniqueKeysWithValues: parts.dropFirst().map { part in
                        let pair = part.split(separator: ":")
                        return ((Int(pair[0]) ?? 1) - 1, Float(pair[1]) ?? 0)
                    }))
        }
        return (try SparseMatrix(rows: rows, columnCount: 123), labels)
    }

    @Test(.enabled(if: TestData.shared("adult/a9a.t.gz") != nil)) func accuracy() throws {
        let train = try read(#require(TestData.shared("adult/a9a.gz")))
        let test = try read(#require(TestData.shared("adult/a9a.t.gz")))
        let sparse = try LogisticRegression(.l2(c: 1)).fit(train.x, train.labels)
        let dense = try LogisticRegression(.l2(c: 1)).fit(train.x.dense, train.labels)
        let lbfgs = try LogisticRegression(.l2(c: 1), solver: .lbfgs).fit(train.x, train.labels)
        for model in [sparse, dense, lbfgs] {
            #expect(model.report.isConverged, "\(model.report)")
            let predicted = try model.predict(test.x)
            let hits = zip(predicted, test.labels).filter { $0 == $1 }.count
            #expect(abs(Double(hits) / Double(test.labels.count) - 0.8495) < 0.0005)
            #expect(abs(model.report.objective - sparse.report.objective) < 1e-9 * sparse.report.objective)
            expectClose(model.coefficients[0], sparse.coefficients[0], absolute: 1e-4)
        }
        // The features of a9a are groups of indicators: each group sums to 1.
        let free = try LogisticRegression(.none).fit(train.x, train.labels)
        guard let reason = free.inferenceUnavailable, reason != .notConverged else {
            Issue.record("\(free.report), \(free.inferenceUnavailable.debugDescription)")
            return
        }
    }

    /// The path of the lasso: strong penalties leave nothing, and one standard error a smaller model than the best.
    @Test(.enabled(if: TestData.shared("adult/a9a.gz") != nil)) func path() throws {
        let train = try read(#require(TestData.shared("adult/a9a.gz")))
        let rows = Array(stride(from: 0, to: train.labels.count, by: 8))
        let (x, labels) = (train.x.rows(rows), rows.map { train.labels[$0] })
        let recipe = LogisticRegression.path(lambdas: .automatic(count: 12, smallestShare: 0.005), l1Ratio: 1)
        let path = try recipe.fit(x, labels, folds: 4, seed: 3)
        let again = try recipe.fit(x, labels, folds: 4, seed: 3)
        #expect(again.deviances == path.deviances && again.models == path.models)
        let sizes = path.models.map { $0.coefficients[0].filter { $0 != 0 }.count }
        #expect(sizes[0] == 0 && sizes[11] > 30 && path.models.allSatisfy { $0.report.isConverged })
        #expect(path.lambdaOneStandardError >= path.lambdaMin)
        let deviances = try #require(path.deviances), errors = try #require(path.standardErrors)
        let best = try #require(deviances.indices.min { deviances[$0] < deviances[$1] })
        #expect(path.lambdaMin == path.lambdas[best])
        let limit = deviances[best] + errors[best]
        let simplest = try #require(deviances.indices.first { deviances[$0] <= limit })
        #expect(path.lambdaOneStandardError == path.lambdas[simplest])
        // A model of the path is the model of its penalty; of complementary columns either may carry the weight.
        let single = try LogisticRegression(.lambda(path.lambdas[6], l1Ratio: 1)).fit(x, labels)
        expectClose([path.models[6].report.objective], [single.report.objective], relative: 1e-9)
    }
}
