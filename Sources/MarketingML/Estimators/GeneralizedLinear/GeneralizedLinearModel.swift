import Foundation
import Tensor

/// A fitted regression with a logarithmic link; see ``GeneralizedLinearRegression``.
public struct GeneralizedLinearModel: Sendable, Equatable {
    /// The distribution.
    public let family: GeneralizedLinearFamily
    /// The change of the mean's logarithm with each feature: [D].
    public let coefficients: [Double]
    /// The logarithm of the mean where all features are 0; 0 without intercept.
    public let intercept: Double
    /// Whether the model has an intercept.
    public let hasIntercept: Bool
    /// The penalty it was fitted with.
    public let penalty: Penalty
    /// How the solver ended.
    public let report: SolverReport
    /// Number of examples (N) that it was fitted on.
    public let exampleCount: Int
    /// Twice the log likelihood that is lost against means equal to the targets, times the dispersion.
    public let deviance: Double
    /// The deviance of the model without features.
    public let nullDeviance: Double
    /// φ in the variance φ μ^p: 1 for Poisson, else Pearson's χ² / (N − number of coefficients).
    public let dispersion: Double
    /// The log likelihood; nil for Tweedie's distributions, where it has no closed form.
    public let logLikelihood: Double?
    let inference: CoefficientInference

    /// The share of the null deviance that is explained.
    public var explainedDeviance: Double { 1 - deviance / nullDeviance }

    /// How many coefficients and intercepts were estimated.
    public var parameterCount: Int { coefficients.count + (hasIntercept ? 1 : 0) }

    /// Akaike's information criterion; nil for a shrinking penalty and without `logLikelihood`.
    public var aic: Double? { criterion(2) }

    /// The Bayesian information criterion; nil as `aic`.
    public var bic: Double? { criterion(log(Double(exampleCount))) }

    private func criterion(_ price: Double) -> Double? {
        guard !penalty.isShrinking, let logLikelihood else { return nil }
        return -2 * logLikelihood + price * Double(parameterCount)
    }

    /// Why there is no `summary`, if so.
    public var inferenceUnavailable: InferenceUnavailable? {
        if case .unavailable(let reason) = inference { reason } else { nil }
    }

    /// Estimates, standard errors, z, p-values, intervals and the factors e^β, for fits without penalty.
    ///
    /// - Parameters:
    ///   - covariance: `.classical` (the inverse expected information times the dispersion), `.hc0` or `.hc1`
    ///     (sandwich estimates, which do not assume the variance).
    ///   - level: What the intervals cover, between 0 and 1.
    ///   - names: One a feature; nil for x0, x1, …
    /// - Throws: ``InferenceUnavailable`` saying why for fits that allow none; `.invalidOption`,
    ///   `.shapeMismatch`.
    public func summary(
        _ covariance: CovarianceKind = .classical, level: Double = 0.95, names: [String]? = nil
    ) throws -> CoefficientTable {
        try inference.table(
            coefficients: [coefficients], intercepts: [intercept], hasIntercept: hasIntercept,
            outputNames: [],
            names: names, covariance: covariance, level: level, statistic: .z)
    }
}

extension GeneralizedLinearModel: FittedRegressor {
    /// Number of features (D) that it was fitted on.
    public var featureCount: Int { coefficients.count }

    /// The mean of each example, for an exposure of 1.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func predict(_ features: some FeatureMatrix) throws -> [Double] {
        try LinearMargins.of(features.features, [coefficients], [intercept])[0].map { exp($0) }
    }
}

extension GeneralizedLinearModel: SavableModel {
    private struct Fields: Codable {
        var family: GeneralizedLinearFamily
        var hasIntercept: Bool
        var penalty: Penalty
        var report: SolverReport
        var exampleCount: Int
        var deviance: Double
        var nullDeviance: Double
        var dispersion: Double
        var logLikelihood: Double?
        var inference: CoefficientInference.Fields
    }

    private static var kind: String { "generalized linear model" }

    /// Writes the model to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        let fields = Fields(
            family: family, hasIntercept: hasIntercept, penalty: penalty, report: report,
            exampleCount: exampleCount,
            deviance: deviance, nullDeviance: nullDeviance, dispersion: dispersion,
            logLikelihood: logLikelihood,
            inference: inference.fields)
        try ModelFile.write(to: url, kind: Self.kind, fields: fields) { writer in
            writer.add("coefficients", Tensor(coefficients))
            writer.add("intercept", Tensor([intercept]))
            inference.add(to: &writer)
        }
    }

    /// Reads a model that `save` wrote: it gives the same bits.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported` for another kind of model or a newer
    ///   format, `.missingTensor`, `.shapeMismatch`, `.notFinite`, `.invalidOption`.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields: Fields = try file.decode()
        try fields.penalty.check(allowsFirth: false)
        try fields.family.check()
        let coefficients: Tensor<Double> = try file.tensor("coefficients")
        guard coefficients.rank == 1, coefficients.count > 0 else {
            throw file.malformed("expected the shape [features], found \(coefficients.shape)", "coefficients")
        }
        self.init(
            family: fields.family, coefficients: coefficients.elements,
            intercept: try file.tensor("intercept", as: Double.self, shape: [1])[0],
            hasIntercept: fields.hasIntercept, penalty: fields.penalty, report: fields.report,
            exampleCount: fields.exampleCount, deviance: fields.deviance, nullDeviance: fields.nullDeviance,
            dispersion: fields.dispersion, logLikelihood: fields.logLikelihood,
            inference: try CoefficientInference(
                fields.inference, file: file, order: coefficients.count + (fields.hasIntercept ? 1 : 0)))
    }
}
