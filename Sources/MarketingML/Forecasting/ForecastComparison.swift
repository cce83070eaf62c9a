import Tensor

/// Whether one recipe forecasts better than another, origin by origin.
///
/// The difference d of the mean absolute scaled errors is taken at each of n origins; neighbouring origins forecast partly the same
/// steps, so the variance of the mean of d counts their covariances (Newey, West, Econometrica 55 (1987), with as many lags as the
/// horizon has steps beyond the first). The test is that of Diebold, Mariano, Journal of Business & Economic Statistics 13 (1995), with Student's t
/// distribution of n − 1 degrees.
public struct ForecastComparison: Sendable, Equatable, Codable {
    /// The first recipe's name.
    public let first: String
    /// The second recipe's name.
    public let second: String
    /// The mean of the first's error minus the second's: below 0 if the first is better.
    public let difference: Double
    /// The standard error of the difference.
    public let standardError: Double
    /// The probability of a difference of this size or a greater one if both are equally good; nil if the difference never varies.
    public let pValue: Double?

    /// Compares two backtests over the same origins.
    ///
    /// - Throws: `.shapeMismatch` if origins or horizons are not the same; `.emptyData` for fewer than 3 origins.
    public init(_ first: Backtest, _ second: Backtest) throws(MarketingMLError) {
        guard first.horizon == second.horizon,
            first.origins.map(\.observed) == second.origins.map(\.observed)
        else {
            throw MarketingMLError(
                .shapeMismatch, "\(first.name) and \(second.name) were judged at different origins")
        }
        let differences = zip(first.scaledErrors, second.scaledErrors).map { $0 - $1 }
        let count = differences.count
        guard count >= 3 else {
            throw MarketingMLError(.emptyData, "a comparison needs 3 origins, there are \(count)")
        }
        let mean = differences.reduce(0, +) / Double(count)
        func covariance(_ lag: Int) -> Double {
            (lag..<count).reduce(0) { $0 + (differences[$1] - mean) * (differences[$1 - lag] - mean) }
                / Double(count)
        }
        // Steps of the origins further apart than one step share fewer forecasts.
        let step = max(1, first.origins[1].observed - first.origins[0].observed)
        let lags = min(count - 1, (first.horizon - 1) / step)
        var variance = covariance(0)
        for lag in 1..<lags + 1 {
            variance += 2 * (1 - Double(lag) / Double(lags + 1)) * covariance(lag)
        }
        self.first = first.name
        self.second = second.name
        difference = mean
        standardError = (max(0, variance) / Double(count)).squareRoot()
        pValue =
            standardError > 0
            ? 2
                * StudentTDistribution(degreesOfFreedom: Double(count - 1)).survival(
                    abs(mean) / standardError)
            : nil
    }
}

extension ForecastComparison: CustomStringConvertible {
    /// `LSTM minus Holt-Winters: -0.0312 (standard error 0.0121, p 0.0130)`.
    public var description: String {
        let p = pValue.map { ", p " + TableText.probability($0) } ?? ""
        return "\(first) minus \(second): \(TableText.fixed(difference, decimals: 4)) "
            + "(standard error \(TableText.fixed(standardError, decimals: 4))\(p))"
    }
}
