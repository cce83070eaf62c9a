/// One layer of a causal Transformer: x + attention(norm(x)), then the same with the feed-forward block.
struct CausalLayer<Scalar: TensorFloatingPoint>: Parameterized {
    var configuration: CausalConfiguration
    let names: CausalNames
    var attentionNorm: CausalNorm<Scalar>
    /// Queries, keys and values below one another [(H + 2 K) d, D]: one product instead of three.
    var queryKeyValue: Linear<Scalar>
    var attentionOutput: Linear<Scalar>
    var feedForwardNorm: CausalNorm<Scalar>
    /// [F, D]; with SwiGLU gate and up below one another [2 F, D].
    var intermediate: Linear<Scalar>
    var output: Linear<Scalar>

    /// - Parameters:
    ///   - kept: The rows whose results are wanted; nil: all.
    ///   - attend: Attention from the rows of queries, keys and values, over whatever they may see.
    func callAsFunction(
        _ x: Tensor<Scalar>, keeping kept: [Int]? = nil, dropout: inout DropoutStreams?,
        attend: (_ queryKeyValue: Tensor<Scalar>, _ dropout: DropoutMask) -> Tensor<Scalar>
    ) -> Tensor<Scalar> {
        let context = attend(
            queryKeyValue(attentionNorm(x), dropout: &dropout),
            dropout.take(rate: configuration.attentionDropout))
        let (x, wanted) = kept.map { (x.rows(at: $0), context.rows(at: $0)) } ?? (x, context)
        let change = attentionOutput(wanted, dropout: &dropout)
        let attended = x + change.dropped(dropout.take(rate: configuration.residualDropout))
        let wide = feedForward(feedForwardNorm(attended), dropout: &dropout)
        return attended + wide.dropped(dropout.take(rate: configuration.residualDropout))
    }

    private func feedForward(_ x: Tensor<Scalar>, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        switch configuration.layout {
        case .llama: output(intermediate(x, dropout: &dropout).swiglu(), dropout: &dropout)
        case .gpt2: x.feedForward(intermediate, configuration.activation, output, dropout: &dropout)
        }
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try attentionNorm.forEachParameter(names.attentionNorm, body)
        try queryKeyValue.forEachParameter(names.queryKeyValue, body)
        try attentionOutput.forEachParameter(names.attentionOutput, body)
        try feedForwardNorm.forEachParameter(names.feedForwardNorm, body)
        try intermediate.forEachParameter(names.intermediate, body)
        try output.forEachParameter(names.output, body)
    }
}

/// LayerNorm where there is a shift, RMSNorm where there is none.
struct CausalNorm<Scalar: TensorFloatingPoint>: Parameterized {
    var gamma: Tensor<Scalar>
    var beta: Tensor<Scalar>?
    var epsilon: Double

    func callAsFunction(_ x: Tensor<Scalar>) -> Tensor<Scalar> {
        guard let beta else { return x.rmsNorm(gamma, epsilon: epsilon) }
        return x.layerNorm(gamma, beta, epsilon: epsilon)
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("weight", &gamma)
        try beta?.visit("bias", body)
    }
}

/// What the parts are called in checkpoints. Where a checkpoint has several matrices and the model one, the name is
/// of the kind.
struct CausalNames: Sendable {
    let words, positions, layers, norm: String
    let attentionNorm, queryKeyValue, attentionOutput, feedForwardNorm, intermediate, output: String
    /// Prefix of all but the output matrix; some checkpoints lack it.
    let prefix: String
    let lastOutput = "lm_head.weight"

    static func of(_ layout: CausalConfiguration.Layout) -> CausalNames {
        switch layout {
        case .gpt2:
            CausalNames(
                words: "wte.weight", positions: "wpe.weight", layers: "h", norm: "ln_f",
                attentionNorm: "ln_1", queryKeyValue: "attn.c_attn", attentionOutput: "attn.c_proj",
                feedForwardNorm: "ln_2", intermediate: "mlp.c_fc", output: "mlp.c_proj",
                prefix: "transformer.")
        case .llama:
            CausalNames(
                words: "embed_tokens.weight", positions: "", layers: "layers", norm: "norm",
                attentionNorm: "input_layernorm", queryKeyValue: "self_attn.qkv_proj",
                attentionOutput: "self_attn.o_proj", feedForwardNorm: "post_attention_layernorm",
                intermediate: "mlp.gate_up_proj", output: "mlp.down_proj", prefix: "model.")
        }
    }
}
