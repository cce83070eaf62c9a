import Tensor

/// Features that are permuted together, such as the columns that one categorical column was encoded to.
public struct FeatureGroup: Sendable, Equatable, Codable {
    /// What the group is called.
    public let name: String
    /// Its columns of the feature matrix.
    public let columns: [Int]

    /// Creates a group.
    public init(name: String, columns: [Int]) {
        self.name = name
        self.columns = columns
    }
}

/// How much worse a model does when a feature is shuffled among the examples.
public struct FeatureImportance: Sendable, Equatable, Codable {
    /// The feature or group.
    public let group: FeatureGroup
    /// The mean loss of quality over the repeats, in the metric's unit, positive where the feature helps; and the percentile
    /// interval over bootstrap resamples of the examples, each with one of the permutations: it covers both.
    public let importance: MetricValue
}

extension FittedClassifier {
    /// The importance of each feature, or group of features, to this model, largest first.
    ///
    /// Give examples that the model was not fitted on. Of features that say the same, each looks less important than both
    /// together: group them.
    ///
    /// Breiman: Random Forests, Machine Learning 45, 2001, doi:10.1023/A:1010933404324.
    ///
    /// - Parameters:
    ///   - groups: What is permuted; nil: each feature by itself, named by its index.
    ///   - repeats: Permutations a group.
    ///   - resamples: Bootstrap resamples a permutation.
    /// - Throws: `.invalidOption` for fewer than 1 repeat or a column that does not exist; what the metric and the model
    ///   throw; `CancellationError`.
    public func permutationImportance(
        _ features: some FeatureMatrix, _ labels: [Label], scoring: Scoring = .rocAUC,
        groups: [FeatureGroup]? = nil, repeats: Int = 5, resamples: Int = 40, level: Double = 0.95,
        seed: UInt64 = 1, progress: ProgressHandler? = nil
    ) throws -> [FeatureImportance] {
        let matrix = features.features
        try matrix.checkCounts(labels.count, nil)
        let plain = try ClassificationOutcomes(of: self, matrix, labels, for: [scoring])
        let whole = try plain.value(of: scoring).value
        return try Permutations(
            matrix: matrix, groups: groups, repeats: repeats, resamples: resamples, level: level, seed: seed
        ).importances(whole: whole, sign: scoring.prefersLarger ? 1 : -1, progress: progress) { permuted in
            let outcomes = try ClassificationOutcomes(of: self, permuted, labels, for: [scoring])
            return (
                try outcomes.value(of: scoring).value,
                { weights in
                    guard let a = plain.value(of: scoring, weights: weights),
                        let b = outcomes.value(of: scoring, weights: weights)
                    else { return nil }
                    return a - b
                }
            )
        }
    }
}

extension FittedRegressor {
    /// The importance of each feature, or group of features, to this model, largest first. As for classifiers.
    public func permutationImportance(
        _ features: some FeatureMatrix, _ targets: [Double], scoring: Scoring = .rSquared,
        groups: [FeatureGroup]? = nil, repeats: Int = 5, resamples: Int = 40, level: Double = 0.95,
        seed: UInt64 = 1, progress: ProgressHandler? = nil
    ) throws -> [FeatureImportance] {
        let matrix = features.features
        try matrix.checkCounts(targets.count, nil)
        let plain = try RegressionOutcomes(targets: targets, predictions: predict(matrix))
        let whole = try plain.value(of: scoring).value
        return try Permutations(
            matrix: matrix, groups: groups, repeats: repeats, resamples: resamples, level: level, seed: seed
        ).importances(whole: whole, sign: scoring.prefersLarger ? 1 : -1, progress: progress) { permuted in
            let outcomes = try RegressionOutcomes(targets: targets, predictions: predict(permuted))
            return (
                try outcomes.value(of: scoring).value,
                { plain.value(of: scoring, weights: $0) - outcomes.value(of: scoring, weights: $0) }
            )
        }
    }
}

/// Permutes groups of features and collects what is lost.
private struct Permutations {
    let matrix: Features
    let groups: [FeatureGroup]?
    let repeats: Int
    let resamples: Int
    let level: Double
    let seed: UInt64

