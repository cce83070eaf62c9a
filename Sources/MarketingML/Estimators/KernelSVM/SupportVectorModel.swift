import Tensor

/// A fitted support vector machine over K classes: one machine for each pair of classes, which decide together.
public struct SupportVectorModel<Label: Hashable & Sendable & Codable>: FittedClassifier {
    /// The classes, in order.
    public let classes: LabelSet<Label>
    /// b of each pair's decision function; pairs in the order of ``pairs``.
    public let intercepts: [Double]
    /// How the solver of each pair ended; empty for a model that another program has fitted.
    public let reports: [SolverReport]
    let expansion: SupportVectorExpansion

    init(
        classes: LabelSet<Label>, expansion: SupportVectorExpansion, intercepts: [Double],
        reports: [SolverReport]
    ) {
        self.classes = classes
        self.expansion = expansion
        self.intercepts = intercepts
        self.reports = reports
    }

    /// Number of features (D) that it was fitted on; of examples, for a precomputed kernel.
    public var featureCount: Int { expansion.featureCount }
    /// The kernel, with γ as a number.
    public var kernel: SupportVectorKernel { expansion.kernel }
    /// The support vectors [M, D], those of the first class first; nil for a precomputed kernel.
    public var supportVectors: Features? { expansion.vectors }
    /// Where the support vectors stand among the training examples, from 0; empty for a model that another program has fitted on
    /// features.
    public var supportIndices: [Int] { expansion.indices }
    /// How many support vectors each class has.
    public var supportCounts: [Int] {
        zip(expansion.segments.dropFirst(), expansion.segments).map { $0 - $1 }
    }
    /// The pairs of classes, by their numbers: (0, 1), (0, 2), …, (1, 2), ….
    public var pairs: [(first: Int, second: Int)] {
        (0..<classes.count).flatMap { first in (first + 1..<classes.count).map { (first, $0) } }
    }

    /// Coefficients of the support vectors, [K − 1, M]: a support vector of class k has its coefficient against class j in row j for
    /// j < k, else in row j − 1. Positive ones favour the second class of the pair.
    public var dualCoefficients: Tensor<Double> {
        Tensor(shape: [classes.count - 1, expansion.count], expansion.coefficients.flatMap { $0 })
    }

    /// Whether the solver reached its tolerance for every pair.
    public var isConverged: Bool { reports.allSatisfy(\.isConverged) }

    /// The value of each pair's decision function, [N, K (K − 1) / 2]: above 0 it favours the second class of the pair. (For more
    /// than two classes LIBSVM and scikit-learn have the opposite sign.)
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func pairwiseDecisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let sums = try expansion.sums(features.features)
        let (count, pairs) = (classes.count, self.pairs)
        let values = sums.withUnsafeElements { sums in
            (0..<sums.count / (count * (count - 1))).flatMap { example in
                let row = example * count * (count - 1)
                return pairs.enumerated().map { place, pair in
                    sums[row + pair.first * (count - 1) + pair.second - 1]
                        + sums[row + pair.second * (count - 1) + pair.first] + intercepts[place]
                }
            }
        }
        return Tensor(shape: [sums.shape[0], pairs.count], values)
    }

    /// For two classes the value of the decision function, [N]. For more, [N, K]: the number of pairs that a class wins, and
    /// less than a third of a vote on top, s / (3 (|s| + 1)) with s the sum of its pairs' values, which decides between equals.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let values = try pairwiseDecisionValues(of: features)
        let (examples, count) = (values.shape[0], classes.count)
        if count == 2 { return Tensor(values.elements) }
        let pairs = self.pairs
        var votes = [Double](repeating: 0, count: examples * count)
        var sums = votes
        values.withUnsafeElements { values in
            for example in 0..<examples {
                for (place, pair) in pairs.enumerated() {
                    let value = values[example * pairs.count + place]
                    votes[example * count + (value > 0 ? pair.second : pair.first)] += 1
                    sums[example * count + pair.second] += value
                    sums[example * count + pair.first] -= value
                }
            }
        }
        return Tensor(shape: [examples, count], zip(votes, sums).map { $0 + $1 / (3 * (abs($1) + 1)) })
    }
}
