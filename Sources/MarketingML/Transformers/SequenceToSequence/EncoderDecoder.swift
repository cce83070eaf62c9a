import Foundation

/// The encoder–decoder Transformer of "Attention is all you need" (arXiv:1706.03762) over packed sequences.
///
/// Nothing is ever padded: sources are one [N, D] matrix of all their tokens, targets another.
public struct EncoderDecoder<Scalar: TensorFloatingPoint>: Parameterized {
    /// The sizes it was made with.
    public private(set) var configuration: EncoderDecoderConfiguration
    /// [source vocabulary, D]; nil where source and target share a table.
    var sourceWords: Tensor<Scalar>?
    /// [V, D].
    var targetWords: Tensor<Scalar>
    /// Trained positions [maximum, D]; nil where they are fixed.
    var sourcePositions: Tensor<Scalar>?
    var targetPositions: Tensor<Scalar>?
    /// Sines and cosines [maximum, D]; nil where positions are trained.
    private let fixedPositions: Tensor<Scalar>?
    var encoder: [EncoderLayer<Scalar>]
    var decoder: [DecoderLayer<Scalar>]
    /// The last norms, where norms stand before sublayers.
    var encoderNorm: LayerNorm<Scalar>?
    var decoderNorm: LayerNorm<Scalar>?
    /// [V, D]; nil where it is the table of embeddings.
    var outputWeight: Tensor<Scalar>?
    /// Whether the backward pass computes each layer again, which then need not be kept.
    public var recomputesLayers = false

    /// Random weights: embeddings normal with deviation 1 / √D, matrices Glorot's.
    ///
    /// - Throws: `.invalidOption` for sizes that do not fit one another.
    public init(configuration: EncoderDecoderConfiguration, seed: UInt64) throws {
        try configuration.validate()
        self.configuration = configuration
        let size = configuration.hiddenSize
        func table(_ rows: Int, _ stream: UInt64) -> Tensor<Scalar> {
            .randomNormal(
                [rows, size], standardDeviation: 1 / Double(size).squareRoot(), seed: seed, stream: stream)
        }
        sourceWords = configuration.sharesEmbeddings ? nil : table(configuration.sourceVocabularySize, 1)
        targetWords = table(configuration.targetVocabularySize, 2)
        let maximum = configuration.maximumPositions
        let learns = configuration.positions == .learned
        sourcePositions = learns ? table(maximum, 3) : nil
        targetPositions = learns ? table(maximum, 4) : nil
        fixedPositions = learns ? nil : .sinusoids(positions: maximum, size: size)
        outputWeight = configuration.tiesOutput ? nil : table(configuration.targetVocabularySize, 5)
        if configuration.normalization == .before {
            encoderNorm = LayerNorm(size: size, epsilon: configuration.layerNormEpsilon)
            decoderNorm = encoderNorm
        }
        encoder = (0..<configuration.encoderLayers).map {
            EncoderLayer(configuration, seed: seed, stream: 32 * UInt64($0 + 1))
        }
        decoder = (0..<configuration.decoderLayers).map {
            DecoderLayer(configuration, seed: seed, stream: 1 << 20 + 32 * UInt64($0 + 1))
        }
    }

    /// Sets both rates of dropout.
    public mutating func setDropout(_ rate: Double, attention: Double? = nil) {
        configuration.dropout = rate
        configuration.attentionDropout = attention ?? rate
    }

    /// The encoded sources [N, D].
    ///
    /// - Parameters:
    ///   - sources: Ids inside the vocabulary, rows not longer than the model's positions.
    ///   - dropout: The step's streams while training, nil otherwise.
    public func encoded(_ sources: TokenBatch, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        let hidden = embedded(
            sources.ids, positions: sources.positions, sourceWords ?? targetWords, sourcePositions,
            dropout: &dropout)
        let configuration = configuration
        let last = encoder.applied(to: [hidden], recomputing: recomputesLayers, dropout: &dropout) {
            layer, inputs, dropout in
            layer(inputs[0], offsets: sources.rowOffsets, configuration, dropout: &dropout)
        }
        return encoderNorm?(last) ?? last
    }

