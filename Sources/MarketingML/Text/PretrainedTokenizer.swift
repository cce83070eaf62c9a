import Tensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Finds out which kind of tokenizer a directory holds.
public enum PretrainedTokenizer {
    /// Loads the tokenizer of a Hugging Face directory, whatever its kind.
    ///
    /// `tokenizer.json` may describe WordPiece, byte-level byte pairs (GPT-2), byte pairs or Unigram as SentencePiece has
    /// them (Llama). Without it, `vocab.json` with `merges.txt` is byte-level, `vocab.txt` WordPiece, `tokenizer.bin`
    /// that of llama2.c.
    ///
    /// ```swift
    /// let tokenizer = try PretrainedTokenizer.load(directory)
    /// let ids = tokenizer.ids(of: "Hello")
    /// ```
    ///
    /// - Throws: `fileNotFound` if the directory has none of these; `malformedFile`; `unsupported`, naming the piece.
    public static func load(_ directory: URL) throws -> any TextTokenizer {
        let url = directory.appendingPathComponent("tokenizer.json")
        guard let file = try TokenizerFile(ifPresent: url, named: "tokenizer.json") else {
            return try loadOlder(directory)
        }
        let kind = try kind(file, url.path)
        switch (kind.model, kind.decoder) {
        case ("WordPiece", _): return try WordPieceTokenizer(directory: directory)
        case ("BPE", "ByteLevel"):
            return try ByteLevelBPETokenizer(SubwordDescription(tokenizerJSON: file, path: url.path))
        case ("BPE", _), ("Unigram", _):
            return try SentencePieceTokenizer(tokenizerJSON: file, path: url.path)
        default:
            throw MarketingMLError(
                .unsupported, "the model \"\(kind.model)\" is not supported",
                at: .init(file: url.path, name: "model"))
        }
    }

    private static func loadOlder(_ directory: URL) throws -> any TextTokenizer {
        func exists(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: directory.appendingPathComponent(name).path)
        }
        if exists("vocab.json") { return try ByteLevelBPETokenizer(directory: directory) }
        if exists("vocab.txt") { return try WordPieceTokenizer(directory: directory) }
        if exists("tokenizer.bin") { return try SentencePieceTokenizer(directory: directory) }
        throw MarketingMLError(
            .fileNotFound, "there is none of tokenizer.json, vocab.json, vocab.txt, tokenizer.bin",
            at: .init(file: directory.path))
    }

    /// The types of the model and of the decoder; the rest of the file is passed over.
    private static func kind(_ file: TokenizerFile, _ path: String) throws -> (
        model: String, decoder: String?
    ) {
        var model: String?
        var decoder: String?
        var reader = JSONReader(file.bytes, file: path)
        try reader.readObject { key, reader in
            if key == "decoder" { decoder = try JSONValue(from: &reader)["type"]?.string }
            guard key == "model" else { return }
            // Files of the first version have no type; they are byte pairs.
            model = "BPE"
            try reader.readObject { key, reader in
                if key == "type" { model = try reader.readString() }
            }
        }
        guard let model else { throw reader.error("\"model\" is missing") }
        return (model, decoder)
    }
}
