/// A BERT encoder with a linear layer on the vector of every token.
struct TokenScorer<Scalar: TensorFloatingPoint>: AdaptableModel {
    var encoder: BERTEncoder<Scalar>
    /// [outputs, D].
    var head: Linear<Scalar>
    /// What the head is called in a checkpoint: `classifier`, `qa_outputs`.
    let name: String
    /// Whether the tokens' vectors go through the classifier's dropout.
    let dropsInputs: Bool

    var adapterFormat: AdapterFormat { .bert(headName: name) }

    init(encoder: BERTEncoder<Scalar>, head: Linear<Scalar>, name: String, dropsInputs: Bool) {
        self.encoder = encoder
        self.encoder.pooler = nil
        self.head = head
        self.name = name
        self.dropsInputs = dropsInputs
    }

    /// With a new head.
    init(encoder: BERTEncoder<Scalar>, outputs: Int, name: String, dropsInputs: Bool, seed: UInt64) {
        let configuration = encoder.configuration
        self.init(
            encoder: encoder,
            head: Linear(
                inputs: configuration.hiddenSize, outputs: outputs,
                standardDeviation: configuration.initializerRange, seed: seed, stream: 5),
            name: name, dropsInputs: dropsInputs)
    }

    /// The outputs for all tokens: [N, outputs], rows as in `batch`.
    func scores(_ batch: TokenBatch, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        let hidden = encoder(batch, dropout: &dropout)
        guard dropsInputs else { return head(hidden) }
        let configuration = encoder.configuration
        let rate = configuration.classifierDropout ?? configuration.hiddenDropout
        return head(hidden.dropped(dropout.take(rate: rate)))
    }

    /// The outputs for all tokens; any number of rows takes the memory of a few.
    func scores(of batch: TokenBatch) -> Tensor<Scalar> {
        batch.inParts { part in
            var none: DropoutStreams?
            return scores(part, dropout: &none)
        } ?? .zeros([0, head.weight.shape[0]])
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try encoder.forEachParameter("bert", body)
        try head.forEachParameter(name, body)
    }

    mutating func forEachLinear(
        _ body: ([LinearModule], inout Linear<Scalar>) throws -> Void
    ) rethrows {
        try encoder.forEachLinear { modules, linear in
            try body(modules.map { LinearModule(name: "bert.\($0.name)", outputs: $0.outputs) }, &linear)
        }
    }
}
