#if canImport(Darwin)
    import func Darwin.ceil
#elseif canImport(Musl)
    import func Musl.ceil
#else
    import func Glibc.ceil
#endif
import Tensor

/// What a recipe would have forecast in the past: from many origins, each time knowing only what had been observed by then.
///
/// ```swift
/// let judged = try HoltWinters(season: .additive, period: 52).backtest(on: series, horizon: 8, origins: 40, period: 52)
/// judged.meanAbsoluteScaledError        // below 1: better than last year's numbers
/// try judged.coverage(level: 0.8)       // of intervals made of the errors of earlier origins
/// ```
public struct Backtest: Sendable, Equatable, Codable {
    /// One origin: what was forecast there and what came.
    public struct Origin: Sendable, Equatable, Codable {
        /// How many steps had been observed.
        public let observed: Int
        /// The numbers forecast for the next steps.
        public let forecast: [Double]
        /// The numbers that came.
        public let actual: [Double]
        /// The seasonal naive forecast's mean absolute error of one step within what had been observed.
        public let scale: Double

        /// What came minus what was forecast.
        public var errors: [Double] { zip(actual, forecast).map { $0 - $1 } }
    }

    /// What was judged.
    public let name: String
    /// The steps of each forecast (H).
    public let horizon: Int
    /// The origins, in the order of time.
    public let origins: [Origin]

    init(name: String, horizon: Int, origins: [Origin]) {
        self.name = name
        self.horizon = horizon
        self.origins = origins
    }

    /// Mean absolute scaled error: the errors over the seasonal naive forecast's error of one step in the past of each origin.
    ///
    /// Hyndman, Koehler, International Journal of Forecasting 22 (2006), doi:10.1016/j.ijforecast.2006.03.001.
    public var meanAbsoluteScaledError: Double { mean(scaledErrors) }

    /// The mean absolute error.
    public var meanAbsoluteError: Double {
        mean(origins.flatMap { $0.errors.map { abs($0) } })
    }

    /// The square root of the mean squared error.
    public var rootMeanSquaredError: Double {
        mean(origins.flatMap { $0.errors.map { $0 * $0 } }).squareRoot()
    }

    /// The mean absolute error of each step ahead.
    public var errorBySteps: [Double] {
        (0..<horizon).map { step in mean(origins.map { abs($0.errors[step]) }) }
    }

    /// The mean absolute scaled error of each origin.
    var scaledErrors: [Double] {
        origins.map { origin in mean(origin.errors.map { abs($0) / origin.scale }) }
    }

    /// A forecast with intervals from this backtest's errors: those of forecasts as many steps ahead.
    ///
    /// With n errors the interval's half width is the ⌈(n + 1) l⌉-th smallest absolute error (split conformal prediction: Lei et
    /// al., JASA 113 (2018)). Where all numbers are above 0, errors count as shares of the forecast: a week that sells twice as
    /// much also errs by twice as much. l is the level, raised after each number that fell outside of its interval and lowered
    /// after each that came inside (adaptive conformal inference: Gibbs, Candès, arXiv:2106.00184), so that intervals keep their
    /// level when errors grow, or when the first ones were lucky.
    ///
    /// - Throws: `.invalidOption` for a level outside (0, 1) or more steps than the horizon; `.emptyData` if there are too few
    ///   origins for the level.
    public func forecast(_ values: [Double], level: Double = 0.8) throws(MarketingMLError) -> Forecast {
        try checkLevel(level)
        guard values.count <= horizon else {
            throw MarketingMLError(
                .invalidOption, "\(values.count) steps, the backtest has a horizon of \(horizon)",
                at: .init(name: "horizon"))
        }
        let adapted = adaptedIntervals(level: level).next
        guard let widths = halfWidths(level: level, adapted: adapted) else { throw Self.tooFew(level) }
        return interval(around: values, widths, level: level)
    }

    /// The forecast of each origin with intervals made of the errors that were known at that origin: those of earlier forecasts whose
    /// steps had come. Nil where there were too few.
    ///
    /// - Throws: `.invalidOption` for a level outside (0, 1).
    public func intervals(level: Double = 0.8) throws(MarketingMLError) -> [Forecast?] {
        try checkLevel(level)
        return adaptedIntervals(level: level).intervals
    }

    /// The share of the numbers that came inside the ``intervals(level:)``.
    ///
    /// - Throws: `.invalidOption`; `.emptyData` if no origin had enough earlier errors.
    public func coverage(level: Double = 0.8) throws(MarketingMLError) -> Double {
        var (inside, count) = (0, 0)
        for (forecast, origin) in zip(try intervals(level: level), origins) {
            guard let forecast else { continue }
            for (step, number) in origin.actual.enumerated() {
                count += 1
                if forecast.lower[step] <= number, number <= forecast.upper[step] { inside += 1 }
            }
        }
        guard count > 0 else { throw Self.tooFew(level) }
        return Double(inside) / Double(count)
    }

    /// By how much a number outside of its interval moves the level, times the level; one inside, times the rest.
    ///
    /// Chosen on simulated errors (weekly noise, a level that wanders): with 0.02 intervals of 80 % covered 80 % ± 2 to 3 % from 40
    /// origins, ± 7 % without; twice as much made them too narrow.
    private static let adaptation = 0.02

