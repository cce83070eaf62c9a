import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct LinearSolverTests {
    /// The objective in plain loops, from a solution's own coefficients.
    private func objective(
        _ reference: LinearReference, _ fit: LinearReference.Fit, _ solution: LinearSolution
    ) -> Double {
        let isRegression = fit.loss.lowercased().contains("epsilon")
        var total = solution.weights.reduce(0) { $0 + $1 * $1 } / 2
        if fit.intercept == "penalized" { total += pow(solution.intercept / fit.scale, 2) / 2 }
        for (row, elements) in reference.matrix.enumerated() {
            let z = elements.reduce(solution.intercept) { $0 + $1[1] * solution.weights[Int($1[0])] }
            let y = isRegression ? reference.numbers[row] : Double(reference.binary[row])
            let over = max(0, isRegression ? abs(y - z) - fit.epsilon : 1 - y * z)
            let loss =
                switch fit.loss {
                case "logistic": log1p(exp(-abs(z))) + max(0, -y * z)
                case "squaredHinge", "squaredEpsilonInsensitive": over * over
                default: over
                }
            total += fit.c * (fit.weighted ? reference.weights[row] : 1) * loss
        }
        return total
    }

    @Test(arguments: LinearReference.shared?.fits ?? []) func asReference(fit: LinearReference.Fit) throws {
        let reference = try #require(LinearReference.shared)
        let problem = try reference.problem(fit)
        let smooth = fit.linearLoss.isSmooth
        for solver in smooth ? LinearSolver.allCases : [.automatic] {
            let solution = try problem.solve(
                solver, limits: LinearSolverLimits(tolerance: 1e-12, iterations: 200_000))
            let found = objective(reference, fit, solution)
            #expect(abs(found - solution.report.objective) <= 1e-9 * found, "\(solver)")
            #expect(solution.report.stopReason == .converged, "\(solver): \(solution.report)")
            if smooth {
                #expect(abs(found - fit.objective) <= 1e-9 * fit.objective, "\(solver)")
            } else {
                #expect(found <= fit.objective * (1 + 1e-8), "\(solver)")
            }
            if smooth {
                expectRelativeNorm(solution.weights, fit.coefficients, 1e-5, "\(solver)")
            } else {
                // The objective is strongly convex in w: ½‖w − w*‖² is at most what the reference lies above the optimum.
                let distance = zip(solution.weights, fit.coefficients).reduce(0.0) {
                    $0 + pow($1.0 - $1.1, 2)
                }
                #expect(distance <= 2 * (fit.objective - found) + 1e-8 * (1 + found), "\(solver)")
            }
            // A hinge loss may have an interval of best intercepts.
            if smooth { #expect(abs(solution.intercept - fit.intercept_value) <= 1e-4, "\(solver)") }
        }
    }

    @Test func referenceIsThere() throws {
        let reference = try #require(LinearReference.shared)
        #expect(reference.fits.count >= 40 && reference.files.count >= 8)
    }

    /// The report's violation is a proof: no solution that was ever found is further below the objective.
    @Test(arguments: [1e-1, 1e-3, 1e-6]) func gapBoundsTheSuboptimality(tolerance: Double) throws {
        let reference = try #require(LinearReference.shared)
        for fit in reference.fits where !fit.weighted {
            let solution = try reference.problem(fit).dualCoordinateDescent(
                limits: LinearSolverLimits(tolerance: tolerance, iterations: 100_000))
            #expect(solution.report.isConverged && solution.report.violation <= tolerance)
            #expect(
                objective(reference, fit, solution) - fit.objective <= (tolerance + 1e-9)
                    * solution.report.objective,
                "\(fit.name)")
        }
    }

    @Test func gradientAndCurvatureByDifferences() {
        var generator = SeededGenerator(seed: 3)
        let count = 200
        let z = (0..<count).map { _ in 6 * generator.nextUniform() - 3 }
        let costs = (0..<count).map { _ in generator.nextUniform() }
        let signs = (0..<count).map { _ in generator.nextUniform() < 0.5 ? -1.0 : 1 }
        let step = 1e-5
        for loss: LinearLoss in [.logistic, .squaredHinge, .squaredEpsilonInsensitive(0.3)] {
            let (total, slope, curvature) = loss.expanded(targets: signs, costs: costs, values: z)
            #expect(abs(total - loss.total(targets: signs, costs: costs, values: z)) < 1e-12 * total)
            for index in 0..<count {
                func at(_ shift: Double) -> (total: Double, slope: [Double], curvature: [Double]) {
                    loss.expanded(
                        targets: [signs[index]], costs: [costs[index]], values: [z[index] + shift])
                }
                let up = at(step)
                let down = at(-step)
                #expect(abs((up.total - down.total) / (2 * step) - slope[index]) < 1e-6)
                guard up.curvature[0] * down.curvature[0] > 0 || loss == .logistic else { continue }
                #expect(abs((up.slope[0] - down.slope[0]) / (2 * step) - curvature[index]) < 1e-6)
            }
        }
    }

    @Test func extremeValuesStayFinite() {
        for value in [-1e6, -800.0, 0, 800, 1e6] {
            let (total, slope, curvature) = LinearLoss.logistic.expanded(
                targets: [1], costs: [1], values: [value])
            #expect(total == max(0, -value) + (value == 0 ? log(2) : 0))
            #expect(slope[0] == (value < 0 ? -1 : value == 0 ? -0.5 : 0))
            #expect(curvature[0] == (value == 0 ? 0.25 : 0))
        }
        #expect(LinearLoss.hinge.total(targets: [1], costs: [1], values: [.nan]).isNaN)
    }

    @Test func sameBitsForEveryThreadCountAndRepeat() throws {
        let (matrix, labels) = Self.random(rows: 3000, columns: 900, seed: 5)
        let before = ThreadPool.threadCount
        defer { ThreadPool.threadCount = before }
        for (loss, solver) in [
            (LinearLoss.logistic, LinearSolver.newton), (.squaredHinge, .newton),
            (.hinge, .dualCoordinateDescent),
            (.logistic, .dualCoordinateDescent),
        ] {
            let problem = LinearProblem(
                matrix, targets: labels, costs: labels.map { _ in 1 }, loss: loss, intercept: .free)
            let results = try [1, 2, 3, 1].map { threads in
                ThreadPool.threadCount = threads
                let solution = try problem.solve(solver, limits: LinearSolverLimits(tolerance: 1e-5))
                return solution.weights + [solution.intercept]
            }
            #expect(results.allSatisfy { $0 == results[0] }, "\(loss) \(solver)")
        }
    }

    @Test func stopsAndReportsLimits() throws {
        let (matrix, labels) = Self.random(rows: 300, columns: 50, seed: 6)
        for solver in LinearSolver.allCases {
            let problem = LinearProblem(
                matrix, targets: labels, costs: labels.map { _ in 100 }, loss: .squaredHinge,
                intercept: .absent)
            var limits = LinearSolverLimits(tolerance: 1e-14, iterations: 2)
            let cut = try problem.solve(solver, limits: limits)
            #expect(cut.report.stopReason == .iterationLimit && cut.report.iterations == 2)
            #expect(cut.report.violation > 1e-14)
            var events: [ProgressEvent] = []
            limits.iterations = 1000
            limits.progress = {
                events.append($0)
                return events.count < 4 ? .continue : .stop
            }
            let stopped = try problem.solve(solver, limits: limits)
            #expect(stopped.report.stopReason == .stopped && events.count == 4)
            #expect(stopped.weights.contains { $0 != 0 })
        }
    }

    @Test func cancellation() async {
        let (matrix, labels) = Self.random(rows: 2000, columns: 500, seed: 7)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try LinearProblem(
                matrix, targets: labels, costs: labels.map { _ in 1 }, loss: .hinge, intercept: .free
            ).solve(.automatic, limits: LinearSolverLimits())
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    static func random(rows: Int, columns: Int, seed: UInt64) -> (SparseMatrix<Float>, [Double]) {
        var generator = SeededGenerator(seed: seed)
        var offsets = [0]
        var indices: [Int32] = []
        var values: [Float] = []
        var labels: [Double] = []
        for _ in 0..<rows {
            var score = generator.nextUniform() - 0.5
            for column in 0..<columns where generator.nextUniform() < 20 / Double(columns) {
                let value = Float(generator.nextUniform())
                indices.append(Int32(column))
                values.append(value)
                score += Double(value) * (column % 3 == 0 ? 1 : -0.5)
            }
            offsets.append(values.count)
            labels.append(score > 0 ? 1 : -1)
        }
        return (
            SparseMatrix(
                trusted: rows, columns, rowOffsets: offsets, columnIndices: indices, values: values), labels
        )
    }
}
