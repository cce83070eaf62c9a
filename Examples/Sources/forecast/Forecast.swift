import ArgumentParser
import ExampleSupport
import Foundation
import MarketingML

@main
struct ForecastCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast",
        abstract: "Forecasts a series of numbers, judged on its own past.",
        discussion: """
            The file is a CSV or TSV table, also compressed (.gz), a row a step, the oldest first. Rows at its end whose number \
            is blank are steps to forecast, for which covariates (planned promotions, say) are given. Without --csv a \
            built-in weekly demand with a trend, seasons and promotions serves. Every method is judged from many origins \
            in the past, at each of which it knows only what had been observed by then; the best one forecasts.
            """)

    @Option(help: "The table.", completion: .file()) var csv: String?
    @Option(help: "The column of the dates.") var date = "date"
    @Option(help: "The column of the numbers.") var value = "value"
    @Option(help: "Columns that are known in advance, with commas between them.") var covariates = ""
    @Option(help: "Steps in a season; 1 for none. (default: 52)") var period = 52
    @Option(help: "Steps to forecast.") var horizon = 8
    @Option(help: "Origins in the past to judge from.") var origins = 40
    @Option(help: "Networks are trained anew at every so-many-th origin.") var refitInterval = 20
    @Option(help: "What the intervals cover, between 0 and 1.") var level = 0.8
    @Option(help: "all, naive, holt-winters, lstm or gru.") var method = Method.all
    @Option(help: "Passes of a network over its windows.") var epochs = 40
    @Option(help: "Every random choice follows from it.") var seed: UInt64 = 42
    @Option(help: "Draw the forecast into this file.") var svg = "forecast.svg"
    @Option(help: "Write the figures to this file.", completion: .file()) var json: String?
    @Flag(help: "Fail unless the best method beats the seasonal naive one.") var assertBetterThanNaive = false

    func run() throws {
        do {
            try tellTheStory()
        } catch {
            Terminal.write("forecast: \(error)\n")
            throw ExitCode.failure
        }
    }

    /// Read, judge on the past, compare, forecast, draw: in the order in which a reader wants to see it.
    private func tellTheStory() throws {
        let data =
            try csv.map {
                try ForecastData(
                    csv: URL(fileURLWithPath: $0), date: date, value: value,
                    covariates: covariates.split(separator: ",").map(String.init))
            } ?? ForecastData.sample(horizon: horizon)
        let series = data.series
        print(
            "\(series.count) steps from \(data.dates.first ?? "") to \(data.dates[series.count - 1]), covariates: "
                + (series.covariates.isEmpty ? "none" : series.covariates.map(\.name).joined(separator: ", "))
        )

        let candidates = method.candidates(
            series, period: period, horizon: horizon, epochs: epochs, seed: seed)
        let bar = ProgressBar()
        let judged = try candidates.map { recipe in
            try recipe.backtest(
                on: series, horizon: horizon, origins: origins, period: period,
                refitInterval: recipe is SequenceForecaster ? refitInterval : 1
            ) { bar.update($0) }
        }
        bar.finish()
        let naive = judged[0]
        print(
            "\nFrom \(origins) origins, \(horizon) steps each; errors in those of the seasonal naive forecast\n"
        )
        let rows = try judged.map {
            [
                $0.name, Figures.fixed($0.meanAbsoluteScaledError, digits: 3),
                Figures.fixed($0.meanAbsoluteError, digits: 2),
                Figures.fixed(100 * (try $0.coverage(level: level)), digits: 1) + " %",
            ]
        }
        printTable([["method", "MASE", "mean error", "in \(Int(100 * level)) % interval"]] + rows)
        guard
            let best = judged.indices.min(by: {
                judged[$0].meanAbsoluteScaledError < judged[$1].meanAbsoluteScaledError
            })
        else { return }
        print("")
        for other in judged.indices where other != best {
            print(try ForecastComparison(judged[best], judged[other]))
        }

        let values = try candidates[best].fitForecaster(series, progress: nil)
            .forecast(horizon, after: series)
        let forecast = try judged[best].forecast(values, level: level)
        let dates = data.datesToCome(horizon)
        print("\nForecast of \(candidates[best].name)\n")
        printTable(
            [["date", "forecast", "from", "to"]]
                + (0..<horizon).map { step in
                    [dates[step]]
                        + [forecast.values[step], forecast.lower[step], forecast.upper[step]].map {
                            Figures.fixed($0, digits: 1)
                        }
                })
        let chart = LineChart.forecast(
            title: candidates[best].name, observed: Array(series.values.suffix(2 * max(period, 26))),
            forecast,
            labels: Array(data.dates.prefix(series.count).suffix(2 * max(period, 26))) + dates,
            valueTitle: data.valueName)
        try chart.save(to: URL(fileURLWithPath: svg))
        print("\ndrawn into \(svg)")
        if let json {
            try ForecastFigures(
                backtests: judged.map {
                    .init(
                        name: $0.name, mase: $0.meanAbsoluteScaledError,
                        meanAbsoluteError: $0.meanAbsoluteError,
                        coverage: try $0.coverage(level: level))
                }, best: candidates[best].name, dates: dates, forecast: forecast
            ).writeJSON(to: URL(fileURLWithPath: json))
        }
        if assertBetterThanNaive, judged[best].meanAbsoluteScaledError >= naive.meanAbsoluteScaledError {
            throw Failure("nothing beats the seasonal naive forecast")
        }
    }

    private func printTable(_ rows: [[String]]) {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + space : space + row[column]
            }
            print(cells.joined(separator: "  "))
        }
    }
}

/// The methods that the example knows.
enum Method: String, CaseIterable, ExpressibleByArgument {
    case all
    case naive
    case holtWinters = "holt-winters"
    case lstm
    case gru

    /// The recipes to judge; the seasonal naive one is always the first.
    func candidates(
        _ series: TimeSeries, period: Int, horizon: Int, epochs: Int, seed: UInt64
    ) -> [any Forecaster] {
        let isPositive = series.values.allSatisfy { $0 > 0 }
        let season: HoltWinters.Component = period == 1 ? .none : isPositive ? .multiplicative : .additive
        let exponential = HoltWinters(trend: .additive, isDamped: true, season: season, period: period)
        func network(_ cell: SequenceForecaster.Cell) -> SequenceForecaster {
            SequenceForecaster(cell: cell, horizon: horizon, period: period, epochs: epochs, seed: seed)
        }
        let others: [any Forecaster] =
            switch self {
            case .all: [exponential, network(.lstm)]
            case .naive: []
            case .holtWinters: [exponential]
            case .lstm: [network(.lstm)]
            case .gru: [network(.gru)]
            }
        return [SeasonalNaive(period: period)] + others
    }
}
