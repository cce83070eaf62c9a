import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct ElasticNetTests {
    private func objective(
        _ set: LinearFixture.Set, _ theta: [Double], _ intercept: Double, _ lambda: Double, _ ratio: Double
    ) -> Double {
        var sum = 0.0
        for row in 0..<set.n {
            let fitted = (0..<set.d).reduce(intercept) { $0 + theta[$1] * set.x[row * set.d + $1] }
            sum += (set.weights?[row] ?? 1) * (set.y[row] - fitted) * (set.y[row] - fitted) / 2
        }
        return sum + theta.reduce(0) { $0 + lambda * (ratio * abs($1) + (1 - ratio) * $1 * $1) }
    }

    @Test func matchesScikitLearn() throws {
        let fixture = try LinearFixture.load()
        for example in fixture.elasticNet {
            let set = try fixture.set(example.set)
            for (kind, features) in set.kinds {
                let options = ElasticNet.Options(
                    hasIntercept: example.intercept, isNonnegative: example.nonnegative, tolerance: 1e-13)
                let model = try ElasticNet(lambda: example.lambda, ratio: example.ratio, options: options)
                    .fit(
                        features, set.targets, weights: set.weights)
                let what = "\(example.set), λ \(example.lambda), ρ \(example.ratio), \(kind)"
                let own = objective(
                    set, model.coefficients.elements, model.intercept, example.lambda, example.ratio)
                // No worse than scikit-learn's, and not better than it can be.
                expectClose([own], [example.objective], relative: 1e-8, "\(what) objective")
                expectClose(
                    [model.report.objective], [own], absolute: 1e-7, relative: 1e-8, "\(what) reported")
                // In the set "far" a coefficient hardly shows in the objective.
                if example.set != "far" {
                    let scale = example.coefficients.reduce(0) { max($0, abs($1)) }
                    expectClose(
                        model.coefficients.elements, example.coefficients, absolute: 1e-5 * max(scale, 1e-3),
                        what)
                }
                #expect(model.report.stopReason != .iterationLimit, "\(what)")
            }
        }
    }

    /// The conditions that hold at the solution and nowhere else.
    @Test func gradientsSatisfyTheConditions() throws {
        let (n, d) = (150, 20)
        let x = Tensor<Double>.randomNormal([n, d], seed: 1)
        let y = (0..<n).map { 3 * x[$0, 0] - 2 * x[$0, 1] + x[$0, 2] * x[$0, 3] + 1 }
        let weights = (0..<n).map { Double($0 % 3) + 0.5 }
        let factors = (0..<d).map { Double($0 % 4) / 2 }
        let (lambda, ratio) = (20.0, 0.8)
        for features in [
            Features.double(x),
            .sparse(SparseMatrix(Tensor<Float>(shape: x.shape, x.elements.map { Float($0) }))),
        ] {
            let options = ElasticNet.Options(penaltyFactors: factors, tolerance: 1e-14)
            let model = try ElasticNet(lambda: lambda, ratio: ratio, options: options).fit(
                features, y, weights: weights)
            let residuals = try zip(y, model.predict(features)).map { $0 - $1 }
            let sum = zip(residuals, weights).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(sum) < 1e-6)
            for column in 0..<d {
                let theta = model.coefficients[column]
                let pull =
                    (0..<n).reduce(0) { $0 + weights[$1] * features.dense[$1 * d + column] * residuals[$1] }
                    - 2 * lambda * (1 - ratio) * factors[column] * theta
                let limit = lambda * ratio * factors[column]
                if theta == 0 {
                    #expect(abs(pull) <= limit + 1e-4)
                } else {
                    expectClose([pull], [theta > 0 ? limit : -limit], absolute: 1e-4)
                }
            }
            #expect(model.coefficients[0] != 0 && model.selectedFeatures.count < d)
        }
    }

    @Test func isRidgeAtRatioZero() throws {
        let fixture = try LinearFixture.load()
        for name in ["plain", "weighted", "wide", "sparse"] {
            let set = try fixture.set(name)
            for (kind, features) in set.kinds {
                let ridge = try RidgeRegression(lambda: 1.5).fit(features, set.y, weights: set.weights)
                let net = try ElasticNet(lambda: 1.5, ratio: 0, options: .init(tolerance: 1e-15)).fit(
                    features, set.y, weights: set.weights)
                expectClose(
                    net.coefficients.elements, ridge.coefficients.elements, absolute: 1e-6, "\(name) \(kind)")
                expectClose(
                    [net.report.objective], [ridge.report.objective], relative: 1e-8, "\(name) \(kind)")
            }
        }
    }

    @Test(arguments: ["plain", "wide", "sparse"]) func pathIsTheModelsOneByOne(name: String) throws {
        let set = try LinearFixture.load().set(name)
        for (kind, features) in set.kinds {
            let options = ElasticNet.Options(tolerance: 1e-12)
            let path = try LassoRegression.path(lambdas: .automatic(count: 12), options: options).fit(
                features, set.y, weights: set.weights, folds: 4, seed: 3)
            #expect(path.lambdas.count == 12 && path.lambdas == path.lambdas.sorted(by: >))
            // At the largest λ nothing is selected, just below it something is.
            #expect(path.models[0].selectedFeatures.isEmpty && !path.models[1].selectedFeatures.isEmpty)
            for (lambda, model) in zip(path.lambdas, path.models).suffix(6) {
                let alone = try LassoRegression(lambda: lambda, options: options).fit(
                    features, set.y, weights: set.weights)
                expectClose(
                    [model.report.objective], [alone.report.objective], absolute: 1e-9, relative: 1e-8,
                    "\(name) \(kind) \(lambda)")
            }
            // The errors are those of fits without the fold.
            let folds = try Folds(exampleCount: set.n, count: 4, seed: 3)
            let index = 5
            var total = 0.0
            for members in folds.members {
                let others = (0..<set.n).filter { !members.contains($0) }
                let model = try LassoRegression(lambda: path.lambdas[index], options: options).fit(
                    features.rows(others), others.map { set.y[$0] },
                    weights: set.weights.map { w in others.map { w[$0] } })
                let predicted = try model.predict(features.rows(members))
                for (row, value) in zip(members, predicted) {
                    total += (set.weights?[row] ?? 1) * (set.y[row] - value) * (set.y[row] - value)
                }
            }
            let weight = set.weights?.reduce(0, +) ?? Double(set.n)
            expectClose([path.errors?[index] ?? 0], [total / weight], relative: 1e-5, "\(name) \(kind)")
            #expect(path.lambdaOneStandardError >= path.lambdaMin)
            #expect(path.best.lambda == path.lambdaMin && path.simplest.lambda == path.lambdaOneStandardError)
        }
    }

    @Test func badOptions() throws {
        let x = Tensor<Double>.randomNormal([10, 2], seed: 1)
        let y = [Double](repeating: 1, count: 10)
        for recipe in [
            ElasticNet(lambda: -1, ratio: 1), ElasticNet(lambda: 1, ratio: 1.5),
            ElasticNet(lambda: 1, ratio: .nan),
            ElasticNet(lambda: 1, ratio: 1, options: .init(penaltyFactors: [1])),
            ElasticNet(lambda: 1, ratio: 1, options: .init(penaltyFactors: [1, -1])),
            ElasticNet(lambda: 1, ratio: 1, options: .init(tolerance: 0)),
            ElasticNet(lambda: 1, ratio: 1, options: .init(iterationLimit: 0)),
        ] {
            #expect(throws: MarketingMLError.self) { _ = try recipe.fit(x, y) }
        }
        for lambdas in [LambdaSequence.values([]), .automatic(count: 0), .logarithmic(0...1, count: 3)] {
            #expect(throws: MarketingMLError.self) {
                _ = try LassoRegression.path(lambdas: lambdas).fit(x, y)
            }
        }
        #expect(throws: MarketingMLError.self) { _ = try LassoRegression.path().fit(x, y, folds: 11) }
        // A constant target, and a feature that is constant.
        let constant = try LassoRegression(lambda: 1).fit(Tensor<Double>.zeros([10, 2]), y)
        #expect(constant.coefficients.elements == [0, 0] && constant.intercept == 1)
        var bad = x
        bad[4, 1] = .nan
        #expect(throws: MarketingMLError.self) { _ = try LassoRegression(lambda: 1).fit(bad, y) }
    }

    @Test func savesTheSameBits() throws {
        let x = Tensor<Double>.randomNormal([30, 4], seed: 5)
        let y = Tensor<Double>.randomNormal([30], seed: 6).elements
        let model = try ElasticNet(lambda: 1, ratio: 0.5).fit(x, y)
        try withTemporaryDirectory { directory in
            let url = URL(fileURLWithPath: directory).appending(path: "model.safetensors")
            try model.save(to: url)
            #expect(try ElasticNetModel(url) == model)
            let bytes = try [UInt8](Data(contentsOf: url))
            try forEachMutation(of: bytes, count: 500) { bytes in
                try Data(bytes).write(to: url)
                _ = try (try? ElasticNetModel(url))?.predict(x)
            }
        }
    }
}
