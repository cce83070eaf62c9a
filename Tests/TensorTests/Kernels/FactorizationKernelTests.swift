import CTensorKernels
import Foundation
import Testing

@testable import Tensor

@Suite struct FactorizationKernelTests {
    /// A problem with rows of 0, 1, 2, … elements and its memory.
    private final class Problem<Scalar: KernelScalar> {
        let factors: Int
        let width: Int
        let rows = 9
        let others = 70
        let lengths = [0, 1, 3, 7, 40, 70, 2, 70, 13]
        var offsets = [0]
        var indices: [Int32] = []
        let confidences: [Float]
        let fixed: Guarded<Scalar>
        let gram: Guarded<Scalar>
        let diagonal: Guarded<Scalar>
        let penalties: Guarded<Scalar>

        /// With a gram matrix that is diagonal if that is asked for, as conjugate gradients want it.
        init(factors: Int, isDiagonal: Bool = false) {
            self.factors = factors
            width = (factors + 15) / 16 * 16
            var numbers = TestNumbers(factors)
            for length in lengths {
                for turn in 0..<length { indices.append(Int32((turn * 3 + length) % others)) }
                offsets.append(indices.count)
            }
            confidences = (numbers.array(indices.count) as [Float]).map { 2 + $0 }
            var y = [Scalar](repeating: 0, count: others * width)
            for row in 0..<others {
                for column in 0..<factors { y[row * width + column] = numbers.uniform(1) }
            }
            fixed = Guarded(y)
            let gram = Guarded<Scalar>(zeros: width * width)
            let diagonal = Guarded<Scalar>(zeros: width)
            mml_reference_factor_gram(Scalar.mmlType, others, width, fixed.pointer, gram.pointer)
            for i in 0..<width {
                diagonal.pointer[i] = gram.pointer[i * (width + 1)]
                for j in 0..<i {
                    gram.pointer[i * width + j] = isDiagonal ? 0 : gram.pointer[j * width + i]
                    if isDiagonal { gram.pointer[j * width + i] = 0 }
                }
            }
            self.gram = gram
            self.diagonal = diagonal
            penalties = Guarded((0..<rows).map { Scalar(0.5 + Double($0)) })
        }

        func with<Result>(
            _ solver: mml_als_solver, _ solved: Guarded<Scalar>, steps: Int = 0, block: Int = 16,
            base: Double = 0.5,
            _ body: (UnsafePointer<mml_als>) -> Result
        ) -> Result {
            offsets.withUnsafeBufferPointer { offsets in
                indices.withUnsafeBufferPointer { indices in
                    confidences.withUnsafeBufferPointer { confidences in
                        var problem = mml_als(
                            solver: Int32(solver.rawValue), steps: steps, block: block, factors: factors,
                            width: width,
                            offsets: offsets.baseAddress, indices: indices.baseAddress,
                            confidences: confidences.baseAddress, alpha: 1.5, slope: 1.5, base: base,
                            fixed: fixed.pointer,
                            gram: solver == MML_ALS_CONJUGATE_GRADIENT ? diagonal.pointer : gram.pointer,
                            share: 1 / Double(others), penalties: penalties.pointer, solved: solved.pointer)
                        return body(&problem)
                    }
                }
            }
        }

        func solve(_ solver: mml_als_solver, steps: Int = 0, block: Int = 16, sweeps: Int = 1) -> Guarded<
            Scalar
        > {
            let solved = Guarded<Scalar>(zeros: rows * width)
            with(solver, solved, steps: steps, block: block) { problem in
                let scratch = Guarded<Scalar>(
                    [Scalar](repeating: .nan, count: mml_als_scratch(Scalar.mmlType, problem, 70)))
                for _ in 0..<sweeps {
                    #expect(mml_als_solve(Scalar.mmlType, problem, 0, 4, scratch.pointer) == -1)
                    #expect(mml_als_solve(Scalar.mmlType, problem, 4, rows, scratch.pointer) == -1)
                }
                #expect(scratch.isIntact)
            }
            return solved
        }

        /// What every solver comes to, by the reference.
        func solution() -> Guarded<Scalar> {
            let solved = Guarded<Scalar>(zeros: rows * width)
            with(MML_ALS_CHOLESKY, solved) { problem in
                let scratch = Guarded<Double>(
                    zeros: 2 * mml_reference_als_scratch(Scalar.mmlType, problem, 70))
                #expect(mml_reference_als_solve(Scalar.mmlType, problem, 0, rows, scratch.pointer) == -1)
            }
            return solved
        }
    }

