import Tensor

extension SentencePieceTokenizer {
    init(tokenizerJSON file: TokenizerFile, path: String?) throws {
        let description = try SubwordDescription(tokenizerJSON: file, path: path, kinds: ["BPE", "Unigram"])
        try self.init(Self.parts(description), truncation: description.truncation, file: path)
    }

    private static func parts(_ description: SubwordDescription) throws -> SentencePieceModel.Parts {
        let file = description.file
        let vocabulary = try Vocabulary(description.vocabulary, continuingPrefix: nil, file: file)
        let text = try SentencePieceText(description)
        var parts = try SentencePieceModel.Parts(
            vocabulary: vocabulary, algorithm: algorithm(description, vocabulary),
            added: AddedVocabulary(description.addedTokens, vocabulary, file: file) { text.normalized($0) })
        parts.text = text
        parts.template = try TokenizerJSON.template(
            description.postProcessor, TokenizerJSON.Fail(file: file, "post_processor"))
        parts.fallsBackToBytes = description.fallsBackToBytes
        parts.fusesUnknown = description.fusesUnknown
        parts.files = description.files
        parts.unknownID =
            try description.unknownID
            ?? description.unknownToken.map { token in
                guard let id = vocabulary.id(of: token.utf8) else {
                    throw MarketingMLError(
                        .malformedFile, "the vocabulary lacks the unknown token \"\(token)\"",
                        at: .init(file: file, name: "unk_token"))
                }
                return id
            }
        var isFused = false
        try readDecoder(description.decoder, .init(file: file, "decoder"), &parts, &isFused)
        return parts
    }

    private static func algorithm(
        _ description: SubwordDescription, _ vocabulary: Vocabulary
    ) throws -> SentencePieceModel.Algorithm {
        guard description.kind == "Unigram" else {
            return try .bytePair(description.rules(vocabulary), ignoresMerges: description.ignoresMerges)
        }
        guard let unknownID = description.unknownID else {
            throw TokenizerJSON.Fail(file: description.file, "model").unsupported(
                "Unigram without \"unk_id\"")
        }
        return .unigram(
            UnigramModel(description.vocabulary, scores: description.scores, unknownID: unknownID))
    }

    /// Reads how tokens are joined to text again.
    private static func readDecoder(
        _ value: JSONValue, _ fail: TokenizerJSON.Fail, _ parts: inout SentencePieceModel.Parts,
        _ isFused: inout Bool
    ) throws {
        let type = value == .null ? "null" : try fail.type(of: value)
        switch type {
        case "Sequence":
            guard let decoders = value["decoders"]?.array else {
                throw fail.malformed("\"decoders\" is not an array")
            }
            for decoder in decoders { try readDecoder(decoder, fail, &parts, &isFused) }
        case "Replace":
            let pattern = try fail.pattern(value)
            guard try fail.string(value, "content") == " ", !pattern.isEmpty else {
                throw fail.unsupported("Replace by something else than a space")
            }
            parts.space = pattern
        case "ByteFallback": parts.decodesBytes = true
        case "Fuse": isFused = true
        case "Strip":
            let ends = (value["start"]?.integer, value["stop"]?.integer)
            guard isFused, try fail.string(value, "content") == " ", ends == (1, 0) else {
                throw fail.unsupported("Strip of anything but a space at the beginning of the text")
            }
            parts.firstSpace = .one
        case "Metaspace":
            let metaspace = try SentencePieceText.Metaspace(value, fail)
            parts.space = metaspace.space
            parts.firstSpace = metaspace.prefix == .never ? .kept : .all
        default: throw fail.unsupported(type)
        }
    }
}

extension SentencePieceText {
    /// - Throws: `unsupported`, naming the piece, if the normaliser or the pre-tokenizer does anything else.
    fileprivate init(_ description: SubwordDescription) throws {
        try readNormalizer(description.normalizer, .init(file: description.file, "normalizer"))
        let value = description.preTokenizer
        if value == .null { return }
        let fail = TokenizerJSON.Fail(file: description.file, "pre_tokenizer")
        let type = try fail.type(of: value)
        guard type == "Metaspace" else { throw fail.unsupported(type) }
        metaspace = try Metaspace(value, fail)
    }

    private mutating func readNormalizer(_ value: JSONValue, _ fail: TokenizerJSON.Fail) throws {
        if value == .null { return }
        let type = try fail.type(of: value)
        switch type {
        case "Sequence":
            guard let normalizers = value["normalizers"]?.array else {
                throw fail.malformed("\"normalizers\" is not an array")
            }
            for normalizer in normalizers { try readNormalizer(normalizer, fail) }
        case "Prepend": steps.append(.prepend(Array(try fail.string(value, "prepend").utf8)))
        case "Replace":
            let pattern = try fail.pattern(value)
            guard !pattern.isEmpty else { throw fail.malformed("the pattern is empty") }
            steps.append(.replace(pattern, by: Array(try fail.string(value, "content").utf8)))
        default: throw fail.unsupported(type)
        }
    }
}

extension SentencePieceText.Metaspace {
    fileprivate init(_ value: JSONValue, _ fail: TokenizerJSON.Fail) throws {
        let replacement = try fail.string(value, "replacement")
        guard replacement.unicodeScalars.count == 1 else {
            throw fail.malformed("\"replacement\" is not a character")
        }
        space = Array(replacement.utf8)
        if value["prepend_scheme"] != nil {
            let scheme = try fail.string(value, "prepend_scheme")
            guard let known = SentencePieceText.Prefix(rawValue: scheme) else {
                throw fail.malformed("unknown \"prepend_scheme\"")
            }
            prefix = known
        } else {
            prefix =
                try value["add_prefix_space"] == nil || fail.bool(value, "add_prefix_space")
                ? .always : .never
        }
        splits = try value["split"] == nil || fail.bool(value, "split")
    }
}

extension TokenizerJSON.Fail {
    /// The pattern of a replacement, if it is no regular expression.
    fileprivate func pattern(_ value: JSONValue) throws -> [UInt8] {
        guard let string = value["pattern"]?["String"]?.string else {
            throw unsupported("a pattern other than a string")
        }
        return Array(string.utf8)
    }
}
