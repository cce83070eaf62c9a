import Tensor

/// The last steps of each sequence: [N, L, D] → [N, count, D].
struct LastSteps: ParameterFreeRecipe {
    var count: Int

    func outputShape(for input: LayerShape) throws -> LayerShape {
        guard case .sequence(let length?, let width) = input, count >= 1, count <= length else {
            throw input.mismatch("sequences of one length of at least \(count)")
        }
        return .sequence(length: count, width: width)
    }

    func apply<Scalar: TensorFloatingPoint>(
        _ input: LayerValue<Scalar>, dropout: inout DropoutStreams?
    ) -> LayerValue<Scalar> {
        let sequences = input.sequences
        let rows = sequences.offsets.dropFirst().flatMap { $0 - count..<$0 }
        return .sequences(
            PackedSequences(
                vectors: sequences.vectors.rows(at: rows), offsets: (0...sequences.count).map { $0 * count }))
    }
}