    @Test(arguments: [1, 5, 16, 17, 40, 64]) func solvers(factors: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let problem = Problem<Scalar>(factors: factors)
            let expected = problem.solution()
            let near = 500 * Scalar.closeness
            expectSame(problem.solve(MML_ALS_CHOLESKY), expected, "Cholesky", within: near)
            let diagonal = Problem<Scalar>(factors: factors, isDiagonal: true)
            expectSame(
                diagonal.solve(MML_ALS_CONJUGATE_GRADIENT, steps: 300), diagonal.solution(),
                "conjugate gradients", within: near)
            expectSame(problem.solve(MML_ALS_BLOCKS, block: 64), expected, "one block", within: near)
            expectSame(
                problem.solve(MML_ALS_BLOCKS, block: 16, sweeps: 200), expected, "blocks of 16",
                within: 4 * near)

            let loss = problem.with(MML_ALS_CHOLESKY, expected) { mml_als_loss(Scalar.mmlType, $0, 1, 8) }
            let reference = problem.with(MML_ALS_CHOLESKY, expected) {
                mml_reference_als_loss(Scalar.mmlType, $0, 1, 8)
            }
            #expect(abs(loss - reference) < 1e-4 * (1 + abs(reference)))
        }
        check(Float.self)
        check(Double.self)
    }

    /// No coordinate is negative, the loss is level along those above 0, and rises along those at 0.
    @Test(arguments: [1, 5, 16, 17, 40, 64]) func nonNegative(factors: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let problem = Problem<Scalar>(factors: factors)
            let (solved, width) = (problem.solve(MML_ALS_NONNEGATIVE, steps: 2000), problem.width)
            var held = 0
            for row in 0..<problem.rows {
                let x = (0..<width).map { Double(solved.pointer[row * width + $0]) }
                var (slope, size) = ([Double](repeating: 0, count: width), 1.0)
                for i in 0..<factors {
                    slope[i] = Double(problem.penalties.pointer[row]) * x[i]
                    for j in 0..<factors { slope[i] += Double(problem.gram.pointer[i * width + j]) * x[j] }
                }
                for k in problem.offsets[row]..<problem.offsets[row + 1] {
                    let y = (0..<width).map {
                        Double(problem.fixed.pointer[Int(problem.indices[k]) * width + $0])
                    }
                    let b = 1.5 * Double(problem.confidences[k])
                    let pull = (b - 0.5) * zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } - b
                    for i in 0..<factors {
                        slope[i] += pull * y[i]
                        size = max(size, abs(b * y[i]))
                    }
                }
                for i in 0..<factors {
                    let near = 2000 * Double(Scalar.closeness) * size
                    #expect(x[i] == 0 ? slope[i] > -near : x[i] > 0 && abs(slope[i]) < near, "\(row), \(i)")
                    held += x[i] == 0 ? 1 : 0
                }
                #expect(x[factors...].allSatisfy { $0 == 0 })
            }
            #expect(held > factors)
        }
        check(Float.self)
        check(Double.self)
    }

    @Test func notPositiveDefinite() {
        let problem = Problem<Float>(factors: 5)
        let solved = Guarded<Float>(zeros: problem.rows * problem.width)
        for solver in [MML_ALS_CHOLESKY, MML_ALS_BLOCKS, MML_ALS_CONJUGATE_GRADIENT, MML_ALS_NONNEGATIVE] {
            problem.with(solver, solved, steps: 5, base: 1000) { problem in
                let scratch = Guarded<Float>(zeros: mml_als_scratch(MML_F32, problem, 70))
                // Row 0 has no elements; row 4 has enough to outweigh the rest.
                let failed = mml_als_solve(MML_F32, problem, 4, 5, scratch.pointer)
                #expect(failed == 4, "\(solver)")
            }
        }
    }

    @Test(arguments: [0, 1, 3, 200]) func gram(rows: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            for width in [16, 32, 80] {
                var numbers = TestNumbers(rows + width)
                let x = Guarded<Scalar>(numbers.array(rows * width))
                let gram = Guarded<Scalar>(zeros: width * width), expected = gram.copy
                mml_factor_gram(Scalar.mmlType, rows, width, x.pointer, gram.pointer)
                mml_reference_factor_gram(Scalar.mmlType, rows, width, x.pointer, expected.pointer)
                for i in 0..<width {
                    for j in 0..<i { gram.pointer[i * width + j] = 0 }
                }
                expectSame(gram, expected, "gram \(rows) × \(width)", within: 20 * Scalar.closeness)
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: kernelSizes, [0, 1, 2, 10, 63]) func topScores(n: Int, k: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(n + k)
            // Few distinct values, so that there are ties.
            let values = (numbers.array(n, 12) as [Double]).map { Scalar($0.rounded()) }
            for x in [Guarded(values), Guarded(withSpecials(values))] {
                // Items in rising order and in another.
                let ids = (0..<n).map { Int32(($0 * 7 + 3) % max(1, n)) }
                for isOrdered in [true, false] {
                    func run(_ reference: Bool) -> [String] {
                        let kernel = reference ? mml_reference_top_scores : mml_top_scores
                        let best = Guarded<Scalar>(zeros: k)
                        var items = [Int32](repeating: -1, count: max(1, k))
                        var count = 0
                        // In three pieces.
                        for part in 0..<3 {
                            let range = n * part / 3..<n * (part + 1) / 3
                            count = ids.withUnsafeBufferPointer { ids in
                                kernel(
                                    Scalar.mmlType, range.count, x.pointer + range.lowerBound,
                                    isOrdered ? nil : ids.baseAddress.map { $0 + range.lowerBound },
                                    Int32(range.lowerBound), k, count, best.pointer, &items)
                            }
                        }
                        #expect(best.isIntact)
                        return (0..<count).map { "\(items[$0]): \(best.pointer[$0])" }.sorted()
                    }
                    #expect(run(false) == run(true), "ordered \(isOrdered)")
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// Three users, seven items, 16 columns.
    private func bpr<Scalar: KernelScalar>(
        _: Scalar.Type, learningRate: Double, regularization: Double, pairs: [Int32],
        _ kernel: (UnsafePointer<mml_bpr>, Int, UnsafePointer<Int32>) -> Int
    ) -> (users: Guarded<Scalar>, items: Guarded<Scalar>, biases: Guarded<Scalar>, right: Int) {
        var numbers = TestNumbers(5)
        let users = Guarded<Scalar>(numbers.array(48)), items = Guarded<Scalar>(numbers.array(112))
        let biases = Guarded<Scalar>(numbers.array(7))
        let offsets = [0, 2, 3, 6], taken: [Int32] = [0, 4, 5, 1, 2, 6],
            candidates: [Int32] = [0, 1, 2, 3, 4, 5, 6]
        let right = offsets.withUnsafeBufferPointer { offsets in
            taken.withUnsafeBufferPointer { taken in
                candidates.withUnsafeBufferPointer { candidates in
                    var problem = mml_bpr(
                        width: 16, learning_rate: learningRate, regularization: regularization,
                        offsets: offsets.baseAddress, indices: taken.baseAddress,
                        candidates: candidates.baseAddress,
                        candidate_count: 7, seed: 11, users: users.pointer, items: items.pointer,
                        biases: biases.pointer)
                    return kernel(&problem, pairs.count / 2, pairs)
                }
            }
        }
        return (users, items, biases, right)
    }

    @Test func pairwiseSteps() {
        func check<Scalar: KernelScalar>(_ scalar: Scalar.Type) {
            let pairs = (0..<40).flatMap { _ in [0, 0, 2, 1, 1, 5, 0, 4, 2, 6] as [Int32] }
            let found = bpr(scalar, learningRate: 0.1, regularization: 0.05, pairs: pairs) {
                mml_bpr_pass(Scalar.mmlType, $0, $1, $2)
            }
            let expected = bpr(scalar, learningRate: 0.1, regularization: 0.05, pairs: pairs) {
                mml_reference_bpr_pass(Scalar.mmlType, $0, $1, $2)
            }
            #expect(found.right == expected.right && found.right > 0)
            expectSame(found.users, expected.users, "users", within: 200 * Scalar.closeness)
            expectSame(found.items, expected.items, "items", within: 200 * Scalar.closeness)
            expectSame(found.biases, expected.biases, "biases", within: 200 * Scalar.closeness)
        }
        check(Float.self)
        check(Double.self)
    }

    /// A step is the gradient of log σ(x (p − n) + b − c) − λ/2 (all squares), by central differences.
    @Test func pairwiseGradient() throws {
        let (rate, lambda) = (1e-4, 0.3)
        let before = bpr(Double.self, learningRate: rate, regularization: lambda, pairs: []) { _, _, _ in 0 }
        let after = bpr(Double.self, learningRate: rate, regularization: lambda, pairs: [1, 5]) {
            mml_bpr_pass(MML_F64, $0, $1, $2)
        }
        // The item that was drawn is the one that changed beside item 5.
        let changed = (0..<7).filter { before.biases.pointer[$0] != after.biases.pointer[$0] }
        let negative = try #require(changed.first { $0 != 5 })
        var values = before.users.values[16..<32] + before.items.values[80..<96]
        values += before.items.values[negative * 16..<(negative + 1) * 16]
        values += [before.biases.pointer[5], before.biases.pointer[negative]]
        var moved = after.users.values[16..<32] + after.items.values[80..<96]
        moved += after.items.values[negative * 16..<(negative + 1) * 16]
        moved += [after.biases.pointer[5], after.biases.pointer[negative]]
        func objective(_ v: [Double]) -> Double {
            var margin = v[48] - v[49]
            for j in 0..<16 { margin += v[j] * (v[16 + j] - v[32 + j]) }
            let squares = v.reduce(0) { $0 + $1 * $1 }
            return -log1p(exp(-margin)) - lambda / 2 * squares
        }
        let start = Array(values), end = Array(moved)
        for index in start.indices {
            var (up, down) = (start, start)
            up[index] += 1e-5
            down[index] -= 1e-5
            let slope = (objective(up) - objective(down)) / 2e-5
            #expect(abs((end[index] - start[index]) / rate - slope) < 1e-6, "\(index)")
        }
    }

    @Test(arguments: [false, true]) func ratingSteps(withHistory: Bool) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            func run(
                _ kernel: (UnsafePointer<mml_rating_steps>, UnsafeMutablePointer<Scalar>) -> Double
            ) -> (parts: [Guarded<Scalar>], total: Double) {
                var numbers = TestNumbers(9)
                let sizes = [3 * 16, 7 * 16, 7 * 16, 3, 7]
                let parts = sizes.map { Guarded<Scalar>(numbers.array($0, 0.3)) }
                let offsets = [0, 2, 2, 8], indices: [Int32] = [0, 4, 0, 1, 2, 4, 5, 6]
                let ratings: [Float] = [4, 3, 5, 1, 2, 4, 3, 3.5]
                let scratch = Guarded<Scalar>(zeros: 32)
                let total = offsets.withUnsafeBufferPointer { offsets in
                    indices.withUnsafeBufferPointer { indices in
                        ratings.withUnsafeBufferPointer { ratings in
                            var problem = mml_rating_steps(
                                width: 16, offsets: offsets.baseAddress, indices: indices.baseAddress,
                                ratings: ratings.baseAddress, mean: 3.2, learning_rate: 0.05,
                                regularization: 0.1,
                                users: parts[0].pointer, items: parts[1].pointer,
                                history: withHistory ? parts[2].pointer : nil, user_biases: parts[3].pointer,
                                item_biases: parts[4].pointer)
                            return (0..<5).reduce(0) { sum, _ in sum + kernel(&problem, scratch.pointer) }
                        }
                    }
                }
                #expect(scratch.isIntact)
                return (parts, total)
            }
            let found = run { mml_rating_pass(Scalar.mmlType, $0, 0, 3, $1) }
            let expected = run { mml_reference_rating_pass(Scalar.mmlType, $0, 0, 3, $1) }
            #expect(abs(found.total - expected.total) < 1e-4 * expected.total)
            for (part, other) in zip(found.parts, expected.parts) {
                expectSame(part, other, "rating_pass", within: 100 * Scalar.closeness)
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// A step is the gradient of −(error² + λ (b² + c² + x² + y² + z²)) / 2 for one rating, by central differences.
    @Test func ratingGradient() {
        let (rate, lambda, rating) = (1e-5, 0.3, 4.0)
        var numbers = TestNumbers(2)
        let start: [Double] = numbers.array(50)
        func error(_ v: [Double]) -> Double {
            var error = rating - 3 - v[48] - v[49]
            for j in 0..<16 { error -= v[16 + j] * (v[j] + v[32 + j]) }
            return error
        }
        func objective(_ v: [Double]) -> Double {
            let squares = v.reduce(0) { $0 + $1 * $1 }
            return -(error(v) * error(v) + lambda * squares) / 2
        }
        var moved = start
        let offsets = [0, 1], indices: [Int32] = [0], ratings = [Float(rating)]
        let scratch = Guarded<Double>(zeros: 32)
        moved.withUnsafeMutableBufferPointer { v in
            guard let v = v.baseAddress else { return }
            offsets.withUnsafeBufferPointer { offsets in
                indices.withUnsafeBufferPointer { indices in
                    ratings.withUnsafeBufferPointer { ratings in
                        var problem = mml_rating_steps(
                            width: 16, offsets: offsets.baseAddress, indices: indices.baseAddress,
                            ratings: ratings.baseAddress, mean: 3, learning_rate: rate,
                            regularization: lambda,
                            users: v, items: v + 16, history: v + 32, user_biases: v + 48, item_biases: v + 49
                        )
                        let square = mml_rating_pass(MML_F64, &problem, 0, 1, scratch.pointer)
                        #expect(abs(square - error(start) * error(start)) < 1e-12)
                    }
                }
            }
        }
        for index in start.indices {
            var (up, down) = (start, start)
            up[index] += 1e-5
            down[index] -= 1e-5
            let slope = (objective(up) - objective(down)) / 2e-5
            #expect(abs((moved[index] - start[index]) / rate - slope) < 1e-5, "\(index)")
        }
    }
}
