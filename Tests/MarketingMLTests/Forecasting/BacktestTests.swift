import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct BacktestTests {
    /// Says the last number again, and the largest it has ever seen when it was fitted.
    private struct Spy: Forecaster, FittedForecaster {
        var largest = -Double.infinity
        var name: String { "spy" }
        func fitForecaster(_ series: TimeSeries, progress: ProgressHandler?) throws -> any FittedForecaster {
            Spy(largest: series.values.max() ?? 0)
        }
        func forecast(_ steps: Int, after series: TimeSeries) throws -> [Double] {
            [largest, series.values[series.count - 1]] + [Double](repeating: 0, count: steps - 2)
        }
    }

    @Test func originsSeeThePastAlone() throws {
        // Ascending numbers: the largest that was seen is the last step that was seen.
        let series = try TimeSeries((0..<40).map { Double($0) })
        let judged = try Spy().backtest(
            on: series, horizon: 3, origins: 5, step: 2, period: 4, refitInterval: 2)
        #expect(judged.origins.map(\.observed) == [29, 31, 33, 35, 37])
        #expect(judged.origins.map { $0.forecast[1] } == [28, 30, 32, 34, 36])
        #expect(judged.origins.map { $0.forecast[0] } == [28, 28, 32, 32, 36])
        #expect(judged.origins[1].actual == [31, 32, 33])
        #expect(judged.origins.allSatisfy { $0.scale == 4 })
        #expect(judged.origins[0].errors == [1, 2, 31])
    }

    @Test func figures() throws {
        let series = try TimeSeries([1, 2, 3, 5, 8, 13, 21])
        let judged = try SeasonalNaive(period: 1).backtest(on: series, horizon: 1, origins: 3, period: 1)
        // Forecasts 5, 8, 13; actual 8, 13, 21; scales 4/3, 7/4, 12/5.
        #expect(judged.meanAbsoluteError == 16.0 / 3)
        let scaled: [Double] = [3 / (4.0 / 3), 5 / (7.0 / 4), 8 / (12.0 / 5)]
        expectClose([judged.meanAbsoluteScaledError], [scaled.reduce(0, +) / 3], relative: 1e-12)
        expectClose([judged.rootMeanSquaredError], [(98.0 / 3).squareRoot()], relative: 1e-12)
        #expect(judged.errorBySteps == [16.0 / 3])
    }

    @Test func intervalsUseErrorsThatWereKnown() throws {
        var random = SeededGenerator(seed: 2)
        var values = (0..<60).map { _ in random.nextUniform() }
        func judge() throws -> Backtest {
            try SeasonalNaive(period: 1).backtest(
                on: TimeSeries(values), horizon: 4, origins: 40, period: 1)
        }
        let before = try judge().intervals(level: 0.8)
        // With a horizon of 4 and 4 errors for 80 %, the first interval is at the 8th origin.
        #expect(before.prefix(7).allSatisfy { $0 == nil } && before[7] != nil)
        // Origin 20 has observed 37 numbers; what comes later moves none of its intervals.
        for step in 37..<60 { values[step] += 100 }
        let after = try judge().intervals(level: 0.8)
        #expect(Array(before[...20]) == Array(after[...20]))
        #expect(before[30] != after[30])
    }

    @Test func coverageOfIndependentErrors() throws {
        var random = SeededGenerator(seed: 4)
        // Seasonal numbers with noise that is as large everywhere.
        let values = (0..<600).map { 10 * Double($0 % 4) + random.nextUniform() }
        let judged = try SeasonalNaive(period: 4).backtest(
            on: TimeSeries(values), horizon: 4, origins: 500, period: 4)
        for level in [0.5, 0.8, 0.95] {
            #expect(abs(try judged.coverage(level: level) - level) < 0.03, "\(level)")
        }
        let forecast = try judged.forecast([1, 2, 3], level: 0.8)
        #expect(zip(forecast.lower, forecast.upper).allSatisfy { $0 < $1 })
        #expect(forecast.values == [1, 2, 3])
    }

    /// Errors that treble half way: intervals keep their level (without adaptation they cover 58 to 77 %).
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func intervalsAdaptToErrorsThatGrow(seed: UInt64) throws
    {
        var random = SeededGenerator(seed: seed)
        let values = (0..<140).map { step in
            100 + 10 * Double(step % 4) + (step < 100 ? 1 : 3) * (random.nextUniform() - 0.5)
        }
        let judged = try SeasonalNaive(period: 4).backtest(
            on: TimeSeries(values), horizon: 4, origins: 90, period: 4)
        let coverage = try judged.coverage(level: 0.8)
        #expect((0.74...0.85).contains(coverage), "\(coverage)")
        func width(_ forecast: Forecast?) -> Double { forecast.map { $0.upper[0] - $0.lower[0] } ?? 0 }
        let widths = try judged.intervals(level: 0.8).map(width)
        let (late, early) = (widths[80..<90].reduce(0, +), widths[35..<45].reduce(0, +))
        #expect(late > early)
    }

    /// The same series in other units, and with errors that grow with the numbers: intervals grow alike.
    @Test func intervalsOfPositiveNumbersAreSharesOfTheForecast() throws {
        var random = SeededGenerator(seed: 6)
        let values = (0..<300).map { pow(4, Double($0 % 4)) * (1 + 0.2 * random.nextUniform()) }
        let judged = try SeasonalNaive(period: 4).backtest(
            on: TimeSeries(values), horizon: 4, origins: 200, step: 1, period: 4)
        let forecast = try judged.forecast([1, 10, 100, 0.5], level: 0.8)
        let shares = zip(zip(forecast.lower, forecast.upper), forecast.values).map { ($0.1 - $0.0) / $1 }
        #expect(shares.allSatisfy { (0.1...0.4).contains($0) }, "\(shares)")
        #expect(abs(try judged.coverage(level: 0.8) - 0.8) < 0.03)
    }

    @Test func comparison() throws {
        var random = SeededGenerator(seed: 9)
        let series = try TimeSeries((0..<200).map { Double($0 % 12) + random.nextUniform() })
        let seasonal = try SeasonalNaive(period: 12).backtest(on: series, horizon: 6, origins: 60, period: 12)
        let last = try SeasonalNaive(period: 1).backtest(on: series, horizon: 6, origins: 60, period: 12)
        let compared = try ForecastComparison(seasonal, last)
        expectClose(
            [compared.difference], [seasonal.meanAbsoluteScaledError - last.meanAbsoluteScaledError],
            relative: 1e-12)
        #expect(compared.difference < 0 && (compared.pValue ?? 1) < 0.001)
        let other = try ForecastComparison(last, seasonal)
        #expect(other.difference == -compared.difference && other.standardError == compared.standardError)
        #expect(try ForecastComparison(seasonal, seasonal).pValue == nil)
        let short = try SeasonalNaive(period: 12).backtest(on: series, horizon: 5, origins: 60, period: 12)
        #expect(throws: MarketingMLError.self) { try ForecastComparison(seasonal, short) }
    }

    @Test func badOptions() throws {
        let series = try TimeSeries((0..<40).map { Double($0) })
        let naive = SeasonalNaive(period: 4)
        expectFailure(.invalidOption) {
            _ = try naive.backtest(on: series, horizon: 0, origins: 2, period: 4)
        }
        expectFailure(.emptyData) { _ = try naive.backtest(on: series, horizon: 4, origins: 33, period: 4) }
        expectFailure(.emptyData) {
            _ = try naive.backtest(
                on: TimeSeries([Double](repeating: 1, count: 40)), horizon: 1, origins: 2, period: 4)
        }
        expectFailure(.invalidOption) { _ = try SeasonalNaive(period: 0).forecast(2, after: series) }
        expectFailure(.emptyData) { _ = try SeasonalNaive(period: 41).forecast(2, after: series) }
        expectFailure(.shapeMismatch) { _ = try TimeSeries([1, 2], covariates: [.init("promotion", [1])]) }
        let judged = try naive.backtest(on: series, horizon: 2, origins: 3, period: 4)
        expectFailure(.emptyData) { _ = try judged.forecast([1], level: 0.8) }
        expectFailure(.invalidOption) { _ = try judged.coverage(level: 1) }
    }
}
