import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct LinearSupportVectorTests {
    @Test func recipesMinimiseWhatTheySay() throws {
        let reference = try #require(LinearReference.shared)
        let matrix = try reference.sparse
        for fit in reference.fits where fit.loss != "logistic" {
            let weights = fit.weighted ? reference.weights : nil
            if let loss = LinearSupportVectorClassifier.Loss(rawValue: fit.loss) {
                let model = try LinearSupportVectorClassifier(
                    c: fit.c, loss: loss, intercept: fit.linearIntercept, tolerance: 1e-11,
                    maximumIterations: 200_000
                ).fit(matrix, reference.binary, weights: weights)
                #expect(model.classes.labels == [-1, 1] && model.isConverged)
                if fit.linearLoss.isSmooth {
                    expectRelativeNorm(model.coefficients.elements, fit.coefficients, 1e-4, fit.name)
                }
                #expect(model.reports[0].objective <= fit.objective * (1 + 1e-8))
            } else if let loss = LinearSupportVectorRegressor.Loss(rawValue: fit.loss) {
                let model = try LinearSupportVectorRegressor(
                    c: fit.c, epsilon: fit.epsilon, loss: loss, intercept: fit.linearIntercept,
                    tolerance: 1e-11, maximumIterations: 200_000
                ).fit(matrix, reference.numbers, weights: weights)
                if fit.linearLoss.isSmooth {
                    expectRelativeNorm(model.coefficients, fit.coefficients, 1e-4, fit.name)
                }
                #expect(model.report.objective <= fit.objective * (1 + 1e-8) && model.report.isConverged)
            }
        }
    }

    @Test func denseIsAsSparse() throws {
        let reference = try #require(LinearReference.shared)
        let sparse = try reference.sparse
        let wide = Tensor<Double>(shape: sparse.dense.shape, sparse.dense.elements.map { Double($0) })
        for multiclass in LinearSupportVectorClassifier.Multiclass.allCases {
            let recipe = LinearSupportVectorClassifier(
                loss: multiclass == .crammerSinger ? .hinge : .squaredHinge, multiclass: multiclass,
                tolerance: 1e-6)
            let a = try recipe.fit(sparse, reference.classes)
            let b = try recipe.fit(sparse.dense, reference.classes)
            let c = try recipe.fit(wide, reference.classes)
            #expect(a.coefficients == b.coefficients && a.intercepts == b.intercepts)
            expectClose(c.coefficients.elements, a.coefficients.elements, absolute: 1e-12)
            let values = try a.decisionValues(of: sparse)
            #expect(values.shape == [90, 4])
            expectClose(try a.decisionValues(of: sparse.dense).elements, values.elements, absolute: 1e-12)
            expectClose(try a.decisionValues(of: wide).elements, values.elements, absolute: 1e-12)
            #expect(try a.predict(sparse) == a.predict(wide))
            // One by one as all at once.
            for row in 0..<90 {
                let one = try a.decisionValues(of: sparse.rows([row])).elements
                #expect(one == Array(values.elements[row * 4..<row * 4 + 4]))
            }
        }
    }

    @Test func crammerSingerAsLiblinear() throws {
        let reference = try #require(LinearReference.shared)
        for file in reference.files where file.s == 4 {
            let labels = file.labels.count == 2 ? reference.binary : reference.classes
            let model = try LinearSupportVectorClassifier(
                c: file.c, loss: .hinge, multiclass: .crammerSinger,
                intercept: file.bias > 0 ? .penalized(scale: file.bias) : .absent, tolerance: 1e-10,
                maximumIterations: 100_000
            ).fit(reference.sparse, labels)
            #expect(model.isConverged)
            let url = FileManager.default.temporaryDirectory.appending(path: "cs-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: url) }
            try Data(file.text.utf8).write(to: url)
            let theirs = try LinearSupportVectorModel(LiblinearModel(url))
            expectRelativeNorm(model.coefficients.elements, theirs.coefficients.elements, 1e-4, "C \(file.c)")
            expectClose(model.intercepts, theirs.intercepts, absolute: 1e-4)
        }
    }

    @Test func classWeightsAreWeights() throws {
        let reference = try #require(LinearReference.shared)
        let recipe = LinearSupportVectorClassifier(
            classWeights: .values([0.5, 3]), tolerance: 1e-12, maximumIterations: 10_000)
        let model = try recipe.fit(reference.sparse, reference.binary)
        let plain = LinearSupportVectorClassifier(tolerance: 1e-12, maximumIterations: 10_000)
        let weighted = try plain.fit(
            reference.sparse, reference.binary, weights: reference.binary.map { $0 == 1 ? 3 : 0.5 })
        #expect(model.coefficients == weighted.coefficients)
        // A weight of 2 is an example twice; one of 0 none.
        let twice = try plain.fit(
            reference.sparse.rows(Array(0..<90) + Array(0..<30)),
            reference.binary + reference.binary.prefix(30))
        let double = try plain.fit(
            reference.sparse, reference.binary, weights: (0..<90).map { $0 < 30 ? 2 : 1 })
        expectRelativeNorm(double.coefficients.elements, twice.coefficients.elements, 1e-5)
    }

    @Test func orderOfExamplesDoesNotMatter() throws {
        let reference = try #require(LinearReference.shared)
        var generator = SeededGenerator(seed: 4)
        let order = generator.permutation(90)
        for loss in LinearSupportVectorClassifier.Loss.allCases {
            let recipe = LinearSupportVectorClassifier(
                loss: loss, tolerance: 1e-11, maximumIterations: 100_000)
            let a = try recipe.fit(reference.sparse, reference.binary)
            let b = try recipe.fit(reference.sparse.rows(order), order.map { reference.binary[$0] })
            expectRelativeNorm(b.coefficients.elements, a.coefficients.elements, 1e-4)
        }
    }

    @Test func savedModelsComeBack() throws {
        let reference = try #require(LinearReference.shared)
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/model")
            let labels = reference.classes.map { "class \($0)" }
            let model = try LinearSupportVectorClassifier().fit(reference.sparse, labels)
            try model.save(to: url)
            #expect(try LinearSupportVectorModel<String>(url) == model)
            #expect(throws: MarketingMLError.self) { try LinearSupportVectorRegressionModel(url) }
            let bytes = try [UInt8](Data(contentsOf: url))
            forEachMutation(of: bytes, count: 300) { bytes in
                try? Data(bytes).write(to: url)
                _ = try? LinearSupportVectorModel<String>(url)
            }
            let regression = try LinearSupportVectorRegressor(c: 2).fit(reference.sparse, reference.numbers)
            try regression.save(to: url)
            #expect(try LinearSupportVectorRegressionModel(url) == regression)
            #expect(throws: MarketingMLError.self) { try LinearSupportVectorModel<String>(url) }
        }
    }

    @Test func badInputIsRefused() throws {
        let reference = try #require(LinearReference.shared)
        let matrix = try reference.sparse
        let recipe = LinearSupportVectorClassifier()
        for c in [0, -1, Double.nan, .infinity] {
            expectFailure(.invalidOption) {
                _ = try LinearSupportVectorClassifier(c: c).fit(matrix, reference.binary)
            }
            expectFailure(.invalidOption) {
                _ = try LinearSupportVectorRegressor(c: c).fit(matrix, reference.numbers)
            }
        }
        expectFailure(.invalidOption) {
            _ = try LinearSupportVectorClassifier(tolerance: 0).fit(matrix, reference.binary)
        }
        expectFailure(.invalidOption) {
            _ = try LinearSupportVectorClassifier(maximumIterations: 0).fit(matrix, reference.binary)
        }
        expectFailure(.invalidOption) {
            _ = try LinearSupportVectorClassifier(intercept: .penalized(scale: 0)).fit(
                matrix, reference.binary)
        }
        expectFailure(.invalidOption) {
            _ = try LinearSupportVectorClassifier(loss: .hinge, solver: .newton).fit(matrix, reference.binary)
        }
        expectFailure(.invalidOption) {
            _ = try LinearSupportVectorClassifier(multiclass: .crammerSinger).fit(matrix, reference.binary)
        }
        expectFailure(.invalidOption) {
            _ = try LinearSupportVectorRegressor(epsilon: -0.1).fit(matrix, reference.numbers)
        }
        expectFailure(.shapeMismatch) { _ = try recipe.fit(matrix, Array(reference.binary.dropLast())) }
        expectFailure(.emptyData) { _ = try recipe.fit(matrix, reference.binary.map { _ in 1 }) }
        expectFailure(.emptyData) { _ = try recipe.fit(matrix.rows([]), [Int]()) }
        expectFailure(.invalidOption) {
            _ = try LinearSupportVectorClassifier(classWeights: .values([1])).fit(matrix, reference.binary)
        }
        var dense = matrix.dense
        dense[4, 3] = .nan
        expectFailure(.notFinite) { _ = try recipe.fit(dense, reference.binary) }
        dense[4, 3] = .infinity
        expectFailure(.notFinite) { _ = try LinearSupportVectorRegressor().fit(dense, reference.numbers) }
        expectFailure(.notFinite) {
            _ = try LinearSupportVectorRegressor().fit(matrix, reference.numbers.map { $0 > 2 ? .nan : $0 })
        }
        expectFailure(.invalidOption) {
            _ = try recipe.fit(matrix, reference.binary, weights: reference.binary.map { Double($0) })
        }
        expectFailure(.shapeMismatch) { _ = try recipe.fit(matrix, reference.binary, weights: [1]) }
        let model = try recipe.fit(matrix, reference.binary)
        expectFailure(.notFinite) { _ = try model.predict(dense) }
        expectFailure(.shapeMismatch) { _ = try model.predict(Tensor<Float>.zeros([3, 13])) }
        expectFailure(.emptyData) { _ = try model.predict(Tensor<Float>.zeros([0, 14])) }
    }

    @Test func oddShapes() throws {
        // One feature, one example a class, a column of zeros, huge and tiny scales.
        let model = try LinearSupportVectorClassifier(tolerance: 1e-10).fit(
            Tensor<Double>(shape: [2, 1], [-1, 3]), ["a", "b"])
        #expect(try model.predict(Tensor<Double>(shape: [2, 1], [-5, 5])) == ["a", "b"])
        let scaled = try LinearSupportVectorClassifier(tolerance: 1e-8).fit(
            Tensor<Double>(shape: [4, 2], [1e6, 0, 2e6, 0, -1e6, 0, -2e6, 0]), [1, 1, 0, 0])
        #expect(try scaled.predict(Tensor<Double>(shape: [2, 2], [1, 0, -1, 0])) == [1, 0])
        let empty = try LinearSupportVectorClassifier(loss: .hinge, tolerance: 1e-8).fit(
            Tensor<Double>.zeros([3, 2]), [0, 1, 1])
        #expect(empty.coefficients.elements == [0, 0] && empty.isConverged)
        #expect(empty.intercepts[0] > 0)
        let constant = try LinearSupportVectorRegressor(c: 10, epsilon: 0.5, tolerance: 1e-8).fit(
            Tensor<Double>.zeros([3, 2]), [4, 4, 4])
        #expect(abs(constant.intercept - 4) <= 0.5 + 1e-6)
    }

    @Test func asRecipesOfProtocols() throws {
        let reference = try #require(LinearReference.shared)
        let classifier: any Classifier = LinearSupportVectorClassifier(c: 2)
        let fitted = try classifier.fitClassifier(
            reference.sparse, reference.binary, weights: nil, progress: nil)
        #expect(try fitted.predict(reference.sparse).count == 90)
        #expect(classifier.name == "linear SVM (C 2.0, squaredHinge)")
        let regressor: any Regressor = LinearSupportVectorRegressor(c: 2, epsilon: 0.1)
        let line = try regressor.fitRegressor(
            reference.sparse, reference.numbers, weights: nil, progress: nil)
        #expect(try line.predict(reference.sparse).count == 90 && line.featureCount == 14)
    }

    @Test func stoppingByClass() throws {
        let reference = try #require(LinearReference.shared)
        var steps: [Int] = []
        let model = try LinearSupportVectorClassifier().fit(reference.sparse, reference.classes) { event in
            steps.append(event.step)
            return steps.count == 2 ? .stop : .continue
        }
        #expect(steps.count == 2 && steps[0] == 0)
        #expect(model.reports.first?.isConverged == true && model.reports.last?.stopReason == .stopped)
        #expect(model.reports.count == 4)
    }
}
