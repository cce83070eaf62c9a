import Foundation
import MarketingML

/// What `--json` writes.
struct PropensityFigures: Codable {
    struct Rows: Codable {
        var train: Int
        var test: Int
        var trainPositiveShare: Double
        var testPositiveShare: Double
    }
    struct Candidate: Codable {
        var name: String
        var meanAUC: Double
        var standardError: Double
    }
    struct Feature: Codable {
        var column: String
        var loss: MetricValue
        var effects: [Effect]
    }
    struct Campaign: Codable {
        var payoffs: Payoffs
        var threshold: Double
        var testShare: Double
        var testProfit: Double
        var bestTestProfit: Double
        var profitOfAll: Double
    }

    var model: String
    var positive: String
    var rows: Rows
    var features: Int
    var encoding: [String]
    var comparison: [Candidate]
    var report: ClassificationReport<Bool>
    var metrics: [String: MetricValue]
    var baseline: MetricValue
    var againstBaseline: ROCComparison
    var topFeatures: [Feature]
    var calibration: CalibrationCurve
    var gain: [GainPoint]
    var campaign: Campaign
    var seconds: Double
}