    /// - Parameter judge: The metric on permuted features, and how much it lies below the unpermuted one under weights.
    func importances(
        whole: Double, sign: Double, progress: ProgressHandler?,
        judge: (Features) throws -> (value: Double, difference: ([Double]) -> Double?)
    ) throws -> [FeatureImportance] {
        try checkLevel(level)
        guard repeats >= 1, resamples >= 1 else {
            throw MarketingMLError(
                .invalidOption, "must be at least 1: \(repeats) repeats, \(resamples) resamples")
        }
        let groups =
            groups ?? (0..<matrix.featureCount).map { FeatureGroup(name: "feature \($0)", columns: [$0]) }
        for group in groups {
            if let column = group.columns.first(where: { !(0..<matrix.featureCount ~= $0) }) {
                throw MarketingMLError(
                    .invalidOption, "column \(column) of \(matrix.featureCount)", at: .init(name: group.name))
            }
        }
        let count = matrix.exampleCount
        var result: [FeatureImportance] = []
        for (place, group) in groups.enumerated() {
            try Task.checkCancellation()
            var losses: [Double] = []
            var spread: [Double] = []
            for turn in 0..<repeats {
                // Each permutation has a stream, and after it each of its resamples.
                let stream = UInt64((place * repeats + turn) * (resamples + 1))
                var random = SeededGenerator(seed: seed, stream: stream)
                let (value, difference) = try judge(
                    matrix.permuting(group.columns, by: random.permutation(count)))
                losses.append(sign * (whole - value))
                spread += parallelMap(resamples) { resample in
                    var random = SeededGenerator(seed: seed, stream: stream + UInt64(resample) + 1)
                    return difference(Bootstrap.multiplicities(count, &random)).map { sign * $0 }
                }.compactMap { $0 }
            }
            spread.sort()
            let mean = losses.reduce(0, +) / Double(repeats)
            let interval =
                spread.isEmpty
                ? nil
                : ConfidenceInterval(
                    lower: quantile(of: spread, (1 - level) / 2),
                    upper: quantile(of: spread, (1 + level) / 2),
                    level: level, method: .bootstrap(resamples: resamples, seed: seed))
            result.append(
                FeatureImportance(group: group, importance: MetricValue(mean, interval: interval)))
            let event = ProgressEvent(
                phase: .other("permuting features"), step: place + 1, total: groups.count)
            if progress?(event) == .stop { break }
        }
        return result.indices
            .sorted { (result[$1].importance.value, $0) < (result[$0].importance.value, $1) }
            .map { result[$0] }
    }
}

extension Features {
    /// The same features, but these columns of row i taken from row `order[i]`.
    func permuting(_ columns: [Int], by order: [Int]) -> Features {
        switch self {
        case .float(let matrix): .float(matrix.permuting(columns, by: order))
        case .double(let matrix): .double(matrix.permuting(columns, by: order))
        case .sparse(let matrix): .sparse(matrix.permuting(columns, by: order))
        }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    fileprivate func permuting(_ columns: [Int], by order: [Int]) -> Tensor {
        let width = shape[1]
        var result = self
        result.withUnsafeMutableElements { target in
            withUnsafeElements { source in
                for (row, other) in order.enumerated() {
                    for column in columns { target[row * width + column] = source[other * width + column] }
                }
            }
        }
        return result
    }
}

extension SparseMatrix {
    fileprivate func permuting(_ columns: [Int], by order: [Int]) -> SparseMatrix {
        let moved = Set(columns.map { Int32($0) })
        var offsets = [0]
        var newColumns: [Int32] = []
        var newValues: [Scalar] = []
        newColumns.reserveCapacity(storedCount)
        newValues.reserveCapacity(storedCount)
        for (row, other) in order.enumerated() {
            var elements: [(column: Int32, value: Scalar)] = []
            for index in rowOffsets[row]..<rowOffsets[row + 1] where !moved.contains(columnIndices[index]) {
                elements.append((columnIndices[index], values[index]))
            }
            for index in rowOffsets[other]..<rowOffsets[other + 1] where moved.contains(columnIndices[index])
            {
                elements.append((columnIndices[index], values[index]))
            }
            elements.sort { $0.column < $1.column }
            newColumns += elements.map(\.column)
            newValues += elements.map(\.value)
            offsets.append(newValues.count)
        }
        return SparseMatrix(
            trusted: rowCount, columnCount, rowOffsets: offsets, columnIndices: newColumns, values: newValues)
    }
}
