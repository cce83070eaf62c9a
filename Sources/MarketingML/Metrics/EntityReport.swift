import Tensor

/// How well predicted entities agree with the true ones: an entity counts as found if its label, beginning and end are right.
///
/// The definitions are those of seqeval's `classification_report` (its default mode).
public struct EntityReport: Sendable, Equatable {
    /// Means of the labels' figures.
    public struct Average: Sendable, Equatable {
        /// The mean precision.
        public let precision: Double
        /// The mean recall.
        public let recall: Double
        /// The mean F1.
        public let f1: Double
    }

    /// The labels that occur, true or predicted, in order.
    public let labels: [String]
    /// The counts of each label.
    public let classes: [DetectionCounts]
    /// The counts of all labels together: their precision, recall and F1 are the micro averages.
    public let micro: DetectionCounts
    /// The mean over the labels.
    public var macro: Average { average { _ in 1 } }
    /// The mean over the labels, each weighing as much as there are true entities of it.
    public var weighted: Average { average { Double($0.support) } }

    /// Judges the tags (`O`, `B-X`, `I-X`) of rows of words.
    ///
    /// - Throws: `.emptyData` without rows, `.shapeMismatch` for rows of different lengths, `.unsupported` for another tag.
    public init(truth: [[String]], predicted: [[String]]) throws(MarketingMLError) {
        guard truth.count == predicted.count, zip(truth, predicted).allSatisfy({ $0.count == $1.count })
        else {
            throw MarketingMLError(.shapeMismatch, "expected one predicted tag for each true one")
        }
        func entities(_ rows: [[String]]) throws(MarketingMLError) -> [[TextEntity]] {
            var result: [[TextEntity]] = []
            for tags in rows {
                result.append(
                    try TaggedText.entities(inTags: tags).map { TextEntity(label: $0.label, bytes: $0.range) }
                )
            }
            return result
        }
        try self.init(truth: entities(truth), predicted: entities(predicted))
    }

    /// Judges the entities of texts.
    ///
    /// - Throws: `.emptyData` without texts, `.shapeMismatch` for other than one list a text on both sides.
    public init(truth: [[TextEntity]], predicted: [[TextEntity]]) throws(MarketingMLError) {
        guard !truth.isEmpty else { throw MarketingMLError(.emptyData, "there are no examples to judge") }
        guard truth.count == predicted.count else {
            throw MarketingMLError(.shapeMismatch, "\(truth.count) texts have \(predicted.count) predictions")
        }
        var counts: [String: DetectionCounts] = [:]
        for (truth, predicted) in zip(truth, predicted) {
            let (truth, predicted) = (Set(truth), Set(predicted))
            for entity in truth.union(predicted) {
                switch (truth.contains(entity), predicted.contains(entity)) {
                case (true, true): counts[entity.label, default: DetectionCounts()].hits += 1
                case (true, false): counts[entity.label, default: DetectionCounts()].misses += 1
                default: counts[entity.label, default: DetectionCounts()].falseAlarms += 1
                }
            }
        }
        labels = counts.keys.sorted()
        classes = labels.map { counts[$0] ?? DetectionCounts() }
        micro = classes.reduce(DetectionCounts(), +)
    }

    private func average(_ weight: (DetectionCounts) -> Double) -> Average {
        let total = classes.reduce(0) { $0 + weight($1) }
        func mean(_ figure: (DetectionCounts) -> Double) -> Double {
            total == 0 ? 0 : classes.reduce(0) { $0 + weight($1) * figure($1) } / total
        }
        return Average(precision: mean(\.precision), recall: mean(\.recall), f1: mean(\.f1))
    }
}