    /// The decoder's last hidden states of all targets' tokens [M, D], each from the tokens up to it and its source.
    public func decoded(
        _ targets: TokenBatch, over sources: TokenBatch, encoded: Tensor<Scalar>,
        dropout: inout DropoutStreams?
    ) -> Tensor<Scalar> {
        let (queries, keys) = (targets.rowRanges, sources.rowRanges)
        let configuration = configuration
        let inputs = [embedded(targets, dropout: &dropout), encoded]
        let last = decoder.applied(to: inputs, recomputing: recomputesLayers, dropout: &dropout) {
            layer, inputs, dropout in
            layer(
                inputs[0], source: layer.crossKeyValue(inputs[1]), queries: queries, keys: keys,
                configuration, dropout: &dropout
            ) { queryKeyValue, dropout in
                queryKeyValue.selfAttention(
                    heads: configuration.heads, offsets: targets.rowOffsets, causal: true, dropout: dropout)
            }
        }
        return decoderNorm?(last) ?? last
    }

    /// Scores [M, V] of hidden states [M, D].
    public func scores(_ hidden: Tensor<Scalar>) -> Tensor<Scalar> {
        hidden.linear(outputWeight ?? targetWords)
    }

    /// The mean cross-entropy over all tokens that follow: the targets without their first, then `end`.
    ///
    /// - Parameters:
    ///   - targets: Rows that begin with the token that starts a text.
    ///   - end: The token that ends one.
    ///   - labelSmoothing: In [0, 1), spread over the whole vocabulary.
    public func loss(
        sources: TokenBatch, targets: TokenBatch, end: Int32, labelSmoothing: Double = 0,
        dropout: inout DropoutStreams?
    ) -> Tensor<Scalar> {
        let encoded = encoded(sources, dropout: &dropout)
        let hidden = decoded(targets, over: sources, encoded: encoded, dropout: &dropout)
        return hidden.vocabularyLoss(
            weight: outputWeight ?? targetWords, targets: targets.following(end: end),
            labelSmoothing: labelSmoothing)
    }

    private func embedded(_ targets: TokenBatch, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        embedded(targets.ids, positions: targets.positions, dropout: &dropout)
    }

    /// Tokens of targets at given positions.
    func embedded(_ ids: [Int32], positions: [Int32], dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        embedded(ids, positions: positions, targetWords, targetPositions, dropout: &dropout)
    }

    /// √D times the token's row, plus the position's.
    private func embedded(
        _ ids: [Int32], positions: [Int32], _ words: Tensor<Scalar>, _ learned: Tensor<Scalar>?,
        dropout: inout DropoutStreams?
    ) -> Tensor<Scalar> {
        var sum = words.gathered(ids) * Scalar(Double(configuration.hiddenSize).squareRoot())
        if let table = learned ?? fixedPositions { sum = sum + table.gathered(positions) }
        return sum.dropped(dropout.take(rate: configuration.dropout))
    }

    /// Calls `body` with every parameter, under the name it has in a file.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try sourceWords?.visit("source_embeddings.weight", body)
        try targetWords.visit("target_embeddings.weight", body)
        try sourcePositions?.visit("source_positions.weight", body)
        try targetPositions?.visit("target_positions.weight", body)
        for index in encoder.indices { try encoder[index].forEachParameter("encoder.\(index)", body) }
        for index in decoder.indices { try decoder[index].forEachParameter("decoder.\(index)", body) }
        try encoderNorm?.forEachParameter("encoder_norm", body)
        try decoderNorm?.forEachParameter("decoder_norm", body)
        try outputWeight?.visit("output.weight", body)
    }
}

extension Tensor {
    /// Lets `body` change this tensor in place, also inside an optional.
    fileprivate mutating func visit(_ name: String, _ body: (String, inout Tensor) throws -> Void) rethrows {
        try body(name, &self)
    }
}

extension TokenBatch {
    /// The rows as ranges of tokens.
    var rowRanges: [Range<Int>] { zip(rowOffsets, rowOffsets.dropFirst()).map { $0..<$1 } }

    /// For each token the one behind it in its row, and `end` for the last.
    func following(end: Int32) -> [Int32] {
        rowRanges.flatMap { $0.isEmpty ? [] : ids[$0].dropFirst() + [end] }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// sin(p / 10000^(2i / D)) at column 2i and the cosine beside it, for positions p: [positions, D].
    static func sinusoids(positions: Int, size: Int) -> Tensor {
        var elements: [Scalar] = []
        elements.reserveCapacity(positions * size)
        for position in 0..<positions {
            for column in 0..<size {
                let angle = Double(position) / pow(10_000, Double(column / 2 * 2) / Double(size))
                elements.append(Scalar(column % 2 == 0 ? sin(angle) : cos(angle)))
            }
        }
        return Tensor(shape: [positions, size], elements)
    }
}
