import Tensor

/// What a least-squares fit keeps for its table of coefficients, or why it keeps nothing.
enum LeastSquaresInference: Sendable, Equatable, Codable {
    case available(Variances)
    case unavailable(InferenceUnavailable)

    struct Variances: Sendable, Equatable, Codable {
        /// Of the intercept, if there is one, and the coefficients.
        let variances: [Double]
        let covariance: CovarianceKind
        let degreesOfFreedom: Double
        let hasIntercept: Bool
    }

    /// The inference of a fit.
    ///
    /// Classical: s² (XᵀWX)⁻¹. The others put Σ of (w u)² x xᵀ between two inverses, for residuals u that HC2 and HC3 divide by
    /// √(1 − h) and 1 − h, with leverages h (MacKinnon and White, 1985).
    static func of(_ fit: RidgeFit, _ data: RegressionData, _ recipe: RidgeRegression)
        throws(MarketingMLError)
        -> LeastSquaresInference
    {
        let free = data.exampleCount - data.featureCount - (recipe.hasIntercept ? 1 : 0)
        guard recipe.lambda == 0 else { return .unavailable(.penalized) }
        guard free > 0 else { return .unavailable(.tooFewExamples) }
        guard fit.report.isConverged else { return .unavailable(.notConverged) }
        guard data.hasOneTarget || data.targetCount == 1 else { return .unavailable(.notKept) }
        guard let (moments, factor) = fit.normal else {
            let moments = try CenteredMoments(data, intercept: recipe.hasIntercept, precision: .double)
            guard let feature = moments.dependentFeatures.first else { return .unavailable(.notKept) }
            return .unavailable(.rankDeficient(feature: feature))
        }
        let width = data.featureCount
        let inverse = factor.inverse
        let weights = data.weights ?? [Double](repeating: 1, count: data.exampleCount)
        let residuals = RidgeSystem(data, intercept: recipe.hasIntercept).residuals(
            fit.coefficients, target: 0)
        let square = residuals.indices.reduce(0) { $0 + weights[$1] * residuals[$1] * residuals[$1] }

        // The covariance of (intercept at the features' means, coefficients): [D + 1, D + 1], the intercept last.
        let order = width + 1
        var covariance = [Double](repeating: 0, count: order * order)
        if recipe.covariance == .classical {
            let variance = square / Double(free)
            for row in 0..<width {
                for column in 0..<width {
                    covariance[row * order + column] = variance * inverse[row * width + column]
                }
            }
            covariance[order * order - 1] = variance / moments.weightSum
        } else {
            var squares = residuals.indices.map { weights[$0] * weights[$0] * residuals[$0] * residuals[$0] }
            switch recipe.covariance {
            case .classical, .hc0: break
            case .hc1:
                let factor = Double(data.exampleCount) / Double(free)
                for index in squares.indices { squares[index] *= factor }
            case .hc2, .hc3:
                let forms = quadraticForms(
                    data.features.doubleRows, matrix: inverse, shift: moments.featureMeans)
                let power = recipe.covariance == .hc2 ? 1 : 2
                for index in squares.indices {
                    let leverage =
                        weights[index]
                        * (forms[index] + (recipe.hasIntercept ? 1 / moments.weightSum : 0))
                    // A leverage of 1 leaves a residual of 0: the example says nothing about the errors.
                    let rest = max(1 - leverage, 1e-14)
                    squares[index] /= power == 1 ? rest : rest * rest
                }
            }
            var meat = data.features.gram(shift: moments.featureMeans, weights: squares)
            // Without an intercept the column of ones does not take part.
            if !recipe.hasIntercept {
                for index in 0..<order {
                    meat[index * order + width] = 0
                    meat[width * order + index] = 0
                }
            }
            var bread = [Double](repeating: 0, count: order * order)
            for row in 0..<width {
                for column in 0..<width { bread[row * order + column] = inverse[row * width + column] }
            }
            bread[order * order - 1] = 1 / moments.weightSum
            let left = Tensor(shape: [order, order], bread)
            covariance = left.matmul(Tensor(shape: [order, order], meat)).matmul(left).elements
        }
        var variances = (0..<width).map { covariance[$0 * order + $0] }
        if recipe.hasIntercept {
            // b = (value at the means) − x̄ᵀθ.
            var combination = moments.featureMeans.map { -$0 }
            combination.append(1)
            var variance = 0.0
            for row in 0..<order {
                for column in 0..<order {
                    variance += combination[row] * covariance[row * order + column] * combination[column]
                }
            }
            variances.insert(variance, at: 0)
        }
        guard variances.allSatisfy({ $0.isFinite && $0 >= 0 }) else { return .unavailable(.tooFewExamples) }
        return .available(
            Variances(
                variances: variances, covariance: recipe.covariance, degreesOfFreedom: Double(free),
                hasIntercept: recipe.hasIntercept))
    }

    func table(of predictor: LinearPredictor, names: [String]?, level: Double) throws -> CoefficientTable {
        let kept: Variances
        switch self {
        case .available(let variances): kept = variances
        case .unavailable(let reason): throw reason
        }
        let names = names ?? (0..<predictor.featureCount).map { "x\($0)" }
        guard names.count == predictor.featureCount else {
            throw MarketingMLError(
                .shapeMismatch, "expected \(predictor.featureCount) names of features, found \(names.count)")
        }
        return try CoefficientTable(
            names: (kept.hasIntercept ? ["(intercept)"] : []) + names,
            estimates: (kept.hasIntercept ? [predictor.intercepts[0]] : []) + predictor.coefficients.elements,
            variances: kept.variances, covariance: kept.covariance,
            statistic: .t(degreesOfFreedom: kept.degreesOfFreedom), level: level)
    }
}

extension Features {
    /// The rows in double precision.
    var doubleRows: any RowSource<Double> {
        switch self {
        case .float(let matrix): WideRows(matrix)
        case .double(let matrix): matrix
        case .sparse(let matrix): DenseRows(matrix)
        }
    }

    /// Σ w z zᵀ of the rows z = (x − shift, 1): [D + 1, D + 1].
    func gram(shift: [Double], weights: [Double]) -> [Double] {
        gramMatrix(doubleRows, shift: shift, weights: weights, extra: 1) { range, target in
            for place in 0..<range.count { target[place] = 1 }
        }
    }
}
