/// How a text's token vectors become one vector.
public enum Pooling: String, Sendable, Codable {
    /// The first token's, through the pooler (dense layer with tanh): BERT's own way.
    case cls
    /// The mean over all tokens.
    case mean
}

/// A BERT encoder with a linear layer on the pooled output: class scores of packed texts.
///
/// ``TextClassifier`` is built on it; it is public for those who write their own training loop:
///
/// ```swift
/// let (loss, gradients) = valueAndGradient(of: model) { model in
///     crossEntropy(model.logits(batch, dropout: &dropout), targets)
/// }
/// optimizer.update(&model, with: gradients)
/// ```
public struct SequenceClassifier<Scalar: TensorFloatingPoint>: Parameterized {
    /// The encoder.
    public var encoder: BERTEncoder<Scalar>
    /// The linear layer [classes, D].
    public var head: Linear<Scalar>
    /// How token vectors become one.
    public let pooling: Pooling

    /// A `cls` head on an encoder without a pooler gets a new one; a `mean` head has no use for it.
    public init(encoder: BERTEncoder<Scalar>, classes: Int, pooling: Pooling, seed: UInt64) {
        let configuration = encoder.configuration
        let head = Linear<Scalar>(
            inputs: configuration.hiddenSize, outputs: classes,
            standardDeviation: configuration.initializerRange,
            seed: seed, stream: 5)
        self.init(encoder: encoder, head: head, pooling: pooling)
        if pooling == .cls, encoder.pooler == nil {
            self.encoder.pooler = Linear(
                inputs: configuration.hiddenSize, outputs: configuration.hiddenSize,
                standardDeviation: configuration.initializerRange, seed: seed, stream: 4)
        }
    }

    /// Creates a classifier from its parts.
    public init(encoder: BERTEncoder<Scalar>, head: Linear<Scalar>, pooling: Pooling) {
        self.encoder = encoder
        self.head = head
        self.pooling = pooling
        if pooling == .mean { self.encoder.pooler = nil }
    }

    /// Scores [rows, classes]; `dropout` holds the step's streams while training, nil otherwise.
    public func logits(_ batch: TokenBatch, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        let hidden = encoder(batch, dropout: &dropout)
        let pooled: Tensor<Scalar>
        switch (pooling, encoder.pooler) {
        case (.cls, let pooler?):
            pooled = pooler(
                hidden.rows(at: batch.rowOffsets.dropLast()), activation: .tanh, dropout: &dropout)
        case (.cls, nil): pooled = hidden.rows(at: batch.rowOffsets.dropLast())
        case (.mean, _): pooled = hidden.meanPooled(offsets: batch.rowOffsets)
        }
        let configuration = encoder.configuration
        let rate = configuration.classifierDropout ?? configuration.hiddenDropout
        return head(pooled.dropped(dropout.take(rate: rate)))
    }

    /// Calls `body` with every parameter, under the name it has in a checkpoint.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try encoder.forEachParameter("bert", body)
        try head.forEachParameter("classifier", body)
    }
}
