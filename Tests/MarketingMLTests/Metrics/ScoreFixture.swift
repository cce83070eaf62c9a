import Foundation
import TestSupport
import Testing

/// What `Tests/Reference/scores.py` wrote.
struct ScoreFixture: Decodable {
    struct Binary: Decodable {
        struct ROCCurve: Decodable {
            var fpr: [Double]
            var tpr: [Double]
        }
        struct PRCurve: Decodable {
            var precision: [Double]
            var recall: [Double]
            var thresholds: [Double]
        }
        var name: String
        var truth: [Int]
        var scores: [Double]
        var weights: [Double]?
        var rocAUC: Double
        var averagePrecision: Double
        var logLoss: Double
        var brier: Double
        var kolmogorovSmirnov: Double?
        var accuracy: Double
        var balancedAccuracy: Double
        var precision: Double
        var recall: Double
        var f1: Double
        var roc: ROCCurve
        var pr: PRCurve
    }
    struct Curves: Decodable {
        struct Points: Decodable {
            var predicted: [Double]
            var observed: [Double]
        }
        var truth: [Int]
        var scores: [Double]
        var uniform: Points
        var quantile: Points
        var ece: Double
    }
    struct Multiclass: Decodable {
        struct Values: Decodable {
            var balancedAccuracy: Double
            var logLoss: Double
            var brier: Double
            var rocAUC: Double
            var averagePrecision: Double
            var precision: Double
            var recall: Double
            var f1: Double
        }
        var truth: [Int]
        var probabilities: [[Double]]
        var weights: [Double]
        var plain: Values
        var weighted: Values
    }
    struct Regression: Decodable {
        var name: String
        var targets: [Double]
        var predictions: [Double]
        var weights: [Double]?
        var rSquared: Double
        var rootMeanSquaredError: Double
        var meanAbsoluteError: Double
    }
    struct DeLong: Decodable {
        var truth: [Int]
        var first: [Double]
        var second: [Double]
        var firstAUC: Double
        var secondAUC: Double
        var firstVariance: Double
        var secondVariance: Double
        var covariance: Double
        var z: Double
        var pValue: Double
    }
    struct Platt: Decodable {
        var name: String
        var scores: [Double]
        var truth: [Int]
        var weights: [Double]?
        var slope: Double
        var intercept: Double
        var libraryProbabilities: [Double]
    }
    struct Isotonic: Decodable {
        var name: String
        var x: [Double]
        var y: [Double]
        var weights: [Double]?
        var at: [Double]
        var values: [Double]
    }
    struct Temperature: Decodable {
        /// One number an example, or a row.
        enum Decisions: Decodable {
            case values([Double])
            case rows([[Double]])

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let values = try? container.decode([Double].self) {
                    self = .values(values)
                } else {
                    self = .rows(try container.decode([[Double]].self))
                }
            }
        }
        var name: String
        var decisions: Decisions
        var truth: [Int]
        var probabilities: [[Double]]
    }
    struct Calibrated: Decodable {
        var decisions: [[Double]]
        var truth: [Int]
        var sigmoid: [[Double]]
        var isotonic: [[Double]]
    }
    var binary: [Binary]
    var calibrationCurves: Curves
    var multiclass: Multiclass
    var regression: [Regression]
    var deLong: DeLong
    var platt: [Platt]
    var isotonic: [Isotonic]
    var temperature: [Temperature]
    var calibrated: Calibrated

    static func load() throws -> ScoreFixture {
        try JSONDecoder().decode(
            ScoreFixture.self, from: Data(contentsOf: TestData.fixture("scores.json", .module)))
    }
}
