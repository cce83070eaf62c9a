import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct RidgePathTests {
    /// The closed form is that of refits without one example.
    @Test func leaveOneOutMatchesRefits() throws {
        let fixture = try LinearFixture.load()
        for example in fixture.paths {
            let set = try fixture.set(example.set)
            for (kind, features) in set.kinds {
                let path = try RidgeRegression.path(lambdas: .values(example.lambdas)).fit(
                    features, set.y, weights: set.weights)
                expectClose(
                    path.errors ?? [], example.leaveOneOut, relative: 1e-8, "\(example.set) \(kind)")
                for (lambda, model) in zip(path.lambdas, path.models) {
                    let alone = try RidgeRegression(lambda: lambda, solver: .svd).fit(
                        features, set.y, weights: set.weights)
                    expectClose(
                        model.coefficients.elements, alone.coefficients.elements, absolute: 1e-9,
                        "\(example.set) \(kind) \(lambda)")
                    expectClose([model.intercept], [alone.intercept], absolute: 1e-9)
                }
            }
        }
    }

    @Test(arguments: ["plain", "weighted", "wide", "sparse"], [true, false])
    func foldErrorsMatchRefits(name: String, intercept: Bool) throws {
        let set = try LinearFixture.load().set(name)
        let lambdas = LambdaSequence.logarithmic(1e-2...1e2, count: 5)
        for (kind, features) in set.kinds {
            let path = try RidgeRegression.path(lambdas: lambdas, hasIntercept: intercept).fit(
                features, set.y, weights: set.weights, folds: 3, seed: 9)
            let folds = try Folds(exampleCount: set.n, count: 3, seed: 9)
            #expect(folds.members.flatMap { $0 }.sorted() == Array(0..<set.n))
            for (index, lambda) in path.lambdas.enumerated() {
                var total = 0.0
                for members in folds.members {
                    let others = (0..<set.n).filter { !members.contains($0) }
                    let model = try RidgeRegression(lambda: lambda, hasIntercept: intercept, solver: .svd)
                        .fit(
                            features.rows(others), others.map { set.y[$0] },
                            weights: set.weights.map { weights in others.map { weights[$0] } })
                    for (row, value) in zip(members, try model.predict(features.rows(members))) {
                        total += (set.weights?[row] ?? 1) * (set.y[row] - value) * (set.y[row] - value)
                    }
                }
                let weight = set.weights?.reduce(0, +) ?? Double(set.n)
                expectClose(
                    [path.errors?[index] ?? 0], [total / weight], relative: 1e-8, "\(name) \(kind) \(lambda)")
            }
            #expect(path.lambdaOneStandardError >= path.lambdaMin)
        }
    }

    @Test func sequences() throws {
        #expect(try LambdaSequence.logarithmic(1...100, count: 3).resolved(largest: nil).count == 3)
        expectClose(
            try LambdaSequence.logarithmic(1...100, count: 3).resolved(largest: nil), [100, 10, 1],
            relative: 1e-14)
        #expect(try ([3, 1, 3, 2] as LambdaSequence).resolved(largest: nil) == [3, 2, 1])
        #expect(throws: MarketingMLError.self) { _ = try LambdaSequence.automatic().resolved(largest: nil) }
    }
}

@Suite struct RidgeClassifierTests {
    @Test func matchesRegressionOnSigns() throws {
        let x = Tensor<Float>.randomNormal([200, 5], seed: 1)
        let labels = (0..<200).map { x[$0, 0] + 0.5 * x[$0, 1] > 0.3 ? "yes" : "no" }
        let model = try RidgeClassifier(lambda: 2).fit(x, labels)
        let ridge = try RidgeRegression(lambda: 2).fit(x, labels.map { $0 == "yes" ? 1.0 : -1 })
        #expect(try model.decisionValues(of: x).elements == ridge.predict(x))
        let correct = zip(try model.predict(x), labels).filter { $0 == $1 }.count
        #expect(correct > 185)
        let three = (0..<200).map { x[$0, 0] > 0.5 ? 2 : x[$0, 1] > 0 ? 1 : 0 }
        let several = try RidgeClassifier(lambda: 2).fit(x, three)
        #expect(try several.decisionValues(of: x).shape == [200, 3])
        #expect(zip(try several.predict(x), three).filter { $0 == $1 }.count > 140)
        let recipe: any Classifier = RidgeClassifier(lambda: 2)
        #expect(
            try recipe.fitClassifier(x, three, weights: nil, progress: nil).predict(x) == several.predict(x))
        #expect(throws: MarketingMLError.self) { _ = try RidgeClassifier(lambda: 1).fit(x, [1]) }
        #expect(throws: MarketingMLError.self) {
            _ = try RidgeClassifier(lambda: 1).fit(x, [Int](repeating: 1, count: 200))
        }
        try withTemporaryDirectory { directory in
            let url = URL(fileURLWithPath: directory).appending(path: "model.safetensors")
            try several.save(to: url)
            let again = try RidgeClassifierModel<Int>(url)
            #expect(again == several)
            #expect(try again.predict(x) == several.predict(x))
            let bytes = try [UInt8](Data(contentsOf: url))
            try forEachMutation(of: bytes, count: 500) { bytes in
                try Data(bytes).write(to: url)
                _ = try (try? RidgeClassifierModel<Int>(url))?.predict(x)
            }
        }
    }
}
