import MarketingML

/// What `--json` writes.
struct PretrainingFigures: Codable {
    var options: PretrainingOptions
    var vocabulary: Int
    var parameters: Int
    var seconds: Double
    var perplexity: Double
    var heldOut: PretrainingEvaluation
    var comparison: StartComparison?
}
