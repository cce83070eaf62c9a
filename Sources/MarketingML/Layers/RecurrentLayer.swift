/// Recurrent layers of one kind on one another, with their weights, as one layer.
///
/// It keeps no state between calls. To go on where a batch ended (Keras' `stateful`), carry the states along, see
/// ``CarriedStates``; or hand them over yourself.
public struct RecurrentLayer<Scalar: TensorFloatingPoint>: Layer {
    /// What a step does.
    public let kind: RecurrentCellKind
    /// The weights: layer by layer, in each the forward direction before the other one.
    public var weights: [RecurrentWeights<Scalar>]
    /// Whether each layer runs in both directions.
    public let isBidirectional: Bool
    /// Whether the output is the state after each step, or the last one alone.
    public var returnsSequences: Bool
    /// Share of the outputs between layers that training sets to zero.
    public var dropout: Double
    /// Share of the state that training hides from the recurrent product.
    public var recurrentDropout: Double

    /// Creates the layer from its weights.
    public init(
        _ kind: RecurrentCellKind, weights: [RecurrentWeights<Scalar>], isBidirectional: Bool = false,
        returnsSequences: Bool = false, dropout: Double = 0, recurrentDropout: Double = 0
    ) {
        precondition(
            !weights.isEmpty && weights.count % (isBidirectional ? 2 : 1) == 0,
            "a recurrent layer needs weights for each of its directions")
        self.kind = kind
        self.weights = weights
        self.isBidirectional = isBidirectional
        self.returnsSequences = returnsSequences
        self.dropout = dropout
        self.recurrentDropout = recurrentDropout
    }

    init(
        _ kind: RecurrentCellKind, units: Int, returnsSequences: Bool, options: RecurrentOptions,
        input: LayerShape, weights source: inout WeightSource
    ) throws {
        let width = try input.sequenceWidth()
        try requireOption(1..<1 << 20 ~= units, "units", "in 1 ..< 2²⁰", units)
        try options.validate()
        let directions = options.isBidirectional ? 2 : 1
        self.init(
            kind,
            weights: try (0..<options.layers * directions).map { index in
                try options.initialization.makeWeights(
                    kind, inputs: index < directions ? width : directions * units, units: units, from: &source
                )
            },
            isBidirectional: options.isBidirectional, returnsSequences: returnsSequences,
            dropout: options.dropout, recurrentDropout: options.recurrentDropout)
    }

    private var directions: Int { isBidirectional ? 2 : 1 }
    private var units: Int { weights[0].units }

    /// A vector of U elements, or 2 U in both directions: for each step, or for each sequence.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        let inputs = weights[0].input.columnCount
        guard case .sequence(let length, inputs) = input else {
            throw input.mismatch("sequences of vectors of \(inputs) elements")
        }
        let width = directions * units
        return returnsSequences ? .sequence(length: length, width: width) : .vector(width: width)
    }

    /// The states after each step, or the last ones.
    public func callAsFunction(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<
        Scalar
    > {
        let (outputs, states) = self(input.sequences, initial: nil, dropout: &dropout)
        if let outputs { return .sequences(outputs) }
        return .rows(.concatenatedColumns(states.suffix(directions).map(\.hidden)))
    }

    /// The outputs for sequences that begin in given states, and the states in which they end.
    ///
    /// - Parameters:
    ///   - input: N sequences.
    ///   - initial: A state for each of ``weights``; nil for zeros.
    ///   - dropout: The step's streams while training.
    /// - Returns: The states after each step of the uppermost layer, nil unless ``returnsSequences``; and the last state
    ///   for each of ``weights``.
    public func callAsFunction(
        _ input: PackedSequences<Scalar>, initial: [RecurrentState<Scalar>]?,
        dropout streams: inout DropoutStreams?
    ) -> (outputs: PackedSequences<Scalar>?, states: [RecurrentState<Scalar>]) {
        precondition(initial.map { $0.count == weights.count } ?? true, "a state is needed for each cell")
        let layers = weights.count / directions
        var x: Tensor<Scalar>? = input.vectors
        var states: [RecurrentState<Scalar>] = []
        for layer in 0..<layers {
            guard let below = x else { break }
            let returns = returnsSequences || layer < layers - 1
            var outputs: [Tensor<Scalar>] = []
            for direction in 0..<directions {
                let index = layer * directions + direction
                let mask = streams.take(rate: recurrentDropout)
                let result = below.recurrent(
                    kind, weights[index], offsets: input.offsets, initial: initial?[index],
                    reversed: direction == 1,
                    stateMask: mask.rate == 0
                        ? nil : Tensor(repeating: 1, shape: [input.count, units]).dropped(mask),
                    returnsSequences: returns)
                states.append(result.state)
                if let states = result.outputs { outputs.append(states) }
            }
            x = returns ? (directions == 1 ? outputs[0] : .concatenatedColumns(outputs)) : nil
            if layer < layers - 1 {
                let mask = streams.take(rate: dropout)
                x = x?.dropped(mask)
            }
        }
        return (x.map { PackedSequences(vectors: $0, offsets: input.offsets) }, states)
    }

    /// Calls `body` with the weights under PyTorch's names: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, and
    /// so on, those of the other direction with `_reverse`.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        for index in weights.indices {
            let suffix = "l\(index / directions)" + (index % directions == 1 ? "_reverse" : "")
            try body("weight_ih_\(suffix)", &weights[index].input)
            try body("weight_hh_\(suffix)", &weights[index].recurrent)
            try withParameter(&weights[index].inputBias) { try body("bias_ih_\(suffix)", &$0) }
            try withParameter(&weights[index].recurrentBias) { try body("bias_hh_\(suffix)", &$0) }
        }
    }
}

/// Calls `body` with a parameter that may be missing, without leaving a second reference to it, so that it is changed in
/// place.
func withParameter<Scalar: TensorFloatingPoint>(
    _ parameter: inout Tensor<Scalar>?, _ body: (inout Tensor<Scalar>) throws -> Void
) rethrows {
    guard var value = parameter else { return }
    parameter = nil
    defer { parameter = value }
    try body(&value)
}
