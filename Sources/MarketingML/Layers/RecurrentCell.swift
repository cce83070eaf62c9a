/// A recurrent cell of your own: what ``Recurrent`` unrolls over sequences.
///
/// ``LSTM``, ``GRU`` and ``SimpleRNN`` run whole sequences as one operation and are many times faster; this is for cells that
/// they do not have.
///
/// ```swift
/// struct DecayCell: RecurrentCell {
///     var rate: Tensor<Float>
///     let width: Int
///     func outputWidth(inputs: Int) -> Int { width }
///     func zeroState(sequences: Int) -> RecurrentState<Float> { .init(hidden: .zeros([sequences, width])) }
///     func step(_ x: Tensor<Float>, _ state: RecurrentState<Float>) -> (
///         output: Tensor<Float>, state: RecurrentState<Float>
///     ) {
///         let hidden = state.hidden * rate + x
///         return (hidden, RecurrentState(hidden: hidden))
///     }
///     mutating func forEachParameter(_ body: (String, inout Tensor<Float>) throws -> Void) rethrows {
///         try body("rate", &rate)
///     }
/// }
/// ```
public protocol RecurrentCell<Scalar>: Parameterized {
    /// What is handed from one step to the next.
    associatedtype State: RecurrentCellState

    /// The size of an output for inputs of this size.
    func outputWidth(inputs: Int) -> Int

    /// The state before the first step of N sequences.
    func zeroState(sequences: Int) -> State

    /// One step of N sequences: x [N, D] → an output [N, U] and the next state.
    func step(_ x: Tensor<Scalar>, _ state: State) -> (output: Tensor<Scalar>, state: State)
}

/// The state of N sequences, a row each.
public protocol RecurrentCellState: Sendable {
    /// The states of the first sequences.
    func first(_ sequences: Int) -> Self
}

extension RecurrentState: RecurrentCellState {
    /// The states of the first sequences.
    public func first(_ sequences: Int) -> RecurrentState {
        RecurrentState(hidden: hidden.rows(0..<sequences), cell: cell?.rows(0..<sequences))
    }
}

/// A layer that runs a ``RecurrentCell`` over sequences, step by step; a sequence that has ended drops out.
public struct Recurrent<Cell: RecurrentCell>: Layer {
    /// What a step does.
    public var cell: Cell
    /// Whether the output is that of each step, or the last one alone (zeros for a sequence of length 0).
    public let returnsSequences: Bool

    /// Creates the layer.
    public init(_ cell: Cell, returnsSequences: Bool = false) {
        self.cell = cell
        self.returnsSequences = returnsSequences
    }

    /// The cell's outputs, for each step or for each sequence.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        let width = cell.outputWidth(inputs: try input.sequenceWidth())
        guard returnsSequences else { return .vector(width: width) }
        return try input.withWidth(width)
    }

    /// The outputs of each step, or the last ones.
    public func callAsFunction(_ input: LayerValue<Cell.Scalar>, dropout: inout DropoutStreams?)
        -> LayerValue<
            Cell.Scalar
        >
    {
        let (x, lengths) = (input.sequences, input.sequences.lengths)
        let order = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        var state = cell.zeroState(sequences: order.count)
        var outputs = [Tensor<Cell.Scalar>.zeros([1, cell.outputWidth(inputs: x.width)])]
        // Where each step of each sequence stands among the outputs; number 0 is the row of zeros.
        var places = lengths.map { _ in [Int]() }
        var (count, active) = (1, order.count)
        for step in 0..<(lengths.max() ?? 0) {
            active = order.prefix(active).lastIndex { lengths[$0] > step }.map { $0 + 1 } ?? 0
            let rows = order.prefix(active).map { x.offsets[$0] + step }
            let result = cell.step(x.vectors.rows(at: rows), state.first(active))
            for (row, sequence) in order.prefix(active).enumerated() { places[sequence].append(count + row) }
            (state, count) = (result.state, count + active)
            outputs.append(result.output)
        }
        let all = Tensor.concatenated(outputs)
        guard returnsSequences else { return .rows(all.rows(at: places.map { $0.last ?? 0 })) }
        return .sequences(PackedSequences(vectors: all.rows(at: Array(places.joined())), offsets: x.offsets))
    }

    /// Calls `body` with the cell's parameters.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Cell.Scalar>) throws -> Void) rethrows
    {
        try cell.forEachParameter(body)
    }
}