    /// The intervals of the origins, in the order of time, and the level that all outcomes lead to.
    private func adaptedIntervals(level: Double) -> (intervals: [Forecast?], next: Double) {
        var adapted = level
        var intervals: [Forecast?] = []
        /// Steps of each origin whose outcome has moved the level.
        var counted = [Int](repeating: 0, count: origins.count)
        func learn(knownAt known: Int) {
            for (index, forecast) in intervals.enumerated() {
                let origin = origins[index]
                while counted[index] < horizon, origin.observed + counted[index] + 1 <= known {
                    let step = counted[index]
                    counted[index] += 1
                    guard let forecast else { continue }
                    let inside = forecast.lower[step]...forecast.upper[step] ~= origin.actual[step]
                    adapted += Self.adaptation * (inside ? level - 1 : level)
                }
            }
            adapted = min(1, max(0, adapted))
        }
        for origin in origins {
            learn(knownAt: origin.observed)
            intervals.append(
                halfWidths(level: level, adapted: adapted, knownAt: origin.observed).map {
                    interval(around: origin.forecast, $0, level: level)
                })
        }
        learn(knownAt: .max)
        return (intervals, adapted)
    }

    /// Whether errors count as shares of the forecast: all numbers are above 0.
    private var isRelative: Bool {
        origins.allSatisfy { ($0.forecast + $0.actual).allSatisfy { $0 > 0 } }
    }

    private func interval(around values: [Double], _ widths: [Double], level: Double) -> Forecast {
        let widths = isRelative ? zip(values, widths).map { abs($0) * $1 } : widths
        return Forecast(
            values: values, lower: zip(values, widths).map { $0 - $1 },
            upper: zip(values, widths).map { $0 + $1 }, level: level)
    }

    /// For each step ahead the half width of an interval, as a share of the forecast if errors are relative; nil if the errors are
    /// too few for the level.
    ///
    /// - Parameters:
    ///   - adapted: The level that earlier outcomes made of it.
    ///   - known: Errors of steps after this one are not known yet.
    private func halfWidths(level: Double, adapted: Double, knownAt known: Int = .max) -> [Double]? {
        let isRelative = isRelative
        var widths: [Double] = []
        for step in 0..<horizon {
            let errors = origins.filter { $0.observed + step + 1 <= known }.map { origin in
                abs(origin.errors[step]) / (isRelative ? origin.forecast[step] : 1)
            }.sorted()
            func rank(_ level: Double) -> Int { Int(ceil(Double(errors.count + 1) * level)) }
            guard rank(level) <= errors.count else { return nil }
            widths.append(errors[min(max(1, rank(adapted)), errors.count) - 1])
        }
        return widths
    }

    private static func tooFew(_ level: Double) -> MarketingMLError {
        MarketingMLError(
            .emptyData, "the backtest has too few origins for intervals of the level \(level)",
            at: .init(name: "origins"))
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
}

extension Forecaster {
    /// Forecasts from many origins in the past and compares with what came.
    ///
    /// The last origin leaves just `horizon` steps to compare with, the others are `step` steps before each other. At each origin
    /// the recipe sees the observations up to there alone, and covariates, which are known in advance.
    ///
    /// - Parameters:
    ///   - series: The whole series.
    ///   - horizon: The steps to forecast at each origin (H).
    ///   - origins: How many origins.
    ///   - step: The steps from one origin to the next.
    ///   - period: The season of the naive forecast that errors are scaled by; 1 for series without.
    ///   - refitInterval: The recipe is fitted anew at every so-many-th origin, the first included; between, the fitted model goes on
    ///     with the new observations.
    /// - Throws: `.invalidOption`; `.emptyData` if the first origin has not seen more than a season, or nothing ever changes; what
    ///   the recipe throws.
    public func backtest(
        on series: TimeSeries, horizon: Int, origins: Int, step: Int = 1, period: Int,
        refitInterval: Int = 1, progress: ProgressHandler? = nil
    ) throws -> Backtest {
        for (name, value) in [
            ("horizon", horizon), ("origins", origins), ("step", step), ("period", period),
            ("refitInterval", refitInterval),
        ] where !(1...1_000_000).contains(value) {
            throw MarketingMLError(
                .invalidOption, "must be from 1 to 1000000, is \(value)", at: .init(name: name))
        }
        let first = series.count - horizon - (origins - 1) * step
        guard first > period else {
            throw MarketingMLError(
                .emptyData,
                "\(origins) origins, \(step) steps apart, and a horizon of \(horizon) leave \(first) of \(series.count) steps "
                    + "before the first; more than a season of \(period) is needed")
        }
        var results: [Backtest.Origin] = []
        var model: (any FittedForecaster)?
        for index in 0..<origins {
            try Task.checkCancellation()
            let known = series.prefix(first + index * step)
            guard let scale = known.seasonalNaiveError(period: period) else {
                throw MarketingMLError(
                    .emptyData, "the first \(known.count) numbers repeat their season: errors have no scale")
            }
            let current: any FittedForecaster
            if let model, index % refitInterval != 0 {
                current = model
            } else {
                current = try fitForecaster(known, progress: nil)
                model = current
            }
            let forecast = try current.forecast(horizon, after: known)
            guard forecast.count == horizon else {
                throw MarketingMLError(
                    .shapeMismatch, "\(name) gave \(forecast.count) of the \(horizon) steps of a forecast")
            }
            guard forecast.allSatisfy(\.isFinite) else {
                throw MarketingMLError(
                    .notFinite, "\(name)'s forecast after \(known.count) numbers holds NaN or infinity")
            }
            results.append(
                Backtest.Origin(
                    observed: known.count, forecast: forecast,
                    actual: Array(series.values[known.count..<known.count + horizon]), scale: scale))
            let event = ProgressEvent(
                phase: .other("backtest, \(name)"), step: index + 1, total: origins, rateUnit: "origins")
            if progress?(event) == .stop { break }
        }
        return Backtest(name: name, horizon: horizon, origins: results)
    }
}
