#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A linear model in LIBLINEAR's text format: what its `train` writes and its `predict` reads.
///
/// Classes are whole numbers there. Logistic models answer probabilities too.
///
/// ```swift
/// let model = try LiblinearModel(url)                       // of any of LIBLINEAR's classifiers or regressions
/// try model.predict(features)
/// try LiblinearModel(svm).write(to: url)                    // svm: a LinearSupportVectorModel<Int>
/// ```
public struct LiblinearModel: Sendable, Equatable {
    /// The solvers of LIBLINEAR, by the names that stand in its files.
    public enum Solver: String, Sendable, CaseIterable {
        /// `-s 0`.
        case l2rLR = "L2R_LR"
        /// `-s 1`.
        case l2rL2LossSVCDual = "L2R_L2LOSS_SVC_DUAL"
        /// `-s 2`.
        case l2rL2LossSVC = "L2R_L2LOSS_SVC"
        /// `-s 3`.
        case l2rL1LossSVCDual = "L2R_L1LOSS_SVC_DUAL"
        /// `-s 4`.
        case crammerSinger = "MCSVM_CS"
        /// `-s 5`.
        case l1rL2LossSVC = "L1R_L2LOSS_SVC"
        /// `-s 6`.
        case l1rLR = "L1R_LR"
        /// `-s 7`.
        case l2rLRDual = "L2R_LR_DUAL"
        /// `-s 11`.
        case l2rL2LossSVR = "L2R_L2LOSS_SVR"
        /// `-s 12`.
        case l2rL2LossSVRDual = "L2R_L2LOSS_SVR_DUAL"
        /// `-s 13`.
        case l2rL1LossSVRDual = "L2R_L1LOSS_SVR_DUAL"

        /// Whether the model is a regression.
        public var isRegression: Bool {
            self == .l2rL2LossSVR || self == .l2rL2LossSVRDual || self == .l2rL1LossSVRDual
        }
        /// Whether its values are log odds.
        public var isLogistic: Bool { self == .l2rLR || self == .l1rLR || self == .l2rLRDual }
    }

    /// The solver that the model is said to come from.
    public let solver: Solver
    /// The classes in the file's order; of two classes (not Crammer and Singer's) the first is the positive one. Empty for
    /// regression.
    public let labels: [Int]
    /// Number of features (D), the bias not counted.
    public let featureCount: Int
    /// What the additional feature holds; negative for none.
    public let bias: Double
    /// One row for two classes and regression, else one a class: [rows][D], and the bias' coefficient at the end where there is
    /// one.
    public let weights: [[Double]]
    private let classSet: LabelSet<Int>

    /// Creates a model from its parts.
    ///
    /// - Throws: `.shapeMismatch` if the parts do not fit each other; `.malformedFile` if a class occurs twice; `.notFinite`.
    public init(solver: Solver, labels: [Int], featureCount: Int, bias: Double, weights: [[Double]])
        throws(MarketingMLError)
    {
        let rows = Self.rows(solver, classCount: labels.count)
        guard solver.isRegression ? labels.isEmpty : labels.count >= 2 else {
            throw MarketingMLError(
                .shapeMismatch, "\(labels.count) classes for a model of \(solver.rawValue)")
        }
        guard featureCount > 0, weights.count == rows,
            weights.allSatisfy({ $0.count == featureCount + (bias >= 0 ? 1 : 0) })
        else {
            throw MarketingMLError(
                .shapeMismatch,
                "expected \(rows) rows of \(featureCount) weights\(bias >= 0 ? " and a bias" : ""), found \(weights.count) of \(weights.first?.count ?? 0)"
            )
        }
        guard bias.isFinite, weights.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
            throw MarketingMLError(.notFinite, "weights and bias must be finite")
        }
        classSet = try LabelSet(labels.isEmpty ? [0] : labels)
        guard labels.isEmpty || classSet.count == labels.count else {
            throw MarketingMLError(.malformedFile, "a class occurs twice among \(labels)")
        }
        self.solver = solver
        self.labels = labels
        self.featureCount = featureCount
        self.bias = bias
        self.weights = weights
    }

    /// Creates the file's form of a linear support vector machine. A file cannot tell a free intercept from a penalised one:
    /// both are a bias of 1.
    public init(_ model: LinearSupportVectorModel<Int>) throws(MarketingMLError) {
        let isBinary = model.intercepts.count == 1
        let all = model.coefficients.elements
        try self.init(
            solver: model.classes.count == 2 && !isBinary ? .crammerSinger : .l2rL2LossSVC,
            labels: isBinary ? [model.classes[1], model.classes[0]] : model.classes.labels,
            featureCount: model.featureCount, bias: 1,
            weights: model.intercepts.enumerated().map {
                Array(all[$0 * model.featureCount..<($0 + 1) * model.featureCount]) + [$1]
            })
    }

    /// The intercept of a row: the bias times its coefficient.
    public func intercept(row: Int) -> Double { bias >= 0 ? bias * (weights[row].last ?? 0) : 0 }

    static func rows(_ solver: Solver, classCount: Int) -> Int {
        solver.isRegression || (classCount == 2 && solver != .crammerSinger) ? 1 : classCount
    }

    private func values(_ features: Features) throws -> Tensor<Double> {
        try features.checkShape(featureCount: featureCount)
        try features.checkFinite()
        return features.linearValues(
            coefficients: Tensor(
                shape: [weights.count, featureCount], weights.flatMap { $0.prefix(featureCount) }),
            intercepts: weights.indices.map { intercept(row: $0) })
    }
}

