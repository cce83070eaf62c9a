import Foundation
import Tensor

/// A fitted logistic regression; see ``LogisticRegression``.
public struct LogisticModel<Label: Hashable & Sendable & Codable>: Sendable, Equatable {
    /// The classes, in order. Of two the second is the positive one.
    public let classes: LabelSet<Label>
    /// One row of D for two classes: the change of the log odds of the second with each feature. Else a row a
    /// class.
    public let coefficients: [[Double]]
    /// One for two classes, else one a class; 0 without intercept.
    public let intercepts: [Double]
    /// Whether the model has intercepts.
    public let hasIntercept: Bool
    /// The penalty it was fitted with.
    public let penalty: Penalty
    /// How the solver ended.
    public let report: SolverReport
    /// Number of examples (N) that it was fitted on.
    public let exampleCount: Int
    /// Minus twice the log likelihood of the examples, weights counted.
    public let deviance: Double
    /// The deviance of the model with intercepts (and the offset) alone; without intercept, of equal
    /// probabilities.
    public let nullDeviance: Double
    let inference: CoefficientInference

    init(
        classes: LabelSet<Label>, coefficients: [[Double]], intercepts: [Double], hasIntercept: Bool,
        penalty: Penalty,
        report: SolverReport, exampleCount: Int, deviance: Double, nullDeviance: Double,
        inference: CoefficientInference
    ) {
        self.classes = classes
        self.coefficients = coefficients
        self.intercepts = intercepts
        self.hasIntercept = hasIntercept
        self.penalty = penalty
        self.report = report
        self.exampleCount = exampleCount
        self.deviance = deviance
        self.nullDeviance = nullDeviance
        self.inference = inference
    }

    /// McFadden's pseudo-R²: 1 − deviance / null deviance.
    public var pseudoR2: Double { 1 - deviance / nullDeviance }

    /// How many coefficients and intercepts were estimated.
    public var parameterCount: Int {
        let sets = classes.count == 2 ? 1 : penalty.isShrinking ? classes.count : classes.count - 1
        return sets * (featureCount + (hasIntercept ? 1 : 0))
    }

    /// Akaike's information criterion, deviance + 2 × parameters; nil for a shrinking penalty, under which
    /// coefficients do not count whole.
    public var aic: Double? { penalty.isShrinking ? nil : deviance + 2 * Double(parameterCount) }

    /// The Bayesian information criterion, deviance + log N × parameters; nil as `aic`.
    public var bic: Double? {
        penalty.isShrinking ? nil : deviance + log(Double(exampleCount)) * Double(parameterCount)
    }

    /// Why there is no `summary`, if so.
    public var inferenceUnavailable: InferenceUnavailable? {
        if case .unavailable(let reason) = inference { reason } else { nil }
    }

    /// Estimates, standard errors, z, p-values, intervals and odds ratios (Wald's), for fits without penalty
    /// and Firth's.
    ///
    /// Of K classes there is a set of rows for each but the first, which is the reference.
    ///
    /// - Parameters:
    ///   - covariance: `.classical` (the inverse information), `.hc0` or `.hc1` (sandwich estimates, White
    ///     1982).
    ///   - level: What the intervals cover, between 0 and 1.
    ///   - names: One a feature; nil for x0, x1, …
    /// - Throws: ``InferenceUnavailable`` saying why for fits that allow none; `.invalidOption`,
    ///   `.shapeMismatch`.
    public func summary(
        _ covariance: CovarianceKind = .classical, level: Double = 0.95, names: [String]? = nil
    ) throws -> CoefficientTable {
        let binary = classes.count == 2
        return try inference.table(
            coefficients: binary ? coefficients : Array(coefficients.dropFirst()),
            intercepts: binary ? intercepts : Array(intercepts.dropFirst()), hasIntercept: hasIntercept,
            outputNames: binary ? [] : Array(classes.texts.dropFirst()), names: names, covariance: covariance,
            level: level, statistic: .z)
    }

    /// Coefficients in the form that a problem has them.
    func rows(for problem: MarginProblem) -> [[Double]] {
        guard problem.outputs < coefficients.count else { return coefficients }
        return coefficients.dropFirst().map { adding($0, coefficients[0], times: -1) }
    }

    func intercepts(for problem: MarginProblem) -> [Double] {
        guard problem.outputs < intercepts.count else { return intercepts }
        return intercepts.dropFirst().map { $0 - intercepts[0] }
    }
}

extension LogisticModel: ProbabilisticClassifier {
    /// Number of features (D) that it was fitted on.
    public var featureCount: Int { coefficients.first?.count ?? 0 }

