import MarketingML

/// What `--json` writes.
struct SentimentFigures: Codable {
    struct Texts: Codable {
        var train: Int
        var dev: Int
        var test: Int
    }
    struct Seconds: Codable {
        var load: Double
        var train: Double
        var evaluate: Double
        var save: Double
        var reload: Double
    }
    struct Answer: Codable {
        var text: String
        var label: String
        var probability: Double
    }

    var model: String
    var texts: Texts
    var options: FineTuningOptions
    var accuracy: Double
    var majority: Double
    var report: ClassificationReport<String>
    var answers: [Answer]
    var reloadedAnswersAreTheSame: Bool
    var seconds: Seconds
}
