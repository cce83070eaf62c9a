import Foundation
import MarketingML

/// A series with its dates.
struct ForecastData {
    let series: TimeSeries
    /// A date a step; those of steps to forecast may follow.
    let dates: [String]
    /// What the numbers are.
    let valueName: String

    /// Reads a table; rows at the end without a number are steps to forecast.
    ///
    /// - Throws: `.notFinite` with file, line and column for a number that is missing before the last one, and for one of a covariate.
    init(csv: URL, date: String, value: String, covariates: [String]) throws {
        let table = try Table(csv: csv, kinds: [date: .text])
        let numbers = try table[value].numbers()
        let count = (numbers.lastIndex { !$0.isNaN } ?? -1) + 1
        dates = try table[date].texts().map { $0 ?? "" }
        series = try TimeSeries(
            try Self.present(numbers.prefix(count), value, in: csv),
            covariates: covariates.map {
                TimeSeries.Covariate($0, try Self.present(table[$0].numbers()[...], $0, in: csv))
            })
        valueName = value
    }

    private static func present(_ numbers: ArraySlice<Double>, _ column: String, in file: URL) throws
        -> [Double]
    {
        guard let index = numbers.firstIndex(where: \.isNaN) else { return Array(numbers) }
        // The names of the columns stand in the first line.
        throw MarketingMLError(
            .notFinite, "the number is missing", at: .init(file: file.path, row: index + 2, name: column))
    }

    private init(series: TimeSeries, dates: [String], valueName: String) {
        self.series = series
        self.dates = dates
        self.valueName = valueName
    }

    /// Four and a half years of weekly demand: a trend, a season of the year, promotions that double the demand of a week and take
    /// something from the next one, and noise.
    static func sample(horizon: Int) throws -> ForecastData {
        var random = SeededGenerator(seed: 11)
        let count = 234
        var promotions: [Double] = []
        var values: [Double] = []
        for week in 0..<count + horizon {
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
        let series = try TimeSeries(values, covariates: [.init("promotion", promotions)])
        let first = Date(timeIntervalSince1970: 1_609_718_400)  // Monday, 4 January 2021
        return ForecastData(
            series: series,
            dates: (0..<count).map { Self.text(first.addingTimeInterval(Double($0) * 7 * 86_400)) },
            valueName: "demand")
    }

    /// The dates of the steps to forecast: as the table has them, else in the distance of the last two, else counted.
    func datesToCome(_ horizon: Int) -> [String] {
        let given = dates.dropFirst(series.count)
        if given.count >= horizon { return Array(given.prefix(horizon)) }
        let last = dates.prefix(series.count).suffix(2).compactMap { Self.date($0) }
        guard last.count == 2 else { return (1...horizon).map { "+\($0)" } }
        let distance = last[1].timeIntervalSince(last[0])
        return (1...horizon).map { Self.text(last[1].addingTimeInterval(Double($0) * distance)) }
    }

    private static var format: Date.ISO8601FormatStyle { Date.ISO8601FormatStyle().year().month().day() }
    private static func text(_ date: Date) -> String { date.formatted(format) }
    private static func date(_ text: String) -> Date? { try? Date(text, strategy: format) }
}
