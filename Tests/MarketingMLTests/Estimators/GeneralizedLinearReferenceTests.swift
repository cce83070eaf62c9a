import Foundation
import MarketingML
import TestSupport
import Testing

/// Against scikit-learn and statsmodels.
@Suite struct GeneralizedLinearReferenceTests {
    private func fit(
        _ family: String, _ power: Double, _ penalty: Penalty, _ solver: LinearModelSolver,
        _ features: Features,
        _ targets: [Double], _ weights: [Double]?, _ offset: [Double]?
    ) throws -> GeneralizedLinearModel {
        switch family {
        case "poisson":
            try PoissonRegression(penalty, solver: solver).fit(
                features, targets, weights: weights, offset: offset)
        case "gamma":
            try GammaRegression(penalty, solver: solver).fit(
                features, targets, weights: weights, offset: offset)
        default:
            try TweedieRegression(power: power, penalty, solver: solver).fit(
                features, targets, weights: weights, offset: offset)
        }
    }

    @Test func penalties() throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        for example in fixture.glm {
            let data = try fixture.data(example.data)
            for (storage, features) in data.storages {
                for solver in [LinearModelSolver.newtonCholesky, .lbfgs] {
                    let name =
                        "\(example.family) \(example.power) of \(example.data), alpha \(example.alpha), \(storage), \(solver)"
                    let model = try fit(
                        example.family, example.power, .scikitLearn(alpha: example.alpha), solver, features,
                        data.targets(example.target), example.weighted ? data.weights : nil, nil)
                    #expect(model.report.isConverged, "\(name): \(model.report)")
                    expectClose(
                        model.coefficients, example.coefficients, absolute: 1e-6, relative: 1e-5, name)
                    expectClose([model.intercept], [example.intercept], absolute: 1e-6, relative: 1e-5, name)
                }
            }
        }
    }

    @Test func inference() throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        for example in fixture.inference where ["poisson", "gamma", "tweedie"].contains(example.model) {
            let data = try fixture.data(example.data)
            let target = ["poisson": "counts", "gamma": "amounts"][example.model] ?? "spend"
            for (storage, features) in data.storages {
                let name = "\(example.name), \(storage)"
                let model = try fit(
                    example.model, example.power, .none, .automatic, features, data.targets(target), nil,
                    example.offset ? data.offset : nil)
                #expect(model.report.isConverged, "\(name)")
                let table = try model.summary()
                expectClose(
                    table.rows.map(\.estimate), example.estimates, absolute: 1e-8, relative: 1e-6, name)
                expectClose(table.rows.map(\.standardError), example.standardErrors, relative: 1e-6, name)
                expectClose(table.rows.map(\.pValue), example.pValues, absolute: 1e-6, name)
                expectClose(
                    try model.summary(.hc0).rows.map(\.standardError), example.hc0, relative: 1e-6,
                    "HC0 \(name)")
                expectClose(
                    try model.summary(.hc1).rows.map(\.standardError), example.hc1, relative: 1e-6,
                    "HC1 \(name)")
                expectClose([model.dispersion], [example.scale], relative: 1e-7, "scale \(name)")
                expectClose([model.deviance], [example.deviance], relative: 1e-9, "deviance \(name)")
                if let null = example.nullDeviance {
                    expectClose([model.nullDeviance], [null], relative: 1e-7, "null deviance \(name)")
                }
                #expect((model.logLikelihood == nil) == (example.model == "tweedie"))
                if example.model == "poisson", let aic = example.aic {
                    expectClose([try #require(model.aic)], [aic], relative: 1e-9, "AIC \(name)")
                }
            }
        }
    }

    @Test func exposure() throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        let data = try fixture.data("long")
        let exposure = data.offset.map { exp($0) }
        let one = try PoissonRegression().fit(data.features, data.counts, exposure: exposure)
        let other = try PoissonRegression().fit(data.features, data.counts, offset: data.offset)
        expectClose(one.coefficients, other.coefficients, absolute: 1e-12)
        #expect(throws: MarketingMLError.self) {
            try PoissonRegression().fit(
                data.features, data.counts, exposure: exposure.map { $0 - exposure[3] })
        }
    }

    @Test func ordinal() throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        for example in fixture.ordinal {
            let data = try fixture.data(example.data)
            for (storage, features) in data.storages {
                let model = try OrdinalRegression().fit(features, data.stars)
                let name = "ordinal \(example.data), \(storage)"
                #expect(model.report.isConverged)
                expectClose(model.coefficients, example.coefficients, absolute: 1e-5, name)
                expectClose(model.thresholds, example.thresholds, absolute: 1e-5, name)
                expectClose([model.deviance], [-2 * example.logLikelihood], relative: 1e-9, name)
                expectClose([model.nullDeviance], [-2 * example.nullLogLikelihood], relative: 1e-6, name)
                let rows = try model.summary().rows[..<model.featureCount]
                // statsmodels takes the Hessian by finite differences.
                expectClose(rows.map(\.standardError), example.standardErrors, relative: 1e-4, name)
                expectClose(rows.map(\.pValue), example.pValues, absolute: 1e-4, name)
                let robust = try model.summary(.hc0).rows[..<model.featureCount]
                expectClose(robust.map(\.standardError), example.hc0, relative: 1e-3, "HC0 \(name)")
            }
        }
    }

    /// Gradient and Hessian of the ordinal objective by finite differences.
    @Test func ordinalDerivatives() throws {
        let fixture = try GeneralizedLinearFixture.load(.module)
        let data = try fixture.data("plain")
        let two = try OrdinalRegression(.l2(c: 0.5)).fit(data.features, data.labels, weights: data.weights)
        let logistic = try LogisticRegression(.l2(c: 0.5)).fit(
            data.features, data.labels, weights: data.weights)
        // With two classes it is logistic regression.
        expectClose(two.coefficients, logistic.coefficients[0], absolute: 1e-7)
        expectClose(two.thresholds, [-logistic.intercepts[0]], absolute: 1e-7)
        expectClose([two.report.objective], [logistic.report.objective], relative: 1e-12)
        let p = try two.probabilities(of: data.features).elements
        expectClose(p, try logistic.probabilities(of: data.features).elements, absolute: 1e-7)
    }
}
