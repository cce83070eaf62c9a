import Foundation
import Tensor

@testable import MarketingML

/// The smallest recipes that can be right or wrong: what tests of selection and calibration fit.
struct CentroidClassifier: Classifier {
    /// Classes are told apart by this feature alone; nil: by all.
    var feature: Int?
    /// Called for each fit.
    var onFit: @Sendable () throws -> Void = {}

    var name: String { feature.map { "centroids of feature \($0)" } ?? "centroids" }

    func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil
    ) throws -> CentroidModel<Label> {
        try onFit()
        let rows = features.features.denseRows
        let classes = try LabelSet(labels)
        let width = rows.first?.count ?? 0
        var sums = [[Double]](repeating: [Double](repeating: 0, count: width), count: classes.count)
        var totals = [Double](repeating: 0, count: classes.count)
        for (index, row) in rows.enumerated() {
            let place = try classes.indices(of: [labels[index]])[0]
            let weight = weights?[index] ?? 1
            totals[place] += weight
            for column in row.indices where feature.map({ $0 == column }) ?? true {
                sums[place][column] += weight * row[column]
            }
        }
        return CentroidModel(
            classes: classes,
            centroids: zip(sums, totals).map { sum, total in sum.map { $0 / total } }, feature: feature)
    }

    func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label> {
        try fit(features, labels, weights: weights)
    }
}

struct CentroidModel<Label: Hashable & Sendable & Codable>: FittedClassifier, SavableModel {
    let classes: LabelSet<Label>
    let centroids: [[Double]]
    let feature: Int?

    var featureCount: Int { centroids[0].count }

    func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        try features.features.checkShape(featureCount: featureCount)
        let distances = features.features.denseRows.map { row in
            centroids.map { centroid in
                row.indices.reduce(0.0) { sum, column in
                    guard feature.map({ $0 == column }) ?? true else { return sum }
                    return sum + (row[column] - centroid[column]) * (row[column] - centroid[column])
                }
            }
        }
        if classes.count == 2 { return Tensor(distances.map { $0[0] - $0[1] }) }
        return Tensor(
            shape: [distances.count, classes.count], distances.flatMap { $0.map { -$0 } })
    }

    private struct Fields: Codable {
        var labels: [String]
        var feature: Int?
    }

    init(classes: LabelSet<Label>, centroids: [[Double]], feature: Int?) {
        self.classes = classes
        self.centroids = centroids
        self.feature = feature
    }

    func save(to url: URL) throws {
        try ModelFile.write(
            to: url, kind: "centroids", fields: Fields(labels: classes.texts, feature: feature)
        ) { writer in
            writer.add(
                "centroids",
                Tensor<Double>(shape: [centroids.count, featureCount], centroids.flatMap { $0 }))
        }
    }

    init(_ url: URL) throws {
        let file = try ModelFile(url, kind: "centroids")
        let fields: Fields = try file.decode()
        let tensor: Tensor<Double> = try file.tensor("centroids")
        guard tensor.rank == 2, tensor.shape[0] == fields.labels.count, tensor.shape[1] > 0 else {
            throw file.malformed("wrong shape")
        }
        let width = tensor.shape[1]
        let values = tensor.elements
        self.init(
            classes: try LabelSet(texts: fields.labels),
            centroids: (0..<tensor.shape[0]).map { Array(values[$0 * width..<($0 + 1) * width]) },
            feature: fields.feature)
    }
}

/// Predicts a multiple of the first feature.
struct ScaledRegressor: Regressor {
    var factor: Double

    var name: String { "\(factor) x" }

    func fitRegressor(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedRegressor {
        Model(factor: factor, featureCount: features.features.featureCount)
    }

    struct Model: FittedRegressor {
        var factor: Double
        var featureCount: Int

        func predict(_ features: some FeatureMatrix) throws -> [Double] {
            features.features.denseRows.map { factor * $0[0] }
        }
    }
}

/// Labelled examples.
enum Example {
    /// Two classes that overlap in feature 0; features 1 and 2 say nothing.
    static func overlapping(_ count: Int, seed: UInt64 = 9) -> (features: Tensor<Double>, labels: [String]) {
        var random = SeededGenerator(seed: seed)
        var values: [Double] = []
        var labels: [String] = []
        for index in 0..<count {
            let positive = index % 3 == 0
            labels.append(positive ? "yes" : "no")
            values.append((positive ? 1 : 0) + 2 * random.nextUniform())
            values.append(random.nextUniform())
            values.append(random.nextUniform())
        }
        return (Tensor(shape: [count, 3], values), labels)
    }
}

extension Features {
    /// Row by row, in Double.
    var denseRows: [[Double]] {
        let (values, width): ([Double], Int) =
            switch self {
            case .float(let matrix): (matrix.elements.map { Double($0) }, matrix.shape[1])
            case .double(let matrix): (matrix.elements, matrix.shape[1])
            case .sparse(let matrix): (matrix.dense.elements.map { Double($0) }, matrix.columnCount)
            }
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
    }
}
