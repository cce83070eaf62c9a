/// Why a model has no standard errors, z or t values and p-values.
public enum InferenceUnavailable: Error, Sendable, Equatable, Codable {
    /// A penalty pulls the coefficients towards zero: their sampling distribution is not the one that tables assume.
    case penalized
    /// A feature (counted from 0; `intercept` is nil) separates the classes: its best coefficient is infinite.
    case separation(feature: Int?)
    /// A feature (counted from 0) is a linear combination of others, or constant beside an intercept.
    case rankDeficient(feature: Int)
    /// There are no more examples than coefficients: nothing is left to estimate the error from.
    case tooFewExamples
    /// The solver did not reach the optimum, at which alone the formulas hold.
    case notConverged
    /// The model keeps coefficients only, as when it was read from a format that has no room for more.
    case notKept
}

extension InferenceUnavailable: CustomStringConvertible {
    /// The reason in words, and what to do.
    public var description: String {
        switch self {
        case .penalized:
            "the fit is penalized, and shrunken coefficients have no valid standard errors; fit without penalty"
        case .separation(let feature?):
            "feature \(feature) separates the classes, so its best coefficient is infinite; remove it or use a penalty"
        case .separation(nil): "the features together separate the classes; remove some or use a penalty"
        case .rankDeficient(let feature):
            "feature \(feature) is a linear combination of the others; remove it"
        case .tooFewExamples: "there are no more examples than coefficients"
        case .notConverged: "the solver did not reach the optimum; allow it more iterations"
        case .notKept: "the model was read from a format that keeps coefficients only"
        }
    }
}

/// How the covariance of coefficients is estimated.
public enum CovarianceKind: String, Sendable, Codable, CaseIterable {
    /// From the model's own assumption about the errors' variance.
    case classical
    /// White's estimate, which stays valid when the errors' variance differs between examples: residuals squared.
    case hc0
    /// HC0 times n / (n − k).
    case hc1
    /// Residuals squared over 1 − leverage.
    case hc2
    /// Residuals squared over (1 − leverage)², close to the jackknife: the choice for small samples (MacKinnon and White,
    /// Journal of Econometrics 29, 1985).
    case hc3
}
