#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A fitted ``ElasticNet`` or ``LassoRegression``: y = θᵀx + b.
public struct ElasticNetModel: FittedRegressor, Equatable {
    let predictor: LinearPredictor
    /// The weight λ of the penalty that it was fitted with.
    public let lambda: Double
    /// The part ρ of the penalty that was absolute.
    public let ratio: Double
    /// How the solver ended; the violation is the duality gap as a part of ½ Σ w (y − ȳ)².
    public let report: SolverReport

    init(_ predictor: LinearPredictor, lambda: Double, ratio: Double, report: SolverReport) {
        self.predictor = predictor
        self.lambda = lambda
        self.ratio = ratio
        self.report = report
    }

    /// θ: [D].
    public var coefficients: Tensor<Double> { predictor.coefficients }
    /// b; 0 without an intercept.
    public var intercept: Double { predictor.intercepts[0] }
    /// Number of features (D).
    public var featureCount: Int { predictor.featureCount }
    /// The features whose coefficients are not 0, in increasing order.
    public var selectedFeatures: [Int] {
        predictor.coefficients.withUnsafeElements { all in all.indices.filter { all[$0] != 0 } }
    }

    /// The predicted number of each example: [N].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func predict(_ features: some FeatureMatrix) throws -> [Double] {
        try predictor.value(of: features)
    }

    /// Throws why there are no standard errors: the penalty.
    public func summary() throws -> CoefficientTable { throw InferenceUnavailable.penalized }
}

extension ElasticNetModel: SavableModel {
    private struct Fields: Codable {
        var lambda: Double
        var ratio: Double
        var report: SolverReport
    }

    private static let kind = "ElasticNetModel"

    /// Writes the model to a file, atomically.
    public func save(to url: URL) throws {
        let fields = Fields(lambda: lambda, ratio: ratio, report: report)
        try ModelFile.write(to: url, kind: Self.kind, fields: fields) { predictor.write(to: &$0) }
    }

    /// Reads a model that `save` wrote.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields: Fields = try file.decode()
        let predictor = try LinearPredictor(file)
        guard predictor.targetCount == 1 else {
            throw file.malformed("\(predictor.targetCount) functions, expected 1", "coefficients")
        }
        self.init(predictor, lambda: fields.lambda, ratio: fields.ratio, report: fields.report)
    }
}
