import Tensor

/// What the files of a WordPiece tokenizer say, before tables are built from it.
struct TokenizerDescription {
    /// The file's path, for errors.
    var file: String?
    var vocabulary = Vocabulary.List()
    var unknownToken = "[UNK]"
    var continuingPrefix = "##"
    var maxScalarsPerWord = 100
    /// Nil leaves text as it is.
    var normalizer: BertNormalizer?
    var addedTokens: [AddedToken] = []
    var template = SequenceTemplate()
    var truncation: Truncation?
    var decoder: WordPieceDecoder?
    var files: [TokenizerFile] = []
}

// MARK: - vocab.txt

extension TokenizerDescription {
    /// The names under which a `vocab.txt` tokenizer knows its special tokens.
    struct SpecialTokens {
        var unknown = "[UNK]"
        var classification = "[CLS]"
        var separator = "[SEP]"
        var padding = "[PAD]"
        var mask = "[MASK]"
    }

    /// Reads a vocabulary with one token a line.
    ///
    /// - Throws: `malformedFile` if it is no UTF-8, has no tokens, or lacks a special token that is needed.
    init(
        vocabularyFile: TokenizerFile, path: String?, normalizer: BertNormalizer,
        special: SpecialTokens = SpecialTokens()
    ) throws {
        file = path
        self.normalizer = normalizer
        decoder = WordPieceDecoder()
        unknownToken = special.unknown
        files = [vocabularyFile]
        var ids: [String: Int32] = [:]
        let names = [
            special.padding, special.unknown, special.classification, special.separator, special.mask,
        ]
        var lines = vocabularyFile.bytes.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (row, line) in lines.enumerated() {
            guard let text = String(validating: line, as: UTF8.self), row < Int32.max else {
                throw MarketingMLError(
                    .malformedFile, "the token is not valid UTF-8", at: .init(file: path, row: row + 1))
            }
            let token = Self.trimmingEnd(text)
            vocabulary.bytes += token.utf8
            vocabulary.ends.append(vocabulary.bytes.count)
            vocabulary.ids.append(Int32(row))
            if token.utf8.first == UInt8(ascii: "[") || names.contains(token) { ids[token] = Int32(row) }
        }
        guard let cls = ids[special.classification], let sep = ids[special.separator] else {
            throw MarketingMLError(
                .malformedFile,
                "the vocabulary lacks \"\(special.classification)\" or \"\(special.separator)\"",
                at: .init(file: path))
        }
        template = .bert(cls: cls, sep: sep)
        addedTokens = names.compactMap { name in
            ids[name].map { AddedToken(id: $0, content: name, isSpecial: true) }
        }
    }

    private static func trimmingEnd(_ text: String) -> String {
        var scalars = Substring(text).unicodeScalars
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}

// MARK: - tokenizer.json

extension TokenizerDescription {
    /// Reads a `tokenizer.json`.
    ///
    /// - Throws: `malformedFile` where the file does not follow the format; `unsupported`, naming the piece, where
    ///   it describes anything but a BERT tokenizer.
    init(tokenizerJSON: TokenizerFile, path: String?) throws {
        file = path
        files = [tokenizerJSON]
        var hasModel = false
        var hasPreTokenizer = false
        var reader = JSONReader(tokenizerJSON.bytes, file: path)
        try reader.readObject { key, reader in
            let fail = TokenizerJSON.Fail(reader, key, file: path)
            switch key {
            case "version": try TokenizerJSON.checkVersion(&reader, fail)
            case "truncation": truncation = try TokenizerJSON.truncation(JSONValue(from: &reader), fail)
            case "added_tokens": addedTokens = try TokenizerJSON.addedTokens(JSONValue(from: &reader), fail)
            case "normalizer": normalizer = try Self.normalizer(JSONValue(from: &reader), fail)
            case "pre_tokenizer":
                try Self.checkPreTokenizer(JSONValue(from: &reader), fail)
                hasPreTokenizer = true
            case "post_processor": template = try TokenizerJSON.template(JSONValue(from: &reader), fail)
            case "decoder": decoder = try Self.decoder(JSONValue(from: &reader), fail)
            case "model":
                try readModel(&reader, fail)
                hasModel = true
            default: break  // padding is never applied
            }
        }
        try reader.finish()
        guard hasModel else { throw reader.error("\"model\" is missing") }
        guard hasPreTokenizer else { throw reader.error("the pre-tokenizer null", code: .unsupported) }
    }

    private mutating func readModel(_ reader: inout JSONReader, _ fail: TokenizerJSON.Fail) throws {
        var missing: Set = [
            "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab",
        ]
        try reader.readObject { key, reader in
            missing.remove(key)
            switch key {
            case "type":
                let type = try reader.readString()
                guard type == "WordPiece" else { throw fail.unsupported(type) }
            case "unk_token": unknownToken = try reader.readString()
            case "continuing_subword_prefix": continuingPrefix = try reader.readString()
            case "max_input_chars_per_word":
                maxScalarsPerWord = try reader.readInt()
                guard maxScalarsPerWord >= 0 else { throw fail.malformed("\"\(key)\" is negative") }
            case "vocab": vocabulary = try TokenizerJSON.vocabulary(&reader)
            default: break
            }
        }
        if let name = missing.min() { throw fail.malformed("\"\(name)\" is missing") }
    }

    private static func normalizer(_ value: JSONValue, _ fail: TokenizerJSON.Fail) throws -> BertNormalizer? {
        if value == .null { return nil }
        let type = try fail.type(of: value)
        guard type == "BertNormalizer" else { throw fail.unsupported(type) }
        let lowercases = try fail.bool(value, "lowercase")
        let strips = value["strip_accents"] ?? .null
        return try BertNormalizer(
            cleansText: fail.bool(value, "clean_text"),
            separatesChinese: fail.bool(value, "handle_chinese_chars"),
            stripsAccents: strips == .null ? lowercases : fail.bool(value, "strip_accents"),
            lowercases: lowercases)
    }

    private static func checkPreTokenizer(_ value: JSONValue, _ fail: TokenizerJSON.Fail) throws {
        let type = value == .null ? "null" : try fail.type(of: value)
        guard type == "BertPreTokenizer" else { throw fail.unsupported(type) }
    }

    private static func decoder(_ value: JSONValue, _ fail: TokenizerJSON.Fail) throws -> WordPieceDecoder? {
        if value == .null { return nil }
        let type = try fail.type(of: value)
        guard type == "WordPiece" else { throw fail.unsupported(type) }
        return try WordPieceDecoder(
            prefix: fail.string(value, "prefix"), cleansUp: fail.bool(value, "cleanup"))
    }
}
