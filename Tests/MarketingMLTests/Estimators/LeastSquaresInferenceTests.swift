import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Against statsmodels' OLS and WLS; `Tests/Reference/linear.py` makes the file.
@Suite struct LeastSquaresInferenceTests {
    @Test func tablesMatchStatsmodels() throws {
        let fixture = try LinearFixture.load()
        for example in fixture.leastSquares {
            let set = try fixture.set(example.set)
            for (kind, features) in set.kinds {
                let recipe = RidgeRegression(
                    lambda: 0, hasIntercept: example.intercept, covariance: example.covariance)
                let table = try recipe.fit(features, set.targets, weights: set.weights).summary()
                let what = "\(example.set), \(example.covariance), intercept \(example.intercept), \(kind)"
                #expect(table.rows.first?.name == (example.intercept ? "(intercept)" : "x0"))
                expectClose(
                    table.rows.map(\.estimate), example.estimates, absolute: 1e-9, relative: 1e-7, what)
                expectClose(table.rows.map(\.standardError), example.standardErrors, relative: 1e-6, what)
                expectClose(
                    table.rows.map(\.statistic), example.statistics, absolute: 1e-6, relative: 1e-6, what)
                expectClose(table.rows.map(\.pValue), example.pValues, absolute: 1e-6, what)
                expectClose(
                    table.rows.map(\.interval.lowerBound), example.low, absolute: 1e-6, relative: 1e-6, what)
                expectClose(
                    table.rows.map(\.interval.upperBound), example.high, absolute: 1e-6, relative: 1e-6, what)
            }
        }
    }

    @Test func inflationMatchesStatsmodels() throws {
        let fixture = try LinearFixture.load()
        for example in fixture.variance {
            for (kind, features) in try fixture.set(example.set).kinds {
                expectClose(
                    try varianceInflationFactors(of: features), example.factors, relative: 1e-8,
                    "\(example.set) \(kind)")
            }
        }
        let duplicate = try varianceInflationFactors(of: fixture.set("duplicate").double)
        #expect([1, 2, 3].allSatisfy { duplicate[$0] == .infinity })
        #expect([0, 4, 5].allSatisfy { duplicate[$0] < 2 && duplicate[$0] >= 1 })
    }

    @Test func reasonsForNoTable() throws {
        let fixture = try LinearFixture.load()
        let plain = try fixture.set("plain")
        let duplicate = try fixture.set("duplicate")
        let wide = try fixture.set("wide")
        let several = try fixture.set("several targets")
        func reason(_ lambda: Double, _ set: LinearFixture.Set) throws -> InferenceUnavailable? {
            let model = try RidgeRegression(lambda: lambda).fit(set.double, set.targets)
            do {
                _ = try model.summary()
                return nil
            } catch let reason as InferenceUnavailable {
                return reason
            }
        }
        #expect(try reason(0.1, plain) == .penalized)
        #expect(try reason(0, wide) == .tooFewExamples)
        #expect(try reason(0, several) == .notKept)
        // Column 2 is constant; column 3 is column 1.
        #expect(try reason(0, duplicate) == .rankDeficient(feature: 2))
        #expect(InferenceUnavailable.rankDeficient(feature: 2).description.contains("feature 2"))
    }

    @Test func textIsAligned() throws {
        let table = try CoefficientTable(
            names: ["(intercept)", "age"], estimates: [-1.5, 0.25], variances: [0.25, 0.0001],
            covariance: .hc0, statistic: .z, exponentiated: true)
        let lines = table.description.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[1].hasPrefix("(intercept)      -1.5") && lines[2].hasPrefix("age              0.25"))
        #expect(lines[2].hasSuffix("1.284") && lines[3] == "standard errors: hc0")
        let row = try #require(table["age"])
        expectClose(
            [row.statistic, row.interval.lowerBound, row.interval.upperBound, row.oddsRatio ?? 0],
            [25, 0.25 - 0.0195996398454, 0.25 + 0.0195996398454, 1.2840254166877414], relative: 1e-12)
        expectClose([table.rows[0].pValue], [0.0026997960632601866], relative: 1e-12)
        #expect(throws: MarketingMLError.self) {
            _ = try CoefficientTable(
                names: [], estimates: [], variances: [], covariance: .hc0, statistic: .z, level: 1)
        }
        #expect(throws: MarketingMLError.self) {
            _ = try CoefficientTable(
                names: ["a"], estimates: [1], variances: [], covariance: .hc0, statistic: .z)
        }
    }
}
