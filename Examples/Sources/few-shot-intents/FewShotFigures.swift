import ExampleSupport
import MarketingML

/// What --json writes.
struct FewShotFigures: Encodable {
    struct Seconds: Encodable {
        var frozen: Double
        var train: Double
        var evaluate: Double
    }

    var model: String
    var options: FewShotOptions
    var shots: Int
    var examples: Int
    var judged: Int
    var accuracy: Double
    var macroF1: Double
    var frozenAccuracy: Double
    var frozenMacroF1: Double
    var answers: [TextAnswer]
    var seconds: Seconds
}
