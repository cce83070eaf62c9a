import Foundation
import MarketingML

/// The text-like sparse set: 160,000 examples to fit and 40,000 to test, 100,000 features.
struct SparseTextData {
    let train: SparseMatrix<Float>
    let test: SparseMatrix<Float>
    let labels: [Int]
    let testLabels: [Int]

    init() throws {
        let data = try PeerData("sparse_text_200000x100000")
        let rows = 160_000
        let offsets = try data.integers("indptr")
        let columns = try data.indices("indices")
        let values = try data.matrix("data", as: Float.self).elements
        func part(_ rows: Range<Int>) throws -> SparseMatrix<Float> {
            let (start, end) = (offsets[rows.lowerBound], offsets[rows.upperBound])
            return try SparseMatrix(
                rowCount: rows.count, columnCount: 100_000,
                rowOffsets: offsets[rows.lowerBound...rows.upperBound].map { $0 - start },
                columnIndices: Array(columns[start..<end]), values: Array(values[start..<end]))
        }
        train = try part(0..<rows)
        test = try part(rows..<offsets.count - 1)
        let all = try data.bytes("y").map { Int($0) }
        labels = Array(all.prefix(rows))
        testLabels = Array(all.dropFirst(rows))
    }

    /// ½|w|² + Σ loss(±x·w), in plain loops.
    func objective(_ w: [Double], loss: (_ margin: Double) -> Double) -> Double {
        var total = w.reduce(0) { $0 + $1 * $1 } / 2
        for (row, value) in products(train, w).enumerated() {
            total += loss(labels[row] == 1 ? value : -value)
        }
        return total
    }

    func testAccuracy(_ w: [Double]) -> Double {
        let right = zip(products(test, w), testLabels).count { ($0 > 0) == ($1 == 1) }
        return Double(right) / Double(testLabels.count)
    }

    private func products(_ matrix: SparseMatrix<Float>, _ w: [Double]) -> [Double] {
        (0..<matrix.rowCount).map { row in
            (matrix.rowOffsets[row]..<matrix.rowOffsets[row + 1]).reduce(0) {
                $0 + Double(matrix.values[$1]) * w[Int(matrix.columnIndices[$1])]
            }
        }
    }
}

/// Linear SVM without intercept, C = 1, at the default tolerance.
struct LinearSVMCase: BenchmarkCase {
    let loss: LinearSupportVectorClassifier.Loss

    static let all = LinearSupportVectorClassifier.Loss.allCases.map { LinearSVMCase(loss: $0) }

    var name: String { "linear_svm/sparse_text/" + (loss == .hinge ? "L1loss" : "L2loss") }

    func measure(repeats: Int) throws -> Measurement {
        let data = try SparseTextData()
        let recipe = LinearSupportVectorClassifier(c: 1, loss: loss, intercept: .absent)
        let model = try recipe.fit(data.train, data.labels)
        let runs = try Measurement.time(repeats: max(repeats, 7)) {
            _ = try recipe.fit(data.train, data.labels)
        }
        let w = model.coefficients.elements
        return Measurement(
            runs: runs, throughput: { ["rows_per_s": Double(data.labels.count) / $0] },
            quality: [
                "objective": data.objective(w) { loss == .hinge ? max(0, 1 - $0) : pow(max(0, 1 - $0), 2) },
                "gap": model.reports[0].violation, "iterations": Double(model.reports[0].iterations),
                "test_acc": data.testAccuracy(w),
            ])
    }
}
