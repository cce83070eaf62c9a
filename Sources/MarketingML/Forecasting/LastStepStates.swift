import Tensor

/// A recurrent layer's outputs of the last steps: [N, L, D] → [N, count, units].
struct LastStepStates: LayerRecipe {
    var cell: RecurrentCell
    var units: Int
    var count: Int

    func makeLayer<Scalar: TensorFloatingPoint>(
        for input: LayerShape, weights: inout WeightSource
    ) throws -> any Layer<Scalar> {
        let width = try input.sequenceWidth()
        try requireOption((1...1 << 20).contains(units), "units", "from 1 to 1048576", units)
        let rows = cell.gateCount * units
        return LastStepStatesLayer<Scalar>(
            cell: cell, count: count, input: try weights.next(.glorotUniform, shape: [rows, width]),
            recurrent: try weights.next(.orthogonal(), shape: [rows, units]),
            bias: try weights.next(.zeros, shape: [rows]))
    }
}

/// The layer of a ``LastStepStates``.
struct LastStepStatesLayer<Scalar: TensorFloatingPoint>: Layer {
    let cell: RecurrentCell
    let count: Int
    /// [gates · units, D].
    var input: Tensor<Scalar>
    /// [gates · units, units].
    var recurrent: Tensor<Scalar>
    /// [gates · units].
    var bias: Tensor<Scalar>

    func outputShape(for input: LayerShape) throws -> LayerShape {
        guard case .sequence(let length?, let width) = input, length >= count, count >= 1,
            width == self.input.columnCount
        else {
            throw input.mismatch(
                "sequences of \(count) or more vectors of \(self.input.columnCount) elements")
        }
        return .sequence(length: count, width: recurrent.columnCount)
    }

    func callAsFunction(
        _ value: LayerValue<Scalar>, dropout: inout DropoutStreams?
    ) -> LayerValue<Scalar> {
        let sequences = value.sequences
        let weights = RecurrentWeights(input: input, recurrent: recurrent, inputBias: bias)
        let outputs = sequences.vectors.recurrent(cell, weights, offsets: sequences.offsets).outputs
        let rows = sequences.offsets.dropFirst().flatMap { $0 - count..<$0 }
        return .sequences(
            PackedSequences(
                vectors: outputs?.rows(at: rows) ?? .zeros([rows.count, recurrent.columnCount]),
                offsets: (0...sequences.count).map { $0 * count }))
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("weight_ih", &input)
        try body("weight_hh", &recurrent)
        try body("bias", &bias)
    }
}
