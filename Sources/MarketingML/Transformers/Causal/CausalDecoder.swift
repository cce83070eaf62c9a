/// A causal Transformer over packed sequences: embeddings, layers in which a token sees only itself and what stands
/// before it, a last norm, and scores of the next token.
///
/// GPT-2: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019. Llama: arXiv:2302.13971.
/// Nothing is ever padded: a batch is one [N, D] matrix of all its tokens.
public struct CausalDecoder<Scalar: TensorFloatingPoint>: Parameterized {
    /// The sizes it was made with.
    public internal(set) var configuration: CausalConfiguration
    /// [V, D].
    var words: Tensor<Scalar>
    /// Learned positions [context, D].
    var positions: Tensor<Scalar>?
    var layers: [CausalLayer<Scalar>]
    var norm: CausalNorm<Scalar>
    /// The output matrix [V, D], if it is not the table of embeddings.
    var output: Tensor<Scalar>?
    let rotary: RotaryPositions<Scalar>?
    let names: CausalNames
    /// Whether the backward pass computes each layer again, which then need not be kept.
    public var recomputesLayers = false

    /// Makes the parts in the order in which `weight` is asked for them.
    ///
    /// - Parameter weight: Gives each parameter by its name without prefix, its shape and whether it ends a sublayer.
    init(
        configuration: CausalConfiguration,
        weight: (_ name: String, _ shape: [Int], _ kind: CausalWeight) throws -> Tensor<Scalar>
    ) throws {
        self.configuration = configuration
        let names = CausalNames.of(configuration.layout)
        self.names = names
        let hasBias = configuration.layout == .gpt2
        let (size, wide) = (configuration.hiddenSize, configuration.intermediateSize)
        func norm(_ name: String) throws -> CausalNorm<Scalar> {
            CausalNorm(
                gamma: try weight("\(name).weight", [size], .scale),
                beta: hasBias ? try weight("\(name).bias", [size], .shift) : nil,
                epsilon: configuration.normEpsilon)
        }
        func projection(_ name: String, _ inputs: Int, _ outputs: Int, _ kind: CausalWeight) throws
            -> Linear<Scalar>
        {
            Linear(
                weight: try weight("\(name).weight", [outputs, inputs], kind),
                bias: hasBias ? try weight("\(name).bias", [outputs], .shift) : nil)
        }
        words = try weight(names.words, [configuration.vocabularySize, size], .table)
        positions = hasBias ? try weight(names.positions, [configuration.contextLength, size], .table) : nil
        let attentionWidth = configuration.heads * configuration.headSize
        let rowWidth = attentionWidth + 2 * configuration.keyValueHeads * configuration.headSize
        func layer(_ name: String) throws -> CausalLayer<Scalar> {
            CausalLayer(
                configuration: configuration, names: names,
                attentionNorm: try norm(name + names.attentionNorm),
                queryKeyValue: try projection(name + names.queryKeyValue, size, rowWidth, .projection),
                attentionOutput: try projection(
                    name + names.attentionOutput, attentionWidth, size, .residual),
                feedForwardNorm: try norm(name + names.feedForwardNorm),
                intermediate: try projection(
                    name + names.intermediate, size, hasBias ? wide : 2 * wide, .projection),
                output: try projection(name + names.output, wide, size, .residual))
        }
        layers = try (0..<configuration.layers).map { try layer("\(names.layers).\($0).") }
        self.norm = try norm(names.norm)
        output =
            configuration.tiesOutput
            ? nil : try weight(names.lastOutput, [configuration.vocabularySize, size], .output)
        rotary =
            hasBias
            ? nil
            : RotaryPositions(
                positions: configuration.contextLength, headSize: configuration.headSize,
                base: configuration.rotaryBase, pairs: configuration.rotaryPairs)
    }

