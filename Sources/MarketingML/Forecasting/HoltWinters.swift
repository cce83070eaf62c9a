import Foundation
import Tensor

/// Exponential smoothing with trend and season after Holt and Winters: the recipe.
///
/// With level l, trend b, season s of period m, all additive and undamped, each step does
///
///     forecast   l + b + s₍ₜ₋ₘ₎
///     l' = α (y − s₍ₜ₋ₘ₎) + (1 − α) (l + b)
///     b' = β (l' − l) + (1 − β) b
///     s' = γ (y − l − b) + (1 − γ) s₍ₜ₋ₘ₎
///
/// A damped trend has φ b in the place of b (additive) or b^φ (multiplicative: b is a factor); a multiplicative season divides
/// and multiplies where an additive one subtracts and adds. `fit` chooses α, β, γ and φ by least squares of the forecasts of one
/// step unless they are given; the first states come from the first seasons.
///
/// ```swift
/// let model = try HoltWinters(trend: .additive, season: .multiplicative, period: 52).fit(series)
/// model.forecast(13)
/// ```
///
/// References: Winters, Management Science 6 (1960); Gardner, McKenzie, Management Science 31 (1985); first states after
/// Hyndman, Koehler, Ord, Snyder: Forecasting with Exponential Smoothing (2008), section 2.6.1.
public struct HoltWinters: Sendable, Equatable, Codable {
    /// How trend or season enter.
    public enum Component: String, Sendable, Codable, CaseIterable {
        /// Not at all.
        case none
        /// As a summand.
        case additive
        /// As a factor; the numbers must be above 0.
        case multiplicative
    }

    /// The smoothing parameters, each in 0...1.
    public struct Parameters: Sendable, Equatable, Codable {
        /// Smoothing of the level.
        public var alpha: Double
        /// Smoothing of the trend.
        public var beta: Double
        /// Smoothing of the season.
        public var gamma: Double
        /// Damping of the trend; 1: none.
        public var phi: Double

        /// Creates parameters; those of components that are not there do not matter.
        public init(alpha: Double, beta: Double = 0, gamma: Double = 0, phi: Double = 1) {
            self.alpha = alpha
            self.beta = beta
            self.gamma = gamma
            self.phi = phi
        }
    }

    /// The trend.
    public var trend: Component
    /// Whether the trend dies away.
    public var isDamped: Bool
    /// The season.
    public var season: Component
    /// Steps in a season (m), from 2 on.
    public var period: Int
    /// Given parameters; nil fits them.
    public var parameters: Parameters?

    /// Creates a recipe.
    public init(
        trend: Component = .additive, isDamped: Bool = false, season: Component = .none, period: Int = 1,
        parameters: Parameters? = nil
    ) {
        self.trend = trend
        self.isDamped = isDamped
        self.season = season
        self.period = period
        self.parameters = parameters
    }

    /// Fits the model to a series.
    ///
    /// - Throws: `.invalidOption`; `.emptyData` for fewer than 10 numbers, or with a season than two seasons and than 10 + m;
    ///   `.unsupported` for numbers that are not above 0 where a component is multiplicative.
    /// - Complexity: some hundred passes over the series.
    public func fit(_ series: TimeSeries) throws -> HoltWintersModel {
        try check(series)
        let start = HoltWintersState.initial(self, series.values)
        let parameters = self.parameters ?? fittedParameters(series.values, start)
        return HoltWintersModel(recipe: self, parameters: parameters, initial: start, series: series)
    }

    /// How many numbers a fit needs.
    var minimumCount: Int { season == .none ? 10 : max(2 * period, 10 + 2 * (period / 2)) }

