import Tensor

/// Coefficients and intercepts of T linear functions of D features.
struct LinearPredictor: Sendable, Equatable {
    /// [T, D], or [D] where the targets were one number an example.
    let coefficients: Tensor<Double>
    /// [T].
    let intercepts: [Double]

    var featureCount: Int { coefficients.shape.last ?? 0 }
    var targetCount: Int { intercepts.count }

    init(coefficients: Tensor<Double>, intercepts: [Double]) {
        self.coefficients = coefficients
        self.intercepts = intercepts
    }

    /// `coefficients`: those of one target after the other.
    init(coefficients: [Double], intercepts: [Double], of data: RegressionData) {
        let shape = data.hasOneTarget ? [data.featureCount] : [data.targetCount, data.featureCount]
        self.init(coefficients: Tensor(shape: shape, coefficients), intercepts: intercepts)
    }

    /// The values of the functions: [N, T].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    func values(of features: some FeatureMatrix) throws(MarketingMLError) -> Tensor<Double> {
        let features = features.features
        try features.checkShape(featureCount: featureCount)
        let products = FeatureProducts(features)
        let all = coefficients.elements
        var result = Tensor<Double>.zeros([features.exampleCount, targetCount])
        for target in 0..<targetCount {
            let own = Array(all[target * featureCount..<(target + 1) * featureCount])
            let values = products.times(own)
            let (count, intercept) = (targetCount, intercepts[target])
            result.withUnsafeMutableElements { result in
                for (row, value) in values.enumerated() { result[row * count + target] = value + intercept }
            }
        }
        // A feature that is not finite shows in the values, also beside a coefficient of 0.
        if !result.allFinite { try features.checkFinite() }
        return result
    }

    /// The values of the only function: [N].
    func value(of features: some FeatureMatrix) throws(MarketingMLError) -> [Double] {
        guard targetCount == 1 else {
            throw MarketingMLError(
                .unsupported, "the model has \(targetCount) targets, ask for predictions of all")
        }
        return try values(of: features).elements
    }
}

extension LinearPredictor {
    /// Adds the arrays to a model's file.
    func write(to writer: inout SafeTensorsWriter) {
        writer.add("coefficients", coefficients)
        writer.add("intercepts", Tensor(intercepts))
    }

    /// Reads the arrays of a model's file.
    init(_ file: ModelFile) throws {
        let coefficients: Tensor<Double> = try file.tensor("coefficients")
        let intercepts: Tensor<Double> = try file.tensor("intercepts")
        let count = coefficients.rank == 2 ? coefficients.shape[0] : 1
        guard coefficients.rank == 1 || coefficients.rank == 2, coefficients.count > 0,
            intercepts.shape == [count]
        else {
            throw file.malformed(
                "coefficients \(coefficients.shape) and intercepts \(intercepts.shape) do not fit",
                "coefficients")
        }
        self.init(coefficients: coefficients, intercepts: intercepts.elements)
    }
}
