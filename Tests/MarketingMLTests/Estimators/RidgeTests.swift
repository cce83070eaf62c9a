import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct RidgeTests {
    /// Coefficients and intercepts in the units of the coefficients' largest.
    private func expectSame(
        _ model: RidgeModel, _ coefficients: [Double], _ intercepts: [Double], _ tolerance: Double,
        _ what: String
    ) {
        let scale = coefficients.reduce(1e-3) { max($0, abs($1)) }
        expectClose(
            model.coefficients.elements, coefficients, absolute: tolerance * scale, "\(what) coefficients")
        expectClose(
            model.intercepts, intercepts, absolute: tolerance * scale, relative: tolerance,
            "\(what) intercepts")
    }

    /// Everything against extended precision: all kinds of features, all solvers, all penalties.
    @Test(arguments: RidgeRegression.Solver.allCases)
    func matchesNormalEquations(solver: RidgeRegression.Solver) throws {
        let fixture = try LinearFixture.load()
        for example in fixture.ridge {
            let set = try fixture.set(example.set)
            for (kind, features) in set.kinds {
                let recipe = RidgeRegression(
                    lambda: example.lambda, hasIntercept: example.intercept, solver: solver, tolerance: 1e-13)
                let model = try recipe.fit(features, set.targets, weights: set.weights)
                let what =
                    "\(example.set), λ \(example.lambda), intercept \(example.intercept), \(kind), \(solver)"
                // Conjugate gradients find a solution where there are many, of which not all have the least norm.
                let isUnique = example.condition < 1e12
                if isUnique, example.condition <= 1e6 {
                    expectSame(model, example.coefficients, example.intercepts, 1e-8, what)
                } else if solver != .conjugateGradient {
                    expectClose(
                        model.coefficients.elements, example.coefficients,
                        absolute: 1e-5 * example.coefficients.reduce(0) { max($0, abs($1)) }, what)
                }
                expectClose(
                    [model.report.objective], [example.objective], absolute: 1e-8,
                    relative: solver == .conjugateGradient ? 1e-7 : 1e-9, "\(what) objective")
                #expect(model.report.isConverged, "\(what)")
            }
        }
    }

    @Test func matchesScikitLearn() throws {
        let fixture = try LinearFixture.load()
        for example in fixture.scikitRidge {
            let set = try fixture.set(example.set)
            let model = try RidgeRegression(lambda: example.lambda).fit(
                set.double, set.targets, weights: set.weights)
            let condition =
                fixture.ridge.first {
                    $0.set == example.set && $0.lambda == example.lambda && $0.intercept
                }?.condition ?? .infinity
            if condition <= 1e6 {
                expectSame(
                    model, example.coefficients, example.intercepts, 1e-8, "\(example.set) \(example.lambda)")
            }
        }
    }

    /// A column of 10⁶ + N(0, 1): the answer is that of the centred column.
    @Test func largeMeansCostNothing() throws {
        let noise = Tensor<Double>.randomNormal([5000, 3], seed: 1)
        var moved = noise
        var y: [Double] = []
        for row in 0..<5000 {
            moved[row, 1] = 1e6 + noise[row, 1]
            y.append(2 * noise[row, 0] - 3 * (moved[row, 1] - 1e6) + noise[row, 2] * noise[row, 0])
        }
        let centered = (0..<5000).map { moved[$0, 1] - 1e6 }
        var plain = noise
        for row in 0..<5000 { plain[row, 1] = centered[row] }
        for solver in RidgeRegression.Solver.allCases {
            let recipe = RidgeRegression(lambda: 0.5, solver: solver, tolerance: 1e-12)
            let here = try recipe.fit(moved, y)
            let there = try recipe.fit(plain, y)
            expectClose(
                here.coefficients.elements, there.coefficients.elements, relative: 1e-8, "\(solver)")
            expectClose(
                [here.intercept], [there.intercept - 1e6 * there.coefficients[1]], relative: 1e-9, "\(solver)"
            )
            // Float keeps steps of 1/16 there, and nothing may be lost beside that.
            let float = Tensor<Float>(shape: moved.shape, moved.elements.map { Float($0) })
            let rounded = Tensor<Double>(shape: moved.shape, float.elements.map { Double($0) })
            expectClose(
                try recipe.fit(float, y).coefficients.elements,
                try recipe.fit(rounded, y).coefficients.elements,
                absolute: 1e-6, relative: 1e-5, "float, \(solver)")
        }
    }

    @Test func tinyAndHugeFloatsAreComputedInDouble() throws {
        let x = Tensor<Float>.randomNormal([300, 2], seed: 3)
        let y = (0..<300).map { Double(x[$0, 0]) - Double(x[$0, 1]) }
        for scale in [Float(1e-25), 1e-20, 1e18, 1e25] {
            var scaled = x
            for row in 0..<300 { scaled[row, 0] = x[row, 0] * scale }
            let model = try RidgeRegression(lambda: 1e-60, solver: .cholesky).fit(scaled, y)
            expectClose(
                [model.coefficients[0] * Double(scale), model.coefficients[1]], [1, -1], relative: 1e-5,
                "\(scale)")
        }
    }

    @Test func severalTargetsAreThoseOneByOne() throws {
        let x = Tensor<Float>.randomNormal([200, 6], seed: 4)
        let y = Tensor<Float>.randomNormal([200, 3], seed: 5)
        let weights = (0..<200).map { Double($0 % 4) }
        for solver in RidgeRegression.Solver.allCases {
            let recipe = RidgeRegression(lambda: 0.3, solver: solver)
            let together = try recipe.fit(x, y, weights: weights)
            #expect(together.coefficients.shape == [3, 6] && together.targetCount == 3)
            let predictions = try together.predictions(of: x)
            for target in 0..<3 {
                let alone = try recipe.fit(x, (0..<200).map { y[$0, target] }, weights: weights)
                expectClose(
                    (0..<6).map { together.coefficients[target, $0] }, alone.coefficients.elements,
                    absolute: 1e-8, relative: 1e-6, "\(solver)")
                expectClose(
                    (0..<200).map { predictions[$0, target] }, try alone.predict(x), absolute: 1e-7,
                    relative: 1e-6)
            }
            #expect(throws: MarketingMLError.self) { try together.predict(x) }
        }
    }

    /// An example of weight 2 is the example twice; one of weight 0 is none; the order does not matter.
    @Test func weightsAreCopies() throws {
        let x = Tensor<Double>.randomNormal([50, 4], seed: 6)
        let y = Tensor<Double>.randomNormal([50], seed: 7).elements
        let weights = (0..<50).map { Double($0 % 3) }
        let copies = (0..<50).reversed().flatMap { [Int](repeating: $0, count: $0 % 3) }
        for solver in RidgeRegression.Solver.allCases {
            let recipe = RidgeRegression(lambda: 0.5, solver: solver, tolerance: 1e-13)
            let weighted = try recipe.fit(x, y, weights: weights)
            let copied = try recipe.fit(x.rows(copies), copies.map { y[$0] })
            expectClose(
                weighted.coefficients.elements, copied.coefficients.elements, absolute: 1e-11, relative: 1e-9,
                "\(solver)")
            expectClose([weighted.intercept], [copied.intercept], relative: 1e-9, "\(solver)")
        }
    }

    @Test func sameBitsForEveryNumberOfThreads() throws {
        let x = Tensor<Float>.randomNormal([9000, 40], seed: 8)
        let y = Tensor<Float>.randomNormal([9000], seed: 9).elements
        let threads = ThreadPool.threadCount
        defer { ThreadPool.threadCount = threads }
        for solver in RidgeRegression.Solver.allCases {
            let recipe = RidgeRegression(lambda: 1, solver: solver)
            ThreadPool.threadCount = 1
            let alone = try recipe.fit(x, y)
            ThreadPool.threadCount = 2
            #expect(try recipe.fit(x, y) == alone, "\(solver)")
        }
    }

    /// Correlated columns: single precision with one refinement is as good as double.
    @Test func correlatedFloatsAreRefined() throws {
        let (n, d) = (4000, 60)
        var x = Tensor<Float>.randomNormal([n, d], seed: 10)
        for row in 0..<n {
            for column in 1..<d { x[row, column] = 0.97 * x[row, column - 1] + 0.243 * x[row, column] }
        }
        let y = Tensor<Float>.randomNormal([n], seed: 11).elements
        let double = Tensor<Double>(shape: x.shape, x.elements.map { Double($0) })
        let expected = try RidgeRegression(lambda: 0.5, solver: .svd).fit(double, y)
        let model = try RidgeRegression(lambda: 0.5, solver: .cholesky).fit(x, y)
        #expect(model.report.solver == "cholesky, refined")
        expectRelativeNorm(model.coefficients.elements, expected.coefficients.elements, 1e-9)
    }

    /// Conjugate gradients notice slow progress and take a sample's normal matrix; what they find is exact.
    @Test func samplePreconditioner() throws {
        let (n, d) = (3000, 50)
        var x = Tensor<Float>.randomNormal([n, d], seed: 12)
        for row in 0..<n {
            for column in 1..<d { x[row, column] = 0.98 * x[row, column - 1] + 0.2 * x[row, column] }
        }
        let y = Tensor<Float>.randomNormal([n], seed: 13).elements
        var events = 0
        let model = try RidgeRegression(lambda: 0.5, solver: .conjugateGradient, tolerance: 1e-12).fit(x, y) {
            _ in
            events += 1
            return .continue
        }
        #expect(model.report.solver == "conjugate gradients, sample preconditioner")
        #expect(model.report.iterations < 60 && events > 10)
        let expected = try RidgeRegression(lambda: 0.5, solver: .svd).fit(x, y)
        expectRelativeNorm(model.coefficients.elements, expected.coefficients.elements, 1e-9)
        expectClose([model.report.objective], [expected.report.objective], relative: 1e-10)
    }

    @Test func stopsAndCancels() async throws {
        let x = Tensor<Double>.randomNormal([100, 30], seed: 14)
        let y = Tensor<Double>.randomNormal([100], seed: 15).elements
        let recipe = RidgeRegression(lambda: 0.1, solver: .conjugateGradient)
        let stopped = try recipe.fit(x, y) { $0.step == 2 ? .stop : .continue }
        #expect(stopped.report.stopReason == .stopped && stopped.report.iterations == 2)
        let limited = try RidgeRegression(lambda: 0.1, solver: .conjugateGradient, iterationLimit: 3).fit(
            x, y)
        #expect(limited.report.stopReason == .iterationLimit && !limited.report.isConverged)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try recipe.fit(x, y)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    // MARK: Errors

    @Test(arguments: RidgeRegression.Solver.allCases) func badInputIsNamed(solver: RidgeRegression.Solver)
        throws
    {
        let ridge = RidgeRegression(lambda: 1, solver: solver)
        for (rows, columns) in [(20, 3), (4, 9)] {
            for bad in [Double.nan, .infinity, -.infinity] {
                var x = Tensor<Double>.randomNormal([rows, columns], seed: 1)
                let y = [Double](repeating: 1, count: rows)
                x[3, 2] = bad
                let float = Tensor<Float>(shape: x.shape, x.elements.map { Float($0) })
                for features in [Features.double(x), .float(float)] {
                    do {
                        _ = try ridge.fit(features, y)
                        Issue.record("no error for \(bad)")
                    } catch let error as MarketingMLError {
                        #expect(error.code == .notFinite && error.message.contains("feature 2 of example 3"))
                    }
                }
                expectFailure(.notFinite, "target") {
                    _ = try ridge.fit(Tensor<Double>.zeros([rows, columns]), y.dropLast() + [bad])
                }
                expectFailure(.notFinite, "weight") {
                    _ = try ridge.fit(
                        Tensor<Double>.zeros([rows, columns]), y, weights: y.dropLast() + [bad])
                }
            }
        }
        let x = Tensor<Double>.randomNormal([5, 2], seed: 1)
        let y = [1.0, 2, 3, 4, 5]
        expectFailure(.shapeMismatch, "targets") { _ = try ridge.fit(x, [1.0, 2]) }
        expectFailure(.shapeMismatch, "weights") { _ = try ridge.fit(x, y, weights: [1]) }
        expectFailure(.shapeMismatch, "rank") { _ = try ridge.fit(Tensor<Double>([1, 2, 3]), y) }
        expectFailure(.emptyData, "no examples") {
            _ = try ridge.fit(Tensor<Double>.zeros([0, 2]), [Double]())
        }
        expectFailure(.emptyData, "no features") { _ = try ridge.fit(Tensor<Double>.zeros([5, 0]), y) }
        expectFailure(.emptyData, "no targets") { _ = try ridge.fit(x, Tensor<Double>.zeros([5, 0])) }
        expectFailure(.invalidOption, "weights of 0") { _ = try ridge.fit(x, y, weights: [0, 0, 0, 0, 0]) }
        expectFailure(.invalidOption, "negative weight") {
            _ = try ridge.fit(x, y, weights: [1, 1, -1, 1, 1])
        }
        for lambda in [-1, .nan, .infinity] {
            expectFailure(.invalidOption, "λ") {
                _ = try RidgeRegression(lambda: lambda, solver: solver).fit(x, y)
            }
        }
        let model = try ridge.fit(x, y)
        expectFailure(.shapeMismatch, "width") { _ = try model.predict(Tensor<Double>.zeros([2, 3])) }
        expectFailure(.notFinite, "prediction") {
            _ = try model.predict(Tensor<Double>([.nan, 1]).reshaped(1, 2))
        }
        // A QR factorisation does not square.
        guard solver != .svd else { return }
        expectFailure(.tooLarge, "overflow") {
            _ = try ridge.fit(Tensor(repeating: 1e200, shape: [5, 2]), y.map { $0 * 1e200 })
        }
    }

    // MARK: Files

    @Test func savesTheSameBits() throws {
        let x = Tensor<Double>.randomNormal([40, 3], seed: 2)
        let y = Tensor<Double>.randomNormal([40, 2], seed: 3)
        try withTemporaryDirectory { directory in
            let url = URL(fileURLWithPath: directory).appending(path: "model.safetensors")
            for model in [
                try RidgeRegression(lambda: 0.1).fit(x, y),
                try RidgeRegression(lambda: 0, covariance: .hc3).fit(x, (0..<40).map { y[$0, 0] }),
            ] {
                try model.save(to: url)
                let again = try RidgeModel(url)
                #expect(again == model)
                #expect(try again.predictions(of: x) == model.predictions(of: x))
            }
            let bytes = try [UInt8](Data(contentsOf: url))
            let broken = URL(fileURLWithPath: directory).appending(path: "broken.safetensors")
            try forEachMutation(of: bytes, count: 2000) { bytes in
                try Data(bytes).write(to: broken)
                if let model = try? RidgeModel(broken) {
                    _ = try? model.predict(x)
                    _ = try? model.summary()
                }
            }
            expectFailure(.unsupported, "another kind") { _ = try ElasticNetModel(url) }
        }
    }
}
