import Tensor

/// Numbers at equal distances in time, such as the demand of each week, and what is known beside them.
public struct TimeSeries: Sendable, Equatable {
    /// Numbers that are known in advance, such as planned promotions, one a step.
    public struct Covariate: Sendable, Equatable {
        /// What it is.
        public let name: String
        /// Its numbers; those of steps after the series' end are plans.
        public let values: [Double]

        /// Creates a covariate.
        public init(_ name: String, _ values: [Double]) {
            self.name = name
            self.values = values
        }
    }

    /// The observed numbers, the oldest first (N).
    public let values: [Double]
    /// What is known beside them, also for the steps to forecast: each N numbers or more.
    public let covariates: [Covariate]

    /// Creates a series.
    ///
    /// - Throws: `.emptyData`; `.notFinite` with the step, counted from 1; `.shapeMismatch` for a covariate of fewer numbers.
    public init(_ values: [Double], covariates: [Covariate] = []) throws(MarketingMLError) {
        guard !values.isEmpty else { throw MarketingMLError(.emptyData, "the series has no numbers") }
        for (name, numbers) in [("series", values)] + covariates.map({ ($0.name, $0.values) }) {
            if let step = numbers.firstIndex(where: { !$0.isFinite }) {
                throw MarketingMLError(
                    .notFinite, "is \(numbers[step])", at: .init(row: step + 1, name: name))
            }
        }
        for covariate in covariates where covariate.values.count < values.count {
            throw MarketingMLError(
                .shapeMismatch, "has \(covariate.values.count) numbers for \(values.count) steps",
                at: .init(name: covariate.name))
        }
        self.init(trusted: values, covariates)
    }

    private init(trusted values: [Double], _ covariates: [Covariate]) {
        self.values = values
        self.covariates = covariates
    }

    /// The number of observed steps (N).
    public var count: Int { values.count }

    /// The series as it was after the first `count` steps; plans stay known.
    ///
    /// - Precondition: `count` is from 1 to the number of steps.
    public func prefix(_ count: Int) -> TimeSeries {
        precondition((1...values.count).contains(count), "\(count) of \(values.count) steps")
        return TimeSeries(trusted: Array(values.prefix(count)), covariates)
    }

    /// The mean distance of numbers that are a period apart: what forecasts are measured by in the mean absolute scaled error.
    ///
    /// Nil if the series is not longer than a period, or nothing ever changes.
    func seasonalNaiveError(period: Int) -> Double? {
        guard count > period else { return nil }
        let sum = (period..<count).reduce(0) { $0 + abs(values[$1] - values[$1 - period]) }
        return sum > 0 ? sum / Double(count - period) : nil
    }

    /// - Throws: `.shapeMismatch` if a covariate does not reach `steps` beyond the end.
    func checkPlans(steps: Int) throws(MarketingMLError) {
        for covariate in covariates where covariate.values.count < count + steps {
            throw MarketingMLError(
                .shapeMismatch,
                "a forecast of \(steps) steps after \(count) needs \(count + steps) numbers, found \(covariate.values.count)",
                at: .init(name: covariate.name))
        }
    }
}
