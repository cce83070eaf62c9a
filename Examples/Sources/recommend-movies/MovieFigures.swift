import Foundation
import Recommend

/// What `--json` writes.
struct MovieFigures: Codable {
    struct Model: Codable {
        var name: String
        var seconds: Double
        var metrics: [String: Double]
        var auc: Double
        var lists: ListFigures
        /// Against the first model, NDCG: mean difference and its 95 % interval.
        var difference: [Double]
    }
    struct Recommendation: Codable {
        var item: String
        var score: Double
        var because: [String]
    }

    var k: Int
    var users: Int
    var items: Int
    var interactions: Int
    var testInteractions: Int
    var models: [Model]
    var ratingError: Double
    var user: String
    var recommendations: [Recommendation]
    var seconds: Double

    func write(to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: url, options: .atomic)
    }
}
