/// The sizes and options of a causal language model in GPT-2's or Llama's layout.
public struct CausalConfiguration: Sendable, Equatable, Codable {
    /// How a model is built and how its checkpoints are laid out.
    public enum Layout: String, Sendable, Codable, CaseIterable {
        /// Learned positions, LayerNorm before each sublayer, biases, GELU (Radford et al. 2019).
        case gpt2
        /// Rotary positions, RMSNorm before each sublayer, no biases, SwiGLU, shared heads of keys and values
        /// (arXiv:2302.13971, arXiv:2307.09288).
        case llama
    }

    /// How the model is built.
    public var layout: Layout
    /// Number of tokens V.
    public var vocabularySize: Int
    /// Width of the hidden states D.
    public var hiddenSize: Int
    /// Number of Transformer layers.
    public var layers: Int
    /// Heads of queries H.
    public var heads: Int
    /// Heads of keys and of values K, a divisor of H.
    public var keyValueHeads: Int
    /// Elements of a head, usually D / H; even with rotary positions.
    public var headSize: Int
    /// Width of the feed-forward block.
    public var intermediateSize: Int
    /// The most tokens of a row.
    public var contextLength: Int
    /// Of GPT-2's feed-forward block.
    public var activation = Activation.geluTanh
    /// Dropout of the embeddings, in [0, 1).
    public var embeddingDropout = 0.0
    /// Dropout of the attention's probabilities, in [0, 1).
    public var attentionDropout = 0.0
    /// Dropout at the end of each sublayer, in [0, 1).
    public var residualDropout = 0.0
    /// Added to the variance or mean square by the norms.
    public var normEpsilon = 1e-5
    /// Standard deviation of random weights.
    public var initializerRange = 0.02
    /// θ of the rotary positions.
    public var rotaryBase = 10_000.0
    /// Which elements of a head make a rotary pair.
    public var rotaryPairs = RotaryPairs.halves
    /// Whether the output matrix is the table of embeddings.
    public var tiesOutput = true
    /// The token that a text begins with, if there is one.
    public var startToken: Int32?
    /// Tokens that end a text.
    public var endTokens: [Int32] = []

    /// GPT-2's layout: `gpt2(vocabularySize: 50257, hiddenSize: 768, layers: 12, heads: 12)` is the small GPT-2.
    ///
    /// - Parameter intermediateSize: nil means 4 D.
    public static func gpt2(
        vocabularySize: Int, hiddenSize: Int, layers: Int, heads: Int, intermediateSize: Int? = nil,
        contextLength: Int = 1024, dropout: Double = 0.1
    ) -> CausalConfiguration {
        CausalConfiguration(
            layout: .gpt2, vocabularySize: vocabularySize, hiddenSize: hiddenSize, layers: layers,
            heads: heads, keyValueHeads: heads, headSize: hiddenSize / max(1, heads),
            intermediateSize: intermediateSize ?? 4 * hiddenSize, contextLength: contextLength,
            embeddingDropout: dropout, attentionDropout: dropout, residualDropout: dropout)
    }

    /// Llama's layout.
    ///
    /// - Parameters:
    ///   - keyValueHeads: nil means as many as heads of queries.
    ///   - intermediateSize: nil means 8/3 D, rounded up to a multiple of 32.
    public static func llama(
        vocabularySize: Int, hiddenSize: Int, layers: Int, heads: Int, keyValueHeads: Int? = nil,
        intermediateSize: Int? = nil, contextLength: Int = 1024, dropout: Double = 0
    ) -> CausalConfiguration {
        CausalConfiguration(
            layout: .llama, vocabularySize: vocabularySize, hiddenSize: hiddenSize, layers: layers,
            heads: heads, keyValueHeads: keyValueHeads ?? heads, headSize: hiddenSize / max(1, heads),
            intermediateSize: intermediateSize ?? (hiddenSize * 8 / 3 + 31) / 32 * 32,
            contextLength: contextLength, embeddingDropout: dropout, attentionDropout: dropout,
            residualDropout: dropout)
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    public func validate() throws {
        for (name, value) in [
            ("vocabularySize", vocabularySize), ("hiddenSize", hiddenSize), ("layers", layers),
            ("heads", heads), ("keyValueHeads", keyValueHeads), ("headSize", headSize),
            ("intermediateSize", intermediateSize), ("contextLength", contextLength),
        ] {
            try requireOption(
                1...Self.largestSize ~= value, name, "from 1 to \(Self.largestSize)", value)
        }
        try requireOption(
            heads % keyValueHeads == 0, "keyValueHeads", "a divisor of the \(heads) heads", keyValueHeads)
        try requireOption(
            layout == .llama || keyValueHeads == heads && headSize * heads == hiddenSize, "heads",
            "a divisor of the hidden size \(hiddenSize), each with keys of its own", heads)
        try requireOption(
            layout == .gpt2 || headSize % 2 == 0, "headSize", "even with rotary positions", headSize)
        for (name, rate) in [
            ("embeddingDropout", embeddingDropout), ("attentionDropout", attentionDropout),
            ("residualDropout", residualDropout),
        ] { try requireOption(0..<1 ~= rate, name, "in [0, 1)", rate) }
        try requireOption(normEpsilon > 0 && normEpsilon <= 1, "normEpsilon", "in (0, 1]", normEpsilon)
        try requireOption(
            initializerRange >= 0 && initializerRange <= 100, "initializerRange", "from 0 to 100",
            initializerRange)
        try requireOption(
            rotaryBase > 0 && rotaryBase.isFinite, "rotaryBase", "above 0", rotaryBase)
        try requireOption(
            activation.isElementwiseFunction, "activation", "a function of single elements",
            activation.rawValue)
        for token in endTokens + (startToken.map { [$0] } ?? []) {
            try requireOption(
                0..<Int32(clamping: vocabularySize) ~= token, "tokens", "in 0 ..< \(vocabularySize)", token)
        }
    }

    /// Sizes above this are taken for damage.
    static let largestSize = 1 << 24

    /// One rate for all dropouts of the model.
    mutating func setDropout(_ rate: Double) {
        embeddingDropout = rate
        attentionDropout = rate
        residualDropout = rate
    }
}

extension Activation {
    fileprivate var isElementwiseFunction: Bool { self != .softmax }
}
