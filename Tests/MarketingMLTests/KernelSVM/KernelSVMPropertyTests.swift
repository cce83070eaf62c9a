import Foundation
import MarketingML
import TestSupport
import Testing

/// What holds for every kernel machine, whatever the reference says.
@Suite(.serialized) struct KernelSVMPropertyTests {
    @Test func threadsChangeNoBit() throws {
        let problem = KernelSVMProblem(1500, 8)
        let before = ThreadPool.threadCount
        defer { ThreadPool.threadCount = before }
        func fit() throws -> (SupportVectorModel<String>, [Double]) {
            let model = try SupportVectorClassifier().fit(
                Tensor<Float>(shape: problem.x.shape, problem.x.elements.map { Float($0) }), problem.labels)
            return (model, try model.decisionValues(of: problem.x).elements)
        }
        ThreadPool.threadCount = 1
        let one = try fit()
        ThreadPool.threadCount = 2
        let two = try fit()
        #expect(one.0.dualCoefficients == two.0.dualCoefficients)
        #expect(one.0.intercepts == two.0.intercepts)
        #expect(one.1 == two.1)
    }

    @Test func oneRowIsAsMany() throws {
        // Above the size from which predictions are in single precision, and below.
        for (count, features) in [(2400, 160), (80, 5)] {
            let problem = KernelSVMProblem(count, features)
            let model = try SupportVectorRegressor(kernel: .rbf(gamma: .auto)).fit(problem.x, problem.targets)
            let part = Array(0..<60)
            let together = try model.predict(problem.x)
            for row in part { #expect(try model.predict(problem.x.features.rows([row]))[0] == together[row]) }
        }
    }

    /// A cache of few rows leads to the same bits as one of all.
    @Test func cacheSizeChangesNoBit() throws {
        let problem = KernelSVMProblem(1400, 4)
        let full = try SupportVectorClassifier().fit(problem.x, problem.labels)
        let small = try SupportVectorClassifier(solver: .init(cacheMegabytes: 7)).fit(
            problem.x, problem.labels)
        #expect(small.dualCoefficients == full.dualCoefficients)
        let tiny = try SupportVectorClassifier(solver: .init(cacheMegabytes: 0)).fit(
            problem.x, problem.labels)
        #expect(tiny.isConverged)
        #expect(
            abs(tiny.reports[0].objective - full.reports[0].objective) < 1e-5 * abs(full.reports[0].objective)
        )
    }

    @Test func sparseIsDense() throws {
        var random = SeededGenerator(seed: 4)
        let (count, features) = (300, 60)
        let elements = (0..<count * features).map { _ in
            random.nextUniform() < 0.1 ? Float(random.nextUniform() - 0.3) : 0
        }
        let dense = Tensor<Float>(shape: [count, features], elements)
        let labels = (0..<count).map { elements[$0 * features..<$0 * features + 30].reduce(0, +) > 0.3 }
        let kernels: [SupportVectorKernel] = [
            .linear, .rbf(gamma: .value(0.5)), .polynomial(degree: 2, gamma: .value(1), constant: 1),
        ]
        for kernel in kernels {
            let recipe = SupportVectorClassifier(kernel: kernel, solver: .init(tolerance: 1e-6))
            let a = try recipe.fit(dense, labels)
            let b = try recipe.fit(SparseMatrix(dense), labels)
            let values = try a.decisionValues(of: dense).elements
            expectClose(
                try b.decisionValues(of: SparseMatrix(dense)).elements, values, absolute: 1e-4, "sparse")
            expectClose(
                try b.decisionValues(of: dense).elements, values, absolute: 1e-4, "dense rows, sparse model")
            expectClose(
                try a.decisionValues(of: SparseMatrix(dense)).elements, values, absolute: 1e-4, "the reverse")
        }
    }

    @Test func rowsMayComeInAnyOrder() throws {
        let problem = KernelSVMProblem(200, 4, classes: 3)
        var random = SeededGenerator(seed: 9)
        let order = random.permutation(200)
        let recipe = SupportVectorClassifier(solver: .init(tolerance: 1e-6))
        let a = try recipe.fit(problem.x, problem.labels)
        let b = try recipe.fit(problem.x.features.rows(order), order.map { problem.labels[$0] })
        expectClose(
            try b.pairwiseDecisionValues(of: problem.x).elements,
            try a.pairwiseDecisionValues(of: problem.x).elements,
            absolute: 1e-4, "permuted")
    }

