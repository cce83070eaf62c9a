import Tensor

/// How well predicted sets of labels agree with the true ones. A quotient with nothing below the line is 0.
public struct MultiLabelReport<Label: Hashable & Sendable & Codable>: Sendable, Equatable {
    /// How many texts were judged.
    public let count: Int
    /// All labels.
    public let labels: [Label]
    /// The counts of each label.
    public let classes: [DetectionCounts]
    /// The counts of all labels together: their precision, recall and F1 are the micro averages.
    public let micro: DetectionCounts
    /// The share of the texts whose set of labels is exactly the true one.
    public let exactMatch: Double
    /// The mean of the labels' F1.
    public var macroF1: Double { classes.reduce(0) { $0 + $1.f1 } / Double(max(1, classes.count)) }
    /// The share of the single answers, text by label, that are wrong.
    public var hammingLoss: Double {
        Double(micro.falseAlarms + micro.misses) / Double(max(1, count * labels.count))
    }

    /// Judges predictions: a row a text, a column a label.
    ///
    /// - Throws: `.emptyData` without texts, `.shapeMismatch` for rows that do not fit.
    public init(truth: [[Bool]], predicted: [[Bool]], labels: [Label]) throws(MarketingMLError) {
        guard !truth.isEmpty else { throw MarketingMLError(.emptyData, "there are no examples to judge") }
        guard truth.count == predicted.count, (truth + predicted).allSatisfy({ $0.count == labels.count })
        else {
            throw MarketingMLError(
                .shapeMismatch, "expected \(truth.count) rows of \(labels.count) answers on both sides")
        }
        var classes = [DetectionCounts](repeating: DetectionCounts(), count: labels.count)
        for (truth, predicted) in zip(truth, predicted) {
            for label in labels.indices {
                switch (truth[label], predicted[label]) {
                case (true, true): classes[label].hits += 1
                case (false, true): classes[label].falseAlarms += 1
                case (true, false): classes[label].misses += 1
                case (false, false): break
                }
            }
        }
        count = truth.count
        self.labels = labels
        self.classes = classes
        micro = classes.reduce(DetectionCounts(), +)
        exactMatch = Double(zip(truth, predicted).count { $0 == $1 }) / Double(truth.count)
    }
}
