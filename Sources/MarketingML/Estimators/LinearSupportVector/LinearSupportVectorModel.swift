#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A fitted linear support vector machine for classification.
public struct LinearSupportVectorModel<Label: Hashable & Sendable & Codable>: Sendable, Equatable {
    /// The classes; of two the second is the positive one.
    public let classes: LabelSet<Label>
    /// Number of features (D).
    public let featureCount: Int
    /// The coefficients: [1, D] for two classes (unless fitted after Crammer and Singer), else one row a class.
    public let coefficients: Tensor<Double>
    /// The intercept of each row of the coefficients; 0 where the recipe has none.
    public let intercepts: [Double]
    /// How the solver ended, for each row of the coefficients; after Crammer and Singer all are the same.
    public let reports: [SolverReport]

    init(
        classes: LabelSet<Label>, featureCount: Int, coefficients: [Double], intercepts: [Double],
        reports: [SolverReport]
    ) {
        self.classes = classes
        self.featureCount = featureCount
        self.coefficients = Tensor(shape: [intercepts.count, featureCount], coefficients)
        self.intercepts = intercepts
        self.reports = reports
    }

    /// Whether every solver reached its tolerance.
    public var isConverged: Bool { reports.allSatisfy(\.isConverged) }
}

extension LinearSupportVectorModel: FittedClassifier {
    /// w·x + b: [N] for two classes, else [N, K].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let features = features.features
        try features.checkShape(featureCount: featureCount)
        try features.checkFinite()
        let values = features.linearValues(coefficients: coefficients, intercepts: intercepts)
        guard classes.count == 2 else { return values }
        guard intercepts.count == 2 else { return Tensor(values.elements) }
        // Crammer and Singer's two rows: the second class is chosen where its value is the larger.
        let both = values.elements
        return Tensor((0..<features.exampleCount).map { both[2 * $0 + 1] - both[2 * $0] })
    }
}

extension LinearSupportVectorModel: SavableModel {
    private struct Fields: Codable {
        var classes: [String]
        var reports: [SolverReport]
    }
    private static var kind: String { "linear-support-vector-classifier" }

    /// Writes the model to one file (safetensors), atomically.
    public func save(to url: URL) throws {
        let fields = Fields(classes: classes.texts, reports: reports)
        try ModelFile.write(to: url, kind: Self.kind, fields: fields) {
            $0.add("coefficients", coefficients)
            $0.add("intercepts", Tensor(intercepts))
        }
    }

    /// Reads a model that `save` wrote.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields = try file.decode(Fields.self)
        let classes = try LabelSet<Label>(texts: fields.classes)
        let coefficients: Tensor<Double> = try file.tensor("coefficients")
        guard classes.count > 1, coefficients.rank == 2, coefficients.shape[1] > 0 else {
            throw file.malformed(
                "\(classes.count) classes and coefficients of shape \(coefficients.shape): expected at least two and [rows, features]"
            )
        }
        let rows = coefficients.shape[0]
        guard rows == classes.count || (rows == 1 && classes.count == 2), fields.reports.count == rows else {
            throw file.malformed(
                "\(rows) rows of coefficients and \(fields.reports.count) reports for \(classes.count) classes"
            )
        }
        let intercepts: Tensor<Double> = try file.tensor("intercepts", shape: [rows])
        self.init(
            classes: classes, featureCount: coefficients.shape[1], coefficients: coefficients.elements,
            intercepts: intercepts.elements, reports: fields.reports)
    }
}
