#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A recipe for a classifier: its options, before any data. `fit` of each concrete recipe returns its own model; this is
/// what model selection and comparison work with.
public protocol Classifier: Sendable {
    /// What the recipe is called in tables: its kind and the options that matter.
    var name: String { get }

    /// Fits the recipe to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - labels: The class of each example.
    ///   - weights: How much each example counts, at least 0; nil counts all the same.
    ///   - progress: Called while it runs; may stop it.
    /// - Throws: `MarketingMLError` for data or options that do not allow a fit; `CancellationError`.
    func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label>
}

/// A fitted classifier over K classes.
public protocol FittedClassifier<Label>: Sendable {
    /// What the classes are called.
    associatedtype Label: Hashable & Sendable & Codable

    /// The classes, in order. Of two classes the second is the positive one.
    var classes: LabelSet<Label> { get }
    /// Number of features (D) that it was fitted on.
    var featureCount: Int { get }

    /// A number an example and class that is larger the more the model favours the class: [N] for two classes (that of
    /// the second; the sign decides), else [N, K].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double>

    /// The class of each example.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    func predict(_ features: some FeatureMatrix) throws -> [Label]
}

extension FittedClassifier {
    /// The class with the largest decision value, the first of those that tie; of two classes the second where the value is
    /// above 0.
    public func predict(_ features: some FeatureMatrix) throws -> [Label] {
        let values = try decisionValues(of: features)
        let count = classes.count
        return values.withUnsafeElements { values in
            guard count > 2 else { return values.map { classes[$0 > 0 ? 1 : 0] } }
            return (0..<values.count / count).map { row in
                let best = (0..<count).reduce(0) {
                    values[row * count + $1] > values[row * count + $0] ? $1 : $0
                }
                return classes[best]
            }
        }
    }
}

/// A fitted classifier whose answers are probabilities.
public protocol ProbabilisticClassifier<Label>: FittedClassifier {
    /// The probability of each class: [N, K], rows sum to 1.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    func probabilities(of features: some FeatureMatrix) throws -> Tensor<Double>
}

/// A recipe for a regression of one number on features. As ``Classifier``.
public protocol Regressor: Sendable {
    /// What the recipe is called in tables: its kind and the options that matter.
    var name: String { get }

    /// Fits the recipe to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - targets: The number of each example.
    ///   - weights: How much each example counts, at least 0; nil counts all the same.
    ///   - progress: Called while it runs; may stop it.
    /// - Throws: `MarketingMLError` for data or options that do not allow a fit; `CancellationError`.
    func fitRegressor(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedRegressor
}

/// A fitted regression.
public protocol FittedRegressor: Sendable {
    /// Number of features (D) that it was fitted on.
    var featureCount: Int { get }

    /// The predicted number of each example.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    func predict(_ features: some FeatureMatrix) throws -> [Double]
}

/// A model that is kept in one file.
public protocol SavableModel: Sendable {
    /// Writes the model to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    func save(to url: URL) throws

    /// Reads a model that `save` wrote: it gives the same bits.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported` for another kind of model or a newer format,
    ///   `.missingTensor`, `.shapeMismatch`, `.notFinite`.
    init(_ url: URL) throws
}
