import Foundation
import MarketingML
import TestSupport
import Testing

/// Against scikit-learn, statsmodels and Firth's estimate in numpy.
@Suite struct LogisticReferenceTests {
    private func check(
        _ example: GeneralizedLinearFixture.Penalized, _ data: GeneralizedLinearFixture.Data, _ labels: [Int],
        _ recipe: LogisticRegression, _ features: Features, _ what: String,
        coefficients tolerance: Double = 1e-5
    ) throws {
        let model = try recipe.fit(features, labels, weights: example.weighted ? data.weights : nil)
        let name = "\(example.name), \(what)"
        #expect(model.report.isConverged, "\(name): \(model.report)")
        #expect(
            abs(model.report.objective - example.objective) <= 1e-9 * example.objective,
            "\(name): \(model.report.objective), expected \(example.objective), \(model.report)")
        // In units of the features' spread.
        for (own, expected) in zip(model.coefficients, example.coefficients) {
            let scales = (0..<own.count).map { column in
                max(1, data.x.map { abs($0[column] - data.x[0][column]) }.max() ?? 1)
            }
            let scaled = zip(own, scales).map { $0 * $1 },
                scaledExpected = zip(expected, scales).map { $0 * $1 }
            expectClose(scaled, scaledExpected, absolute: tolerance, relative: tolerance, name)
        }
        #expect(model.coefficients.count == example.coefficients.count)
        if example.data != "far" {
            expectClose(model.intercepts, example.intercepts, absolute: tolerance, relative: tolerance, name)
        }
    }

    @Test(arguments: [2, 3]) func penalties(classes: Int) throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        for example in classes == 2 ? fixture.logistic : fixture.multinomial {
            let data = try fixture.data(example.data)
            for (storage, features) in data.storages {
                try check(
                    example, data, classes == 2 ? data.labels : data.classes, example.recipe, features,
                    storage)
            }
        }
    }

    @Test(arguments: [2, 3], [LinearModelSolver.lbfgs, .trustRegionNewton])
    func otherSolvers(classes: Int, solver: LinearModelSolver) throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        for example in classes == 2 ? fixture.logistic : fixture.multinomial
        where example.penalty.kind == "l2" {
            let data = try fixture.data(example.data)
            for (storage, features) in data.storages {
                // Sparse columns far from 0 cannot be centred; conjugate gradients stop at 2e-7 where sizes differ by 10⁷.
                guard example.data != "far" || (storage != "sparse" && solver == .lbfgs) else { continue }
                var recipe = example.recipe
                recipe.solver = solver
                try check(
                    example, data, classes == 2 ? data.labels : data.classes, recipe, features,
                    "\(solver), \(storage)")
            }
        }
    }

    /// The dual's solver needs sparse rows and two classes, and says so.
    @Test func dual() throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        for example in fixture.logistic where example.penalty.kind == "l2" && example.data != "far" {
            let data = try fixture.data(example.data)
            var recipe = example.recipe
            recipe.solver = .dualCoordinateDescent
            for (storage, features) in data.storages {
                guard storage == "sparse" else {
                    expectFailure(.invalidOption) { _ = try recipe.fit(features, data.labels) }
                    continue
                }
                try check(example, data, data.labels, recipe, features, "dual")
                recipe.maximumIterations = 3
                let early = try recipe.fit(features, data.labels)
                #expect(early.report.iterations == 3 && early.report.stopReason == .iterationLimit)
                let stopped = try recipe.fit(features, data.labels) { _ in .stop }
                #expect(stopped.report.iterations == 0 && stopped.report.stopReason == .stopped)
            }
        }
        let data = try fixture.data(fixture.multinomial[0].data)
        for (_, features) in data.storages {
            expectFailure(.invalidOption) {
                _ = try LogisticRegression(solver: .dualCoordinateDescent).fit(features, data.classes)
            }
        }
    }

    /// The same model in other libraries' conventions.
    @Test func conventions() throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        let example = try #require(fixture.logistic.first { $0.penalty.kind == "elasticNet" })
        let data = try fixture.data(example.data)
        let (c, ratio) = (example.penalty.c, example.penalty.ratio)
        let expected = try LogisticRegression(.elasticNet(c: c, ratio: ratio)).fit(data.features, data.labels)
        for penalty: Penalty in [
            .scikitLearn(c: c, l1Ratio: ratio), .lambda(1 / c, l1Ratio: ratio),
            .glmnet(lambda: 1 / (c * Double(data.labels.count)), alpha: ratio),
        ] {
            let model = try LogisticRegression(penalty).fit(data.features, data.labels)
            expectClose(model.coefficients[0], expected.coefficients[0], absolute: 1e-7, "\(penalty)")
            #expect(
                abs(model.report.objective - expected.report.objective) < 1e-9 * expected.report.objective)
        }
    }

    @Test func firth() throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        for example in fixture.firth {
            let x = try fixture.data(example.data).x.map { Array($0[..<example.columns]) }
            let features = Tensor<Double>(shape: [x.count, example.columns], x.flatMap { $0 })
            let model = try LogisticRegression(.firth).fit(features, example.labels)
            #expect(model.report.isConverged)
            expectClose(
                model.intercepts + model.coefficients[0], example.coefficients, absolute: 1e-5, relative: 1e-5
            )
            let table = try model.summary()
            expectClose(table.rows.map(\.standardError), example.standardErrors, relative: 1e-5, "Firth")
            #expect(abs(-model.report.objective - example.penalizedLogLikelihood) < 1e-9)
        }
    }

    @Test func inference() throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        for example in fixture.inference where ["logit", "mnlogit", "binomial"].contains(example.model) {
            let data = try fixture.data(example.data)
            let labels = example.model == "mnlogit" ? data.classes : data.labels
            for (storage, features) in data.storages where !(storage == "sparse" && example.data == "far") {
                let name = "\(example.name), \(storage)"
                let model = try LogisticRegression(.none).fit(
                    features, labels, offset: example.offset ? data.offset : nil)
                #expect(model.report.isConverged, "\(name)")
                let table = try model.summary()
                let closeness = example.data == "far" ? 1e-5 : 1e-6
                expectClose(
                    table.rows.map(\.estimate), example.estimates, absolute: 1e-8, relative: closeness, name)
                expectClose(
                    table.rows.map(\.standardError), example.standardErrors, relative: closeness, name)
                expectClose(table.rows.map(\.pValue), example.pValues, absolute: 1e-6, name)
                expectClose(
                    try model.summary(.hc0).rows.map(\.standardError), example.hc0, relative: closeness,
                    "HC0 \(name)")
                expectClose(
                    try model.summary(.hc1).rows.map(\.standardError), example.hc1, relative: closeness,
                    "HC1 \(name)")
                expectClose([model.deviance], [example.deviance], relative: 1e-9, "deviance \(name)")
                if let null = example.nullLogLikelihood {
                    expectClose([model.nullDeviance], [-2 * null], relative: 1e-9, "null \(name)")
                    expectClose([model.pseudoR2], [1 - example.deviance / (-2 * null)], absolute: 1e-9)
                }
                if let null = example.nullDeviance {
                    expectClose([model.nullDeviance], [null], relative: 1e-9)
                }
                if let aic = example.aic { expectClose([try #require(model.aic)], [aic], relative: 1e-9) }
                if let bic = example.bic { expectClose([try #require(model.bic)], [bic], relative: 1e-9) }
            }
        }
    }
}
