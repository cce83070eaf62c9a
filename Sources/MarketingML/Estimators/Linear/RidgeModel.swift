#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A fitted ``RidgeRegression``: y = θᵀx + b, for one target or several.
public struct RidgeModel: FittedRegressor, Equatable {
    let predictor: LinearPredictor
    /// The weight λ of the penalty that it was fitted with.
    public let lambda: Double
    /// How the solver ended. The objective is the sum over the targets.
    public let report: SolverReport
    let inference: LeastSquaresInference

    init(
        _ predictor: LinearPredictor, lambda: Double, report: SolverReport, inference: LeastSquaresInference
    ) {
        self.predictor = predictor
        self.lambda = lambda
        self.report = report
        self.inference = inference
    }

    /// θ: [D], or [T, D] for targets given as a matrix.
    public var coefficients: Tensor<Double> { predictor.coefficients }
    /// b of each target: [T]; zeros without an intercept.
    public var intercepts: [Double] { predictor.intercepts }
    /// b, of the first target where there are several.
    public var intercept: Double { predictor.intercepts[0] }
    /// Number of features (D).
    public var featureCount: Int { predictor.featureCount }
    /// Number of targets (T).
    public var targetCount: Int { predictor.targetCount }

    /// The predicted number of each example: [N].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`; `.unsupported` for a model of several targets.
    public func predict(_ features: some FeatureMatrix) throws -> [Double] {
        try predictor.value(of: features)
    }

    /// The predicted numbers of all targets: [N, T].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func predictions(of features: some FeatureMatrix) throws -> Tensor<Double> {
        try predictor.values(of: features)
    }

    /// What can be said about the coefficients of least squares (λ = 0, one target): standard errors of the kind that the recipe
    /// names, t and p-values with N − D − 1 degrees of freedom (N − D without an intercept), intervals.
    ///
    /// - Parameters:
    ///   - names: Of the features; nil calls them `x0`, `x1`, …
    ///   - level: The probability with which the intervals cover the true coefficients.
    /// - Throws: ``InferenceUnavailable`` where there are no valid standard errors; `.shapeMismatch` for a wrong number of names;
    ///   `.invalidOption` for a level that is not between 0 and 1.
    public func summary(names: [String]? = nil, level: Double = 0.95) throws -> CoefficientTable {
        try inference.table(of: predictor, names: names, level: level)
    }
}

extension RidgeModel: SavableModel {
    private struct Fields: Codable {
        var lambda: Double
        var report: SolverReport
        var inference: LeastSquaresInference
    }

    private static let kind = "RidgeModel"

    /// Writes the model to a file, atomically.
    public func save(to url: URL) throws {
        let fields = Fields(lambda: lambda, report: report, inference: inference)
        try ModelFile.write(to: url, kind: RidgeModel.kind, fields: fields) { predictor.write(to: &$0) }
    }

    /// Reads a model that `save` wrote.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: RidgeModel.kind)
        let fields: Fields = try file.decode()
        let predictor = try LinearPredictor(file)
        if case .available(let inference) = fields.inference {
            guard inference.degreesOfFreedom > 0 else {
                throw file.malformed("\(inference.degreesOfFreedom) degrees of freedom")
            }
            guard inference.variances.count == predictor.featureCount + (inference.hasIntercept ? 1 : 0)
            else {
                throw file.malformed(
                    "\(inference.variances.count) variances for \(predictor.featureCount) features")
            }
        }
        self.init(predictor, lambda: fields.lambda, report: fields.report, inference: fields.inference)
    }
}