    func checkOptions() throws(MarketingMLError) {
        guard season == .none || (2...1_000_000).contains(period) else {
            throw MarketingMLError(
                .invalidOption, "must be at least 2 for a season, is \(period)", at: .init(name: "period"))
        }
        guard !isDamped || trend != .none else {
            throw MarketingMLError(
                .invalidOption, "there is no trend to be damped", at: .init(name: "isDamped"))
        }
        guard let given = parameters else { return }
        for (name, value) in [
            ("alpha", given.alpha), ("beta", given.beta), ("gamma", given.gamma), ("phi", given.phi),
        ] where !(0...1).contains(value) {
            throw MarketingMLError(
                .invalidOption, "must be in 0...1, is \(value)", at: .init(name: name))
        }
    }

    private func check(_ series: TimeSeries) throws(MarketingMLError) {
        try checkOptions()
        guard series.count >= minimumCount else {
            throw MarketingMLError(
                .emptyData, "the fit needs \(minimumCount) numbers, the series has \(series.count)")
        }
        try checkSigns(series)
    }

    func checkSigns(_ series: TimeSeries) throws(MarketingMLError) {
        guard trend == .multiplicative || season == .multiplicative else { return }
        if let step = series.values.firstIndex(where: { $0 <= 0 }) {
            throw MarketingMLError(
                .unsupported, "is \(series.values[step]): multiplicative components need numbers above 0",
                at: .init(row: step + 1, name: "series"))
        }
    }

    /// The parameters with the least sum of squares: the best of a grid, improved by Nelder and Mead's simplex.
    private func fittedParameters(_ values: [Double], _ start: HoltWintersState) -> Parameters {
        func error(_ parameters: Parameters) -> Double {
            var state = start
            var sum = 0.0
            for value in values {
                let miss = value - state.advance(self, parameters, value)
                sum += miss * miss
            }
            return sum.isFinite ? sum : .infinity
        }
        // Free numbers to parameters: shares in 0...1, whose ends are often the best and so must be within reach; the season's
        // within 1 − α, the damping in 0.8...0.995.
        func share(_ x: Double) -> Double { sin(x) * sin(x) }
        func parameters(_ x: [Double]) -> Parameters {
            var result = Parameters(alpha: share(x[0]))
            var next = 1
            func take() -> Double {
                defer { next += 1 }
                return share(x[next])
            }
            if trend != .none { result.beta = take() }
            if season != .none { result.gamma = (1 - result.alpha) * take() }
            if isDamped { result.phi = 0.8 + 0.195 * take() }
            return result
        }
        let count = 1 + (trend == .none ? 0 : 1) + (season == .none ? 0 : 1) + (isDamped ? 1 : 0)
        let grid: [Double] = [0.2, 0.55, 1]
        var starts: [(error: Double, x: [Double])] = []
        let corners = (0..<count).reduce(1) { power, _ in power * grid.count }
        for index in 0..<corners {
            var rest = index
            let x = (0..<count).map { _ in
                defer { rest /= grid.count }
                return grid[rest % grid.count]
            }
            starts.append((error(parameters(x)), x))
        }
        starts.sort { $0.error < $1.error }
        let results = starts.prefix(6).map { start in
            NelderMead.minimum(from: start.x, step: 0.3) { error(parameters($0)) }
        }
        guard let best = results.min(by: { $0.value < $1.value }) else { return parameters(starts[0].x) }
        // A simplex that has become flat misses directions; a new one finds them.
        return parameters(NelderMead.minimum(from: best.x, step: 0.5) { error(parameters($0)) }.x)
    }
}

extension HoltWinters: Forecaster {
    /// `Holt-Winters (damped additive trend, multiplicative season 52)`.
    public var name: String {
        var parts: [String] = []
        if trend != .none { parts.append((isDamped ? "damped " : "") + trend.rawValue + " trend") }
        if season != .none { parts.append(season.rawValue + " season \(period)") }
        return parts.isEmpty
            ? "exponential smoothing" : "Holt-Winters (" + parts.joined(separator: ", ") + ")"
    }

    /// As ``fit(_:)``.
    public func fitForecaster(
        _ series: TimeSeries, progress: ProgressHandler?
    ) throws -> any FittedForecaster {
        try fit(series)
    }
}