extension LiblinearModel: ProbabilisticClassifier {
    /// The classes in increasing order. A regression has the single class 0.
    public var classes: LabelSet<Int> { classSet }

    /// w·x + b by the classes in increasing order: [N] for two classes, that of the larger; else [N, K].
    ///
    /// - Throws: `.unsupported` for a regression; `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        guard !solver.isRegression else {
            throw MarketingMLError(.unsupported, "a model of \(solver.rawValue) is a regression")
        }
        let values = try values(features.features)
        let places = try classSet.indices(of: labels)
        let elements = values.elements
        if labels.count == 2 {
            let upward = places[0] == 1 ? 1.0 : -1.0
            guard weights.count == 2 else { return Tensor(elements.map { upward * $0 }) }
            return Tensor(
                stride(from: 0, to: elements.count, by: 2).map { upward * (elements[$0] - elements[$0 + 1]) })
        }
        let count = labels.count
        var ordered = Tensor<Double>.zeros(values.shape)
        ordered.withUnsafeMutableElements { ordered in
            for (index, value) in elements.enumerated() {
                ordered[index / count * count + places[index % count]] = value
            }
        }
        return ordered
    }

    /// The class of each example. Where values tie, the answer is that of LIBLINEAR, which depends on the file's order: of two
    /// classes the second, of more the first.
    ///
    /// - Throws: `.unsupported` for a regression; `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func predict(_ features: some FeatureMatrix) throws -> [Int] {
        guard !solver.isRegression else {
            throw MarketingMLError(.unsupported, "a model of \(solver.rawValue) is a regression")
        }
        let values = try values(features.features).elements
        let rows = weights.count
        return stride(from: 0, to: values.count, by: rows).map { start in
            guard labels.count > 2 else { return labels[values[start] > 0 ? 0 : 1] }
            return labels[(0..<rows).reduce(0) { values[start + $1] > values[start + $0] ? $1 : $0 }]
        }
    }

    /// σ(z) for two classes; for more the σ(zₖ) scaled to a sum of 1, as LIBLINEAR does.
    ///
    /// - Throws: `.unsupported` unless the model is logistic; `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func probabilities(of features: some FeatureMatrix) throws -> Tensor<Double> {
        guard solver.isLogistic else {
            throw MarketingMLError(.unsupported, "a model of \(solver.rawValue) has no probabilities")
        }
        let values = try decisionValues(of: features).elements
        // The loss' derivative for y = −1 is σ(z).
        let ones = [Double](repeating: 1, count: values.count)
        let chances = LinearLoss.logistic.expanded(targets: ones.map { -$0 }, costs: ones, values: values)
            .slope
        let count = classSet.count
        guard count > 2 else {
            return Tensor(shape: [values.count, 2], chances.flatMap { [1 - $0, $0] })
        }
        var result: [Double] = []
        for start in stride(from: 0, to: values.count, by: count) {
            let row = chances[start..<start + count]
            let total = row.reduce(0, +)
            result += total > 0 ? row.map { $0 / total } : row.map { _ in 1 / Double(count) }
        }
        return Tensor(shape: [values.count / count, count], result)
    }

    /// The predicted numbers of a regression.
    ///
    /// - Throws: `.unsupported` for a classifier; `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func regressionValues(of features: some FeatureMatrix) throws -> [Double] {
        guard solver.isRegression else {
            throw MarketingMLError(.unsupported, "a model of \(solver.rawValue) is a classifier")
        }
        return try values(features.features).elements
    }
}
