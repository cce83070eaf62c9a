/// The encoder of BERT (arXiv:1810.04805) over packed sequences: embeddings, Transformer layers, pooler.
///
/// Nothing is ever padded: a batch is one [N, D] matrix of all its tokens.
public struct BERTEncoder<Scalar: TensorFloatingPoint>: Parameterized {
    /// The sizes it was made with.
    public private(set) var configuration: BERTConfiguration
    var words: Tensor<Scalar>
    var positions: Tensor<Scalar>
    var tokenTypes: Tensor<Scalar>
    var norm: LayerNorm<Scalar>
    var layers: [BERTLayer<Scalar>]
    /// Dense layer with tanh on the first token; not every checkpoint has one.
    var pooler: Linear<Scalar>?
    /// Whether the backward pass computes each layer again, which then need not be kept.
    public var recomputesLayers = false

    /// Random weights, normal with the configuration's initialiser range.
    public init(configuration: BERTConfiguration, seed: UInt64) {
        self.configuration = configuration
        let size = configuration.hiddenSize
        let deviation = configuration.initializerRange
        func table(_ rows: Int, _ stream: UInt64) -> Tensor<Scalar> {
            .randomNormal([rows, size], standardDeviation: deviation, seed: seed, stream: stream)
        }
        words = table(configuration.vocabularySize, 1)
        positions = table(configuration.maximumPositions, 2)
        tokenTypes = table(configuration.tokenTypes, 3)
        norm = LayerNorm(size: size, epsilon: configuration.layerNormEpsilon)
        layers = (0..<configuration.layers).map {
            BERTLayer(configuration: configuration, seed: seed, stream: 16 * UInt64($0 + 1))
        }
        pooler = Linear(inputs: size, outputs: size, standardDeviation: deviation, seed: seed, stream: 4)
    }

    init(
        configuration: BERTConfiguration, words: Tensor<Scalar>, positions: Tensor<Scalar>,
        tokenTypes: Tensor<Scalar>,
        norm: LayerNorm<Scalar>, layers: [BERTLayer<Scalar>], pooler: Linear<Scalar>?
    ) {
        self.configuration = configuration
        self.words = words
        self.positions = positions
        self.tokenTypes = tokenTypes
        self.norm = norm
        self.layers = layers
        self.pooler = pooler
    }

    /// The last hidden states of all tokens: [N, D], rows as in `batch`.
    ///
    /// - Parameters:
    ///   - batch: Token ids inside the vocabulary, rows not longer than the model's positions.
    ///   - dropout: The step's streams while training, nil otherwise.
    public func callAsFunction(_ batch: TokenBatch, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        layers.applied(
            to: [embedded(batch, dropout: &dropout)], recomputing: recomputesLayers, dropout: &dropout
        ) { layer, inputs, dropout in layer(inputs[0], offsets: batch.rowOffsets, dropout: &dropout) }
    }

    /// The hidden states after the embeddings and after every layer.
    func allHiddenStates(_ batch: TokenBatch) -> [Tensor<Scalar>] {
        var dropout: DropoutStreams?
        var states = [embedded(batch, dropout: &dropout)]
        for layer in layers {
            states.append(layer(states[states.count - 1], offsets: batch.rowOffsets, dropout: &dropout))
        }
        return states
    }

    private func embedded(_ batch: TokenBatch, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        let sum = Tensor.gatheredSum([
            (words, batch.ids), (positions, batch.positions), (tokenTypes, batch.typeIDs),
        ])
        return norm(sum).dropped(dropout.take(rate: configuration.hiddenDropout))
    }

    /// One rate for all dropouts of the model.
    public mutating func setDropout(_ rate: Double) {
        configuration.hiddenDropout = rate
        configuration.attentionDropout = rate
        configuration.classifierDropout = rate
        for index in layers.indices { layers[index].configuration = configuration }
    }

    /// Calls `body` with every parameter, under the name it has in a checkpoint.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("embeddings.word_embeddings.weight", &words)
        try body("embeddings.position_embeddings.weight", &positions)
        try body("embeddings.token_type_embeddings.weight", &tokenTypes)
        try norm.forEachParameter("embeddings.LayerNorm", body)
        for index in layers.indices { try layers[index].forEachParameter("encoder.layer.\(index)", body) }
        try pooler?.forEachParameter("pooler.dense", body)
    }
}

/// One Transformer layer: self-attention and feed-forward, each followed by residual, dropout and LayerNorm.
struct BERTLayer<Scalar: TensorFloatingPoint>: Parameterized {
    var configuration: BERTConfiguration
    /// Query, key and value below one another [3 D, D]: one product instead of three.
    var queryKeyValue: Linear<Scalar>
    var attentionOutput: Linear<Scalar>
    var attentionNorm: LayerNorm<Scalar>
    var intermediate: Linear<Scalar>
    var output: Linear<Scalar>
    var outputNorm: LayerNorm<Scalar>

    init(configuration: BERTConfiguration, seed: UInt64, stream: UInt64) {
        self.configuration = configuration
        let (size, wide) = (configuration.hiddenSize, configuration.intermediateSize)
        func linear(_ inputs: Int, _ outputs: Int, _ index: UInt64) -> Linear<Scalar> {
            Linear(
                inputs: inputs, outputs: outputs, standardDeviation: configuration.initializerRange,
                seed: seed,
                stream: stream + index)
        }
        queryKeyValue = linear(size, 3 * size, 0)
        attentionOutput = linear(size, size, 1)
        attentionNorm = LayerNorm(size: size, epsilon: configuration.layerNormEpsilon)
        intermediate = linear(size, wide, 2)
        output = linear(wide, size, 3)
        outputNorm = LayerNorm(size: size, epsilon: configuration.layerNormEpsilon)
    }

    init(
        configuration: BERTConfiguration, queryKeyValue: Linear<Scalar>, attentionOutput: Linear<Scalar>,
        attentionNorm: LayerNorm<Scalar>, intermediate: Linear<Scalar>, output: Linear<Scalar>,
        outputNorm: LayerNorm<Scalar>
    ) {
        self.configuration = configuration
        self.queryKeyValue = queryKeyValue
        self.attentionOutput = attentionOutput
        self.attentionNorm = attentionNorm
        self.intermediate = intermediate
        self.output = output
        self.outputNorm = outputNorm
    }

    func callAsFunction(_ x: Tensor<Scalar>, offsets: [Int], dropout: inout DropoutStreams?) -> Tensor<Scalar>
    {
        let context = queryKeyValue(x, dropout: &dropout).selfAttention(
            heads: configuration.heads, offsets: offsets,
            dropout: dropout.take(rate: configuration.attentionDropout))
        let attended = attentionNorm(
            attentionOutput(context, dropout: &dropout), residual: x,
            dropout: dropout.take(rate: configuration.hiddenDropout))
        let wide = attended.feedForward(intermediate, configuration.activation, output, dropout: &dropout)
        return outputNorm(wide, residual: attended, dropout: dropout.take(rate: configuration.hiddenDropout))
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try queryKeyValue.forEachParameter("attention.self.qkv", body)
        try attentionOutput.forEachParameter("attention.output.dense", body)
        try attentionNorm.forEachParameter("attention.output.LayerNorm", body)
        try intermediate.forEachParameter("intermediate.dense", body)
        try output.forEachParameter("output.dense", body)
        try outputNorm.forEachParameter("output.LayerNorm", body)
    }
}

extension Optional where Wrapped == DropoutStreams {
    /// The next dropout while training; none otherwise.
    mutating func take(rate: Double) -> DropoutMask { self?.take(rate: rate) ?? .none }
}
