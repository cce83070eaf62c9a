import Tensor

/// The states that sequences cut into parts carry from one batch to the next: what `stateful` is in Keras.
///
/// A layer is a value and remembers nothing between calls, so what is carried stands beside it. Row n of a batch goes on where
/// row n of the batch before ended. Gradients do not flow back past the beginning of a part: back-propagation through time is
/// truncated there.
///
/// ```swift
/// var carried = CarriedStates<Float>()
/// for part in parts {
///     let (loss, gradients) = try valueAndGradient(of: model) { model in
///         let outputs = try model.lstm(model.table(part), carrying: &carried, dropout: &dropout)
///         return loss(model.head(outputs))
///     }
///     optimizer.update(&model, with: gradients)
/// }
/// carried.reset()          // before sequences that have nothing to do with these
/// ```
public struct CarriedStates<Scalar: TensorFloatingPoint>: Sendable {
    /// A state for each cell of the layer; nil before the first part.
    public private(set) var states: [RecurrentState<Scalar>]?

    /// Sequences begin with zeros, or in given states.
    public init(_ states: [RecurrentState<Scalar>]? = nil) { self.states = states.map { $0.map(\.detached) } }

    /// The next part begins new sequences.
    public mutating func reset() { states = nil }

    fileprivate mutating func carry(_ ended: [RecurrentState<Scalar>]) { states = ended.map(\.detached) }
}

extension RecurrentLayer {
    /// The layer's output for the next part of sequences, which begins in the states that are carried and leaves those in which
    /// it ends.
    ///
    /// - Parameters:
    ///   - part: N sequences; one without steps keeps its state.
    ///   - carried: The states of N sequences.
    ///   - dropout: The step's streams while training.
    /// - Returns: The states after each step, or, unless ``returnsSequences``, the last ones [N, U].
    /// - Throws: `.shapeMismatch` if the part has another number of sequences than states are carried for; `.unsupported` for a
    ///   layer in both directions, whose second one would begin at the end of what is not there yet.
    public func callAsFunction(
        _ part: PackedSequences<Scalar>, carrying carried: inout CarriedStates<Scalar>,
        dropout: inout DropoutStreams?
    ) throws -> LayerValue<Scalar> {
        guard !isBidirectional else {
            throw MarketingMLError(
                .unsupported, "a layer in both directions cannot go on where a part of the sequences ended")
        }
        if let count = carried.states?.first?.hidden.shape[0], count != part.count {
            throw MarketingMLError(
                .shapeMismatch,
                "states are carried for \(count) sequences, the batch has \(part.count); reset begins new ones"
            )
        }
        let (outputs, ended) = self(part, initial: carried.states, dropout: &dropout)
        carried.carry(ended)
        if let outputs { return .sequences(outputs) }
        return .rows(ended[ended.count - 1].hidden)
    }
}
