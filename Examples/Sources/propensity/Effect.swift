import MarketingML

/// How a feature moves the predicted probability.
struct Effect: Codable {
    /// What is changed.
    var change: String
    /// The mean change of the probability, in percentage points.
    var points: Double
    /// A 95 % interval of that mean over the examples.
    var lower: Double
    var upper: Double

    /// The change of probability when a number grows by a standard deviation, or when all rows have a level.
    ///
    /// - Parameters:
    ///   - feature: The feature's column of the matrix.
    ///   - siblings: The columns of the matrix that come from the same column of the table.
    init(
        of feature: Int, named name: FeatureName, siblings: [Int], in features: Tensor<Float>,
        _ model: any ProbabilisticClassifier<Bool>
    ) throws {
        var changed = features
        let width = features.shape[1]
        let isNumber = name.kind == .numeric
        changed.withUnsafeMutableElements { elements in
            for row in 0..<features.shape[0] {
                if isNumber {
                    elements[row * width + feature] += 1
                } else {
                    for sibling in siblings { elements[row * width + sibling] = 0 }
                    elements[row * width + feature] = 1
                }
            }
        }
        let before = try model.positiveProbabilities(features)
        let after = try model.positiveProbabilities(changed)
        let differences = zip(after, before).map { 100 * ($0 - $1) }
        let count = Double(differences.count)
        let mean = differences.reduce(0, +) / count
        let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        let margin = 1.96 * (variance / count).squareRoot()
        change = isNumber ? "\(name) + 1 sd" : "\(name)"
        points = mean
        (lower, upper) = (mean - margin, mean + margin)
    }
}

extension ProbabilisticClassifier<Bool> {
    /// The probability of true.
    func positiveProbabilities(_ features: some FeatureMatrix) throws -> [Double] {
        let probabilities = try probabilities(of: features).elements
        return stride(from: 1, to: probabilities.count, by: 2).map { probabilities[$0] }
    }
}
