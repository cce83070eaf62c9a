/// A BERT encoder with the heads it is pre-trained with: masked tokens, and whether a passage follows another.
///
/// The head of masked tokens is a dense layer with the encoder's activation, LayerNorm, and a product with the word
/// embeddings themselves plus a bias: V scores. Names are those of transformers' `BertForPreTraining`.
public struct BERTPretrainingModel<Scalar: TensorFloatingPoint>: Parameterized {
    /// The encoder; its word embeddings are the weight of the output layer too.
    public var encoder: BERTEncoder<Scalar>
    var transform: Linear<Scalar>
    var transformNorm: LayerNorm<Scalar>
    var decoderBias: Tensor<Scalar>
    /// [2, D] on the pooled first token: 0 says that the second passage follows the first, 1 that it does not.
    var nextSentence: Linear<Scalar>?

    /// New heads on an encoder, normal with the configuration's initialiser range.
    ///
    /// For the next-sentence objective the encoder gets a pooler if it has none.
    public init(encoder: BERTEncoder<Scalar>, objectives: Set<PretrainingObjective>, seed: UInt64) {
        let configuration = encoder.configuration
        let size = configuration.hiddenSize
        func linear(_ outputs: Int, _ stream: UInt64) -> Linear<Scalar> {
            Linear(
                inputs: size, outputs: outputs, standardDeviation: configuration.initializerRange, seed: seed,
                stream: stream)
        }
        self.init(
            encoder: encoder, transform: linear(size, 6),
            transformNorm: LayerNorm(size: size, epsilon: configuration.layerNormEpsilon),
            decoderBias: .zeros([configuration.vocabularySize]),
            nextSentence: objectives.contains(.nextSentence) ? linear(2, 7) : nil)
        if nextSentence != nil, encoder.pooler == nil { self.encoder.pooler = linear(size, 4) }
    }

    init(
        encoder: BERTEncoder<Scalar>, transform: Linear<Scalar>, transformNorm: LayerNorm<Scalar>,
        decoderBias: Tensor<Scalar>, nextSentence: Linear<Scalar>?
    ) {
        self.encoder = encoder
        self.transform = transform
        self.transformNorm = transformNorm
        self.decoderBias = decoderBias
        self.nextSentence = nextSentence
    }

    /// Scores of all tokens [N, V] for some hidden states [N, D].
    func tokenScores(_ hidden: Tensor<Scalar>) -> Tensor<Scalar> {
        transformed(hidden).linear(encoder.words, bias: decoderBias)
    }

    private func transformed(_ hidden: Tensor<Scalar>) -> Tensor<Scalar> {
        transformNorm(transform(hidden, activation: encoder.configuration.activation))
    }

    /// The mean loss of hidden tokens plus the weighted one of pairs; only hidden tokens go through the output layer.
    func loss(_ batch: PretrainingBatch, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        let losses = losses(batch, dropout: &dropout)
        switch (losses.tokens, losses.pairs) {
        case (let tokens?, let pairs?): return tokens + pairs * Scalar(batch.pairWeight)
        case (let tokens?, nil): return tokens
        case (nil, let pairs?): return pairs * Scalar(batch.pairWeight)
        case (nil, nil): return Tensor(0)
        }
    }

    /// The mean losses over hidden tokens and over pairs of passages; nil where a batch has none.
    func losses(_ batch: PretrainingBatch, dropout: inout DropoutStreams?) -> (
        tokens: Tensor<Scalar>?, pairs: Tensor<Scalar>?
    ) {
        let hidden = encoder(batch.tokens, dropout: &dropout)
        let tokens =
            batch.positions.isEmpty
            ? nil
            : transformed(hidden.rows(at: batch.positions)).vocabularyLoss(
                weight: encoder.words, bias: decoderBias, targets: batch.targets)
        return (tokens, pairScores(hidden, batch).map { crossEntropy($0, batch.pairTargets) })
    }

    /// Scores [pairs, 2] of "follows" and "does not", from the hidden states of all tokens; nil where there are none.
    func pairScores(_ hidden: Tensor<Scalar>, _ batch: PretrainingBatch) -> Tensor<Scalar>? {
        guard let nextSentence, let pooler = encoder.pooler, !batch.pairs.isEmpty else { return nil }
        let firsts = batch.pairs.map { batch.tokens.rowOffsets[$0] }
        return nextSentence(pooler(hidden.rows(at: firsts), activation: .tanh))
    }

    /// Calls `body` with every parameter, under the name it has in a checkpoint.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try encoder.forEachParameter("bert", body)
        try body("cls.predictions.bias", &decoderBias)
        try transform.forEachParameter("cls.predictions.transform.dense", body)
        try transformNorm.forEachParameter("cls.predictions.transform.LayerNorm", body)
        try nextSentence?.forEachParameter("cls.seq_relationship", body)
    }
}

/// Rows of text with hidden tokens.
struct PretrainingBatch: Sendable {
    /// The rows as the model sees them.
    var tokens = TokenBatch()
    /// Where in the packed rows tokens were hidden.
    var positions: [Int] = []
    /// What stood there.
    var targets: [Int32] = []
    /// The rows that are two passages.
    var pairs: [Int] = []
    /// 0 where the second follows the first, 1 where it does not.
    var pairTargets: [Int32] = []
    /// What their mean loss counts beside that of hidden tokens: the share of rows that are pairs, or one pair among many
    /// single passages would weigh as much as they all.
    var pairWeight = 1.0
}
