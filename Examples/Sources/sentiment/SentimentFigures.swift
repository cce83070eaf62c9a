import ExampleSupport
import MarketingML

/// What `--json` writes.
struct SentimentFigures: Codable {
    struct Seconds: Codable {
        var load: Double
        var train: Double
        var evaluate: Double
        var save: Double
        var reload: Double
    }

    var model: String
    var texts: TextCounts
    var options: FineTuningOptions
    var accuracy: Double
    var majority: Double
    var report: ClassificationReport<String>
    var answers: [TextAnswer]
    var reloadedAnswersAreTheSame: Bool
    var seconds: Seconds
}
