#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A linear classifier fitted by ridge regression on targets of ±1: a class against all others.
///
/// Fast, and often close to logistic regression in accuracy; its decision values are no probabilities. The same as scikit-learn's
/// `RidgeClassifier(alpha: 2λ)`.
public struct RidgeClassifier: Sendable, Equatable {
    /// The regression on targets of ±1.
    public var regression: RidgeRegression

    /// Creates a recipe from the options of the regression.
    public init(_ regression: RidgeRegression) { self.regression = regression }

    /// Creates a recipe with a weight λ ≥ 0 of the penalty, see ``RidgeRegression``.
    public init(lambda: Double) { self.init(RidgeRegression(lambda: lambda)) }

    /// Fits the recipe to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - labels: The class of each example; at least two classes.
    ///   - weights: How much each example counts, at least 0; nil counts all the same.
    ///   - progress: As in ``RidgeRegression/fit(_:_:weights:progress:)``.
    /// - Throws: as ``RidgeRegression/fit(_:_:weights:progress:)``; `.emptyData` for fewer than two classes.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> RidgeClassifierModel<Label> {
        guard labels.count == features.features.exampleCount else {
            throw MarketingMLError(
                .shapeMismatch,
                "expected a label for each of \(features.features.exampleCount) examples, found \(labels.count)"
            )
        }
        let classes = try LabelSet(labels)
        guard classes.count >= 2 else {
            throw MarketingMLError(.emptyData, "expected two classes or more, found only \(classes.texts)")
        }
        let indices = try classes.indices(of: labels)
        let model: RidgeModel
        if classes.count == 2 {
            model = try regression.fit(
                features, indices.map { $0 == 1 ? 1.0 : -1.0 }, weights: weights, progress: progress)
        } else {
            var targets = Tensor(repeating: -1.0, shape: [labels.count, classes.count])
            targets.withUnsafeMutableElements { targets in
                for (row, index) in indices.enumerated() { targets[row * classes.count + index] = 1 }
            }
            model = try regression.fit(features, targets, weights: weights, progress: progress)
        }
        return RidgeClassifierModel(classes: classes, regression: model)
    }
}

extension RidgeClassifier: Classifier {
    /// `ridge classifier(λ)`.
    public var name: String { "ridge classifier(\(regression.lambda))" }

    /// As ``fit(_:_:weights:progress:)``, for model selection.
    public func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label> {
        try fit(features, labels, weights: weights, progress: progress)
    }
}

/// A fitted ``RidgeClassifier``.
public struct RidgeClassifierModel<Label: Hashable & Sendable & Codable>: FittedClassifier, Equatable {
    /// The classes, in order. Of two classes the second is the positive one.
    public let classes: LabelSet<Label>
    /// The regression: of two classes on the second, else on each.
    public let regression: RidgeModel

    init(classes: LabelSet<Label>, regression: RidgeModel) {
        self.classes = classes
        // Standard errors of a regression on ±1 would say nothing about the classes.
        self.regression = RidgeModel(
            regression.predictor, lambda: regression.lambda, report: regression.report,
            inference: .unavailable(.notKept))
    }

    /// Number of features (D).
    public var featureCount: Int { regression.featureCount }
    /// How the solver ended.
    public var report: SolverReport { regression.report }

    /// The regressions' values: [N] for two classes, else [N, K].
    public func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let values = try regression.predictions(of: features)
        return classes.count == 2 ? Tensor(values.elements) : values
    }
}

extension RidgeClassifierModel: SavableModel {
    private struct Fields: Codable {
        var classes: [String]
        var lambda: Double
        var report: SolverReport
    }

    private static var kind: String { "RidgeClassifierModel" }

    /// Writes the model to a file, atomically.
    public func save(to url: URL) throws {
        let fields = Fields(classes: classes.texts, lambda: regression.lambda, report: report)
        try ModelFile.write(to: url, kind: Self.kind, fields: fields) { regression.predictor.write(to: &$0) }
    }

    /// Reads a model that `save` wrote.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields: Fields = try file.decode()
        let classes = try LabelSet<Label>(texts: fields.classes)
        let predictor = try LinearPredictor(file)
        guard classes.count >= 2, predictor.targetCount == (classes.count == 2 ? 1 : classes.count) else {
            throw file.malformed("\(predictor.targetCount) functions for \(classes.count) classes")
        }
        self.init(
            classes: classes,
            regression: RidgeModel(
                predictor, lambda: fields.lambda, report: fields.report, inference: .unavailable(.notKept)))
    }
}
