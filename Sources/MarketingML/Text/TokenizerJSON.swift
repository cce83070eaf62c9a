import Tensor

/// The parts of a `tokenizer.json` that tokenizers of every kind have.
enum TokenizerJSON {
    /// Makes the errors about one member of the file.
    struct Fail {
        private let file: String?
        private let key: String
        private let start: Int?

        init(_ reader: JSONReader, _ key: String, file: String?) {
            (self.file, self.key, start) = (file, key, reader.position)
        }

        init(file: String?, _ key: String) {
            (self.file, self.key, start) = (file, key, nil)
        }

        func malformed(_ what: String) -> MarketingMLError {
            error(.malformedFile, what)
        }

        func unsupported(_ what: String) -> MarketingMLError {
            error(.unsupported, "\(what) is not supported")
        }

        private func error(_ code: MarketingMLError.Code, _ what: String) -> MarketingMLError {
            MarketingMLError(code, "\"\(key)\": \(what)", at: .init(file: file, offset: start))
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

    /// Reads the version of the format, of which there is one.
    static func checkVersion(_ reader: inout JSONReader, _ fail: Fail) throws {
        let version = try reader.readString()
        guard version == "1.0" else { throw fail.unsupported("version \"\(version)\"") }
    }

    /// Reads an object of tokens and their ids.
    static func vocabulary(_ reader: inout JSONReader) throws -> Vocabulary.List {
        var vocabulary = Vocabulary.List()
        try reader.beginObject()
        while try reader.nextKey(appendingTo: &vocabulary.bytes) {
            let start = reader.position
            guard let id = Int32(exactly: try reader.readInt()), id >= 0 else {
                throw reader.error("a token's id is not a number from 0 to \(Int32.max)", at: start)
            }
            vocabulary.ids.append(id)
            vocabulary.ends.append(vocabulary.bytes.count)
        }
        return vocabulary
    }

    /// The limit on the number of tokens.
    static func truncation(_ value: JSONValue, _ fail: Fail) throws -> Truncation? {
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

    /// The tokens that are recognised as a whole.
    static func addedTokens(_ value: JSONValue, _ fail: Fail) throws -> [AddedToken] {
        guard let array = value.array else { throw fail.malformed("not an array") }
        return try array.map { token in
            try AddedToken(
                id: fail.id(token["id"]), content: fail.string(token, "content"),
                isSpecial: fail.bool(token, "special"), singleWord: fail.bool(token, "single_word"),
                stripsLeft: fail.bool(token, "lstrip"), stripsRight: fail.bool(token, "rstrip"),
                isNormalized: fail.bool(token, "normalized"))
        }
    }

    /// What is put around a text.
    static func template(_ value: JSONValue, _ fail: Fail) throws -> SequenceTemplate {
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

extension AddedToken {
    /// The token as `tokenizer.json` has it.
    var json: JSONValue {
        [
            "id": .integer(Int(id)), "content": .string(content), "single_word": .bool(singleWord),
            "lstrip": .bool(stripsLeft), "rstrip": .bool(stripsRight), "normalized": .bool(isNormalized),
            "special": .bool(isSpecial),
        ]
    }
}
