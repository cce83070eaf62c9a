import Tensor

/// A classifier's recipe with calibrated probabilities: the base is cross-fitted, the calibration learnt from what it says of
/// examples it has not seen, and the base then fitted on all.
///
/// ```swift
/// let recipe = CalibratedClassifier(SupportVectorClassifier(kernel: .rbf(gamma: .scale)), method: .platt, folds: 5)
/// let model = try recipe.fit(features, labels)
/// let probabilities = try model.probabilities(of: newFeatures)
/// ```
public struct CalibratedClassifier: Classifier {
    /// The recipe that is calibrated.
    public let base: any Classifier
    /// How.
    public let method: CalibrationMethod
    /// Number of stratified folds.
    public let folds: Int
    /// The seed of the folds.
    public let seed: UInt64

    /// Creates the recipe.
    public init(
        _ base: any Classifier, method: CalibrationMethod = .platt, folds: Int = 5, seed: UInt64 = 1
    ) {
        self.base = base
        self.method = method
        self.folds = folds
        self.seed = seed
    }

    /// What it is called in tables.
    public var name: String { "\(base.name), \(method.rawValue)" }

    /// Fits the base and its calibration.
    ///
    /// - Throws: What `crossValidate` and the base throw; `.emptyData` if a class has fewer examples than there are folds.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> any ProbabilisticClassifier<Label> {
        let matrix = features.features
        try matrix.checkCounts(labels.count, weights)
        let judged = try crossValidate(
            base, matrix, labels, folds: .stratified(labels, count: folds, seed: seed), scoring: [],
            weights: weights, progress: progress)
        let calibrator = try Calibrator(method, judged.outOfFold)
        return try base.fitClassifier(matrix, labels, weights: weights, progress: progress)
            .withCalibration(calibrator)
    }

    /// As `fit`.
    public func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label> {
        try fit(features, labels, weights: weights, progress: progress)
    }
}

extension FittedClassifier {
    /// This model with probabilities, calibrated on examples that it was not fitted on.
    ///
    /// - Throws: What `decisionValues(of:)` throws; `.unknownLabel`; `.emptyData` if a class has no examples.
    public func calibrated(
        _ method: CalibrationMethod, on features: some FeatureMatrix, _ labels: [Label],
        weights: [Double]? = nil
    ) throws -> CalibratedModel<Self> {
        let outcomes = try ClassificationOutcomes(of: self, features, labels, weights: weights, for: [])
        return try CalibratedModel(base: self, calibrator: try Calibrator(method, outcomes))
    }

    fileprivate func withCalibration(_ calibrator: Calibrator) throws -> any ProbabilisticClassifier<Label> {
        try CalibratedModel(base: self, calibrator: calibrator)
    }
}
