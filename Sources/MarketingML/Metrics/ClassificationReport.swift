import Tensor

#if canImport(Darwin)
    import func Darwin.log
#elseif canImport(Musl)
    import func Musl.log
#else
    import func Glibc.log
#endif

/// How well a classifier's probabilities agree with the true labels of a data set.
///
/// The definitions are those of scikit-learn's `classification_report`, `roc_auc_score` and `log_loss`. A quotient
/// with nothing below the line (the precision of a class that was never predicted) is 0. Averages go over all
/// classes of the model, as with scikit-learn's `labels=` and `zero_division=0`.
public struct ClassificationReport<Label: Hashable & Sendable & Codable>: Sendable, Equatable, Codable {
    /// The figures of one class.
    public struct ClassScores: Sendable, Equatable, Codable {
        /// The class.
        public let label: Label
        /// The share of the examples judged to be of this class that are.
        public let precision: Double
        /// The share of the examples of this class that were judged to be.
        public let recall: Double
        /// The harmonic mean of precision and recall.
        public let f1: Double
        /// How many examples are of this class.
        public let support: Int
    }

    /// An average of the classes' figures.
    public struct Average: Sendable, Equatable, Codable {
        /// The average precision.
        public let precision: Double
        /// The average recall.
        public let recall: Double
        /// The average of the F1 values.
        public let f1: Double
    }

    /// How many examples were judged.
    public let count: Int
    /// The share of the examples that were judged right.
    public let accuracy: Double
    /// The accuracy of always answering with the most frequent class.
    public let majorityShare: Double
    /// The figures of each class, in the model's order.
    public let classes: [ClassScores]
    /// The mean over classes, each weighing the same.
    public let macro: Average
    /// The mean over classes, each weighing as much as it has examples.
    public let weighted: Average
    /// True classes in rows, predicted ones in columns.
    public let confusion: ConfusionMatrix
    /// Area under the ROC curve. Of two classes the second is the positive one; for more, the mean of each class
    /// against the rest. Nil if a class has no examples here.
    public let rocAUC: Double?
    /// The mean of -log(probability of the true class), in nats; probabilities are kept `ulpOfOne` of their type
    /// away from 0 and 1.
    public let logLoss: Double

    /// Judges predictions.
    ///
    /// - Parameters:
    ///   - labels: The true label of each example.
    ///   - probabilities: A row an example, a column a class, row by row. The answer is the most probable class, the
    ///     first of those that tie.
    ///   - classes: The classes in the order of the columns.
    /// - Throws: `.emptyData`, `.shapeMismatch`, `.unknownLabel` for a label that is no class, `.notFinite`.
    public init<Scalar: BinaryFloatingPoint>(
        labels: [Label], probabilities: [Scalar], classes: LabelSet<Label>
    ) throws(MarketingMLError) {
        let width = classes.count
        guard !labels.isEmpty else { throw MarketingMLError(.emptyData, "there are no examples to judge") }
        guard probabilities.count == labels.count * width else {
            throw MarketingMLError(
                .shapeMismatch,
                "\(probabilities.count) probabilities, expected \(labels.count) rows of \(width)")
        }
        if let index = probabilities.firstIndex(where: { !$0.isFinite }) {
            throw MarketingMLError(
                .notFinite, "a probability of example \(index / width + 1) is \(probabilities[index])")
        }
        let truth = try classes.indices(of: labels)
        let predicted = labels.indices.map { row in
            (0..<width).reduce(0) { best, column in
                probabilities[row * width + column] > probabilities[row * width + best] ? column : best
            }
        }
        let confusion = ConfusionMatrix(truth: truth, predicted: predicted, classes: width)
        let scores = (0..<width).map { ClassScores(classes[$0], $0, of: confusion) }

        count = labels.count
        accuracy = Double(confusion.correct) / Double(labels.count)
        majorityShare = Double(scores.map(\.support).max() ?? 0) / Double(labels.count)
        self.classes = scores
        macro = Average(scores, weights: scores.map { _ in 1 })
        weighted = Average(scores, weights: scores.map { Double($0.support) })
        self.confusion = confusion
        rocAUC = try Self.rocAUC(truth: truth, probabilities: probabilities, classes: width)
        logLoss = Self.logLoss(truth: truth, probabilities: probabilities, classes: width)
    }

    private static func rocAUC<Scalar: BinaryFloatingPoint>(
        truth: [Int], probabilities: [Scalar], classes: Int
    ) throws(MarketingMLError) -> Double? {
        var sum = 0.0
        let judged = classes == 2 ? 1..<2 : 0..<classes
        for positive in judged {
            let scores = truth.indices.map { probabilities[$0 * classes + positive] }
            guard let area = try ROC.area(scores: scores, isPositive: truth.map { $0 == positive }) else {
                return nil
            }
            sum += area
        }
        return sum / Double(judged.count)
    }

    private static func logLoss<Scalar: BinaryFloatingPoint>(
        truth: [Int], probabilities: [Scalar], classes: Int
    ) -> Double {
        let smallest = Scalar.ulpOfOne
        let sum = truth.enumerated().reduce(0.0) { sum, example in
            let probability = probabilities[example.offset * classes + example.element]
            return sum - log(Double(min(max(probability, smallest), 1 - smallest)))
        }
        return sum / Double(truth.count)
    }
}

extension ClassificationReport.ClassScores {
    fileprivate init(_ label: Label, _ index: Int, of confusion: ConfusionMatrix) {
        let correct = Double(confusion.counts[index][index])
        let support = confusion.support(index)
        let predicted = confusion.predicted(index)
        self.label = label
        precision = predicted == 0 ? 0 : correct / Double(predicted)
        recall = support == 0 ? 0 : correct / Double(support)
        f1 = predicted + support == 0 ? 0 : 2 * correct / Double(predicted + support)
        self.support = support
    }
}

extension ClassificationReport.Average {
    fileprivate init(_ scores: [ClassificationReport.ClassScores], weights: [Double]) {
        let total = weights.reduce(0, +)
        func mean(_ figure: (ClassificationReport.ClassScores) -> Double) -> Double {
            zip(scores, weights).reduce(0) { $0 + figure($1.0) * $1.1 } / total
        }
        precision = mean(\.precision)
        recall = mean(\.recall)
        f1 = mean(\.f1)
    }
}
