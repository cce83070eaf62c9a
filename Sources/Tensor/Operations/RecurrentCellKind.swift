internal import CTensorKernels

/// A recurrent cell: how a state h and an input x give the next state h'.
///
/// With p = W x + b and q = R h + b', gate by gate in the order in which the weights are stacked, σ the sigmoid and ∘ the
/// product element by element. The order is PyTorch's.
public enum RecurrentCellKind: String, Sendable, Codable, CaseIterable {
    /// h' = tanh(p + q) (Elman, Cognitive Science 14, 179-211).
    case tanh
    /// h' = max(0, p + q).
    case relu
    /// Gates i, f, g, o: c' = σ(f) ∘ c + σ(i) ∘ tanh(g), h' = σ(o) ∘ tanh(c')
    /// (Hochreiter and Schmidhuber, doi:10.1162/neco.1997.9.8.1735, with forget gates).
    case lstm
    /// Gates r, z, n: n = tanh(p + σ(r) ∘ q), h' = (1 - σ(z)) ∘ n + σ(z) ∘ h: as PyTorch and Keras reset.
    case gru
    /// The same with n = tanh(p + R (σ(r) ∘ h) + b'): as first published (arXiv:1406.1078).
    case gruResetBefore

    /// The number of gates: 1, 4 or 3.
    public var gateCount: Int {
        switch self {
        case .tanh, .relu: 1
        case .lstm: 4
        case .gru, .gruResetBefore: 3
        }
    }

    /// Whether there is a cell state c beside h.
    public var hasCellState: Bool { self == .lstm }

    /// Whether its backward pass needs more than the gates and h.
    var savesCells: Bool { gateCount > 1 }

    var kernel: Int32 {
        let kind =
            switch self {
            case .tanh: MML_CELL_TANH
            case .relu: MML_CELL_RELU
            case .lstm: MML_CELL_LSTM
            case .gru: MML_CELL_GRU
            case .gruResetBefore: MML_CELL_GRU_RESET_BEFORE
            }
        return Int32(kind.rawValue)
    }
}

/// The weights of a ``RecurrentCellKind`` with D inputs, U units and G gates, the gates stacked in the cell's order:
/// PyTorch's `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh`.
public struct RecurrentWeights<Scalar: TensorFloatingPoint>: Sendable {
    /// W [G U, D].
    public var input: Tensor<Scalar>
    /// R [G U, U].
    public var recurrent: Tensor<Scalar>
    /// b [G U]; nil for zeros.
    public var inputBias: Tensor<Scalar>?
    /// b' [G U]; nil for zeros. It differs from b for the candidate of ``RecurrentCellKind/gru`` alone.
    public var recurrentBias: Tensor<Scalar>?

    /// Creates the weights.
    public init(
        input: Tensor<Scalar>, recurrent: Tensor<Scalar>, inputBias: Tensor<Scalar>? = nil,
        recurrentBias: Tensor<Scalar>? = nil
    ) {
        self.input = input
        self.recurrent = recurrent
        self.inputBias = inputBias
        self.recurrentBias = recurrentBias
    }

    /// U.
    public var units: Int { recurrent.columnCount }

    func check(_ cell: RecurrentCellKind, inputs: Int) {
        let rows = cell.gateCount * units
        precondition(
            input.shape == [rows, inputs] && recurrent.shape == [rows, units]
                && [inputBias, recurrentBias].allSatisfy { $0.map { $0.shape == [rows] } ?? true },
            "\(cell) of \(units) units needs W [\(rows), \(inputs)], R [\(rows), \(units)], b [\(rows)]: found \(input.shape), \(recurrent.shape), \(String(describing: inputBias?.shape)), \(String(describing: recurrentBias?.shape))"
        )
    }

    /// What is added to W x: both biases, but for the part that the cell adds to R h itself.
    func projectionBias(_ cell: RecurrentCellKind) -> Tensor<Scalar>? {
        guard var bias = recurrentBias?.detached else { return inputBias?.detached }
        if cell == .gru {
            let units = units
            bias.withUnsafeMutableElements { $0[(2 * units)...].update(repeating: 0) }
        }
        return inputBias.map { $0.detached + bias } ?? bias
    }
}

/// The state of a recurrent cell after each of N sequences.
public struct RecurrentState<Scalar: TensorFloatingPoint>: Sendable {
    /// h [N, U].
    public var hidden: Tensor<Scalar>
    /// c [N, U], for cells that have one.
    public var cell: Tensor<Scalar>?

    /// Creates a state.
    public init(hidden: Tensor<Scalar>, cell: Tensor<Scalar>? = nil) {
        self.hidden = hidden
        self.cell = cell
    }

    /// Zeros for N sequences.
    public static func zeros(_ cell: RecurrentCellKind, sequences: Int, units: Int) -> RecurrentState {
        RecurrentState(
            hidden: .zeros([sequences, units]), cell: cell.hasCellState ? .zeros([sequences, units]) : nil)
    }

    /// The same state outside of any gradient computation: where back-propagation through time is truncated.
    public var detached: RecurrentState { RecurrentState(hidden: hidden.detached, cell: cell?.detached) }
}
