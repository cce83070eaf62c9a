import Tensor

/// The normal equations (XᵀWX + 2λI) θ = XᵀWy of centred data, applied without being formed, in double precision.
struct RidgeSystem {
    let products: FeatureProducts
    let weights: [Double]?
    let weightSum: Double
    /// [D]; zeros without an intercept.
    let featureMeans: [Double]
    /// [T]; zeros without an intercept.
    let targetMeans: [Double]
    /// XᵀWy of each target, centred: [T][D].
    let cross: [[Double]]
    private let columnSums: [Double]
    private let data: RegressionData

    /// Makes one pass over the features.
    init(_ data: RegressionData, intercept: Bool) {
        self.data = data
        products = FeatureProducts(data.features)
        weights = data.weights
        let ones = data.weights ?? [Double](repeating: 1, count: data.exampleCount)
        let weightSum = ones.reduce(0, +)
        self.weightSum = weightSum
        var means: [Double] = []
        var vectors = [ones]
        for target in 0..<data.targetCount {
            let values = data.target(target)
            let mean = intercept ? dot(ones, values) / weightSum : 0
            means.append(mean)
            vectors.append(zip(values, ones).map { ($0 - mean) * $1 })
        }
        targetMeans = means
        if !intercept { vectors.removeFirst() }
        var sums = products.transposedTimes(vectors)
        columnSums = intercept ? sums.removeFirst() : [Double](repeating: 0, count: data.featureCount)
        featureMeans = columnSums.map { $0 / weightSum }
        // The weighted targets sum to 0 but for rounding, which a large mean would magnify.
        if intercept {
            for target in sums.indices {
                let rest = vectors[target + 1].reduce(0, +)
                for column in sums[target].indices { sums[target][column] -= rest * featureMeans[column] }
            }
        }
        cross = sums
    }

    /// - Throws: `.notFinite`, `.tooLarge`, if the sums are not finite.
    func checkFinite(_ data: RegressionData) throws(MarketingMLError) {
        guard
            featureMeans.contains(where: { !$0.isFinite }) || cross.joined().contains(where: { !$0.isFinite })
        else { return }
        try data.features.checkFinite()
        throw MarketingMLError(
            .tooLarge, "the sum of a feature's products with the target overflows; scale it down")
    }

    /// (XᵀWX + 2λI) θ.
    func normalTimes(_ theta: [Double], lambda: Double) -> [Double] {
        let (sums, total) = products.normalTimes(
            theta, offset: dot(featureMeans, theta), weights: weights, columnSums: columnSums,
            weightSum: weightSum)
        return sums.indices.map { sums[$0] - featureMeans[$0] * total + 2 * lambda * theta[$0] }
    }

    func centeredTarget(_ target: Int) -> [Double] { data.target(target).map { $0 - targetMeans[target] } }

    /// Σ w (y − ȳ)².
    func targetSquare(_ target: Int) -> Double {
        let centered = centeredTarget(target)
        return centered.indices.reduce(0) { $0 + (weights?[$1] ?? 1) * centered[$1] * centered[$1] }
    }

    /// ½ Σ w (y − θᵀx − b)² + λ‖θ‖², in one pass.
    func objective(_ theta: [Double], target: Int, lambda: Double) -> Double {
        let residuals = residuals(theta, target: target)
        let loss = residuals.indices.reduce(0) {
            $0 + (weights?[$1] ?? 1) * residuals[$1] * residuals[$1]
        }
        return loss / 2 + lambda * dot(theta, theta)
    }

    /// y − θᵀx − b: [N].
    func residuals(_ theta: [Double], target: Int) -> [Double] {
        let offset = dot(featureMeans, theta)
        let values = products.times(theta)
        let centered = centeredTarget(target)
        return centered.indices.map { centered[$0] - (values[$0] - offset) }
    }
}
