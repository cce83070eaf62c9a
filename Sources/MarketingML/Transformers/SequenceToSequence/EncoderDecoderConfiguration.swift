/// The sizes and options of an encoder–decoder Transformer.
public struct EncoderDecoderConfiguration: Sendable, Codable, Equatable {
    /// How a token's place is told.
    public enum Positions: String, Sendable, Codable {
        /// Fixed sines and cosines, as in the paper; for lengths up to `maximumPositions`.
        case sinusoidal
        /// A trained table.
        case learned
    }

    /// Where LayerNorm stands in a sublayer f.
    public enum NormalizationOrder: String, Sendable, Codable {
        /// norm(x + f(x)), as in the paper.
        case after
        /// x + f(norm(x)), with one more norm at the end of encoder and decoder: deep models train more easily.
        case before
    }

    /// Rows of the source's embeddings.
    public var sourceVocabularySize: Int
    /// Rows of the target's embeddings, and scores V of the output.
    public var targetVocabularySize: Int
    /// D.
    public var hiddenSize: Int
    /// Layers of the encoder.
    public var encoderLayers: Int
    /// Layers of the decoder.
    public var decoderLayers: Int
    /// Heads of every attention; must divide the hidden size.
    public var heads: Int
    /// Size of the feed-forward layers.
    public var intermediateSize: Int
    /// Of the feed-forward layers.
    public var activation: Activation = .relu
    /// Of embeddings and of every sublayer's output, in [0, 1).
    public var dropout = 0.1
    /// Of the probabilities of attention, in [0, 1).
    public var attentionDropout = 0.0
    /// How a token's place is told.
    public var positions = Positions.sinusoidal
    /// Where LayerNorm stands.
    public var normalization = NormalizationOrder.after
    /// The longest source and the longest target.
    public var maximumPositions = 512
    /// Whether source and target have one table of embeddings: for one vocabulary of both.
    public var sharesEmbeddings = false
    /// Whether the output layer's weight is the table of the target's embeddings.
    public var tiesOutput = true
    /// Added to the variance by LayerNorm.
    public var layerNormEpsilon = 1e-5

    /// Creates a configuration; what is not given stands at the paper's value.
    public init(
        sourceVocabularySize: Int, targetVocabularySize: Int, hiddenSize: Int, encoderLayers: Int,
        decoderLayers: Int, heads: Int, intermediateSize: Int
    ) {
        self.sourceVocabularySize = sourceVocabularySize
        self.targetVocabularySize = targetVocabularySize
        self.hiddenSize = hiddenSize
        self.encoderLayers = encoderLayers
        self.decoderLayers = decoderLayers
        self.heads = heads
        self.intermediateSize = intermediateSize
    }

    /// 2 + 2 layers of 128, 4 heads; vocabularies of up to 4,000 tokens. For some thousand short pairs.
    public static var tiny: EncoderDecoderConfiguration {
        EncoderDecoderConfiguration(
            sourceVocabularySize: 4_000, targetVocabularySize: 4_000, hiddenSize: 128, encoderLayers: 2,
            decoderLayers: 2, heads: 4, intermediateSize: 512)
    }

    /// 3 + 3 layers of 256, 4 heads; vocabularies of up to 8,000 tokens. For some ten thousand pairs.
    public static var small: EncoderDecoderConfiguration {
        EncoderDecoderConfiguration(
            sourceVocabularySize: 8_000, targetVocabularySize: 8_000, hiddenSize: 256, encoderLayers: 3,
            decoderLayers: 3, heads: 4, intermediateSize: 1024)
    }

    /// The paper's base model: 6 + 6 layers of 512, 8 heads; one vocabulary of up to 32,000 tokens.
    public static var base: EncoderDecoderConfiguration {
        var configuration = EncoderDecoderConfiguration(
            sourceVocabularySize: 32_000, targetVocabularySize: 32_000, hiddenSize: 512, encoderLayers: 6,
            decoderLayers: 6, heads: 8, intermediateSize: 2048)
        configuration.sharesEmbeddings = true
        return configuration
    }

    /// Sizes above this are taken for damage.
    private static let largestSize = 1 << 24

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate() throws {
        for (name, value, limit) in [
            ("sourceVocabularySize", sourceVocabularySize, Self.largestSize),
            ("targetVocabularySize", targetVocabularySize, Self.largestSize),
            ("hiddenSize", hiddenSize, Self.largestSize), ("encoderLayers", encoderLayers, 1024),
            ("decoderLayers", decoderLayers, 1024), ("heads", heads, 4096),
            ("intermediateSize", intermediateSize, Self.largestSize),
        ] {
            try requireCount(value, name, 1...limit)
        }
        // One for the token that ends, or begins, a text.
        try requireCount(maximumPositions, "maximumPositions", 2...Self.largestSize)
        try requireOption(hiddenSize % heads == 0, "heads", "a divisor of hiddenSize \(hiddenSize)", heads)
        try requireOption(
            activation.isElementwise, "activation", "computed element by element", activation)
        try requireOption(0..<1 ~= dropout, "dropout", "in [0, 1)", dropout)
        try requireOption(0..<1 ~= attentionDropout, "attentionDropout", "in [0, 1)", attentionDropout)
        try requireOption(
            !sharesEmbeddings || sourceVocabularySize == targetVocabularySize, "sharesEmbeddings",
            "false for vocabularies of \(sourceVocabularySize) and \(targetVocabularySize)", sharesEmbeddings)
        try requireOption(
            layerNormEpsilon > 0 && layerNormEpsilon <= 1, "layerNormEpsilon", "in (0, 1]", layerNormEpsilon)
    }
}