    @Test func stopsWhenAsked() throws {
        let problem = KernelSVMProblem(900, 4)
        let limited = try SupportVectorClassifier(solver: .init(maximumIterations: 5)).fit(
            problem.x, problem.labels)
        #expect(limited.reports[0].stopReason == .iterationLimit)
        #expect(limited.reports[0].iterations == 5)
        var losses: [Double] = []
        let stopped = try SupportVectorClassifier(c: 100).fit(problem.x, problem.labels) { event in
            if let loss = event.loss { losses.append(loss) }
            return losses.count < 3 ? .continue : .stop
        }
        #expect(stopped.reports[0].stopReason == .stopped)
        #expect(losses.count == 3)
        #expect(zip(losses, losses.dropFirst()).allSatisfy { $0 > $1 })
    }

    @Test func canBeCancelled() async throws {
        let problem = KernelSVMProblem(600, 4)
        let task = Task {
            try SupportVectorClassifier().fit(problem.x, problem.labels) { _ in
                withUnsafeCurrentTask { $0?.cancel() }
                return .continue
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func badInput() throws {
        let problem = KernelSVMProblem(20, 3)
        let (x, labels, targets) = (problem.x, problem.labels, problem.targets)
        for bad in [Double.nan, .infinity] {
            var broken = x
            broken[3, 1] = bad
            expectFailure(.notFinite) { _ = try SupportVectorClassifier().fit(broken, labels) }
            expectFailure(.notFinite) { _ = try OneClassSupportVectorMachine().fit(broken) }
            expectFailure(.notFinite) { _ = try SupportVectorRegressor().fit(x, [bad] + targets.dropFirst()) }
            expectFailure(.invalidOption) {
                _ = try SupportVectorRegressor().fit(x, targets, weights: [bad] + targets.dropFirst())
            }
            expectFailure(.invalidOption) {
                _ = try SupportVectorClassifier(kernel: .rbf(gamma: .value(bad))).fit(x, labels)
            }
            expectFailure(.invalidOption) { _ = try SupportVectorClassifier(c: bad).fit(x, labels) }
        }
        expectFailure(.emptyData) {
            _ = try SupportVectorClassifier().fit(Tensor<Float>.zeros([0, 3]), [String]())
        }
        expectFailure(.emptyData) {
            _ = try SupportVectorClassifier().fit(Tensor<Float>.zeros([2, 0]), ["a", "b"])
        }
        expectFailure(.emptyData) {
            _ = try SupportVectorClassifier().fit(x, [String](repeating: "a", count: 20))
        }
        expectFailure(.shapeMismatch) { _ = try SupportVectorClassifier().fit(x, ["a", "b"]) }
        expectFailure(.shapeMismatch) { _ = try SupportVectorClassifier().fit(x, labels, weights: [1]) }
        expectFailure(.shapeMismatch) { _ = try SupportVectorRegressor().fit(x, [1]) }
        expectFailure(.shapeMismatch) { _ = try SupportVectorClassifier(kernel: .precomputed).fit(x, labels) }
        expectFailure(.shapeMismatch) {
            _ = try SupportVectorClassifier().fit(Tensor<Float>.zeros([20]), labels)
        }
        for c in [0, -1.0] {
            expectFailure(.invalidOption) { _ = try SupportVectorClassifier(c: c).fit(x, labels) }
            expectFailure(.invalidOption) { _ = try SupportVectorRegressor(c: c).fit(x, targets) }
            expectFailure(.invalidOption) {
                _ = try SupportVectorClassifier(kernel: .rbf(gamma: .value(c))).fit(x, labels)
            }
            expectFailure(.invalidOption) { _ = try NuSupportVectorRegressor(nu: c).fit(x, targets) }
            expectFailure(.invalidOption) { _ = try OneClassSupportVectorMachine(nu: c).fit(x) }
            expectFailure(.invalidOption) {
                _ = try SupportVectorClassifier(solver: .init(tolerance: c)).fit(x, labels)
            }
        }
        expectFailure(.invalidOption) { _ = try SupportVectorRegressor(epsilon: -1).fit(x, targets) }
        expectFailure(.invalidOption) {
            _ = try SupportVectorClassifier(kernel: .polynomial(degree: -1)).fit(x, labels)
        }
        let uneven = (0..<20).map { $0 < 2 }
        expectFailure(.invalidOption) { _ = try NuSupportVectorClassifier(nu: 0.5).fit(x, uneven) }
        expectFailure(.invalidOption) { _ = try NystroemFeatures(components: 0, seed: 1).fit(x) }
        expectFailure(.invalidOption) {
            _ = try NystroemFeatures(kernel: .precomputed, components: 2, seed: 1).fit(x)
        }
        expectFailure(.tooLarge) {
            let huge = Tensor<Double>(shape: x.shape, x.elements.map { $0 * 1e160 })
            _ = try SupportVectorClassifier(kernel: .rbf(gamma: .value(1))).fit(huge, labels)
        }
        let model = try SupportVectorClassifier().fit(x, labels)
        expectFailure(.shapeMismatch) { _ = try model.predict(Tensor<Float>.zeros([1, 4])) }
        expectFailure(.emptyData) { _ = try model.predict(Tensor<Float>.zeros([0, 3])) }
        expectFailure(.notFinite) { _ = try model.predict(Tensor<Float>(repeating: .nan, shape: [1, 3])) }
    }

    /// Targets inside the tube need no support vector; a constant feature has no variance.
    @Test func degenerateFits() throws {
        let x = Tensor<Double>(repeating: 2, shape: [6, 2])
        let flat = try SupportVectorRegressor(epsilon: 1).fit(x, [3, 3.1, 3, 2.9, 3, 3])
        #expect(flat.supportIndices.isEmpty)
        expectClose(try flat.predict(x), [Double](repeating: 3, count: 6), absolute: 0.2, "the tube's middle")
        let same = try SupportVectorClassifier().fit(x, [0, 1, 0, 1, 0, 1])
        #expect(same.isConverged)
        #expect(same.kernel == .rbf(gamma: .value(1)))
    }

    @Test func weightZeroIsAbsence() throws {
        let problem = KernelSVMProblem(120, 3)
        let kept = (0..<120).filter { $0 % 3 != 0 }
        let kernel = SupportVectorKernel.rbf(gamma: .value(0.4))
        let solver = KernelSolverOptions(tolerance: 1e-7)
        let a = try SupportVectorClassifier(kernel: kernel, solver: solver).fit(
            problem.x, problem.labels, weights: (0..<120).map { $0 % 3 == 0 ? 0 : 1 })
        let b = try SupportVectorClassifier(kernel: kernel, solver: solver).fit(
            problem.x.features.rows(kept), kept.map { problem.labels[$0] })
        expectClose(
            try a.decisionValues(of: problem.x).elements, try b.decisionValues(of: problem.x).elements,
            absolute: 1e-5,
            "without them")
    }

    @Test func nystroemOfAllPointsIsTheKernel() throws {
        let problem = KernelSVMProblem(60, 3)
        let map = try NystroemFeatures(kernel: .rbf(gamma: .value(0.3)), components: 60, seed: 2).fit(
            problem.x)
        let z = try map.transform(problem.x)
        #expect(z.shape == [60, 60])
        let products = z.matmul(z, transposingOther: true).elements
        let x = problem.x
        let expected = (0..<60).flatMap { a in
            (0..<60).map { b in
                Float(exp(-0.3 * (0..<3).reduce(0.0) { $0 + (x[a, $1] - x[b, $1]) * (x[a, $1] - x[b, $1]) }))
            }
        }
        expectClose(products, expected, absolute: 2e-4, "inner products")
        let few = try NystroemFeatures(kernel: .rbf(gamma: .value(0.3)), components: 9, seed: 2).fit(
            problem.x)
        #expect(try few.transform(problem.x).shape == [60, 9])
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder).appending(path: "map")
            try few.save(to: url)
            #expect(try NystroemMap(url).transform(x) == few.transform(x))
        }
    }
}
