import Foundation

/// A BERT encoder with its tokenizer: what fine-tuning starts from.
///
/// Reference: Devlin et al. 2018, arXiv:1810.04805.
public struct BERT: Sendable {
    /// Turns texts into token ids.
    public let tokenizer: WordPieceTokenizer
    /// The weights.
    public var encoder: BERTEncoder<Float>

    /// Sizes and options of the encoder.
    public var configuration: BERTConfiguration { encoder.configuration }

    /// Creates a model from its parts; the vocabulary must fit the configuration.
    public init(encoder: BERTEncoder<Float>, tokenizer: WordPieceTokenizer) throws {
        guard tokenizer.vocabularySize <= encoder.configuration.vocabularySize else {
            throw MarketingMLError(
                .shapeMismatch,
                "the tokenizer knows \(tokenizer.vocabularySize) tokens, the model only \(encoder.configuration.vocabularySize)"
            )
        }
        self.encoder = encoder
        self.tokenizer = tokenizer
    }

    /// Creates a model with random weights, to be trained from scratch.
    public init(configuration: BERTConfiguration, tokenizer: WordPieceTokenizer, seed: UInt64 = 42) throws {
        try self.init(encoder: BERTEncoder(configuration: configuration, seed: seed), tokenizer: tokenizer)
    }

    /// Reads a Hugging Face directory: config.json, model.safetensors, tokenizer.json or vocab.txt.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL) throws { try self.init(directory: directory, holdingPacked: false) }

    /// `holdingPacked`: see `BERTCheckpoint`.
    init(directory: URL, holdingPacked: Bool) throws {
        let checkpoint = try BERTCheckpoint(directory: directory, holdingPacked: holdingPacked)
        try self.init(
            encoder: checkpoint.encoder(), tokenizer: WordPieceTokenizer(directory: directory))
    }
}
