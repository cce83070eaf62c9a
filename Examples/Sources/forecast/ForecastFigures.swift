import MarketingML

/// What `--json` writes.
struct ForecastFigures: Codable {
    struct Judged: Codable {
        var name: String
        var mase: Double
        var meanAbsoluteError: Double
        var coverage: Double
    }

    var backtests: [Judged]
    var best: String
    var dates: [String]
    var forecast: Forecast
}
