/// How many texts a run had, for `--json`.
public struct TextCounts: Codable {
    var train: Int
    var dev: Int
    var test: Int

    /// Creates the counts.
    public init(train: Int, dev: Int, test: Int) {
        (self.train, self.dev, self.test) = (train, dev, test)
    }
}

/// What a model said of one text, for `--json`.
public struct TextAnswer: Codable {
    var text: String
    var label: String
    var probability: Double

    /// Creates the answer.
    public init(text: String, label: String, probability: Double) {
        (self.text, self.label, self.probability) = (text, label, probability)
    }
}
