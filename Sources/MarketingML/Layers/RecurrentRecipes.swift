/// A layer of plain recurrent units (Elman): h' = tanh(W x + R h + b).
public struct SimpleRNN: LayerRecipe {
    /// What the sum goes through.
    public enum Function: String, Sendable, Codable {
        /// The hyperbolic tangent.
        case tanh
        /// max(0, x).
        case relu
    }

    /// U, the size of the state.
    public var units: Int
    /// What the sum goes through.
    public var activation: Function
    /// Whether the next layer gets the state after each step, or the last one alone.
    public var returnsSequences: Bool
    /// What all recurrent layers have in common.
    public var options: RecurrentOptions

    /// Creates the recipe.
    public init(
        units: Int, activation: Function = .tanh, returnsSequences: Bool = false,
        options: RecurrentOptions = RecurrentOptions()
    ) {
        self.units = units
        self.activation = activation
        self.returnsSequences = returnsSequences
        self.options = options
    }

    /// The layer with its weights.
    public func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource)
        throws -> any Layer<Scalar>
    {
        try RecurrentLayer<Scalar>(
            activation == .tanh ? .tanh : .relu, units: units, returnsSequences: returnsSequences,
            options: options, input: input, weights: &weights)
    }
}

/// A layer of long short-term memory (doi:10.1162/neco.1997.9.8.1735), gates in the order i, f, g, o:
/// c' = σ(f) ∘ c + σ(i) ∘ tanh(g), h' = σ(o) ∘ tanh(c').
public struct LSTM: LayerRecipe {
    /// U, the size of the state.
    public var units: Int
    /// Whether the next layer gets the state after each step, or the last one alone.
    public var returnsSequences: Bool
    /// What all recurrent layers have in common.
    public var options: RecurrentOptions

    /// Creates the recipe.
    public init(
        units: Int, returnsSequences: Bool = false, options: RecurrentOptions = RecurrentOptions()
    ) {
        self.units = units
        self.returnsSequences = returnsSequences
        self.options = options
    }

    /// The layer with its weights.
    public func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource)
        throws -> any Layer<Scalar>
    {
        try RecurrentLayer<Scalar>(
            .lstm, units: units, returnsSequences: returnsSequences, options: options, input: input,
            weights: &weights)
    }
}

/// A layer of gated recurrent units (arXiv:1406.1078), gates in the order r, z, n:
/// h' = (1 - σ(z)) ∘ n + σ(z) ∘ h.
public struct GRU: LayerRecipe {
    /// U, the size of the state.
    public var units: Int
    /// Whether the next layer gets the state after each step, or the last one alone.
    public var returnsSequences: Bool
    /// n = tanh(W x + b + σ(r) ∘ (R h + b')), as in PyTorch and Keras; else, as first published, with R (σ(r) ∘ h).
    public var resetsAfterProduct: Bool
    /// What all recurrent layers have in common.
    public var options: RecurrentOptions

    /// Creates the recipe.
    public init(
        units: Int, returnsSequences: Bool = false, resetsAfterProduct: Bool = true,
        options: RecurrentOptions = RecurrentOptions()
    ) {
        self.units = units
        self.returnsSequences = returnsSequences
        self.resetsAfterProduct = resetsAfterProduct
        self.options = options
    }

    /// The layer with its weights.
    public func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource)
        throws -> any Layer<Scalar>
    {
        try RecurrentLayer<Scalar>(
            resetsAfterProduct ? .gru : .gruResetBefore, units: units, returnsSequences: returnsSequences,
            options: options, input: input, weights: &weights)
    }
}
