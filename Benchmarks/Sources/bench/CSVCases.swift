import Foundation
import MarketingML

/// Reading the CSV files of Benchmarks/Peers/read_tables.py.
struct CSVCase: BenchmarkCase {
    enum Kind: String {
        /// A table of 20 columns of numbers in double precision.
        case numeric
        /// The same file as a matrix in single precision.
        case matrix = "numeric-f32"
        /// A table of numbers, categories and quoted texts.
        case mixed
    }

    let kind: Kind

    static let all = [CSVCase(kind: .numeric), CSVCase(kind: .matrix), CSVCase(kind: .mixed)]

    var name: String { "csv/\(kind.rawValue)" }

    func measure(repeats: Int) throws -> Measurement {
        let file = kind == .mixed ? "mixed.csv" : "numeric.csv"
        let url = PeerData.root.appendingPathComponent("csv").appendingPathComponent(file)
        let size = try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int ?? 0
        var quality: [String: Double] = [:]
        let runs = try Measurement.time(repeats: repeats) {
            switch kind {
            case .matrix:
                let matrix = try Tensor<Float>(csv: url)
                quality = ["rows": Double(matrix.shape[0]), "columns": Double(matrix.shape[1])]
            case .numeric, .mixed:
                let table = try Table(csv: url)
                quality = ["rows": Double(table.rowCount), "columns": Double(table.columns.count)]
            }
        }
        if kind != .matrix { quality["sum"] = try sum(of: Table(csv: url)) }
        return Measurement(
            runs: runs, throughput: { ["MB_per_s": Double(size) / 1e6 / $0] }, quality: quality)
    }

    private func sum(of table: Table) throws -> Double {
        try table.columns.filter { $0.kind == .numeric }.reduce(0) { total, column in
            total + (try column.numbers().reduce(0) { $1.isNaN ? $0 : $0 + $1 })
        }
    }
}
