import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Against statsmodels; see Tests/Reference/holt_winters.py.
@Suite struct HoltWintersTests {
    private struct Fixture: Decodable {
        struct Case: Decodable {
            var series: String
            var trend: HoltWinters.Component
            var season: HoltWinters.Component
            var isDamped: Bool
            var period: Int
            var alpha, beta, gamma, phi: Double
            var level, slope: Double
            var seasonal: [Double]
            var fitted: [Double]
            var squaredError: Double
            var forecast: [Double]
            var bestSquaredError: Double

            func recipe(fixed: Bool) -> HoltWinters {
                HoltWinters(
                    trend: trend, isDamped: isDamped, season: season, period: period,
                    parameters: fixed ? .init(alpha: alpha, beta: beta, gamma: gamma, phi: phi) : nil)
            }
        }
        var series: [String: [Double]]
        var cases: [Case]
    }

    private func fixture() throws -> Fixture {
        try JSONDecoder().decode(
            Fixture.self, from: Data(contentsOf: TestData.fixture("holt-winters.json", .module)))
    }

    @Test func givenParametersGiveTheSameNumbers() throws {
        let fixture = try fixture()
        #expect(fixture.cases.count == 45)
        for item in fixture.cases {
            let series = try TimeSeries(try #require(fixture.series[item.series]))
            let recipe = item.recipe(fixed: true)
            let model = try recipe.fit(series)
            let name = "\(item.series), \(recipe.name)"
            expectClose([model.initial.level], [item.level], relative: 1e-10, name + ": first level")
            if item.trend != .none {
                expectClose([model.initial.trend], [item.slope], relative: 1e-9, name + ": first trend")
            }
            expectClose(
                model.initial.season, item.seasonal, absolute: 1e-9, relative: 1e-9, name + ": first season")
            expectClose(try model.fittedValues(series), item.fitted, relative: 1e-9, name + ": fitted")
            expectClose([model.squaredError], [item.squaredError], relative: 1e-6, name + ": squared error")
            // statsmodels forecasts the last step of a season with an effect that is a season old.
            let steps = (0..<12).filter { item.season == .none || $0 % item.period != item.period - 1 }
            let forecast = try model.forecast(12)
            expectClose(
                steps.map { forecast[$0] }, steps.map { item.forecast[$0] }, relative: 1e-9,
                name + ": forecast")
        }
    }

    @Test func fittedParametersAreAsGoodAsTheReferences() throws {
        let fixture = try fixture()
        for item in fixture.cases {
            let series = try TimeSeries(try #require(fixture.series[item.series]))
            let recipe = item.recipe(fixed: false)
            let model = try recipe.fit(series)
            // Its first states are fitted as well in statsmodels' search; ours stay.
            #expect(
                model.squaredError <= 1.005 * item.bestSquaredError,
                "\(item.series), \(recipe.name): \(model.squaredError), reference \(item.bestSquaredError)")
            #expect(try recipe.fit(series) == model)
        }
    }

    @Test func goesOnWithNewNumbers() throws {
        let fixture = try fixture()
        let series = try TimeSeries(try #require(fixture.series["weekly"]))
        let recipe = HoltWinters(trend: .additive, isDamped: true, season: .multiplicative, period: 26)
        let model = try recipe.fit(series.prefix(100))
        #expect(try model.forecast(8, after: series.prefix(100)) == model.forecast(8))
        // One step after another: each is what the forecast of one step says.
        let fitted = try model.fittedValues(series)
        for count in [100, 101, 117, 129] {
            #expect(try model.forecast(1, after: series.prefix(count)) == [fitted[count]])
        }
        #expect(model.season.count == 26)
    }

    @Test func savedAndReadAgain() throws {
        try withTemporaryDirectory { directory in
            let url = URL(fileURLWithPath: directory + "/model.json")
            let series = try TimeSeries(try #require(try fixture().series["quarterly"]))
            let model = try HoltWinters(season: .additive, period: 4).fit(series)
            try model.save(to: url)
            let again = try HoltWintersModel(url)
            #expect(again == model)
            #expect(try again.forecast(9) == model.forecast(9))
            let bytes = Array(try Data(contentsOf: url))
            try forEachMutation(of: bytes) { copy in
                try Data(copy).write(to: url)
                do {
                    let changed = try HoltWintersModel(url)
                    #expect(try changed.forecast(20, after: series).count == 20)
                } catch is MarketingMLError {}
            }
        }
    }

    @Test func badDataAndOptions() throws {
        func code(_ recipe: HoltWinters, _ values: [Double]) -> MarketingMLError.Code? {
            do {
                _ = try recipe.fit(TimeSeries(values))
                return nil
            } catch { return (error as? MarketingMLError)?.code }
        }
        let values = (1...40).map { Double($0) }
        #expect(code(HoltWinters(), []) == .emptyData)
        #expect(code(HoltWinters(), [1, .nan]) == .notFinite)
        #expect(code(HoltWinters(), Array(values.prefix(9))) == .emptyData)
        #expect(code(HoltWinters(season: .additive, period: 1), values) == .invalidOption)
        #expect(code(HoltWinters(season: .additive, period: 21), values) == .emptyData)
        #expect(code(HoltWinters(trend: .none, isDamped: true), values) == .invalidOption)
        #expect(code(HoltWinters(season: .multiplicative, period: 4), values.map { $0 - 1 }) == .unsupported)
        #expect(code(HoltWinters(parameters: .init(alpha: 1.5)), values) == .invalidOption)
        #expect(code(HoltWinters(parameters: .init(alpha: .nan)), values) == .invalidOption)
        let model = try HoltWinters().fit(TimeSeries(values))
        #expect(throws: MarketingMLError.self) { try model.forecast(0) }
    }
}
