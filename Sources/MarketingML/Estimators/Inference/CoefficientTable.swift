import Foundation
import Tensor

/// What can be said about a model's coefficients: estimates, standard errors, test statistics, p-values and intervals, as
/// the `summary` of a model returns it.
///
/// The tests are of coefficient = 0, two-sided. `print(table)` shows it aligned.
public struct CoefficientTable: Sendable, Equatable {
    /// The distribution that a coefficient over its standard error is compared with.
    public enum Statistic: Sendable, Equatable, Codable {
        /// The normal distribution, for large samples.
        case z
        /// Student's t distribution.
        case t(degreesOfFreedom: Double)
    }

    /// One coefficient.
    public struct Row: Sendable, Equatable {
        /// What the coefficient belongs to.
        public let name: String
        /// The coefficient.
        public let estimate: Double
        /// Its standard error.
        public let standardError: Double
        /// `estimate / standardError`.
        public let statistic: Double
        /// The probability of a statistic at least as far from 0 if the true coefficient were 0.
        public let pValue: Double
        /// The interval that covers the true coefficient with the table's `level`.
        public let interval: ClosedRange<Double>
        /// e to the coefficient: the factor by which the odds (or an expected count) change with one unit of the feature;
        /// nil for models where it means nothing.
        public let oddsRatio: Double?
        /// The interval of `oddsRatio`.
        public let oddsRatioInterval: ClosedRange<Double>?
    }

    /// The coefficients, in the order of the model; the intercept comes first.
    public let rows: [Row]
    /// How the standard errors were estimated.
    public let covariance: CovarianceKind
    /// What the statistics are compared with.
    public let statistic: Statistic
    /// The probability with which intervals cover the true value.
    public let level: Double

    /// Computes the table from estimates and their variances.
    ///
    /// - Parameters:
    ///   - names: One a coefficient.
    ///   - variances: The diagonal of the coefficients' covariance matrix.
    ///   - level: Between 0 and 1.
    ///   - exponentiated: Whether e to the coefficient has a meaning, as an odds ratio.
    /// - Throws: `.invalidOption` for a level that is not between 0 and 1, or degrees of freedom that are not above 0;
    ///   `.shapeMismatch` for counts that differ; `.notFinite` for an estimate of NaN.
    public init(
        names: [String], estimates: [Double], variances: [Double], covariance: CovarianceKind,
        statistic: Statistic, level: Double = 0.95, exponentiated: Bool = false
    ) throws(MarketingMLError) {
        guard level > 0, level < 1 else {
            throw MarketingMLError(.invalidOption, "the level must be between 0 and 1, found \(level)")
        }
        guard names.count == estimates.count, variances.count == estimates.count else {
            throw MarketingMLError(
                .shapeMismatch,
                "expected as many names and variances as estimates (\(estimates.count)), found \(names.count) "
                    + "and \(variances.count)")
        }
        if case .t(let degreesOfFreedom) = statistic, !(degreesOfFreedom > 0) {
            throw MarketingMLError(
                .invalidOption, "must be above 0, found \(degreesOfFreedom)",
                at: .init(name: "degreesOfFreedom"))
        }
        if let bad = estimates.firstIndex(where: \.isNaN) {
            throw MarketingMLError(.notFinite, "the estimate is NaN", at: .init(name: names[bad]))
        }
        let distribution: any ContinuousDistribution =
            switch statistic {
            case .z: NormalDistribution()
            case .t(let degreesOfFreedom): StudentTDistribution(degreesOfFreedom: degreesOfFreedom)
            }
        let width = distribution.quantile(0.5 + level / 2)
        rows = names.indices.map { index in
            let estimate = estimates[index]
            let error = variances[index].squareRoot()
            let (low, high) = (estimate - width * error, estimate + width * error)
            // A standard error of 0 (a perfect fit) or NaN leaves no range to speak of.
            let interval = low <= high ? low...high : estimate...estimate
            return Row(
                name: names[index], estimate: estimate, standardError: error, statistic: estimate / error,
                pValue: 2 * distribution.survival(abs(estimate / error)), interval: interval,
                oddsRatio: exponentiated ? exp(estimate) : nil,
                oddsRatioInterval: exponentiated ? exp(interval.lowerBound)...exp(interval.upperBound) : nil)
        }
        self.covariance = covariance
        self.statistic = statistic
        self.level = level
    }

    /// The row of that name.
    public subscript(name: String) -> Row? { rows.first { $0.name == name } }
}

extension CoefficientTable: CustomStringConvertible {
    /// The table as text: one line a coefficient, columns aligned.
    public var description: String {
        let letter = statistic == .z ? "z" : "t"
        let percent = TableText.number(100 * level, digits: 3)
        let hasOdds = rows.contains { $0.oddsRatio != nil }
        var lines = [
            ["", "estimate", "std. error", letter, "P>|\(letter)|", "\(percent) % interval", ""]
        ]
        if hasOdds { lines[0].append("odds ratio") }
        for row in rows {
            var line = [
                row.name, TableText.number(row.estimate), TableText.number(row.standardError),
                TableText.fixed(row.statistic, decimals: 2), TableText.probability(row.pValue),
                TableText.number(row.interval.lowerBound), TableText.number(row.interval.upperBound),
            ]
            if hasOdds { line.append(row.oddsRatio.map { TableText.number($0) } ?? "") }
            lines.append(line)
        }
        var note = "standard errors: \(covariance.rawValue)"
        if case .t(let degreesOfFreedom) = statistic {
            note += ", \(TableText.number(degreesOfFreedom)) degrees of freedom"
        }
        return TableText.aligned(lines) + "\n" + note
    }
}
