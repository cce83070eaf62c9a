/// Inputs with their targets: what a model learns from or is judged on.
public struct Examples: Sendable {
    /// The inputs.
    public let input: LayerValue<Float>
    /// As many targets.
    public let targets: Targets
    /// As many weights in the loss, each at least 0; nil for all 1.
    public let weights: [Double]?

    /// Puts inputs and targets together.
    ///
    /// - Throws: `.emptyData` without examples; `.shapeMismatch` when numbers differ; `.invalidOption` for a negative weight
    ///   or only zeros; `.notFinite` for NaN or infinity.
    public init(_ x: some InputConvertible, _ y: some TargetsConvertible, weights: [Double]? = nil) throws {
        try self.init(input: x.layerInput(), targets: y.targets(), weights: weights)
    }

    init(input: LayerValue<Float>, targets: Targets, weights: [Double]?) throws {
        guard input.count > 0 else { throw MarketingMLError(.emptyData, "there are no examples") }
        guard targets.count == input.count else {
            throw MarketingMLError(
                .shapeMismatch, "\(input.count) inputs have \(targets.count) targets",
                at: .init(name: "targets"))
        }
        if let weights {
            guard weights.count == input.count else {
                throw MarketingMLError(
                    .shapeMismatch, "\(input.count) inputs have \(weights.count) weights",
                    at: .init(name: "sampleWeights"))
            }
            guard weights.allSatisfy({ $0 >= 0 && $0.isFinite }), weights.contains(where: { $0 > 0 }) else {
                throw MarketingMLError(
                    .invalidOption, "must be numbers from 0 on, not all 0", at: .init(name: "sampleWeights"))
            }
        }
        self.input = input
        self.targets = targets
        self.weights = weights
    }

    private init(selecting rows: [Int], of other: Examples) {
        input = other.input.select(rows: rows)
        targets = other.targets.select(rows: rows)
        weights = other.weights.map { weights in rows.map { weights[$0] } }
    }

    /// The number of examples.
    public var count: Int { input.count }

    /// The given examples, in that order; one may be taken more than once.
    public func select(rows: [Int]) -> Examples { Examples(selecting: rows, of: self) }

    /// The weight of every row of a model's output.
    var rowWeights: [Double]? {
        guard let steps = targets.stepsOfExamples, let weights else { return weights }
        return zip(weights, steps).flatMap { Array(repeating: $0, count: $1) }
    }

    /// Weights times those of the classes.
    ///
    /// - Parameter known: The number of classes; nil: as many as occur.
    func weighted(by classWeights: ClassWeights, classes known: Int? = nil) throws -> Examples {
        guard classWeights != .uniform else { return self }
        let classes = try targets.classNumbers()
        let count: Int
        if let known {
            count = known
        } else if case .values(let values) = targets, values.columnCount > 1 {
            count = values.columnCount
        } else {
            count = max(2, Int(classes.max() ?? 0) + 1)
        }
        guard classes.allSatisfy({ 0..<Int32(clamping: count) ~= $0 }),
            let byClass = try classWeights.values(for: classes, classes: count)
        else { return self }
        return try Examples(
            input: input, targets: targets,
            weights: classes.indices.map { byClass[Int(classes[$0])] * (weights?[$0] ?? 1) })
    }
}

extension FNV1a {
    /// Inputs, targets and weights.
    mutating func combine(_ examples: Examples) {
        switch examples.input {
        case .tokens(let tokens): combine(tokens)
        case .sequences(let sequences): combine(sequences)
        case .rows(let rows): combine(rows)
        }
        switch examples.targets {
        case .classes(let classes): combine(classes)
        case .values(let values): combine(values)
        case .classSequences(let tokens): combine(tokens)
        case .valueSequences(let sequences): combine(sequences)
        }
        for weight in examples.weights ?? [] { combine("\(weight)") }
    }

    private mutating func combine(_ tokens: TokenBatch) {
        combine(tokens.ids)
        combine(tokens.rowOffsets.map { Int32(truncatingIfNeeded: $0) })
    }

    private mutating func combine(_ sequences: PackedSequences<Float>) {
        combine(sequences.vectors)
        combine(sequences.offsets.map { Int32(truncatingIfNeeded: $0) })
    }

    private mutating func combine(_ tensor: Tensor<Float>) {
        combine("\(tensor.shape)")
        combine(tensor.elements.map { Int32(bitPattern: $0.bitPattern) })
    }
}
