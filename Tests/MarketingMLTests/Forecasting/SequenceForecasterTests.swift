import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct SequenceForecasterTests {
    /// Weekly demand: a trend, a season of the year, promotions with a dip after them, noise.
    static func weekly(_ count: Int = 234, plans: Int = 8, seed: UInt64 = 1) throws -> TimeSeries {
        var random = SeededGenerator(seed: seed)
        var promotions: [Double] = []
        var values: [Double] = []
        for week in 0..<count + plans {
            promotions.append(random.nextUniform() < 0.12 ? 1 : 0)
            guard week < count else { continue }
            let angle = 2 * Double.pi * Double(week) / 52
            let season = 1 + 0.3 * sin(angle) + 0.12 * cos(2 * angle)
            let before = week > 0 ? promotions[week - 1] : 0
            let uplift = 1 + 0.8 * promotions[week] - 0.15 * before
            var noise = 0.0
            for _ in 0..<4 { noise += random.nextUniform() - 0.5 }
            values.append((100 + 0.35 * Double(week)) * season * uplift * exp(0.08 * noise))
        }
        return try TimeSeries(values, covariates: [.init("promotion", promotions)])
    }

    static let small = SequenceForecaster(
        horizon: 4, period: 12, window: 10, units: 6, networks: 2, epochs: 3, seed: 5)

    static func short() throws -> TimeSeries {
        let values = (0..<60).map { step -> Double in
            50 + 10 * sin(2 * Double.pi * Double(step) / 12) + Double(step * 7 % 5)
        }
        let cycle = (0..<64).map { step -> Double in Double(step * 3 % 7) }
        let line = (0..<64).map { step -> Double in Double(step) }
        return try TimeSeries(values, covariates: [.init("a", cycle), .init("b", line)])
    }

    /// Other numbers after the origin change no bit of what is learned and forecast there.
    @Test func noScaleAndNoWindowSeesTheFuture() throws {
        let series = try Self.short()
        let changed = try TimeSeries(
            series.values.enumerated().map { $0 < 50 ? $1 : 1000 - 3 * $1 },
            covariates: series.covariates.map { covariate in
                // Plans are known, but only as far as the horizon.
                .init(covariate.name, covariate.values.enumerated().map { $0 < 54 ? $1 : -77 })
            })
        let before = try Self.small.fit(series.prefix(50))
        let after = try Self.small.fit(changed.prefix(50))
        #expect(before.windows == after.windows)
        for (a, b) in zip(before.networks, after.networks) {
            #expect(zip(a.parameters, b.parameters).allSatisfy { $0.value == $1.value })
        }
        let forecast = try before.forecast(4, after: series.prefix(50))
        #expect(try after.forecast(4, after: changed.prefix(50)) == forecast)

        // The same through a backtest: its first origin has seen 50 of the 60 numbers.
        let judged = try Self.small.backtest(on: series, horizon: 4, origins: 3, step: 3, period: 12)
        let judgedChanged = try Self.small.backtest(on: changed, horizon: 4, origins: 3, step: 3, period: 12)
        #expect(judged.origins[0].observed == 50)
        #expect(judged.origins[0].forecast == judgedChanged.origins[0].forecast)
        #expect(judged.origins[1].forecast != judgedChanged.origins[1].forecast)

        // Windows: no feature of a step to forecast depends on numbers from the origin on, none on plans beyond the horizon.
        let (a, b) = (
            before.windows.sample(series, observed: 50), before.windows.sample(changed, observed: 50)
        )
        #expect(a.features == b.features && a.lagged == b.lagged && a.deviation == b.deviation)
    }

    @Test func windowsHoldWhatTheySay() throws {
        let series = try TimeSeries(
            (0..<30).map { Double($0) }, covariates: [.init("c", (0..<40).map { Double($0 % 2) })])
        let windows = ForecastWindows(window: 4, horizon: 3, period: 2, series: series)
        let sample = windows.sample(series, observed: 10)
        let deviation = 5.0.squareRoot() / 2
        // Observed 6 to 9: mean 7.5, deviation √1.25; lags of 10, 11, 12 are 8, 9 and again 8.
        #expect(sample.lagged == [8, 9, 8])
        expectClose([sample.deviation], [deviation], relative: 1e-12)
        let rows = stride(from: 0, to: sample.features.count, by: 5).map {
            Array(sample.features[$0..<$0 + 5])
        }
        #expect(rows.count == 7)
        expectClose(
            rows.map { $0[0] }, [-1.5, -0.5, 0.5, 1.5, 0, 0, 0].map { Float($0 / deviation) }, absolute: 1e-6)
        expectClose(
            rows.map { $0[1] }, [-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 0.5].map { Float($0 / deviation) },
            absolute: 1e-6)
        #expect(rows.map { $0[2] } == [0, 0, 0, 0, 1, 1, 1])
        #expect(rows.map { $0[3] } == [-1, 1, -1, 1, -1, 1, -1])
        #expect(rows.map { $0[4] } == rows.map { $0[3] })
        expectClose(
            windows.targets(series, observed: 10, sample), [2, 2, 4].map { Float($0 / deviation) },
            absolute: 1e-6)
    }

    @Test func sameSeedSameBits() throws {
        let series = try Self.short()
        let count = ThreadPool.threadCount
        defer { ThreadPool.threadCount = count }
        ThreadPool.threadCount = 1
        let one = try Self.small.fit(series).forecast(4, after: series)
        ThreadPool.threadCount = 2
        #expect(try Self.small.fit(series).forecast(4, after: series) == one)
        var other = Self.small
        other.seed = 6
        #expect(try other.fit(series).forecast(4, after: series) != one)
        // Fewer steps are the first of them.
        #expect(try Self.small.fit(series).forecast(2, after: series) == Array(one.prefix(2)))
    }

    @Test(arguments: [SequenceForecaster.Cell.lstm, .gru])
    func savedAndReadAgain(_ cell: SequenceForecaster.Cell) throws {
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path + "/model")
            let series = try Self.short()
            var recipe = Self.small
            recipe.cell = cell
            let model = try recipe.fit(series)
            try model.save(to: directory)
            let again = try SequenceForecastModel(directory: directory)
            #expect(again.recipe == recipe)
            #expect(try again.forecast(4, after: series) == model.forecast(4, after: series))
            for file in try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() {
                let url = directory.appendingPathComponent(file)
                let bytes = Array(try Data(contentsOf: url))
                let head = min(bytes.count, 2048)
                try forEachMutation(of: Array(bytes[..<head]), count: 500) { copy in
                    try Data(copy + bytes[head...]).write(to: url)
                    do {
                        let changed = try SequenceForecastModel(directory: directory)
                        _ = try? changed.forecast(1, after: series)
                    } catch is MarketingMLError {}
                }
                try Data(bytes).write(to: url)
            }
        }
    }

    /// On generated weekly series: better than last year's numbers, and honest about how far off.
    @Test func weeklyDemandWithPromotions() throws {
        var coverages: [Double] = []
        for seed: UInt64 in [1, 2] {
            let series = try Self.weekly(seed: seed)
            let naive = try SeasonalNaive(period: 52).backtest(
                on: series, horizon: 8, origins: 60, period: 52)
            let smoothed = try HoltWinters(isDamped: true, season: .multiplicative, period: 52)
                .backtest(on: series, horizon: 8, origins: 60, period: 52, refitInterval: 10)
            let network = try SequenceForecaster(horizon: 8, period: 52).backtest(
                on: series, horizon: 8, origins: 60, period: 52, refitInterval: 60)
            print(
                "weekly \(seed): MASE naive \(naive.meanAbsoluteScaledError), Holt-Winters \(smoothed.meanAbsoluteScaledError), "
                    + "LSTM \(network.meanAbsoluteScaledError), coverage \(try network.coverage(level: 0.8)); "
                    + "\(try ForecastComparison(network, smoothed))")
            #expect(network.meanAbsoluteScaledError < naive.meanAbsoluteScaledError)
            coverages.append(try network.coverage(level: 0.8))
        }
        let mean = coverages.reduce(0, +) / Double(coverages.count)
        #expect((0.75...0.85).contains(mean), "\(coverages)")
    }

    @Test func badOptionsAndData() throws {
        let series = try Self.short()
        func code(_ change: (inout SequenceForecaster) -> Void) -> MarketingMLError.Code? {
            var recipe = Self.small
            change(&recipe)
            do {
                _ = try recipe.fit(series)
                return nil
            } catch { return (error as? MarketingMLError)?.code }
        }
        #expect(code { $0.horizon = 0 } == .invalidOption)
        #expect(code { $0.window = 1 } == .invalidOption)
        #expect(code { $0.dropout = 1 } == .invalidOption)
        #expect(code { $0.learningRate = .nan } == .invalidOption)
        #expect(code { $0.networks = 0 } == .invalidOption)
        #expect(code { $0.period = 50 } == .emptyData)
        let model = try Self.small.fit(series)
        func forecastCode(_ steps: Int, _ series: TimeSeries) -> MarketingMLError.Code? {
            do {
                _ = try model.forecast(steps, after: series)
                return nil
            } catch { return (error as? MarketingMLError)?.code }
        }
        #expect(forecastCode(5, series) == .invalidOption)
        #expect(forecastCode(0, series) == .invalidOption)
        #expect(forecastCode(1, series.prefix(21)) == .emptyData)
        #expect(forecastCode(1, try TimeSeries(series.values)) == .shapeMismatch)
        let short = try TimeSeries(
            series.values, covariates: series.covariates.map { .init($0.name, Array($0.values.prefix(61))) })
        #expect(forecastCode(1, short) == nil)
        #expect(forecastCode(2, short) == .shapeMismatch)
    }
}
