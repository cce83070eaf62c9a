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
        let companions = try ["vocab.txt", "tokenizer_config.json", "special_tokens_map.json"]
            .map { directory.appendingPathComponent($0) }
            .filter { FileManager.default.fileExists(atPath: $0.path) }
            .map { try TokenizerFile($0) }
        let json = directory.appendingPathComponent("tokenizer.json")
        var description: TokenizerDescription
        if FileManager.default.fileExists(atPath: json.path) {
            description = try TokenizerDescription(tokenizerJSON: TokenizerFile(json), path: json.path)
        } else {
            let url = directory.appendingPathComponent("vocab.txt")
            guard let vocabulary = companions.first(where: { $0.name == "vocab.txt" }) else {
                throw MarketingMLError(
                    .fileNotFound, "there is neither tokenizer.json nor vocab.txt",
                    at: .init(file: directory.path))
            }
            let path = directory.appendingPathComponent("tokenizer_config.json").path
            let configuration = try companions.first { $0.name == "tokenizer_config.json" }
                .map { try JSONValue(parsing: $0.bytes, file: path) }
            description = try TokenizerDescription(
                vocabularyFile: vocabulary, path: url.path, normalizer: BertNormalizer(configuration),
                special: TokenizerDescription.SpecialTokens(configuration))
        }
        description.files += companions.filter { companion in
            !description.files.contains { $0.name == companion.name }
        }
        try self.init(description)
    }

    /// Loads a `tokenizer.json`.
    public init(tokenizerJSON url: URL) throws {
        var file = try TokenizerFile(url)
        file.name = "tokenizer.json"
        try self.init(TokenizerDescription(tokenizerJSON: file, path: url.path))
    }

    /// Loads a `vocab.txt`, one token a line, with BERT's special tokens in it.
    ///
    /// - Parameter lowercase: whether the vocabulary is without capitals and accents, as `bert-base-uncased`.
    public init(vocabulary url: URL, lowercase: Bool = true) throws {
        var file = try TokenizerFile(url)
        file.name = "vocab.txt"
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
    public var vocabularySize: Int {
        max(model.vocabulary.idBound, Int(model.addedTokens.last?.id ?? -1) + 1)
    }

    /// The id that stands for words which cannot be split into known pieces.
    public var unknownID: Int32 { model.unknownID }

    /// The id of a token, such as `[MASK]`; nil if there is none.
    public func id(of token: String) -> Int32? {
        model.addedTokens.last { $0.content == token }?.id ?? model.vocabulary.id(of: token.utf8)
    }

    /// The token with that id; nil if there is none.
    public func token(_ id: Int32) -> String? {
        model.addedTexts[id] ?? model.vocabulary.token(Int(id))
    }

    /// The tokens with these ids; those that do not exist are left out.
    public func tokens(_ ids: some Sequence<Int32>) -> [String] {
        ids.compactMap { token($0) }
    }

    /// The text of tokens, as far as it can be known again.
    public func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool = true) -> String {
        let tokens = tokens(ids).filter { !skipSpecialTokens || !model.specialTexts.contains($0) }
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
        var encoder = WordPieceEncoder(model)
        var types: [Int32] = []
        encoder.reserve(bytes.count / 4 + 8)
        let first = appendSingle(bytes, addSpecialTokens, &encoder, &types)
        return Encoding(ids: encoder.ids, typeIDs: types, offsets: encoder.offsets, first: first)
    }

    /// The tokens of a pair of texts, such as a question and the passage that answers it.
    public func encode(_ first: String, pair second: String, addSpecialTokens: Bool = true) -> Encoding {
        var first = first
        var second = second
        return first.withUTF8 { first in
            second.withUTF8 { encodePair(first, $0, addSpecialTokens) }
        }
    }

    /// The tokens of many texts, packed row by row.
    public func encodeBatch(_ texts: some Sequence<String>, addSpecialTokens: Bool = true) -> TokenBatch {
        var batch = TokenBatch()
        var encoder = WordPieceEncoder(model)
        for var text in texts {
            text.withUTF8 { bytes in
                _ = appendSingle(bytes, addSpecialTokens, &encoder, &batch.typeIDs)
            }
            batch.ids += encoder.ids
            batch.rowOffsets.append(batch.ids.count)
            encoder.removeAll()
        }
        return batch
    }

    /// The tokens of many pairs of texts, packed row by row.
    public func encodeBatch(
        pairs: some Sequence<(String, String)>, addSpecialTokens: Bool = true
    ) -> TokenBatch {
        TokenBatch(pairs.lazy.map { encode($0, pair: $1, addSpecialTokens: addSpecialTokens) })
    }

    /// Appends a text with its special tokens and returns the positions of its own tokens.
    private func appendSingle(
        _ text: UnsafeBufferPointer<UInt8>, _ addSpecialTokens: Bool, _ encoder: inout WordPieceEncoder,
        _ types: inout [Int32]
    ) -> Range<Int> {
        let pieces = model.template.single
        let added = addSpecialTokens ? SequenceTemplate.addedCount(pieces) : 0
        let limit = truncation.map { max(0, $0.maxLength - added) } ?? .max
        var own = 0..<0
        for piece in pieces {
            let start = encoder.ids.count
            switch piece {
            case .special(let ids, let type):
                guard addSpecialTokens else { continue }
                for id in ids { encoder.append(id, 0, 0) }
                types.append(contentsOf: repeatElement(type, count: ids.count))
            case .sequence(_, let type):
                encoder.encode(text, limit: limit)
                encoder.truncate(to: limit, from: start)
                own = start..<encoder.ids.count
                types.append(contentsOf: repeatElement(type, count: own.count))
            }
        }
        return own
    }

    private func encodePair(
        _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>, _ addSpecialTokens: Bool
    ) -> Encoding {
        let added = addSpecialTokens ? SequenceTemplate.addedCount(model.template.pair) : 0
        var encoders = [WordPieceEncoder(model), WordPieceEncoder(model)]
        encoders[0].encode(first)
        encoders[1].encode(second)
        if let truncation {
            let lengths = truncation.lengths(encoders[0].ids.count, encoders[1].ids.count, added: added)
            encoders[0].truncate(to: lengths.0)
            encoders[1].truncate(to: lengths.1)
        }
        var result = Encoding(ids: [], typeIDs: [], offsets: [])
        for piece in model.template.pair {
            let start = result.ids.count
            switch piece {
            case .special(let ids, let type):
                guard addSpecialTokens else { continue }
                result.ids += ids
                result.offsets += repeatElement(ByteRange(start: 0, end: 0), count: ids.count)
                result.typeIDs += repeatElement(type, count: ids.count)
            case .sequence(let index, let type):
                result.ids += encoders[index].ids
                result.offsets += encoders[index].offsets
                result.typeIDs += repeatElement(type, count: encoders[index].ids.count)
                let own = start..<result.ids.count
                if index == 0 { result.first = own } else { result.second = own }
            }
        }
        return result
    }
}
