import Tensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension WordPieceTokenizer {
    /// Writes the tokenizer's files into an existing directory: those that it was read from byte for byte, and a
    /// tokenizer_config.json if there was none, so that the reference library loads the directory.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to directory: URL) throws {
        var files = model.files
        if !files.contains(where: { $0.name == "tokenizer_config.json" }) {
            let configuration: JSONValue = [
                "tokenizer_class": "BertTokenizer", "do_lower_case": .bool(model.normalizer.lowercases),
                "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
                "mask_token": "[MASK]",
            ]
            files.append(TokenizerFile("tokenizer_config.json", Array(configuration.serialized(pretty: true).utf8)))
        }
        for file in files {
            try AtomicFile.write(file.bytes, to: directory.appendingPathComponent(file.name).path)
        }
    }
}
