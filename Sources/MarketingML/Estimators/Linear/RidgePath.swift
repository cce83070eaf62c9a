import Tensor

extension RidgeRegression {
    /// A recipe for the models of many penalties at once, judged by examples left out.
    ///
    /// ```swift
    /// let path = try RidgeRegression.path(lambdas: .logarithmic(1e-3...1e3, count: 25)).fit(features, targets, folds: 5)
    /// path.lambdaMin; path.best.coefficients
    /// ```
    public static func path(lambdas: LambdaSequence, hasIntercept: Bool = true) -> RidgePath {
        RidgePath(lambdas: lambdas, hasIntercept: hasIntercept)
    }
}

/// A recipe for ridge models of many penalties: one decomposition serves them all.
public struct RidgePath: Sendable, Equatable {
    /// The weights of the penalty.
    public var lambdas: LambdaSequence
    /// Whether the models have an intercept.
    public var hasIntercept: Bool

    /// Creates a recipe.
    public init(lambdas: LambdaSequence, hasIntercept: Bool = true) {
        self.lambdas = lambdas
        self.hasIntercept = hasIntercept
    }

    /// Fits the models and judges each by examples left out.
    ///
    /// Each example is left out alone, by the closed form e / (1 − h) of its error from the residual e and the leverage h
    /// (Allen, Technometrics 16, 1974), or with the others of its fold; one eigendecomposition, or one a fold, is all that is computed
    /// for all λ together.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - targets: One number an example.
    ///   - weights: How much each example counts, in fitting and in the errors; nil counts all the same.
    ///   - folds: Into how many folds the examples are dealt; nil leaves them out one by one.
    ///   - seed: Of the dealing.
    /// - Throws: as ``RidgeRegression/fit(_:_:weights:progress:)``; `.invalidOption` for a number of folds that does not fit.
    /// - Complexity: O(N D² + D³), for fewer examples than features O(N² D + N³).
    public func fit(
        _ features: some FeatureMatrix, _ targets: some RegressionTargets, weights: [Double]? = nil,
        folds: Int? = nil, seed: UInt64 = 0
    ) throws -> RegressionPath<RidgeModel> {
        let lambdas = try lambdas.resolved(largest: nil)
        let data = try RegressionData(features, targets, weights)
        guard data.targetCount == 1 else {
            throw MarketingMLError(.unsupported, "a path is of one target, found \(data.targetCount)")
        }
        // With fewer examples than features all happens in the space that the examples span.
        let span =
            data.exampleCount < data.featureCount ? try ExampleSpan(data, intercept: hasIntercept) : nil
        let small = span?.data ?? data
        let moments = try CenteredMoments(small, intercept: hasIntercept, precision: .double)
        let spectrum = try RidgeSpectrum(moments)
        let models = lambdas.map { lambda in
            let theta = spectrum.coefficients(lambda)
            let intercept = hasIntercept ? moments.targetMeans[0] - dot(theta, moments.featureMeans) : 0
            let report = SolverReport(
                solver: "eigendecomposition", stopReason: .exact, iterations: 0,
                objective: moments.loss(of: theta, target: 0) + lambda * dot(theta, theta), violation: 0)
            let (own, moved) = span?.leave(theta, intercept) ?? (theta, intercept)
            return RidgeModel(
                LinearPredictor(coefficients: Tensor(own), intercepts: [moved]), lambda: lambda,
                report: report,
                inference: .unavailable(lambda > 0 ? .penalized : .notKept))
        }
        let validation =
            try folds.map {
                try foldErrors(small, Folds(exampleCount: data.exampleCount, count: $0, seed: seed), lambdas)
            } ?? leaveOneOutErrors(small, moments, spectrum, lambdas)
        return RegressionPath(lambdas: lambdas, models: models, validation: validation)
    }

    private func foldErrors(_ data: RegressionData, _ folds: Folds, _ lambdas: [Double]) throws
        -> ValidationErrors
    {
        let parts = try FoldMoments(data, folds, intercept: hasIntercept)
        let sums = try parts.folds.indices.map { fold in
            try Task.checkCancellation()
            let others = parts.outside(fold)
            let spectrum = try RidgeSpectrum(others)
            return lambdas.map { lambda in
                let theta = spectrum.coefficients(lambda)
                let intercept = hasIntercept ? others.targetMeans[0] - dot(theta, others.featureMeans) : 0
                return parts.folds[fold].squaredError(of: theta, intercept: intercept)
            }
        }
        return ValidationErrors(sums: sums, weights: parts.folds.map(\.weightSum))
    }

