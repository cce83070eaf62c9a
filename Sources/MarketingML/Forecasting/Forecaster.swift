import Tensor

/// A recipe for forecasting a series: its options, before any data.
public protocol Forecaster: Sendable {
    /// What the recipe is called in tables.
    var name: String { get }

    /// Fits the recipe to a series.
    ///
    /// - Throws: `.emptyData` for a series that is too short, `.invalidOption`, and what the recipe says; `CancellationError`.
    func fitForecaster(_ series: TimeSeries, progress: ProgressHandler?) throws -> any FittedForecaster
}

/// A fitted forecasting model.
public protocol FittedForecaster: Sendable {
    /// The numbers of the `steps` steps after the end of a series: the one it was fitted on, or one that goes on where that ended.
    ///
    /// - Throws: `.emptyData` for a series that is too short, `.invalidOption` for fewer steps than 1 or more than it can do,
    ///   `.shapeMismatch` for covariates that do not reach that far.
    func forecast(_ steps: Int, after series: TimeSeries) throws -> [Double]
}

/// A forecast and the area in which the numbers will lie in a share `level` of all cases.
public struct Forecast: Sendable, Equatable, Codable {
    /// The expected numbers, the next step first.
    public let values: [Double]
    /// The lower ends.
    public let lower: [Double]
    /// The upper ends.
    public let upper: [Double]
    /// How often the area holds the number, in (0, 1).
    public let level: Double
}

/// The last season again: the number of a step is that of one period before. What every forecast has to beat.
public struct SeasonalNaive: Forecaster, FittedForecaster, Equatable {
    /// Steps in a season; 1 repeats the last number.
    public var period: Int

    /// Creates the recipe.
    public init(period: Int) { self.period = period }

    /// `seasonal naive (52)`.
    public var name: String { "seasonal naive (\(period))" }

    /// There is nothing to fit: the recipe itself.
    public func fitForecaster(
        _ series: TimeSeries, progress: ProgressHandler?
    ) throws -> any FittedForecaster {
        try check(series)
        return self
    }

    /// The numbers of the last season, as often as needed.
    public func forecast(_ steps: Int, after series: TimeSeries) throws -> [Double] {
        try check(series)
        try checkSteps(steps)
        return (0..<steps).map { series.values[series.count - period + $0 % period] }
    }

    private func check(_ series: TimeSeries) throws(MarketingMLError) {
        guard period >= 1 else {
            throw MarketingMLError(
                .invalidOption, "must be at least 1, is \(period)", at: .init(name: "period"))
        }
        guard series.count >= period else {
            throw MarketingMLError(
                .emptyData, "a season has \(period) steps, the series only \(series.count)")
        }
    }
}

/// - Throws: `.invalidOption`.
func checkSteps(_ steps: Int) throws(MarketingMLError) {
    guard (1...1_000_000).contains(steps) else {
        throw MarketingMLError(
            .invalidOption, "must be from 1 to 1000000, is \(steps)", at: .init(name: "steps"))
    }
}
