/// What a classifier says of one text.
public struct TextPrediction<Label: Hashable & Sendable & Codable>: Sendable, Equatable {
    /// The most probable label.
    public let label: Label
    /// Its probability, in 0...1.
    public let probability: Double
    /// The probabilities of all labels, in the order of the classifier's `labels`.
    public let probabilities: [Double]
}
