import MarketingML

/// The area under the ROC curve of five million scores.
struct AreaCase: BenchmarkCase {
    enum Scores: String, CaseIterable {
        case double = "5m_f64"
        case floatWithTies = "5m_f32ties"
    }

    let scores: Scores

    static let all = Scores.allCases.map { AreaCase(scores: $0) }

    var name: String { "roc_auc/\(scores.rawValue)" }

    func measure(repeats: Int) throws -> Measurement {
        let data = try PeerData("auc_5m")
        let isPositive = try data.elements("y", as: UInt8.self).map { $0 == 1 }
        switch scores {
        case .double:
            return try measure(repeats, data.elements("score64", as: Double.self), isPositive)
        case .floatWithTies:
            return try measure(repeats, data.elements("score32q", as: Float.self), isPositive)
        }
    }

    private func measure<Scalar: BinaryFloatingPoint>(
        _ repeats: Int, _ scores: [Scalar], _ isPositive: [Bool]
    ) throws -> Measurement {
        var area: Double?
        let runs = try Measurement.time(repeats: repeats) {
            area = try ROC.area(scores: scores, isPositive: isPositive)
        }
        let count = Double(scores.count)
        return Measurement(
            runs: runs, throughput: { ["scores_per_s": count / $0] }, quality: ["auc": area ?? .nan])
    }
}
