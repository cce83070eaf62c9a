import Tensor

/// The variance inflation factor of each feature: 1 / (1 − R²) of its regression on the others and an intercept.
///
/// It says by how much the others inflate the variance of its coefficient; above 5 or 10 the features are too nearly collinear to
/// tell their effects apart. A feature that is a combination of others, or constant, has infinity.
///
/// - Parameters:
///   - features: [N, D].
///   - weights: How much each example counts; nil counts all the same.
/// - Returns: [D].
/// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.invalidOption` for weights below 0, `.tooLarge`.
/// - Complexity: O(N D² + D³).
public func varianceInflationFactors(of features: some FeatureMatrix, weights: [Double]? = nil) throws
    -> [Double]
{
    let features = features.features
    let nothing = [Double](repeating: 0, count: max(1, features.exampleCount))
    let data = try RegressionData(features, nothing, weights)
    let moments = try CenteredMoments(data, intercept: true, precision: .double)
    let width = moments.featureCount
    let scale = (0..<width).map { index in
        let square = moments.gram[index * width + index]
        return square > 0 ? 1 / square.squareRoot() : 0
    }
    let correlation = (0..<width * width).map { moments.gram[$0] * scale[$0 / width] * scale[$0 % width] }
    guard let eigen = SymmetricEigen(correlation, order: width) else {
        throw MarketingMLError(.unsupported, "the eigenvalues do not converge")
    }
    // The diagonal of the inverse correlation matrix, and what stands where it has none.
    let noise = Double(width) * 1e-14
    return (0..<width).map { feature in
        var factor = 0.0
        for (k, value) in eigen.values.enumerated() {
            let part = eigen.vectors[k * width + feature] * eigen.vectors[k * width + feature]
            if value > noise {
                factor += part / value
            } else if part > 1e-9 {
                return .infinity
            }
        }
        return factor
    }
}
