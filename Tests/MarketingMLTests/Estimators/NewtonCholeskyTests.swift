import TestSupport
import Testing

@testable import MarketingML
@testable import Tensor

@Suite struct NewtonCholeskyTests {
    private static let rowCount = 256 * 20

    private func problem(l2: Double, intercept: Bool, _ value: (_ row: Int, _ column: Int, Double) -> Double)
        throws -> MarginProblem
    {
        var random = SeededGenerator(seed: 3)
        let columns = 5
        let x = (0..<Self.rowCount * columns).map { place in
            value(place / columns, place % columns, Double(random.next(below: 2001)) / 1000 - 1)
        }
        let targets = (0..<Self.rowCount).map { row in
            let margin = 3 * x[row * columns] - 2 * x[row * columns + 1] + 0.5
            return Double(random.next(below: 1000)) / 250 - 2 < margin ? 1.0 : 0
        }
        let design = try #require(
            DesignMatrix(.double(Tensor(shape: [Self.rowCount, columns], x)), intercept: intercept))
        return MarginProblem(
            design: design, loss: SingleMarginLoss(.logistic, targets: targets, weights: nil), offset: nil,
            l1: 0,
            l2: l2, slopeScale: Double(Self.rowCount), hasFreeIntercepts: false)
    }

    /// Where the first Hessians come from does not change where it ends.
    private func check(_ problem: MarginProblem, _ what: String) throws {
        var solver = NewtonCholesky(problem, SolverLimits(tolerance: 1e-12, maximumIterations: 60))
        let start = [Double](repeating: 0, count: problem.order)
        solver.firstHessian = .hessian
        let exact = try solver.minimize(from: start)
        #expect(exact.stopReason == .converged, "\(what)")
        for first in [SecondDerivative.quickHessian, .sampledHessian] {
            solver.firstHessian = first
            let found = try solver.minimize(from: start)
            #expect(found.stopReason == .converged, "\(what), \(first)")
            expectClose(found.coefficients, exact.coefficients, absolute: 1e-8, "\(what), \(first)")
            #expect(abs(found.objective - exact.objective) <= 1e-13 * exact.objective)
        }
    }

    @Test(arguments: [true, false], [0, 0.1, 100]) func sampleServes(intercept: Bool, l2: Double) throws {
        try check(problem(l2: l2, intercept: intercept) { $2 }, "even rows")
    }

    /// Blocks 0, 8 and 16 are the sample: a column that is 0 there, rows that are sorted, a column that is far larger elsewhere.
    @Test(arguments: [0, 1e-3, 1]) func sampleMisleads(l2: Double) throws {
        try check(
            problem(l2: l2, intercept: true) { row, column, value in
                column == 4 && row / 256 != 3 ? 0 : value
            }, "a rare column")
        try check(
            problem(l2: l2, intercept: true) { row, column, value in
                column == 0 ? Double(row) / Double(Self.rowCount) * 2 - 1 : value
            }, "sorted rows")
        try check(
            problem(l2: l2, intercept: true) { row, column, value in
                column == 1 && row / 256 % 8 != 0 ? 30 * value : value
            }, "large elsewhere")
    }

    @Test func manyRowsTakeASample() throws {
        func first(_ rows: Int, _ columns: Int) throws -> SecondDerivative {
            let design = try #require(
                DesignMatrix(.float(.zeros([rows, columns])), intercept: false))
            let problem = MarginProblem(
                design: design,
                loss: SingleMarginLoss(.logistic, targets: .init(repeating: 0, count: rows), weights: nil),
                offset: nil, l1: 0, l2: 1, slopeScale: 1, hasFreeIntercepts: false)
            return NewtonCholesky(problem, SolverLimits(tolerance: 1e-4, maximumIterations: 1)).firstHessian
        }
        #expect(try first(1000, 20) == .hessian)
        #expect(try first(6000, 100) == .quickHessian)
        #expect(try first(100_000, 30) == .sampledHessian)
    }
}
