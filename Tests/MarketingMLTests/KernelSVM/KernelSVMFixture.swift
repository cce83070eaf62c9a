import Testing
import Foundation
import MarketingML
import TestSupport

/// Machines fitted by scikit-learn's LIBSVM; `Tests/Reference/kernel_svm.py` makes the file and says what is in it.
struct KernelSVMFixture: Decodable {
    struct Case: Decodable {
        var name: String
        var machine: String
        var kernel: String
        var gammaValue: Double
        var degree: Int?
        var constant: Double?
        var c: Double?
        var nu: Double?
        var epsilon: Double?
        var x: [[Double]]
        var y: [Double]
        var weights: [Double]?
        var classWeights: [Double]?
        var test: [[Double]]
        var support: [Int]
        var coefficients: [[Double]]
        var intercepts: [Double]
        var objective: [Double]
        var decision: [[Double]]
        var answers: [Int]?

        var features: Tensor<Double> { matrix(x) }
        var testFeatures: Tensor<Double> { matrix(test) }
        var labels: [Int] { y.map { Int($0) } }

        var kernelFunction: SupportVectorKernel {
            switch kernel {
            case "linear": .linear
            case "rbf": .rbf(gamma: .value(gammaValue))
            case "poly": .polynomial(degree: degree ?? 3, gamma: .value(gammaValue), constant: constant ?? 0)
            case "sigmoid": .sigmoid(gamma: .value(gammaValue), constant: constant ?? 0)
            default: .precomputed
            }
        }

        /// The kernel values between two rows, straight from the formula.
        func value(_ a: Int, _ b: Int) -> Double {
            if kernel == "precomputed" { return x[a][b] }
            let product = zip(x[a], x[b]).reduce(0) { $0 + $1.0 * $1.1 }
            switch kernel {
            case "linear": return product
            case "rbf":
                return exp(-gammaValue * zip(x[a], x[b]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
            case "poly": return pow(gammaValue * product + (constant ?? 0), Double(degree ?? 3))
            default: return tanh(gammaValue * product + (constant ?? 0))
            }
        }
    }

    struct LIBSVM: Decodable {
        var name: String
        var x: [[Double]]
        var answers: [Double]
        var values: [[Double]]
        var labels: [Int]
    }

    var cases: [Case]
    var libsvm: [LIBSVM]

    static func load() throws -> KernelSVMFixture {
        try JSONDecoder().decode(
            KernelSVMFixture.self, from: Data(contentsOf: TestData.fixture("kernel_svm.json", .module)))
    }
}

func matrix(_ rows: [[Double]]) -> Tensor<Double> {
    Tensor(shape: [rows.count, rows.first?.count ?? 0], rows.flatMap { $0 })
}

/// A problem of its own for tests: two noisy classes and a target.
struct KernelSVMProblem {
    var x: Tensor<Double>
    var labels: [String]
    var targets: [Double]

    init(_ count: Int, _ features: Int, classes: Int = 2, seed: UInt64 = 3) {
        var random = SeededGenerator(seed: seed)
        var rows: [Double] = []
        (labels, targets) = ([], [])
        for _ in 0..<count {
            let row = (0..<features).map { _ in 4 * random.nextUniform() - 2 }
            let f = row[0] * row[features - 1] + sin(2 * row[features / 2]) + random.nextUniform() - 0.5
            rows += row
            targets.append(f)
            labels.append("class \(min(classes - 1, max(0, Int((f + 2) / 4 * Double(classes)))))")
        }
        x = Tensor(shape: [count, features], rows)
    }
}