    private func leaveOneOutErrors(
        _ data: RegressionData, _ moments: CenteredMoments, _ spectrum: RidgeSpectrum, _ lambdas: [Double]
    ) -> ValidationErrors {
        let targets = data.target(0)
        let count = lambdas.count
        var errors = [Double](repeating: 0, count: data.exampleCount * count)
        let (linear, squared) = spectrum.weights(lambdas)
        errors.withUnsafeMutableBufferPointer { errors in
            forEachProjectedBlock(
                data.features.doubleRows, shift: moments.featureMeans, basis: spectrum.vectors,
                linear: linear,
                squared: squared, outputs: count
            ) { range, fitted, forms in
                for (place, row) in range.enumerated() {
                    let weight = data.weights?[row] ?? 1
                    for index in 0..<count {
                        let leverage =
                            weight
                            * (forms[place * count + index] + (hasIntercept ? 1 / moments.weightSum : 0))
                        let residual = targets[row] - moments.targetMeans[0] - fitted[place * count + index]
                        // An example that alone decides its own prediction has no error to speak of without it.
                        let error = residual / max(1 - leverage, 1e-12)
                        errors[row * count + index] = weight * error * error
                    }
                }
            }
        }
        let weights = data.weights ?? [Double](repeating: 1, count: data.exampleCount)
        return ValidationErrors(
            sums: (0..<data.exampleCount).map { Array(errors[$0 * count..<($0 + 1) * count]) },
            weights: weights)
    }
}

/// The eigendecomposition of the centred normal matrix, from which the solution for any λ follows.
private struct RidgeSpectrum {
    /// Eigenvector k is row k.
    let vectors: [Double]
    private let values: [Double]
    /// The eigenvectors times the right side.
    private let projections: [Double]

    init(_ moments: CenteredMoments) throws(MarketingMLError) {
        guard let eigen = SymmetricEigen(moments.gram, order: moments.featureCount) else {
            throw MarketingMLError(.unsupported, "the eigenvalues do not converge")
        }
        let width = moments.featureCount
        // What rounding leaves of an eigenvalue of 0 is nothing, or would blow up at λ = 0.
        let noise = (eigen.values.last ?? 0) * Double(width) * Double.ulpOfOne
        values = eigen.values.map { $0 > noise ? $0 : 0 }
        vectors = eigen.vectors
        projections = (0..<width).map { k in
            (0..<width).reduce(0) { $0 + eigen.vectors[k * width + $1] * moments.cross[$1] }
        }
    }

    func coefficients(_ lambda: Double) -> [Double] {
        let width = values.count
        var theta = [Double](repeating: 0, count: width)
        for k in 0..<width {
            let factor = inverse(k, lambda) * projections[k]
            guard factor != 0 else { continue }
            for column in 0..<width { theta[column] += factor * vectors[k * width + column] }
        }
        return theta
    }

    /// For each eigenvector and λ: what a row's product with the eigenvector adds to its prediction, and its square to the
    /// leverage: [D, λ] each.
    func weights(_ lambdas: [Double]) -> (linear: [Double], squared: [Double]) {
        let pairs = values.indices.flatMap { k in lambdas.map { (k, inverse(k, $0)) } }
        return (pairs.map { projections[$0.0] * $0.1 }, pairs.map(\.1))
    }

    private func inverse(_ k: Int, _ lambda: Double) -> Double {
        values[k] == 0 ? 0 : 1 / (values[k] + 2 * lambda)
    }
}

/// Fewer examples than features, turned so that as many features as examples hold all: X = 1x̄ᵀ + (US) Vᵀ. Ridge solutions do not
/// leave the examples' span, and a rotation changes neither errors nor penalty (Hastie and Tibshirani, Biostatistics 5, 2004).
private struct ExampleSpan {
    /// The same targets and weights with the features US.
    let data: RegressionData
    private let means: [Double]
    private let basis: [Double]

    init(_ data: RegressionData, intercept: Bool) throws(MarketingMLError) {
        let system = RidgeSystem(data, intercept: intercept)
        try system.checkFinite(data)
        let (count, width) = (data.exampleCount, data.featureCount)
        var centered = data.features.dense
        for index in centered.indices { centered[index] -= system.featureMeans[index % width] }
        guard let svd = SingularValues(centered, rows: count, columns: width) else {
            throw MarketingMLError(.unsupported, "the singular values do not converge")
        }
        let scores = svd.left.indices.map { svd.left[$0] * svd.values[$0 % count] }
        self.data = try RegressionData(Tensor(shape: [count, count], scores), data.targets, data.weights)
        means = system.featureMeans
        basis = svd.rightTransposed
    }

    /// The coefficients and intercept for the features themselves.
    func leave(_ theta: [Double], _ intercept: Double) -> (theta: [Double], intercept: Double) {
        let width = means.count
        var own = [Double](repeating: 0, count: width)
        for (k, factor) in theta.enumerated() {
            for column in 0..<width { own[column] += factor * basis[k * width + column] }
        }
        return (own, intercept - dot(own, means))
    }
}

extension Features {
    /// All elements in double precision, row by row.
    var dense: [Double] {
        switch self {
        case .float(let matrix): matrix.withUnsafeElements { $0.map { Double($0) } }
        case .double(let matrix): matrix.elements
        case .sparse(let matrix): matrix.dense.withUnsafeElements { $0.map { Double($0) } }
        }
    }
}
