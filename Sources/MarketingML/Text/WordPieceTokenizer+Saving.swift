import Tensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension WordPieceTokenizer {
    /// Writes the tokenizer's files into an existing directory, for this library and for Hugging Face's.
    ///
    /// The files that it was read from are written byte for byte; what is missing of `tokenizer.json`,
    /// `tokenizer_config.json` and `special_tokens_map.json` is made. A change of `truncation` is not saved.
    ///
    /// - Throws: `inputOutput`.
    public func save(to directory: URL) throws {
        for file in model.files + missingFiles {
            try AtomicFile.write(file.bytes, to: directory.appendingPathComponent(file.name).path)
        }
    }

    private var missingFiles: [TokenizerFile] {
        let makers: [(String, () -> JSONValue)] = [
            ("tokenizer.json", { tokenizerJSON }), ("tokenizer_config.json", { configuration }),
            ("special_tokens_map.json", { .object(specialTokens) }),
        ]
        return makers.compactMap { name, make in
            if model.files.contains(where: { $0.name == name }) { return nil }
            return TokenizerFile(name, Array(make().serialized(pretty: true).utf8))
        }
    }

    /// The special tokens by what they are for, as far as they are known.
    private var specialTokens: [JSONValue.Member] {
        var members = [JSONValue.Member("unk_token", .string(token(model.unknownID) ?? "[UNK]"))]
        let specials = model.template.single.compactMap { piece -> String? in
            if case .special(let ids, _) = piece, let id = ids.first { token(id) } else { nil }
        }
        if specials.count == 2 {
            members += [.init("cls_token", .string(specials[0])), .init("sep_token", .string(specials[1]))]
        }
        for (name, text) in [("pad_token", "[PAD]"), ("mask_token", "[MASK]")] where id(of: text) != nil {
            members.append(.init(name, .string(text)))
        }
        return members
    }

    private var configuration: JSONValue {
        var members: [JSONValue.Member] = [
            .init("tokenizer_class", "BertTokenizer"),
            .init("do_lower_case", .bool(model.normalizer.lowercases)),
            .init("strip_accents", .bool(model.normalizer.stripsAccents)),
            .init("tokenize_chinese_chars", .bool(model.normalizer.separatesChinese)),
        ]
        if let limit = truncation?.maxLength { members.append(.init("model_max_length", .integer(limit))) }
        return .object(members + specialTokens)
    }

    /// The `tokenizer.json` of a tokenizer that was read from `vocab.txt`.
    private var tokenizerJSON: JSONValue {
        let normalizer: JSONValue = [
            "type": "BertNormalizer", "clean_text": .bool(model.normalizer.cleansText),
            "handle_chinese_chars": .bool(model.normalizer.separatesChinese),
            "strip_accents": .bool(model.normalizer.stripsAccents),
            "lowercase": .bool(model.normalizer.lowercases),
        ]
        let vocabulary = (0..<model.vocabulary.idBound).compactMap { id in
            model.vocabulary.token(id).map { JSONValue.Member($0, .integer(id)) }
        }
        return [
            "version": "1.0", "truncation": nil, "padding": nil,
            "added_tokens": .array(model.added.tokens.map(\.json)), "normalizer": normalizer,
            "pre_tokenizer": ["type": "BertPreTokenizer"], "post_processor": templateJSON,
            "decoder": ["type": "WordPiece", "prefix": .string(model.continuingPrefix), "cleanup": true],
            "model": [
                "type": "WordPiece", "unk_token": .string(token(model.unknownID) ?? "[UNK]"),
                "continuing_subword_prefix": .string(model.continuingPrefix),
                "max_input_chars_per_word": .integer(model.maxScalarsPerWord), "vocab": .object(vocabulary),
            ],
        ]
    }

    private var templateJSON: JSONValue {
        var special: [JSONValue.Member] = []
        func pieces(_ pieces: [SequenceTemplate.Piece]) -> JSONValue {
            .array(
                pieces.map { piece in
                    switch piece {
                    case .special(let ids, let type):
                        let texts = ids.map { token($0) ?? "" }
                        let name = texts.joined(separator: " ")
                        if !special.contains(where: { $0.key == name }) {
                            let token: JSONValue = [
                                "id": .string(name), "ids": .array(ids.map { .integer(Int($0)) }),
                                "tokens": .array(texts.map { .string($0) }),
                            ]
                            special.append(.init(name, token))
                        }
                        return ["SpecialToken": ["id": .string(name), "type_id": .integer(Int(type))]]
                    case .sequence(let index, let type):
                        return ["Sequence": ["id": index == 0 ? "A" : "B", "type_id": .integer(Int(type))]]
                    }
                })
        }
        let single = pieces(model.template.single)
        let pair = pieces(model.template.pair)
        return [
            "type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": .object(special),
        ]
    }
}
