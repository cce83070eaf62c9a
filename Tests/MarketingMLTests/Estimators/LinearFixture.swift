import Foundation
import MarketingML
import TestSupport

/// What `Tests/Reference/linear.py` writes.
struct LinearFixture: Decodable {
    struct Set: Decodable {
        var n: Int
        var d: Int
        var t: Int
        var x: [Double]
        var y: [Double]
        var weights: [Double]?

        var double: Tensor<Double> { Tensor(shape: [n, d], x) }
        var float: Tensor<Float> { Tensor(shape: [n, d], x.map { Float($0) }) }
        var sparse: SparseMatrix<Float> { SparseMatrix(float) }
        var targets: Tensor<Double> { t == 1 ? Tensor(y) : Tensor(shape: [n, t], y) }
        var kinds: [(name: String, features: Features)] {
            [("double", .double(double)), ("float", .float(float)), ("sparse", .sparse(sparse))]
        }
    }
    struct Ridge: Decodable {
        var set: String
        var lambda: Double
        var intercept: Bool
        var coefficients: [Double]
        var intercepts: [Double]
        var objective: Double
        var condition: Double
    }
    struct Scikit: Decodable {
        var set: String
        var lambda: Double
        var coefficients: [Double]
        var intercepts: [Double]
    }
    struct Elastic: Decodable {
        var set: String
        var lambda: Double
        var ratio: Double
        var intercept: Bool
        var nonnegative: Bool
        var coefficients: [Double]
        var interceptValue: Double
        var objective: Double
    }
    struct LeastSquares: Decodable {
        var set: String
        var covariance: CovarianceKind
        var intercept: Bool
        var estimates: [Double]
        var standardErrors: [Double]
        var statistics: [Double]
        var pValues: [Double]
        var low: [Double]
        var high: [Double]
    }
    struct Path: Decodable {
        var set: String
        var lambdas: [Double]
        var leaveOneOut: [Double]
    }
    struct Variance: Decodable {
        var set: String
        var factors: [Double]
    }
    var sets: [String: Set]
    var ridge: [Ridge]
    var scikitRidge: [Scikit]
    var elasticNet: [Elastic]
    var leastSquares: [LeastSquares]
    var paths: [Path]
    var variance: [Variance]

    static func load() throws -> LinearFixture {
        try JSONDecoder().decode(
            LinearFixture.self, from: Data(contentsOf: TestData.fixture("linear.json", .module)))
    }

    func set(_ name: String) throws -> Set {
        guard let set = sets[name] else { throw CocoaError(.fileReadCorruptFile) }
        return set
    }
}
