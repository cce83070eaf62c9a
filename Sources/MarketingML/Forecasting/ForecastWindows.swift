/// A series cut into what a network reads: some observed steps, then the steps to forecast with what is known of them.
///
/// A step has the features
///
///     value, lagged value, whether it is to be forecast, covariates, covariates at the lagged step
///
/// where the lagged step is the last known one at the same place of the season. Values are taken in the mean and the standard deviation of
/// the window's observed ones, and the value of a step to be forecast is 0: nothing after the origin is seen. A target is
/// the number minus the lagged one, so a network that says 0 forecasts the last season again.
struct ForecastWindows: Sendable, Equatable, Codable {
    /// Observed steps (W).
    let window: Int
    /// Steps to forecast (H).
    let horizon: Int
    /// Steps in a season.
    let period: Int
    /// The mean and the spread of each covariate over the training steps.
    let covariates: [Scale]

    struct Scale: Sendable, Equatable, Codable {
        var name: String
        var mean: Double
        var deviation: Double
    }

    /// One window.
    struct Sample {
        /// [W + H, F], row by row.
        var features: [Float]
        /// The lagged numbers of the steps to forecast.
        var lagged: [Double]
        /// What values are divided by.
        var deviation: Double
    }

    init(window: Int, horizon: Int, period: Int, series: TimeSeries) {
        self.window = window
        self.horizon = horizon
        self.period = period
        covariates = series.covariates.map { covariate in
            // Plans for later steps must not move the scale of earlier ones.
            let (mean, deviation) = Self.moments(covariate.values.prefix(series.count))
            return Scale(name: covariate.name, mean: mean, deviation: deviation)
        }
    }

    /// How many steps must have been observed.
    var minimumCount: Int { window + period }
    /// F, the number of features of a step.
    var width: Int { 3 + 2 * covariates.count }

    /// The window that ends after `observed` steps; `series` must reach, with its plans, H steps further.
    func sample(_ series: TimeSeries, observed: Int) -> Sample {
        let (mean, deviation) = Self.moments(series.values[observed - window..<observed])
        func scaled(_ value: Double) -> Float { Float((value - mean) / deviation) }
        var sample = Sample(features: [], lagged: [], deviation: deviation)
        sample.features.reserveCapacity((window + horizon) * width)
        for step in observed - window..<observed + horizon {
            let isFuture = step >= observed
            let seasons = isFuture ? (step - observed) / period + 1 : 1
            let lag = step - seasons * period
            sample.features.append(isFuture ? 0 : scaled(series.values[step]))
            sample.features.append(scaled(series.values[lag]))
            sample.features.append(isFuture ? 1 : 0)
            for (scale, covariate) in zip(covariates, series.covariates) {
                sample.features.append(Float((covariate.values[step] - scale.mean) / scale.deviation))
                sample.features.append(Float((covariate.values[lag] - scale.mean) / scale.deviation))
            }
            if isFuture { sample.lagged.append(series.values[lag]) }
        }
        return sample
    }

    /// What the network has to say for that window.
    func targets(_ series: TimeSeries, observed: Int, _ sample: Sample) -> [Float] {
        (0..<horizon).map { step in
            Float((series.values[observed + step] - sample.lagged[step]) / sample.deviation)
        }
    }

    /// The mean, and the standard deviation or, of numbers that are all the same, 1.
    private static func moments(_ values: ArraySlice<Double>) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0, +) / Double(max(1, values.count))
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let deviation = (squares / Double(max(1, values.count))).squareRoot()
        return (mean, deviation > 1e-9 * abs(mean) && deviation > 0 ? deviation : 1)
    }
}
