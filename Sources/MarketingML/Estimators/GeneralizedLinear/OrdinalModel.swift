import Foundation
import Tensor

/// A fitted regression of ordered classes; see ``OrdinalRegression``.
public struct OrdinalModel<Label: Hashable & Sendable & Codable>: Sendable, Equatable {
    /// The classes, lowest first.
    public let classes: LabelSet<Label>
    /// The change of the log odds of a higher class with each feature: [D].
    public let coefficients: [Double]
    /// The thresholds between each class and the next, increasing: [K − 1].
    public let thresholds: [Double]
    /// The penalty it was fitted with.
    public let penalty: Penalty
    /// How the solver ended.
    public let report: SolverReport
    /// Number of examples (N) that it was fitted on.
    public let exampleCount: Int
    /// Minus twice the log likelihood, weights counted.
    public let deviance: Double
    /// The deviance of the model without features.
    public let nullDeviance: Double
    let inference: CoefficientInference

    /// McFadden's pseudo-R²: 1 − deviance / null deviance.
    public var pseudoR2: Double { 1 - deviance / nullDeviance }
    /// Akaike's information criterion; nil for a shrinking penalty.
    public var aic: Double? {
        penalty.isShrinking ? nil : deviance + 2 * Double(coefficients.count + thresholds.count)
    }
    /// The Bayesian information criterion; nil for a shrinking penalty.
    public var bic: Double? {
        penalty.isShrinking
            ? nil : deviance + log(Double(exampleCount)) * Double(coefficients.count + thresholds.count)
    }

    /// Why there is no `summary`, if so.
    public var inferenceUnavailable: InferenceUnavailable? {
        if case .unavailable(let reason) = inference { reason } else { nil }
    }

    /// Estimates, standard errors, z, p-values, intervals and odds ratios: the coefficients, then the
    /// thresholds, called `lower|upper` by the classes they part.
    ///
    /// - Throws: ``InferenceUnavailable`` saying why for fits that allow none; `.invalidOption`,
    ///   `.shapeMismatch`.
    public func summary(
        _ covariance: CovarianceKind = .classical, level: Double = 0.95, names: [String]? = nil
    ) throws -> CoefficientTable {
        guard names == nil || names?.count == featureCount else {
            throw MarketingMLError(
                .shapeMismatch, "expected \(featureCount) names of features, found \(names?.count ?? 0)")
        }
        let own = names ?? (0..<featureCount).map { "x\($0)" }
        let between = zip(classes.texts, classes.texts.dropFirst()).map { "\($0)|\($1)" }
        return try inference.table(
            coefficients: [coefficients + thresholds], intercepts: [0], hasIntercept: false, outputNames: [],
            names: own + between, covariance: covariance, level: level, statistic: .z)
    }
}

extension OrdinalModel: ProbabilisticClassifier {
    /// Number of features (D) that it was fitted on.
    public var featureCount: Int { coefficients.count }

    /// The logarithm of each class' probability: [N, K]; for two classes the log odds of the second: [N].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let margins = try LinearMargins.of(features.features, [coefficients], [0])[0]
        guard classes.count > 2 else { return Tensor(margins.map { $0 - thresholds[0] }) }
        let values = margins.flatMap { margin in (0..<classes.count).map { log(probability($0, margin)) } }
        return Tensor(shape: [margins.count, classes.count], values)
    }

    /// The probability of each class: [N, K], rows sum to 1.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func probabilities(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let margins = try LinearMargins.of(features.features, [coefficients], [0])[0]
        let values = margins.flatMap { margin in (0..<classes.count).map { probability($0, margin) } }
        return Tensor(shape: [margins.count, classes.count], values)
    }

    /// σ(a) − σ(b), from the side on which no digits cancel.
    private func probability(_ index: Int, _ margin: Double) -> Double {
        let a = index < thresholds.count ? thresholds[index] - margin : .infinity
        let b = index > 0 ? thresholds[index - 1] - margin : -.infinity
        func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        return b > 0 ? logistic(-b) - logistic(-a) : logistic(a) - logistic(b)
    }
}

extension OrdinalModel: SavableModel {
    private struct Fields: Codable {
        var classes: [String]
        var penalty: Penalty
        var report: SolverReport
        var exampleCount: Int
        var deviance: Double
        var nullDeviance: Double
        var inference: CoefficientInference.Fields
    }

    private static var kind: String { "ordinal regression" }

    /// Writes the model to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        let fields = Fields(
            classes: classes.texts, penalty: penalty, report: report, exampleCount: exampleCount,
            deviance: deviance,
            nullDeviance: nullDeviance, inference: inference.fields)
        try ModelFile.write(to: url, kind: Self.kind, fields: fields) { writer in
            writer.add("coefficients", Tensor(coefficients))
            writer.add("thresholds", Tensor(thresholds))
            inference.add(to: &writer)
        }
    }

    /// Reads a model that `save` wrote: it gives the same bits.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported` for another kind of model or a newer
    ///   format, `.missingTensor`, `.shapeMismatch`, `.notFinite`, `.unknownLabel`.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields: Fields = try file.decode()
        let classes = try LabelSet<Label>(texts: fields.classes)
        guard classes.count > 1 else { throw file.malformed("has one class only") }
        try fields.penalty.check(allowsFirth: false)
        let coefficients: Tensor<Double> = try file.tensor("coefficients")
        guard coefficients.rank == 1, coefficients.count > 0 else {
            throw file.malformed("expected the shape [features], found \(coefficients.shape)", "coefficients")
        }
        let thresholds: Tensor<Double> = try file.tensor("thresholds", shape: [classes.count - 1])
        guard zip(thresholds.elements, thresholds.elements.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw file.malformed("thresholds do not increase", "thresholds")
        }
        self.init(
            classes: classes, coefficients: coefficients.elements, thresholds: thresholds.elements,
            penalty: fields.penalty, report: fields.report, exampleCount: fields.exampleCount,
            deviance: fields.deviance, nullDeviance: fields.nullDeviance,
            inference: try CoefficientInference(
                fields.inference, file: file, order: coefficients.count + thresholds.count))
    }
}

extension OrdinalRegression: Classifier {
    /// The kind and the penalty.
    public var name: String { "ordinal regression (\(penalty))" }

    /// As `fit`, with the classes in the order of ``LabelSet``.
    public func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label> {
        try fit(features, labels, weights: weights, progress: progress)
    }
}
