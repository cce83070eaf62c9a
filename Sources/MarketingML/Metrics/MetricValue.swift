/// A figure that was measured on examples, with the interval in which its true value lies, when that was asked for.
public struct MetricValue: Sendable, Equatable, Codable {
    /// The figure.
    public var value: Double
    /// Its confidence interval.
    public var interval: ConfidenceInterval?

    /// Creates a figure.
    public init(_ value: Double, interval: ConfidenceInterval? = nil) {
        self.value = value
        self.interval = interval
    }
}

/// An interval that covers the true value of a figure in a share `level` of all samples.
public struct ConfidenceInterval: Sendable, Equatable, Codable {
    /// The lower end.
    public var lower: Double
    /// The upper end.
    public var upper: Double
    /// How often such intervals cover the truth, in (0, 1).
    public var level: Double
    /// How it was computed.
    public var method: IntervalMethod

    /// Creates an interval.
    public init(lower: Double, upper: Double, level: Double, method: IntervalMethod) {
        self.lower = lower
        self.upper = upper
        self.level = level
        self.method = method
    }

    /// Whether a value lies in it.
    public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
}

/// How a confidence interval is computed.
public enum IntervalMethod: Sendable, Equatable, Codable {
    /// The percentiles of the figure over resamples of the examples, drawn with replacement; for every metric. Resamples in
    /// which the metric is not defined (all of one class) are drawn again.
    ///
    /// Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13.
    case bootstrap(resamples: Int = 1000, seed: UInt64 = 1)
    /// DeLong's asymptotic variance of the area under the ROC curve; for `Scoring.rocAUC` of two classes without weights.
    ///
    /// DeLong, DeLong, Clarke-Pearson: Biometrics 44, 1988, doi:10.2307/2531595.
    case deLong
    /// Wilson's score interval of a proportion; for `Scoring.accuracy` without weights.
    ///
    /// Wilson: JASA 22, 1927, doi:10.1080/01621459.1927.10502953.
    case wilson
}

extension MetricValue: CustomStringConvertible {
    /// `0.7853 [0.7689, 0.8017]`.
    public var description: String {
        let value = TableText.fixed(value, decimals: 4)
        guard let interval else { return value }
        let ends = [interval.lower, interval.upper].map { TableText.fixed($0, decimals: 4) }
        return "\(value) [\(ends.joined(separator: ", "))]"
    }
}
