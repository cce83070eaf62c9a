import Foundation

/// Turns texts into vectors whose cosine says how alike they are in meaning (arXiv:1908.10084).
public struct SentenceEncoder: Sendable {
    /// How a text's token vectors become one.
    public let pooling: Pooling
    /// The longest text in tokens; longer ones are cut.
    public let maxLength: Int
    let bert: BERT
    let tokenizer: WordPieceTokenizer

    /// The vectors' size D.
    public var dimension: Int { bert.configuration.hiddenSize }

    /// Creates an encoder; `maxLength` nil means what the tokenizer's file says, else the model's positions.
    public init(_ bert: BERT, pooling: Pooling = .mean, maxLength: Int? = nil) throws {
        let limit = bert.configuration.maximumPositions
        if let maxLength, !(2...max(2, limit) ~= maxLength) {
            throw MarketingMLError(
                .invalidOption, "must be from 2 to \(limit), is \(maxLength)", at: .init(name: "maxLength"))
        }
        self.bert = bert
        self.pooling = pooling
        self.maxLength = min(maxLength ?? bert.tokenizer.truncation?.maxLength ?? 512, limit)
        tokenizer = bert.tokenizer.truncating(to: self.maxLength)
    }

    /// Reads a Hugging Face directory; `1_Pooling/config.json`, where there is one, tells the pooling.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL) throws {
        let poolingURL = directory.appendingPathComponent("1_Pooling/config.json")
        var pooling = Pooling.mean
        if FileManager.default.fileExists(atPath: poolingURL.path) {
            let json = try JSONValue(parsing: InputFile.read(poolingURL.path), file: poolingURL.path)
            if json["pooling_mode_cls_token"]?.bool == true { pooling = .cls }
        }
        try self.init(BERT(directory: directory, holdingPacked: true), pooling: pooling)
    }

    /// The same encoder with its layers held in 8 bits; see ``BERTEncoder/quantized()``.
    public func quantized() -> SentenceEncoder {
        SentenceEncoder(bert.quantized(), pooling: pooling, maxLength: maxLength, tokenizer: tokenizer)
    }

    private init(_ bert: BERT, pooling: Pooling, maxLength: Int, tokenizer: WordPieceTokenizer) {
        self.bert = bert
        self.pooling = pooling
        self.maxLength = maxLength
        self.tokenizer = tokenizer
    }

    /// The vectors of texts, each of length 1: [texts, D]; the dot product of two is their cosine.
    public func embed(_ texts: [String]) throws -> Tensor<Float> {
        let model = SentenceModel(encoder: bert.encoder, pooling: pooling)
        let vectors = tokenizer.encodeBatch(texts).inParts { part in
            var none: DropoutStreams?
            return model.vectors(part, dropout: &none)
        }
        return vectors?.unitRows() ?? .zeros([0, dimension])
    }

    /// The vector of one text: [D].
    public func embed(_ text: String) throws -> Tensor<Float> { try embed([text]).reshaped(dimension) }
}
