import ExampleSupport
import MarketingML

/// What `--json` writes.
struct LSTMSentimentFigures: Codable {
    struct Seconds: Codable {
        var train: Double
        var evaluate: Double
    }

    var kind: String
    var texts: TextCounts
    var card: ModelCard
    var accuracy: Double
    var majority: Double
    /// The accuracy of n-grams on the same texts.
    var baseline: Double
    var report: ClassificationReport<String>
    var seconds: Seconds
}
