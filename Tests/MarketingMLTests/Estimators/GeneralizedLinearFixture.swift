import Foundation
import MarketingML
import TestSupport

/// What `Tests/Reference/generalized_linear.py` makes.
struct GeneralizedLinearFixture: Decodable {
    struct Data: Decodable {
        var x: [[Double]]
        var labels: [Int]
        var classes: [Int]
        var counts: [Double]
        var amounts: [Double]
        var spend: [Double]
        var stars: [Int]
        var weights: [Double]
        var offset: [Double]

        /// The features in each kind of storage.
        var storages: [(name: String, features: Features)] {
            let shape = [x.count, x[0].count]
            let single = Tensor<Float>(shape: shape, x.flatMap { $0.map { Float($0) } })
            return [
                ("Double", .double(Tensor(shape: shape, x.flatMap { $0 }))), ("Float", .float(single)),
                ("sparse", .sparse(SparseMatrix(single))),
            ]
        }

        var features: Features { storages[0].features }

        func targets(_ name: String) -> [Double] {
            switch name {
            case "counts": counts
            case "amounts": amounts
            case "labels": labels.map { Double($0) }
            default: spend
            }
        }
    }

    struct Penalized: Decodable {
        struct Kind: Decodable {
            var kind: String
            var c: Double
            var ratio: Double
        }
        var data: String
        var penalty: Kind
        var intercept: Bool
        var weighted: Bool
        var balanced: Bool
        var coefficients: [[Double]]
        var intercepts: [Double]
        var objective: Double

        var recipe: LogisticRegression {
            LogisticRegression(
                penalty.kind == "l2"
                    ? .l2(c: penalty.c)
                    : penalty.kind == "l1"
                        ? .l1(c: penalty.c) : .elasticNet(c: penalty.c, ratio: penalty.ratio),
                classWeights: balanced ? .balanced : .uniform, intercept: intercept)
        }
        var name: String { "\(data), \(penalty.kind) C=\(penalty.c)\(weighted ? " weighted" : "")" }
    }

    struct Firth: Decodable {
        var data: String
        var columns: Int
        var labels: [Int]
        var coefficients: [Double]
        var standardErrors: [Double]
        var penalizedLogLikelihood: Double
    }

    struct Inference: Decodable {
        var data: String
        var model: String
        var offset: Bool
        var estimates: [Double]
        var standardErrors: [Double]
        var pValues: [Double]
        var hc0: [Double]
        var hc1: [Double]
        var logLikelihood: Double?
        var nullLogLikelihood: Double?
        var aic: Double?
        var bic: Double?
        var deviance: Double
        var nullDeviance: Double?
        var scale: Double
        var power: Double

        var name: String { "\(model) of \(data)\(offset ? " with offset" : "")" }
    }

    struct Generalized: Decodable {
        var data: String
        var family: String
        var power: Double
        var alpha: Double
        var weighted: Bool
        var target: String
        var coefficients: [Double]
        var intercept: Double
    }

    struct Ordinal: Decodable {
        var data: String
        var coefficients: [Double]
        var thresholds: [Double]
        var standardErrors: [Double]
        var hc0: [Double]
        var pValues: [Double]
        var logLikelihood: Double
        var nullLogLikelihood: Double
    }

    var data: [String: Data]
    var logistic: [Penalized]
    var multinomial: [Penalized]
    var firth: [Firth]
    var inference: [Inference]
    var glm: [Generalized]
    var ordinal: [Ordinal]

    static func load(_ bundle: Bundle) throws -> GeneralizedLinearFixture {
        let url = TestData.fixture("generalized-linear.json", bundle)
        return try JSONDecoder().decode(Self.self, from: Foundation.Data(contentsOf: url))
    }

    func data(_ name: String) throws -> Data {
        guard let found = data[name] else { throw MarketingMLError(.malformedFile, "no data \(name)") }
        return found
    }
}
