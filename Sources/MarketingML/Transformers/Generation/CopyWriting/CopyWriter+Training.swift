import Foundation

extension CopyWriter {
    /// How the vocabulary comes about.
    public enum Tokenization: Sendable, Equatable {
        /// Byte-level byte-pair encoding, learned from the examples.
        case bytePairEncoding(vocabularySize: Int)
    }

    /// The sizes of the language model.
    public struct Configuration: Sendable, Codable, Equatable {
        /// Width of the hidden states.
        public var hiddenSize: Int
        /// Number of Transformer layers.
        public var layers: Int
        /// Number of attention heads.
        public var heads: Int
        /// The most tokens of a brief and its text together.
        public var contextLength: Int
        /// Rate of dropout while training, in [0, 1).
        public var dropout: Double

        /// Creates sizes.
        public init(hiddenSize: Int, layers: Int, heads: Int, contextLength: Int = 256, dropout: Double = 0.1)
        {
            self.hiddenSize = hiddenSize
            self.layers = layers
            self.heads = heads
            self.contextLength = contextLength
            self.dropout = dropout
        }

        /// 2 layers of 96: for a few hundred examples and tests.
        public static let tiny = Configuration(hiddenSize: 96, layers: 2, heads: 4)
        /// 4 layers of 192: for some thousand examples.
        public static let small = Configuration(hiddenSize: 192, layers: 4, heads: 6)
        /// 6 layers of 384: for some ten thousand examples.
        public static let medium = Configuration(hiddenSize: 384, layers: 6, heads: 6)
    }

    /// The training that suits a few thousand examples.
    public static let defaultOptions = CausalTrainingOptions(
        epochs: 12, batchTokens: 1024, learningRate: 2e-3, labelSmoothing: 0.1, earlyStoppingPatience: 3)

    /// A writer trained from random weights on examples; only the texts count in the loss, not the briefs.
    ///
    /// - Parameters:
    ///   - examples: Briefs with a text each; a brief may occur with several texts.
    ///   - validation: Decides when to stop and which epoch's weights to keep.
    ///   - tokenizer: How the vocabulary comes about.
    ///   - configuration: The sizes of the model.
    ///   - copying: Attributes whose values are copied into texts as they are. Where a training text holds the value,
    ///     a placeholder stands for it.
    ///   - options: How to train.
    ///   - progress: Called after every update; may stop the run.
    /// - Throws: `.emptyData`, `.invalidOption`, `.notFinite`; `CancellationError`.
    public static func train(
        on examples: [CopyExample], validation: [CopyExample] = [],
        tokenizer: Tokenization = .bytePairEncoding(vocabularySize: 2_000),
        configuration: Configuration = .small,
        copying: [String] = [], options: CausalTrainingOptions = defaultOptions,
        progress: ProgressHandler? = nil
    ) throws -> CopyWriter {
        guard !examples.isEmpty else {
            throw MarketingMLError(.emptyData, "there are no examples to learn from")
        }
        let format = CopyFormat(copied: copying)
        let size =
            switch tokenizer {
            case .bytePairEncoding(let vocabularySize): vocabularySize
            }
        let corpus = examples.flatMap { example in
            [example.copy, example.brief.text] + example.brief.attributes.flatMap { [$0.name, $0.value] }
        }
        let tokenizer = try ByteLevelBPETokenizer.train(
            on: corpus, vocabularySize: size, specialTokens: format.specialTokens, progress: progress)
        var sizes = CausalConfiguration.gpt2(
            vocabularySize: tokenizer.vocabularySize, hiddenSize: configuration.hiddenSize,
            layers: configuration.layers, heads: configuration.heads,
            contextLength: configuration.contextLength,
            dropout: configuration.dropout)
        sizes.endTokens = tokenizer.id(of: CopyFormat.end).map { [$0] } ?? []
        let (model, _) = try CausalLanguageModel.train(
            configuration: sizes, tokenizer: tokenizer, on: rows(examples, format, tokenizer),
            validation: validation.isEmpty ? nil : rows(validation, format, tokenizer), options: options,
            progress: progress)
        return try CopyWriter(model: model, tokenizer: tokenizer, format: format)
    }

    /// Briefs and texts as rows of tokens, of which those of the texts count.
    static func rows(
        _ examples: [CopyExample], _ format: CopyFormat, _ tokenizer: ByteLevelBPETokenizer
    ) throws -> TokenRows {
        var ids: [[Int32]] = []
        var counted: [[Bool]] = []
        for (index, example) in examples.enumerated() {
            do {
                let prompt = try format.prompt(example.brief, tokenizer)
                let text = try format.text(example, tokenizer)
                ids.append(prompt + text)
                counted.append(prompt.map { _ in false } + text.map { _ in true })
            } catch var error as MarketingMLError {
                error.location.row = index + 1
                throw error
            }
        }
        return TokenRows(ids, counted: counted)
    }

    /// e to the mean cross-entropy of the texts' tokens given their briefs.
    ///
    /// - Throws: `.emptyData`, `.invalidOption`; `CancellationError`.
    public func perplexity(of examples: [CopyExample]) throws -> Double {
        try model.perplexity(of: Self.rows(examples, format, tokenizer))
    }
}
