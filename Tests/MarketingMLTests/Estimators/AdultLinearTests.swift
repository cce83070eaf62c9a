import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// The census income set in LIBSVM's form (a9a), C = 1, no intercept: what LIBLINEAR -s 0 and -s 3 reach.
@Suite struct AdultLinearTests {
    @Test(.enabled(if: TestData.shared("adult/a9a.gz") != nil)) func a9a() throws {
        let (train, labels) = try Self.read("adult/a9a.gz")
        let (test, truth) = try Self.read("adult/a9a.t.gz")
        func accuracy(_ weights: [Double]) -> Double {
            let values = SparseProducts(test).times(weights)
            return Double(zip(values, truth).count { ($0 > 0) == ($1 > 0) }) / Double(truth.count)
        }
        for (loss, solver, objective, expected) in [
            (LinearLoss.logistic, LinearSolver.newton, 10529.562584638106, 0.8498863706160555),
            (.logistic, .dualCoordinateDescent, 10529.562584638106, 0.8498863706160555),
            (.squaredHinge, .automatic, 13742.397304375005, 0.8493950003071065),
        ] {
            let solution = try LinearProblem(
                train, targets: labels, costs: labels.map { _ in 1 }, loss: loss, intercept: .absent
            ).solve(solver, limits: LinearSolverLimits(tolerance: 1e-7))
            #expect(solution.report.isConverged)
            #expect(abs(solution.report.objective - objective) <= 2e-7 * objective, "\(loss) \(solver)")
            #expect(abs(accuracy(solution.weights) - expected) < 2e-4, "\(loss) \(solver)")
        }
        let hinge = try LinearSupportVectorClassifier(loss: .hinge, intercept: .absent, tolerance: 1e-3)
            .fit(train, labels.map { Int($0) })
        #expect(hinge.isConverged && hinge.reports[0].objective <= 11434.8 * 1.001)
        #expect(abs(accuracy(hinge.coefficients.elements) - 0.8498) < 1e-3)
    }

    private static func read(_ path: String) throws -> (SparseMatrix<Float>, [Double]) {
        let url = try #require(TestData.shared(path))
        var rows: [[Int: Float]] = []
        var labels: [Double] = []
        for line in try InputFile.read(url.path).split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            labels.append(try #require(Double(fields[0])))
            let pairs = fields.dropFirst().map { $0.split(separator: ":") }
            rows.append(
                Dictionary(uniqueKeysWithValues: pairs.map { ((Int($0[0]) ?? 0) - 1, Float($0[1]) ?? 0) }))
        }
        return (try SparseMatrix(rows: rows, columnCount: 123), labels)
    }
}
