import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// The contents of linear_svm.json: see Tests/Reference/linear_svm.py.
struct LinearReference: Decodable {
    struct Fit: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var loss: String
        var intercept: String
        var scale: Double
        var c: Double
        var epsilon: Double
        var weighted: Bool
        var coefficients: [Double]
        var intercept_value: Double
        var objective: Double

        var testDescription: String { name }

        var linearIntercept: LinearIntercept {
            switch intercept {
            case "free": .free
            case "absent": .absent
            default: .penalized(scale: scale)
            }
        }

        var linearLoss: LinearLoss {
            switch loss {
            case "logistic": .logistic
            case "hinge": .hinge
            case "squaredHinge": .squaredHinge
            case "epsilonInsensitive": .epsilonInsensitive(epsilon)
            default: .squaredEpsilonInsensitive(epsilon)
            }
        }
    }

    struct File: Decodable, Sendable {
        var s: Int
        var c: Double
        var bias: Double
        var text: String
        var predictions: [Double]
        var values: [[Double]]
        var labels: [Int]
        var probabilities: [[Double]]?
    }

    var columns: Int
    var matrix: [[[Double]]]
    var binary: [Int]
    var classes: [Int]
    var numbers: [Double]
    var weights: [Double]
    var fits: [Fit]
    var files: [File]

    static let shared: LinearReference? = {
        let url = TestData.fixture("linear_svm.json", .module)
        return try? JSONDecoder().decode(LinearReference.self, from: Data(contentsOf: url))
    }()

    var sparse: SparseMatrix<Float> {
        get throws {
            try SparseMatrix(
                rows: matrix.map { row in
                    Dictionary(uniqueKeysWithValues: row.map { (Int($0[0]), Float($0[1])) })
                }, columnCount: columns)
        }
    }

    func problem(_ fit: Fit) throws -> LinearProblem<Float> {
        let isRegression = fit.loss.lowercased().contains("epsilon")
        return LinearProblem(
            try sparse, targets: isRegression ? numbers : binary.map { Double($0) },
            costs: fit.weighted ? weights.map { $0 * fit.c } : matrix.map { _ in fit.c },
            loss: fit.linearLoss,
            intercept: fit.linearIntercept)
    }
}
