/// What a network said of examples whose targets are known, collected batch by batch.
struct Predictions {
    private var values: [Float] = []
    private var width = 0
    private var classes: [Int32] = []
    private var targetValues: [Float] = []
    private var weights: [Double] = []

    /// Adds a batch.
    ///
    /// - Parameter outputs: [rows, D], after the last activation.
    mutating func add(_ outputs: Tensor<Float>, _ batch: Examples) {
        width = outputs.columnCount
        values += outputs.elements
        switch batch.targets.flattened {
        case .classes(let batchClasses): classes += batchClasses
        case .values(let batchValues): targetValues += batchValues.elements
        default: break
        }
        weights += batch.rowWeights ?? Array(repeating: 1, count: outputs.rowCount)
    }

    /// The metrics; one that is not defined on these examples (a class is missing) is left out.
    ///
    /// - Throws: `.invalidOption` for a metric that does not fit the outputs, `.notFinite` for outputs that are not finite.
    func metrics(_ scorings: [Scoring], loss: Loss) throws -> [Scoring: Double] {
        var results: [Scoring: Double] = [:]
        if let scoring = scorings.first(where: { !$0.isForRegression }) {
            guard let outcomes = try classification(loss) else {
                throw MarketingMLError(
                    .invalidOption, "\(scoring) needs targets that are classes", at: .init(name: "metrics"))
            }
            for scoring in scorings where !scoring.isForRegression {
                results[scoring] = try outcomes.definedValue(of: scoring)
            }
        }
        if scorings.contains(where: \.isForRegression) {
            let targets = classes.isEmpty ? targetValues.map(Double.init) : classes.map { Double($0) }
            guard targets.count == values.count else {
                throw MarketingMLError(
                    .invalidOption, "metrics of regressions need a target for each of the \(width) outputs",
                    at: .init(name: "metrics"))
            }
            let outcomes = try RegressionOutcomes(
                targets: targets, predictions: values.map(Double.init),
                weights: weights.flatMap { Array(repeating: $0, count: width) })
            for scoring in scorings where scoring.isForRegression {
                results[scoring] = try outcomes.value(of: scoring).value
            }
        }
        return results
    }

    /// Outputs as those of a classifier: one (or, for a binary loss, each) is the positive class' probability, or a decision
    /// value for hinge loss; more are a class each. nil where targets are no classes.
    private func classification(_ loss: Loss) throws -> ClassificationOutcomes? {
        let count = weights.count
        let outputs = values.map(Double.init)
        if width == 1 || loss.isBinary {
            guard let truth = binaryTruth else { return nil }
            let weights = weights.flatMap { Array(repeating: $0, count: width) }
            let threshold = loss == .hinge ? 0 : 0.5
            let areProbabilities = loss != .hinge && outputs.allSatisfy { 0...1 ~= $0 }
            let probabilities: [Double]? = areProbabilities ? outputs.flatMap { [1 - $0, $0] } : nil
            return try ClassificationOutcomes(
                classCount: 2, truth: truth, predicted: outputs.map { $0 > threshold ? 1 : 0 },
                decisionValues: outputs, probabilities: probabilities, weights: weights)
        }
        guard let truth = classTruth else { return nil }
        let rows = (0..<count).map { outputs[$0 * width..<($0 + 1) * width] }
        let predicted = rows.map { row -> Int in
            let best = row.indices.max { row[$0] < row[$1] }
            return (best ?? row.startIndex) - row.startIndex
        }
        let decisions = width == 2 ? rows.map { $0[$0.startIndex + 1] - $0[$0.startIndex] } : outputs
        return try ClassificationOutcomes(
            classCount: width, truth: truth, predicted: predicted, decisionValues: decisions,
            probabilities: sumsToOne(outputs) ? outputs : nil, weights: weights)
    }

    private var binaryTruth: [Int]? {
        let truth = classes.isEmpty ? targetValues.map { $0 > 0 ? 1 : 0 } : classes.map { $0 > 0 ? 1 : 0 }
        let isBinary =
            classes.isEmpty
            ? targetValues.allSatisfy { [-1, 0, 1].contains($0) } : classes.allSatisfy { -1...1 ~= $0 }
        return isBinary ? truth : nil
    }

    private var classTruth: [Int]? {
        if !classes.isEmpty { return classes.map { Int($0) } }
        return (0..<weights.count).reduce(into: [Int]?([])) { truth, row in
            let ones = (0..<width).filter { targetValues[row * width + $0] == 1 }
            if ones.count == 1 { truth?.append(ones[0]) } else { truth = nil }
        }
    }

    private func sumsToOne(_ outputs: [Double]) -> Bool {
        (0..<weights.count).allSatisfy { row in
            let slice = outputs[row * width..<(row + 1) * width]
            return slice.allSatisfy { 0...1 ~= $0 } && abs(slice.reduce(0, +) - 1) < 1e-5
        }
    }
}

extension ClassificationOutcomes {
    /// A metric; nil if it is not defined on these examples.
    fileprivate func definedValue(of scoring: Scoring) throws -> Double? {
        do {
            return try value(of: scoring).value
        } catch {
            if error.code == .emptyData { return nil }
            throw error
        }
    }
}
