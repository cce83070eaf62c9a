/// What recurrent layers have in common beside their cell.
public struct RecurrentOptions: Sendable, Hashable, Codable {
    /// How many layers stand on one another, each reading the outputs of the one below.
    public var layers: Int
    /// Whether a second cell runs from the end of each sequence to its beginning; the outputs of both stand beside one
    /// another, the forward ones first, and so do the last states.
    public var isBidirectional: Bool
    /// Share of the outputs between layers that training sets to zero, in [0, 1).
    public var dropout: Double
    /// Share of the state that training hides from the recurrent product, the same units at each step of a sequence
    /// (arXiv:1512.05287), in [0, 1).
    public var recurrentDropout: Double
    /// How weights are drawn.
    public var initialization: RecurrentInitialization

    /// Creates the options.
    public init(
        layers: Int = 1, isBidirectional: Bool = false, dropout: Double = 0, recurrentDropout: Double = 0,
        initialization: RecurrentInitialization = .keras
    ) {
        self.layers = layers
        self.isBidirectional = isBidirectional
        self.dropout = dropout
        self.recurrentDropout = recurrentDropout
        self.initialization = initialization
    }

    func validate() throws {
        try requireCount(layers, "layers", 1...1024)
        try requireOption(0..<1 ~= dropout, "dropout", "in [0, 1)", dropout)
        try requireOption(0..<1 ~= recurrentDropout, "recurrentDropout", "in [0, 1)", recurrentDropout)
    }
}

/// The first weights of a recurrent layer, and which biases it has.
public struct RecurrentInitialization: Sendable, Hashable, Codable {
    /// The biases of a cell: b beside the input, b' beside the state. They make a difference for the candidate of a GRU that
    /// resets after its product alone; elsewhere their sum counts.
    public enum Biases: String, Sendable, Codable {
        /// No bias.
        case none
        /// b.
        case one
        /// b and b'.
        case two
    }

    /// How W is drawn; nil: uniform in ±1 / √U.
    public var input: Initializer?
    /// How R is drawn; nil: uniform in ±1 / √U.
    public var recurrent: Initializer?
    /// How biases are drawn; nil: uniform in ±1 / √U.
    public var bias: Initializer?
    /// Which biases there are.
    public var biases: Biases
    /// Whether 1 is added to the bias of LSTM's forget gate, so that it begins by remembering (ICML 2015, 2342-2350).
    public var usesUnitForgetBias: Bool

    /// Creates an initialization.
    public init(
        input: Initializer?, recurrent: Initializer?, bias: Initializer?, biases: Biases,
        usesUnitForgetBias: Bool
    ) {
        self.input = input
        self.recurrent = recurrent
        self.bias = bias
        self.biases = biases
        self.usesUnitForgetBias = usesUnitForgetBias
    }

    /// Keras': W by Glorot, R orthogonal, one bias of 0 (two for a GRU that resets after), 1 for forget gates.
    public static let keras = RecurrentInitialization(
        input: .glorotUniform, recurrent: .orthogonal(), bias: .zeros, biases: .one, usesUnitForgetBias: true)

    /// PyTorch's: all uniform in ±1 / √U, two biases.
    public static let pytorch = RecurrentInitialization(
        input: nil, recurrent: nil, bias: nil, biases: .two, usesUnitForgetBias: false)

    func makeWeights<Scalar: TensorFloatingPoint>(
        _ kind: RecurrentCellKind, inputs: Int, units: Int, from source: inout WeightSource
    ) throws -> RecurrentWeights<Scalar> {
        let rows = kind.gateCount * units
        let limit = Initializer.uniform(limit: 1 / Double(units).squareRoot())
        var weights = RecurrentWeights<Scalar>(
            input: try source.next(input ?? limit, shape: [rows, inputs]),
            recurrent: try source.next(recurrent ?? limit, shape: [rows, units]))
        if biases != .none {
            var bias: Tensor<Scalar> = try source.next(self.bias ?? limit, shape: [rows])
            if kind == .lstm, usesUnitForgetBias {
                bias.withUnsafeMutableElements { for unit in units..<2 * units { $0[unit] += 1 } }
            }
            weights.inputBias = bias
        }
        if biases == .two || (biases == .one && kind == .gru) {
            weights.recurrentBias = try source.next(self.bias ?? limit, shape: [rows])
        }
        return weights
    }
}
