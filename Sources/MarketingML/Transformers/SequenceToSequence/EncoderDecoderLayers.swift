/// One layer of the encoder: self-attention and a feed-forward layer, each with its residual and LayerNorm.
struct EncoderLayer<Scalar: TensorFloatingPoint>: Parameterized {
    var attention: SelfAttentionWeights<Scalar>
    var feedForward: FeedForwardWeights<Scalar>

    init(_ configuration: EncoderDecoderConfiguration, seed: UInt64, stream: UInt64) {
        attention = SelfAttentionWeights(configuration, seed: seed, stream: stream)
        feedForward = FeedForwardWeights(configuration, seed: seed, stream: stream + 8)
    }

    func callAsFunction(
        _ x: Tensor<Scalar>, offsets: [Int], _ configuration: EncoderDecoderConfiguration,
        dropout: inout DropoutStreams?
    ) -> Tensor<Scalar> {
        let attentionDropout = dropout.take(rate: configuration.attentionDropout)
        let attended = x.sublayer(attention.norm, configuration, dropout: &dropout) { x in
            attention.output(
                attention.queryKeyValue(x).selfAttention(
                    heads: configuration.heads, offsets: offsets, dropout: attentionDropout))
        }
        return attended.sublayer(feedForward.norm, configuration, dropout: &dropout) {
            feedForward($0, configuration.activation)
        }
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try attention.forEachParameter("self_attention", body)
        try feedForward.forEachParameter("feed_forward", body)
    }
}

/// One layer of the decoder: self-attention, attention over the source, feed-forward.
struct DecoderLayer<Scalar: TensorFloatingPoint>: Parameterized {
    var attention: SelfAttentionWeights<Scalar>
    var crossQuery: Linear<Scalar>
    /// Keys below values [2 D, D]: one product over the encoded source.
    var crossKeyValue: Linear<Scalar>
    var crossOutput: Linear<Scalar>
    var crossNorm: LayerNorm<Scalar>
    var feedForward: FeedForwardWeights<Scalar>

    init(_ configuration: EncoderDecoderConfiguration, seed: UInt64, stream: UInt64) {
        let size = configuration.hiddenSize
        attention = SelfAttentionWeights(configuration, seed: seed, stream: stream)
        crossQuery = .glorot(size, size, seed: seed, stream: stream + 4)
        crossKeyValue = .glorot(size, 2 * size, blocks: 2, seed: seed, stream: stream + 5)
        crossOutput = .glorot(size, size, seed: seed, stream: stream + 6)
        crossNorm = LayerNorm(size: size, epsilon: configuration.layerNormEpsilon)
        feedForward = FeedForwardWeights(configuration, seed: seed, stream: stream + 8)
    }

    /// - Parameters:
    ///   - source: Keys and values of the source, as `crossKeyValue` makes them.
    ///   - queries: The rows of each target in `x`, one behind the other; `keys`: those of its source.
    ///   - attend: Self-attention from queries, keys and values side by side: over whole targets, or over a cache.
    func callAsFunction(
        _ x: Tensor<Scalar>, source: Tensor<Scalar>, queries: [Range<Int>], keys: [Range<Int>],
        _ configuration: EncoderDecoderConfiguration, dropout: inout DropoutStreams?,
        attend: (_ queryKeyValue: Tensor<Scalar>, _ dropout: DropoutMask) -> Tensor<Scalar>
    ) -> Tensor<Scalar> {
        let ownDropout = dropout.take(rate: configuration.attentionDropout)
        let crossDropout = dropout.take(rate: configuration.attentionDropout)
        let attended = x.sublayer(attention.norm, configuration, dropout: &dropout) { x in
            attention.output(attend(attention.queryKeyValue(x), ownDropout))
        }
        let crossed = attended.sublayer(crossNorm, configuration, dropout: &dropout) { x in
            crossOutput(
                crossQuery(x).crossAttention(
                    source, heads: configuration.heads, queries: queries, keys: keys, dropout: crossDropout))
        }
        return crossed.sublayer(feedForward.norm, configuration, dropout: &dropout) {
            feedForward($0, configuration.activation)
        }
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try attention.forEachParameter("self_attention", body)
        try crossQuery.forEachParameter("cross_attention.query", body)
        try crossKeyValue.forEachParameter("cross_attention.key_value", body)
        try crossOutput.forEachParameter("cross_attention.output", body)
        try crossNorm.forEachParameter("cross_attention.norm", body)
        try feedForward.forEachParameter("feed_forward", body)
    }
}

/// The weights of self-attention and its LayerNorm.
struct SelfAttentionWeights<Scalar: TensorFloatingPoint>: Parameterized {
    /// Query, key and value below one another [3 D, D]: one product instead of three.
    var queryKeyValue: Linear<Scalar>
    var output: Linear<Scalar>
    var norm: LayerNorm<Scalar>

    init(_ configuration: EncoderDecoderConfiguration, seed: UInt64, stream: UInt64) {
        let size = configuration.hiddenSize
        queryKeyValue = .glorot(size, 3 * size, blocks: 3, seed: seed, stream: stream)
        output = .glorot(size, size, seed: seed, stream: stream + 1)
        norm = LayerNorm(size: size, epsilon: configuration.layerNormEpsilon)
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try queryKeyValue.forEachParameter("query_key_value", body)
        try output.forEachParameter("output", body)
        try norm.forEachParameter("norm", body)
    }
}

/// The weights of a feed-forward sublayer and its LayerNorm.
struct FeedForwardWeights<Scalar: TensorFloatingPoint>: Parameterized {
    var hidden: Linear<Scalar>
    var output: Linear<Scalar>
    var norm: LayerNorm<Scalar>

    init(_ configuration: EncoderDecoderConfiguration, seed: UInt64, stream: UInt64) {
        let (size, wide) = (configuration.hiddenSize, configuration.intermediateSize)
        hidden = .glorot(size, wide, seed: seed, stream: stream)
        output = .glorot(wide, size, seed: seed, stream: stream + 1)
        norm = LayerNorm(size: size, epsilon: configuration.layerNormEpsilon)
    }

    func callAsFunction(_ x: Tensor<Scalar>, _ activation: Activation) -> Tensor<Scalar> {
        var none: DropoutStreams?
        return x.feedForward(hidden, activation, output, dropout: &none)
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try hidden.forEachParameter("hidden", body)
        try output.forEachParameter("output", body)
        try norm.forEachParameter("norm", body)
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// A sublayer f with its residual, dropout and LayerNorm, in the order that the configuration says.
    fileprivate func sublayer(
        _ norm: LayerNorm<Scalar>, _ configuration: EncoderDecoderConfiguration,
        dropout: inout DropoutStreams?, _ f: (Tensor) -> Tensor
    ) -> Tensor {
        let mask = dropout.take(rate: configuration.dropout)
        switch configuration.normalization {
        case .after: return norm(f(self), residual: self, dropout: mask)
        case .before: return self + f(norm(self)).dropped(mask)
        }
    }
}

extension Linear {
    /// Uniform weights in ± √(6 / (inputs + outputs)) for each of `blocks` matrices below one another, zero biases
    /// (Glorot and Bengio 2010).
    fileprivate static func glorot(
        _ inputs: Int, _ outputs: Int, blocks: Int = 1, seed: UInt64, stream: UInt64
    ) -> Linear {
        let bound = (6 / Double(inputs + outputs / blocks)).squareRoot()
        return Linear(
            weight: .randomUniform([outputs, inputs], in: -bound..<bound, seed: seed, stream: stream),
            bias: .zeros([outputs]))
    }
}
