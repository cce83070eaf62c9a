/// What a numeric encoding does where a number is missing. What it fills in is learned from the training rows; with `indicator`
/// there is one more feature, 1 where the number was missing, if some training row misses it.
public enum MissingNumbers: Sendable, Equatable, Codable {
    /// The mean of the column's numbers.
    case mean(indicator: Bool = true)
    /// Their median.
    case median(indicator: Bool = true)
    /// A number of the caller's.
    case constant(Double, indicator: Bool = false)
    /// Throws.
    case error
}

/// What a categorical encoding does with a missing value.
public enum MissingLevels: String, Sendable, Equatable, Codable {
    /// It is a level of its own, if some training row misses the value; else it is like an unseen level.
    case level
    /// No level applies: all features are 0.
    case zeros
    /// Throws.
    case error
}

/// What a categorical encoding does with a level that no training row has.
public enum UnseenLevels: String, Sendable, Equatable, Codable {
    /// No level applies: all features are 0.
    case ignore
    /// There is a feature for them, which rare levels share.
    case other
    /// Throws.
    case error
}

/// The basis of a spline.
public enum SplineBasis: Sendable, Equatable, Codable {
    /// B-splines of a degree (3: cubic), knots + degree − 1 of them, at most degree + 1 not 0 for a number. Beyond the outer knots
    /// the curve is constant. As scikit-learn's `SplineTransformer`.
    case bSpline(degree: Int = 3)
    /// Natural cubic splines, one for each knot, 1 there and 0 at the others. Beyond the outer knots the curve is a straight
    /// line. As `cr` of mgcv and patsy (Wood: Generalized Additive Models, 2017, section 5.3.1).
    case natural
}

/// Where a spline's knots are put.
public enum KnotPlacement: String, Sendable, Equatable, Codable {
    /// At quantiles of the training rows' numbers; those that fall together count once.
    case quantiles
    /// Evenly between the least and the greatest.
    case uniform
}

/// How strongly the mean target of a level is drawn towards that of all rows.
public enum TargetSmoothing: Sendable, Equatable, Codable {
    /// By the level's own variance, empirical Bayes: weight λ = σ²n / (σ²n + s²) of the level's mean, where σ² is the variance of all
    /// targets, n the number of the level's rows and s² their variance.
    case automatic
    /// As if there were that many more rows with the mean of all: λ = n / (n + m).
    case count(Double)
}

/// One or two columns of a table and how features are made of them: what a ``FeatureEncoder`` is a list of.
public struct FeatureTerm: Sendable, Equatable {
    /// One column and its encoding.
    struct Factor: Sendable, Equatable {
        let column: String
        let encoding: ColumnEncoding
    }

    let factors: [Factor]

    private init(_ column: String, _ encoding: ColumnEncoding) {
        factors = [Factor(column: column, encoding: encoding)]
    }

    private init(factors: [Factor]) { self.factors = factors }

    /// A number as a feature.
    ///
    /// - Parameter standardised: Whether it is shifted and scaled so that the training rows have mean 0 and (population) standard
    ///   deviation 1; a constant column is only shifted.
    public static func numeric(
        _ column: String, standardised: Bool = true, missing: MissingNumbers = .mean()
    ) -> FeatureTerm {
        FeatureTerm(column, .numeric(standardised: standardised, missing: missing))
    }

    /// A number as a smooth curve.
    ///
    /// - Parameter knots: How many, the outer two included: 2 or more, 3 or more for a natural spline.
    public static func spline(
        _ column: String, _ basis: SplineBasis = .bSpline(), knots: Int = 5,
        placement: KnotPlacement = .quantiles, missing: MissingNumbers = .mean()
    ) -> FeatureTerm {
        FeatureTerm(column, .spline(basis, knots: knots, placement: placement, missing: missing))
    }

    /// A number as the bin that it falls in: a feature a bin, cut at quantiles of the training rows.
    ///
    /// - Parameter count: How many bins, 2 or more; quantiles that fall together make fewer.
    public static func bins(
        _ column: String, count: Int = 5, missing: MissingNumbers = .mean()
    ) -> FeatureTerm {
        FeatureTerm(column, .bins(count: count, missing: missing))
    }

    /// A feature for each level: 1 where a row has it. Levels are in the order of their UTF-8, those of numbers in numeric order.
    ///
    /// - Parameter minimumCount: A level of fewer training rows is rare, and shares a feature with all others that are.
    public static func oneHot(
        _ column: String, unseen: UnseenLevels = .ignore, missing: MissingLevels = .level,
        minimumCount: Int = 1
    ) -> FeatureTerm {
        FeatureTerm(column, .oneHot(unseen: unseen, missing: missing, minimumCount: minimumCount))
    }

    /// The mean target of a level's training rows, smoothed: for columns of many levels. A missing value is a level; an unseen one
    /// gets the mean of all rows. A feature, or with more than two classes one a class.
    ///
    /// Training rows themselves are encoded by `fitTransform` with the means of other rows (cross-fitting): with their own, a model
    /// would read the target off the feature. After Micci-Barreca, SIGKDD Explorations 3(1), 2001, doi:10.1145/507533.507538.
    ///
    /// - Parameters:
    ///   - folds: How many folds the training rows are cut into for that.
    ///   - standardised: As for `numeric`.
    public static func target(
        _ column: String, smoothing: TargetSmoothing = .automatic, folds: Int = 5, standardised: Bool = false
    ) -> FeatureTerm {
        FeatureTerm(column, .target(smoothing: smoothing, folds: folds, standardised: standardised))
    }

    /// The terms (words, letters and rows of them) of a text.
    public static func text(_ column: String, _ encoding: TextEncoding = TextEncoding()) -> FeatureTerm {
        FeatureTerm(column, .text(encoding))
    }

    /// The products of each feature of one term with each of another: the effect of one may depend on the other. A term may be an
    /// interaction itself.
    public static func interaction(_ a: FeatureTerm, _ b: FeatureTerm) -> FeatureTerm {
        FeatureTerm(factors: a.factors + b.factors)
    }
}

extension FeatureTerm: CustomStringConvertible {
    /// The columns and their encodings.
    public var description: String {
        factors.map { "\($0.column): \($0.encoding)" }.joined(separator: " × ")
    }
}

/// How one column becomes features.
enum ColumnEncoding: Sendable, Equatable {
    case numeric(standardised: Bool, missing: MissingNumbers)
    case spline(SplineBasis, knots: Int, placement: KnotPlacement, missing: MissingNumbers)
    case bins(count: Int, missing: MissingNumbers)
    case oneHot(unseen: UnseenLevels, missing: MissingLevels, minimumCount: Int)
    case target(smoothing: TargetSmoothing, folds: Int, standardised: Bool)
    case text(TextEncoding)
}

extension ColumnEncoding: CustomStringConvertible {
    var description: String {
        switch self {
        case .numeric(let standardised, _): standardised ? "numeric, standardised" : "numeric"
        case .spline(.natural, let knots, _, _): "natural spline of \(knots) knots"
        case .spline(.bSpline(let degree), let knots, _, _):
            "B-spline of degree \(degree) and \(knots) knots"
        case .bins(let count, _): "\(count) quantile bins"
        case .oneHot(_, _, let minimum): minimum > 1 ? "one-hot, from \(minimum) rows on" : "one-hot"
        case .target: "target mean, out of fold"
        case .text(let encoding): encoding.description
        }
    }
}
