import Tensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Splits text into the tokens of a BERT model, with the same ids and offsets as Hugging Face's `tokenizers`.
///
/// Text is normalised (cleaned, Chinese characters set apart, accents stripped, lower case, as the files say), cut
/// at white space and punctuation, and each word split into the longest pieces that the vocabulary has.
///
/// ```swift
/// let tokenizer = try WordPieceTokenizer(directory: checkpointURL)
/// let encoding = tokenizer.encode("Hello world!")
/// encoding.ids                                    // [101, 7592, 2088, 999, 102]
/// let batch = tokenizer.encodeBatch(reviews)      // rows without padding
/// ```
///
/// A tokenizer is a value that may be used from any number of tasks at once.
public struct WordPieceTokenizer: Sendable {
    let model: WordPieceModel

    /// The limit on the number of tokens; at first that of the file, if it has one. Nil sets no limit.
    ///
    /// Special tokens are always kept, even where they alone exceed the limit.
    public var truncation: Truncation?

    // MARK: Loading

    /// Loads the tokenizer of a Hugging Face directory.
    ///
    /// Reads `tokenizer.json`, or else `vocab.txt` with the options in `tokenizer_config.json`.
    ///
    /// - Throws: `fileNotFound` if neither file is there; `malformedFile`; `unsupported`, naming the piece, if the
    ///   files describe anything but a BERT tokenizer.
    public init(directory: URL) throws {
        func file(_ name: String) throws -> (file: TokenizerFile?, path: String) {
            let url = directory.appendingPathComponent(name)
            return (try TokenizerFile(ifPresent: url, named: name), url.path)
        }
        let json = try file("tokenizer.json")
        let vocabulary = try file("vocab.txt")
        let configuration = try file("tokenizer_config.json")
        var description: TokenizerDescription
        if let file = json.file {
            description = try TokenizerDescription(tokenizerJSON: file, path: json.path)
        } else if let file = vocabulary.file {
            let options = try configuration.file
                .map { try JSONValue(parsing: $0.bytes, file: configuration.path) }
            description = try TokenizerDescription(
                vocabularyFile: file, path: vocabulary.path, normalizer: BertNormalizer(options),
                special: TokenizerDescription.SpecialTokens(options))
        } else {
            throw MarketingMLError(
                .fileNotFound, "there is neither tokenizer.json nor vocab.txt",
                at: .init(file: directory.path))
        }
        description.files = [
            json.file, vocabulary.file, configuration.file, try file("special_tokens_map.json").file,
        ].compactMap { $0 }
        try self.init(description)
    }

    /// Loads a `tokenizer.json`.
    public init(tokenizerJSON url: URL) throws {
        let file = try TokenizerFile(url, named: "tokenizer.json")
        try self.init(TokenizerDescription(tokenizerJSON: file, path: url.path))
    }

    /// Loads a `vocab.txt`, one token a line, with BERT's special tokens in it.
    ///
    /// - Parameter lowercase: whether the vocabulary is without capitals and accents, as `bert-base-uncased`.
    public init(vocabulary url: URL, lowercase: Bool = true) throws {
        let file = try TokenizerFile(url, named: "vocab.txt")
        try self.init(
            TokenizerDescription(
                vocabularyFile: file, path: url.path, normalizer: BertNormalizer(lowercase: lowercase)))
    }

    /// Creates a tokenizer from its tokens in the order of their ids, BERT's special tokens among them.
    public init(vocabulary tokens: [String], lowercase: Bool = true) throws {
        let bytes = tokens.flatMap { Array($0.utf8) + [UInt8(ascii: "\n")] }
        try self.init(
            TokenizerDescription(
                vocabularyFile: TokenizerFile("vocab.txt", bytes), path: nil,
                normalizer: BertNormalizer(lowercase: lowercase)))
    }

    init(_ description: TokenizerDescription) throws {
        model = try WordPieceModel(description)
        truncation = description.truncation
    }

    // MARK: Tokens

    /// One more than the greatest id: the number of rows an embedding needs.
    public var vocabularySize: Int { model.idBound }

    /// The id that stands for words which cannot be split into known pieces.
    public var unknownID: Int32 { model.unknownID }

    /// The id of a token, such as `[MASK]`; nil if there is none.
    public func id(of token: String) -> Int32? {
        model.added.id(of: token) ?? model.vocabulary.id(of: token.utf8)
    }

    /// The token with that id; nil if there is none.
    public func token(_ id: Int32) -> String? {
        model.added.texts[id] ?? model.vocabulary.token(Int(id))
    }

    /// The tokens with these ids; those that do not exist are left out.
    public func tokens(_ ids: some Sequence<Int32>) -> [String] {
        ids.compactMap { token($0) }
    }

    /// The text of tokens, as far as it can be known again.
    public func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool = true) -> String {
        let tokens = tokens(ids).filter { !skipSpecialTokens || !model.added.specialTexts.contains($0) }
        return model.decoder?.decode(tokens) ?? tokens.joined(separator: " ")
    }
}

// MARK: - Encoding

extension WordPieceTokenizer {
    /// The tokens of a text.
    ///
    /// - Complexity: linear in the length of the text.
    public func encode(_ text: String, addSpecialTokens: Bool = true) -> Encoding {
        var text = text
        return text.withUTF8 { encode(utf8: $0, addSpecialTokens: addSpecialTokens) }
    }

    /// The tokens of a text given as UTF-8; each maximal part that is not UTF-8 counts as U+FFFD.
    public func encode(utf8 bytes: [UInt8], addSpecialTokens: Bool = true) -> Encoding {
        bytes.withUnsafeBufferPointer { encode(utf8: $0, addSpecialTokens: addSpecialTokens) }
    }

    /// The tokens of a text given as UTF-8; each maximal part that is not UTF-8 counts as U+FFFD.
    public func encode(utf8 bytes: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool = true) -> Encoding {
        model.template.encode(
            bytes, truncation, addSpecialTokens: addSpecialTokens,
            with: WordPieceEncoder(model, capacity: bytes.count / 3 + 8))
    }

    /// The tokens of a pair of texts, such as a question and the passage that answers it.
    public func encode(_ first: String, pair second: String, addSpecialTokens: Bool = true) -> Encoding {
        var first = first
        var second = second
        return first.withUTF8 { first in
            second.withUTF8 { second in
                model.template.encodePair(first, second, truncation, addSpecialTokens: addSpecialTokens) {
                    WordPieceEncoder(model, capacity: $0)
                }
            }
        }
    }

    /// The tokens of many texts, packed row by row.
    public func encodeBatch(_ texts: some Sequence<String>, addSpecialTokens: Bool = true) -> TokenBatch {
        var batch = TokenBatch()
        var encoder = WordPieceEncoder(model, capacity: 1_024)
        for var text in texts {
            text.withUTF8 { bytes in
                _ = model.template.append(
                    bytes, truncation, addSpecialTokens: addSpecialTokens, to: &encoder, types: &batch.typeIDs
                )
            }
            batch.ids.append(contentsOf: encoder.tokens.idBuffer)
            batch.rowOffsets.append(batch.ids.count)
            encoder.tokens.removeAll()
        }
        return batch
    }

    /// The tokens of many pairs of texts, packed row by row.
    public func encodeBatch(
        pairs: some Sequence<(String, String)>, addSpecialTokens: Bool = true
    ) -> TokenBatch {
        TokenBatch(pairs.lazy.map { encode($0, pair: $1, addSpecialTokens: addSpecialTokens) })
    }
}
