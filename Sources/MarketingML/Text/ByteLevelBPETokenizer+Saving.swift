import Tensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ByteLevelBPETokenizer {
    /// Writes the tokenizer's files into an existing directory, for this library and for Hugging Face's.
    ///
    /// The files that it was read from are written byte for byte; `tokenizer.json` is made if it was not among them. A
    /// change of `truncation` is not saved.
    ///
    /// - Throws: `inputOutput`.
    public func save(to directory: URL) throws {
        var files = model.files
        if !files.contains(where: { $0.name == "tokenizer.json" }) {
            files.append(TokenizerFile("tokenizer.json", Array(tokenizerJSON.serialized(pretty: true).utf8)))
        }
        for file in files {
            try AtomicFile.write(file.bytes, to: directory.appendingPathComponent(file.name).path)
        }
    }

    /// The `tokenizer.json` of a tokenizer that was trained, or read from `vocab.json` and `merges.txt`.
    var tokenizerJSON: JSONValue {
        let vocabulary = (0..<model.vocabulary.idBound).compactMap { id in
            model.vocabulary.token(id).map { JSONValue.Member($0, .integer(id)) }
        }
        let merges = (0..<model.mergeList.count).map { index -> JSONValue in
            let pair = [model.mergeList.half(2 * index), model.mergeList.half(2 * index + 1)]
            return .array(pair.map { .string(String(decoding: $0, as: UTF8.self)) })
        }
        func byteLevel(trimsOffsets: Bool) -> JSONValue {
            [
                "type": "ByteLevel", "add_prefix_space": .bool(model.addsPrefixSpace),
                "trim_offsets": .bool(trimsOffsets), "use_regex": .bool(model.splitsWords),
            ]
        }
        // Only the post-processor's answer counts; the reference writes true for the others.
        let processor = byteLevel(trimsOffsets: model.trimsOffsets)
        let part = byteLevel(trimsOffsets: true)
        return [
            "version": "1.0", "truncation": nil, "padding": nil,
            "added_tokens": .array(model.added.tokens.map(\.json)), "normalizer": nil,
            "pre_tokenizer": part, "post_processor": processor, "decoder": part,
            "model": [
                "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
                "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": .object(vocabulary), "merges": .array(merges),
            ],
        ]
    }
}