    /// Log odds of the second class: [N], for two classes; else each class' log probability up to a common
    /// term: [N, K].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let margins = try LinearMargins.of(features.features, coefficients, intercepts)
        return margins.count == 1
            ? Tensor(margins[0])
            : Tensor(shape: [margins[0].count, margins.count], LinearMargins.byExample(margins))
    }

    /// The probability of each class: [N, K], rows sum to 1.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func probabilities(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let margins = try LinearMargins.of(features.features, coefficients, intercepts)
        let count = margins[0].count
        let classCount = classes.count
        var result = Tensor<Double>.zeros([count, classCount])
        result.withUnsafeMutableElements { result in
            for example in 0..<count {
                if classCount == 2 {
                    let value = margins[0][example]
                    result[2 * example] = 1 / (1 + exp(value))
                    result[2 * example + 1] = 1 / (1 + exp(-value))
                    continue
                }
                let largest = margins.reduce(-Double.infinity) { max($0, $1[example]) }
                var sum = 0.0
                for index in 0..<classCount {
                    let value = exp(margins[index][example] - largest)
                    result[example * classCount + index] = value
                    sum += value
                }
                for index in 0..<classCount { result[example * classCount + index] /= sum }
            }
        }
        return result
    }
}

/// Margins of new examples.
enum LinearMargins {
    /// x · coefficients + intercept, output after output: each [N].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    static func of(
        _ features: Features, _ coefficients: [[Double]], _ intercepts: [Double]
    ) throws(MarketingMLError) -> [[Double]] {
        try features.checkShape(featureCount: coefficients.first?.count)
        let design = DesignMatrix(forProducts: features)
        let result = zip(coefficients, intercepts).map { own, intercept in
            var margins = [Double](repeating: intercept, count: features.exampleCount)
            margins.withUnsafeMutableBufferPointer { margins in
                if let base = margins.baseAddress { design.addMargins(own, to: base) }
            }
            return margins
        }
        // NaN or infinity in a feature shows in every margin that has a coefficient for it; coefficients may
        // be 0.
        if !result.allSatisfy({ $0.allSatisfy(\.isFinite) }) || coefficients.allSatisfy({ $0.contains(0) }) {
            try features.checkFinite()
        }
        return result
    }

    /// [N, outputs], example after example.
    static func byExample(_ margins: [[Double]]) -> [Double] {
        let count = margins.first?.count ?? 0
        var result = [Double](repeating: 0, count: count * margins.count)
        for (output, own) in margins.enumerated() {
            for example in 0..<count { result[example * margins.count + output] = own[example] }
        }
        return result
    }
}

extension LogisticModel: SavableModel {
    private struct Fields: Codable {
        var classes: [String]
        var hasIntercept: Bool
        var penalty: Penalty
        var report: SolverReport
        var exampleCount: Int
        var deviance: Double
        var nullDeviance: Double
        var inference: CoefficientInference.Fields
    }

    private static var kind: String { "logistic regression" }

    /// Writes the model to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        let fields = Fields(
            classes: classes.texts, hasIntercept: hasIntercept, penalty: penalty, report: report,
            exampleCount: exampleCount, deviance: deviance, nullDeviance: nullDeviance,
            inference: inference.fields)
        try ModelFile.write(to: url, kind: Self.kind, fields: fields) { writer in
            writer.add(
                "coefficients",
                Tensor(shape: [coefficients.count, featureCount], coefficients.flatMap { $0 }))
            writer.add("intercepts", Tensor(intercepts))
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
        let sets = classes.count == 2 ? 1 : classes.count
        let coefficients: Tensor<Double> = try file.tensor("coefficients")
        guard coefficients.rank == 2, coefficients.shape[0] == sets, coefficients.shape[1] > 0 else {
            throw file.malformed(
                "expected the shape [\(sets), features], found \(coefficients.shape)", "coefficients")
        }
        try fields.penalty.check()
        let width = coefficients.shape[1]
        let elements = coefficients.elements
        let shrinks = fields.penalty.isShrinking
        let estimated = (sets == 1 ? 1 : shrinks ? sets : sets - 1) * (width + (fields.hasIntercept ? 1 : 0))
        self.init(
            classes: classes, coefficients: (0..<sets).map { Array(elements[$0 * width..<($0 + 1) * width]) },
            intercepts: try file.tensor("intercepts", as: Double.self, shape: [sets]).elements,
            hasIntercept: fields.hasIntercept, penalty: fields.penalty, report: fields.report,
            exampleCount: fields.exampleCount, deviance: fields.deviance, nullDeviance: fields.nullDeviance,
            inference: try CoefficientInference(fields.inference, file: file, order: estimated))
    }
}

extension LogisticRegression: Classifier {
    /// The kind and the penalty.
    public var name: String { "logistic regression (\(penalty))" }

    /// As `fit`.
    public func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label> {
        try fit(features, labels, weights: weights, progress: progress)
    }
}