    /// Random weights, normal with the configuration's initialiser range; in GPT-2's layout those that end a
    /// sublayer are smaller by the root of the number of sublayers.
    ///
    /// - Throws: `.invalidOption` for sizes that do not fit each other.
    public init(configuration: CausalConfiguration, seed: UInt64) throws {
        try configuration.validate()
        var stream: UInt64 = 0
        let deviation = configuration.initializerRange
        let isGPT2 = configuration.layout == .gpt2
        try self.init(configuration: configuration) { _, shape, kind in
            stream += 1
            switch kind {
            case .scale: return Tensor(repeating: 1, shape: shape)
            case .shift: return .zeros(shape)
            case .table, .output, .projection:
                return .randomNormal(shape, standardDeviation: deviation, seed: seed, stream: stream)
            case .residual:
                let share = isGPT2 ? 1 / Double(2 * configuration.layers).squareRoot() : 1
                return .randomNormal(shape, standardDeviation: deviation * share, seed: seed, stream: stream)
            }
        }
    }

    /// The hidden states behind the last norm: [N, D], rows as in `batch`.
    ///
    /// - Parameters:
    ///   - batch: Token ids inside the vocabulary, rows not longer than the context.
    ///   - dropout: The step's streams while training, nil otherwise.
    public func callAsFunction(_ batch: TokenBatch, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        let positions = batch.positions
        let (configuration, rotary) = (configuration, rotary)
        let hidden = embedded(batch.ids, positions: positions, dropout: &dropout)
        let last = layers.applied(to: [hidden], recomputing: recomputesLayers, dropout: &dropout) {
            layer, inputs, dropout in
            layer(inputs[0], dropout: &dropout) { rows, dropout in
                rows.turned(by: rotary, positions, configuration).selfAttention(
                    heads: configuration.heads, keyValueHeads: configuration.keyValueHeads,
                    offsets: batch.rowOffsets, causal: true, dropout: dropout)
            }
        }
        return norm(last)
    }

    /// Scores [N, V] of the token behind each token.
    public func logits(_ batch: TokenBatch) -> Tensor<Scalar> {
        var dropout: DropoutStreams?
        return scores(of: self(batch, dropout: &dropout))
    }

    /// The mean cross-entropy of the targets, by `Tensor.vocabularyLoss`.
    ///
    /// - Parameter targets: One for each token of `batch`, the token that follows; a negative one does not count.
    public func loss(
        _ batch: TokenBatch, targets: [Int32], labelSmoothing: Double = 0, dropout: inout DropoutStreams?
    ) -> Tensor<Scalar> {
        self(batch, dropout: &dropout).vocabularyLoss(
            weight: output ?? words, targets: targets, labelSmoothing: labelSmoothing)
    }

    /// The hidden states of tokens at their positions, before the first layer.
    func embedded(_ ids: [Int32], positions places: [Int32], dropout: inout DropoutStreams?) -> Tensor<Scalar>
    {
        let parts = [(words, ids)] + (positions.map { [($0, places)] } ?? [])
        return Tensor.gatheredSum(parts.map { (table: $0.0, ids: $0.1) })
            .dropped(dropout.take(rate: configuration.embeddingDropout))
    }

    /// Rows of queries, keys and values with the first two turned to their positions, where these are rotary.
    func turned(_ rows: Tensor<Scalar>, positions: [Int32]) -> Tensor<Scalar> {
        rows.turned(by: rotary, positions, configuration)
    }

    /// Scores [N, V] from hidden states behind the last norm.
    func scores(of hidden: Tensor<Scalar>) -> Tensor<Scalar> { hidden.linear(output ?? words) }

    /// One rate for all dropouts of the model.
    public mutating func setDropout(_ rate: Double) {
        configuration.setDropout(rate)
        for index in layers.indices { layers[index].configuration = configuration }
    }

    /// Calls `body` with every parameter, under the name it has in a checkpoint.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        let prefix = names.prefix
        try body(prefix + names.words, &words)
        try positions?.visit(prefix + names.positions, body)
        for index in layers.indices {
            try layers[index].forEachParameter("\(prefix)\(names.layers).\(index)", body)
        }
        try norm.forEachParameter(prefix + names.norm, body)
        try output?.visit(names.lastOutput, body)
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    fileprivate func turned(
        by rotary: RotaryPositions<Scalar>?, _ positions: [Int32], _ configuration: CausalConfiguration
    ) -> Tensor {
        guard let rotary else { return self }
        return rotated(
            by: rotary, heads: configuration.heads + configuration.keyValueHeads, positions: positions)
    }
}

/// What a parameter is for: how it is initialised and held depends on it.
enum CausalWeight {
    case table
    case output
    case projection
    /// A projection whose result is added to the hidden states.
    case residual
    case scale
    case shift
}
