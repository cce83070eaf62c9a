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

    /// Creates a model from its parts.
    ///
    /// - Throws: `.shapeMismatch` for a vocabulary or segments that the model does not know; `.unsupported` for a tokenizer that puts no
    ///   token before a text, whose hidden state could stand for the whole.
    public init(encoder: BERTEncoder<Float>, tokenizer: WordPieceTokenizer) throws {
        guard tokenizer.vocabularySize <= encoder.configuration.vocabularySize else {
            throw MarketingMLError(
                .shapeMismatch,
                "the tokenizer knows \(tokenizer.vocabularySize) tokens, the model only \(encoder.configuration.vocabularySize)"
            )
        }
        try tokenizer.checkSegments(ofPairs: false, for: encoder.configuration)
        let added = SequenceTemplate.addedCount(tokenizer.model.template.single)
        guard added > 0 else {
            throw MarketingMLError(.unsupported, "the tokenizer puts no special token around a text")
        }
        guard added < encoder.configuration.maximumPositions else {
            throw MarketingMLError(
                .shapeMismatch,
                "the tokenizer puts \(added) tokens around a text, the model reads \(encoder.configuration.maximumPositions)"
            )
        }
        self.encoder = encoder
        self.tokenizer = tokenizer
    }

    /// Creates a model with random weights, to be trained from scratch.
    ///
    /// - Throws: As the other initializer; `.invalidOption` for sizes and rates that no model can have.
    public init(configuration: BERTConfiguration, tokenizer: WordPieceTokenizer, seed: UInt64 = 42) throws {
        try configuration.validate()
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

extension WordPieceTokenizer {
    /// - Throws: `.shapeMismatch` for tokens of a segment that the model has no vector for.
    func checkSegments(
        ofPairs: Bool, for configuration: BERTConfiguration
    ) throws(MarketingMLError) {
        let greatest = SequenceTemplate.greatestType(ofPairs ? model.template.pair : model.template.single)
        guard greatest < configuration.tokenTypes else {
            throw MarketingMLError(
                .shapeMismatch,
                "the tokenizer makes tokens of segment \(greatest), the model knows \(configuration.tokenTypes) segments"
            )
        }
    }
}
