import Tensor

/// Texts with a label each: what a text classifier learns from and is judged on.
///
/// ```swift
/// let reviews = try LabeledTexts(csv: reviewsURL, text: "review", label: "sentiment")
/// let (train, validation, test) = try reviews.split(validation: 0.1, test: 0.2, seed: 7)
/// ```
public struct LabeledTexts<Label: Hashable & Sendable & Codable>: Sendable, Equatable {
    /// The texts.
    public let texts: [String]
    /// The label of each text.
    public let labels: [Label]

    /// Creates examples from as many labels as texts.
    public init(texts: [String], labels: [Label]) {
        precondition(
            texts.count == labels.count,
            "\(texts.count) texts and \(labels.count) labels: there must be one label a text")
        self.texts = texts
        self.labels = labels
    }

    /// How many examples there are.
    public var count: Int { texts.count }

    /// Whether there are no examples.
    public var isEmpty: Bool { texts.isEmpty }

    /// One example.
    public subscript(index: Int) -> (text: String, label: Label) { (texts[index], labels[index]) }

    /// The examples at these indices, in this order.
    public subscript(indices: some Sequence<Int>) -> LabeledTexts {
        var chosen: (texts: [String], labels: [Label]) = ([], [])
        for index in indices {
            chosen.texts.append(texts[index])
            chosen.labels.append(labels[index])
        }
        return LabeledTexts(texts: chosen.texts, labels: chosen.labels)
    }

    /// The distinct labels in order.
    ///
    /// - Throws: see `LabelSet.init(_:)`.
    public func labelSet() throws(MarketingMLError) -> LabelSet<Label> {
        try LabelSet(labels)
    }

    /// The examples with their labels in another type, such as an enum.
    public func mapLabels<Other: Hashable & Sendable & Codable>(
        _ transform: (Label) throws -> Other
    ) rethrows -> LabeledTexts<Other> {
        LabeledTexts<Other>(texts: texts, labels: try labels.map(transform))
    }
}
