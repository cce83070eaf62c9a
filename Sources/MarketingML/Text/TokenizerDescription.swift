import Tensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A file that belongs to a tokenizer.
struct TokenizerFile: Sendable, Equatable {
    var name: String
    var bytes: [UInt8]

    init(_ name: String, _ bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// Reads a file.
    ///
    /// - Throws: `fileNotFound`, or `inputOutput` if it exists but cannot be read.
    init(_ url: URL) throws {
        do {
            self.init(url.lastPathComponent, [UInt8](try Data(contentsOf: url)))
        } catch {
            let isThere = FileManager.default.fileExists(atPath: url.path)
            throw MarketingMLError(
                isThere ? .inputOutput : .fileNotFound,
                isThere ? "the file cannot be read" : "there is no such file", at: .init(file: url.path))
        }
    }
}

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
            let start = reader.position
            let fail = Fail(reader, key, at: start)
            switch key {
            case "version":
                let version = try reader.readString()
                guard version == "1.0" else { throw fail.unsupported("version \"\(version)\"") }
            case "truncation": truncation = try Self.truncation(JSONValue(from: &reader), fail)
            case "added_tokens": addedTokens = try Self.addedTokens(JSONValue(from: &reader), fail)
            case "normalizer": normalizer = try Self.normalizer(JSONValue(from: &reader), fail)
            case "pre_tokenizer":
                try Self.checkPreTokenizer(JSONValue(from: &reader), fail)
                hasPreTokenizer = true
            case "post_processor": template = try Self.template(JSONValue(from: &reader), fail)
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

    /// Makes the errors about one member of the file.
    fileprivate struct Fail {
        private let reader: JSONReader
        private let key: String
        private let start: Int

        init(_ reader: JSONReader, _ key: String, at start: Int) {
            (self.reader, self.key, self.start) = (reader, key, start)
        }

        func malformed(_ what: String) -> MarketingMLError {
            reader.error("\"\(key)\": \(what)", at: start)
        }

        func unsupported(_ what: String) -> MarketingMLError {
            reader.error("\"\(key)\": \(what) is not supported", code: .unsupported, at: start)
        }

        /// The value's type; an error if it has none.
        func type(of value: JSONValue) throws -> String {
            guard let type = value["type"]?.string else { throw malformed("\"type\" is missing") }
            return type
        }

        func bool(_ value: JSONValue, _ name: String) throws -> Bool {
            guard let bool = value[name]?.bool else { throw malformed("\"\(name)\" is not true or false") }
            return bool
        }

        func string(_ value: JSONValue, _ name: String) throws -> String {
            guard let string = value[name]?.string else { throw malformed("\"\(name)\" is not a string") }
            return string
        }

        func id(_ value: JSONValue?) throws -> Int32 {
            guard let id = value?.integer, let id = Int32(exactly: id), id >= 0 else {
                throw malformed("an id is not a number from 0 to \(Int32.max)")
            }
            return id
        }
    }

    private mutating func readModel(_ reader: inout JSONReader, _ fail: Fail) throws {
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
            case "vocab": try readVocabulary(&reader)
            default: break
            }
        }
        if let name = missing.min() { throw fail.malformed("\"\(name)\" is missing") }
    }

    private mutating func readVocabulary(_ reader: inout JSONReader) throws {
        vocabulary = Vocabulary.List()
        try reader.beginObject()
        while try reader.nextKey(appendingTo: &vocabulary.bytes) {
            let start = reader.position
            guard let id = Int32(exactly: try reader.readInt()), id >= 0 else {
                throw reader.error("a token's id is not a number from 0 to \(Int32.max)", at: start)
            }
            vocabulary.ids.append(id)
            vocabulary.ends.append(vocabulary.bytes.count)
        }
    }

    private static func truncation(_ value: JSONValue, _ fail: Fail) throws -> Truncation? {
        if value == .null { return nil }
        guard let length = value["max_length"]?.integer, length >= 0 else {
            throw fail.malformed("\"max_length\" is not a number from 0 on")
        }
        let direction = value["direction"]?.string ?? "Right"
        guard direction == "Right" else { throw fail.unsupported("the direction \(direction)") }
        guard let strategy = Truncation.Strategy(rawValue: try fail.string(value, "strategy")) else {
            throw fail.malformed("unknown \"strategy\"")
        }
        return Truncation(maxLength: length, strategy: strategy)
    }

    private static func addedTokens(_ value: JSONValue, _ fail: Fail) throws -> [AddedToken] {
        guard let array = value.array else { throw fail.malformed("not an array") }
        return try array.map { token in
            try AddedToken(
                id: fail.id(token["id"]), content: fail.string(token, "content"),
                isSpecial: fail.bool(token, "special"), singleWord: fail.bool(token, "single_word"),
                stripsLeft: fail.bool(token, "lstrip"), stripsRight: fail.bool(token, "rstrip"),
                isNormalized: fail.bool(token, "normalized"))
        }
    }

    private static func normalizer(_ value: JSONValue, _ fail: Fail) throws -> BertNormalizer? {
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

    private static func checkPreTokenizer(_ value: JSONValue, _ fail: Fail) throws {
        let type = value == .null ? "null" : try fail.type(of: value)
        guard type == "BertPreTokenizer" else { throw fail.unsupported(type) }
    }

    private static func decoder(_ value: JSONValue, _ fail: Fail) throws -> WordPieceDecoder? {
        if value == .null { return nil }
        let type = try fail.type(of: value)
        guard type == "WordPiece" else { throw fail.unsupported(type) }
        return try WordPieceDecoder(
            prefix: fail.string(value, "prefix"), cleansUp: fail.bool(value, "cleanup"))
    }

    private static func template(_ value: JSONValue, _ fail: Fail) throws -> SequenceTemplate {
        if value == .null { return SequenceTemplate() }
        let type = try fail.type(of: value)
        switch type {
        case "BertProcessing":
            return try .bert(
                cls: fail.id(value["cls"]?.array?.last), sep: fail.id(value["sep"]?.array?.last))
        case "TemplateProcessing":
            let special = value["special_tokens"] ?? .null
            return try SequenceTemplate(
                single: pieces(value["single"], texts: ["A"], special, fail),
                pair: pieces(value["pair"], texts: ["A", "B"], special, fail))
        default: throw fail.unsupported(type)
        }
    }

    private static func pieces(
        _ value: JSONValue?, texts: [String], _ special: JSONValue, _ fail: Fail
    ) throws -> [SequenceTemplate.Piece] {
        guard let array = value?.array else { throw fail.malformed("a template is missing") }
        let pieces: [SequenceTemplate.Piece] = try array.map { piece in
            if let token = piece["SpecialToken"] {
                let name = try fail.string(token, "id")
                guard let ids = special[name]?["ids"]?.array else {
                    throw fail.malformed("the special token \"\(name)\" is missing")
                }
                return .special(ids: try ids.map(fail.id), type: try fail.id(token["type_id"]))
            }
            guard let sequence = piece["Sequence"], let name = sequence["id"]?.string,
                let index = texts.firstIndex(of: name)
            else { throw fail.malformed("a template has an unknown piece") }
            return .sequence(index, type: try fail.id(sequence["type_id"]))
        }
        for index in texts.indices {
            let uses = pieces.count { if case .sequence(index, _) = $0 { true } else { false } }
            guard uses == 1 else { throw fail.unsupported("a template with \(texts[index]) \(uses) times") }
        }
        return pieces
    }
}
