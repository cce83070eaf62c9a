import Foundation
import MarketingML

/// ½|w|² + Σ log(1 + e^(−y x·w)), no intercept, by the peers' rule: the time to a relative suboptimality of 1e-3,
/// in `runs`, and of 1e-6, each with the cheapest tolerance of a ladder that reaches it.
struct LogisticLadder {
    /// The folder of the data.
    let set: String
    let fit: (_ tolerance: Double) throws -> LogisticModel<Int>
    let objective: ([Double]) -> Double

    func measure(rows: Int, repeats: Int) throws -> (measurement: Measurement, model: LogisticModel<Int>) {
        var model = try fit(1e-9)
        let best = try smallestObjective() ?? objective(model.coefficients[0])
        var quality: [String: Double] = ["fstar": best]
        var runs: [Double] = []
        for (limit, suffix) in [(1e-3, ""), (1e-6, "_1e_6")] {
            for tolerance in [0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6, 1e-8] {
                model = try fit(tolerance)
                let objective = objective(model.coefficients[0])
                guard (objective - best) / best <= limit else { continue }
                quality["objective" + suffix] = objective
                quality["subopt" + suffix] = (objective - best) / best
                quality["tolerance" + suffix] = tolerance
                quality["iterations" + suffix] = Double(model.report.iterations)
                let times = try Measurement.time(repeats: max(5, repeats), warmup: 1) {
                    _ = try fit(tolerance)
                }
                if suffix.isEmpty {
                    runs = times
                } else {
                    quality["to_1e_6"] = times.sorted()[times.count / 2]
                }
                break
            }
        }
        let measurement = Measurement(
            runs: runs, throughput: { ["rows_per_s": Double(rows) / $0] }, quality: quality)
        return (measurement, model)
    }

    /// The smallest objective that any peer found; nil before they have run.
    private func smallestObjective() throws -> Double? {
        let url = PeerData.root.appendingPathComponent("\(set)/fstar.json")
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        return try JSONDecoder().decode(Double.self, from: Data(contentsOf: url))
    }
}

/// Sparse, 160,000 × 100,000, the text-like set.
struct LogisticSparseCase: BenchmarkCase {
    let name = "logistic/sparse_text"

    func measure(repeats: Int) throws -> Measurement {
        let data = try SparseTextData()
        var (measurement, model) = try LogisticLadder(
            set: "sparse_text_200000x100000",
            fit: { tolerance in
                try LogisticRegression(.l2(c: 1), intercept: false, tolerance: tolerance)
                    .fit(data.train, data.labels)
            },
            objective: { data.objective($0) { max(-$0, 0) + log1p(exp(-abs($0))) } }
        ).measure(rows: data.labels.count, repeats: repeats)
        measurement.quality["test_acc"] = data.testAccuracy(model.coefficients[0])
        return measurement
    }
}

/// Dense, 500,000 × 50.
struct LogisticDenseCase: BenchmarkCase {
    let isDouble: Bool

    static let all = [LogisticDenseCase(isDouble: true), LogisticDenseCase(isDouble: false)]

    var name: String { "logistic/dense_500000x50" + (isDouble ? "" : "-f32") }

    func measure(repeats: Int) throws -> Measurement {
        let data = try PeerData("logistic_dense_500000x50")
        let labels = try data.bytes("y").map { Int($0) }
        return isDouble
            ? try measure(try data.matrix("X", as: Double.self), labels, repeats)
            : try measure(try data.matrix("X", as: Float.self), labels, repeats)
    }

    private func measure<Scalar>(_ features: Tensor<Scalar>, _ labels: [Int], _ repeats: Int) throws
        -> Measurement
    where Scalar: TensorFloatingPoint {
        try LogisticLadder(
            set: "logistic_dense_500000x50",
            fit: { tolerance in
                try LogisticRegression(.l2(c: 1), intercept: false, tolerance: tolerance).fit(
                    features, labels)
            },
            objective: { objective(features, labels, $0) }
        ).measure(rows: labels.count, repeats: repeats).measurement
    }

    private func objective<Scalar: TensorFloatingPoint>(
        _ features: Tensor<Scalar>, _ labels: [Int], _ coefficients: [Double]
    ) -> Double {
        let width = coefficients.count
        return features.withUnsafeElements { x in
            var sum = 0.5 * coefficients.reduce(0) { $0 + $1 * $1 }
            for row in labels.indices {
                var margin = 0.0
                for column in 0..<width { margin += Double(x[row * width + column]) * coefficients[column] }
                if labels[row] == 1 { margin = -margin }
                sum += max(margin, 0) + log1p(exp(-abs(margin)))
            }
            return sum
        }
    }
}
