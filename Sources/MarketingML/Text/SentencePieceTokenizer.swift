import Tensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Splits text into the tokens of SentencePiece-style models: the byte-pair encoding of Llama, and Unigram.
///
/// Spaces are letters of the vocabulary, usually `▁`, and one is put in front of the text, so that its first word is
/// spelled as any other; decoding takes it away again. Characters that the vocabulary lacks are spelled in tokens of
/// bytes, if it has them, or become the unknown token.
///
/// ```swift
/// let tokenizer = try SentencePieceTokenizer(directory: llamaURL)         // a tokenizer.json
/// let small = try SentencePieceTokenizer(llama2C: url)                    // tok512.bin of llama2.c
/// small.decode(small.ids(of: "Once upon a time"))                         // "Once upon a time"
/// ```
///
/// Ids and offsets are those of Hugging Face's `tokenizers`. Decoding differs from it in one respect: of tokens of bytes
/// that together are no text, what is text is kept, where the reference replaces all of them.
///
/// A tokenizer is a value that may be used from any number of tasks at once.
public struct SentencePieceTokenizer: TextTokenizer {
    let model: SentencePieceModel

    /// The limit on the number of tokens; at first that of the file, if it has one. Nil sets no limit.
    public var truncation: Truncation?

    // MARK: Loading

    /// Loads the tokenizer of a directory: `tokenizer.json`, or else llama2.c's `tokenizer.bin`.
    ///
    /// - Throws: `fileNotFound` if neither is there; `malformedFile`; `unsupported`, naming the piece, if the file
    ///   describes another kind of tokenizer, or a normaliser other than spaces and replacements.
    public init(directory: URL) throws {
        let url = directory.appendingPathComponent("tokenizer.json")
        if let file = try TokenizerFile(ifPresent: url, named: "tokenizer.json") {
            try self.init(tokenizerJSON: file, path: url.path)
        } else {
            try self.init(llama2C: directory.appendingPathComponent("tokenizer.bin"))
        }
    }

    /// Loads a `tokenizer.json`.
    public init(tokenizerJSON url: URL) throws {
        try self.init(tokenizerJSON: TokenizerFile(url, named: "tokenizer.json"), path: url.path)
    }

    init(_ parts: SentencePieceModel.Parts, truncation: Truncation? = nil, file: String?) throws {
        model = try SentencePieceModel(parts, file: file)
        self.truncation = truncation
    }

    /// Writes the file that the tokenizer was read from into an existing directory, byte for byte.
    ///
    /// - Throws: `inputOutput`.
    public func save(to directory: URL) throws {
        for file in model.parts.files {
            try AtomicFile.write(file.bytes, to: directory.appendingPathComponent(file.name).path)
        }
    }

    // MARK: Tokens

    /// One more than the greatest id: the number of rows an embedding needs.
    public var vocabularySize: Int { model.idBound }

    /// The id of a token in the vocabulary's own spelling, such as `▁the`, `<s>` or `<0x0A>`; nil when there is none.
    public func id(of token: String) -> Int32? {
        model.parts.added.id(of: token) ?? model.parts.vocabulary.id(of: token.utf8)
    }

    /// The token with that id, in the vocabulary's own spelling; nil if there is none.
    public func token(_ id: Int32) -> String? {
        model.parts.added.texts[id] ?? model.parts.vocabulary.token(Int(id))
    }

    /// The bytes of text that a token stands for, with the space in front of a word; none for special tokens.
    public func bytes(of id: Int32) -> [UInt8] {
        bytes(of: id, isFirst: false, skipSpecialTokens: true)
    }

    /// The bytes that a token adds to a text: at its beginning without a space in front.
    public func bytes(of id: Int32, isFirst: Bool, skipSpecialTokens: Bool) -> [UInt8] {
        if skipSpecialTokens && model.specialIDs.contains(id) { return [] }
        let bytes = model.bytes[id]
        guard isFirst else { return Array(bytes) }
        let space = UInt8(ascii: " ")
        switch model.parts.firstSpace {
        case .kept: return Array(bytes)
        case .one: return Array(bytes.first == space ? bytes.dropFirst() : bytes)
        case .all: return bytes.filter { $0 != space }
        }
    }

    // MARK: Encoding

    /// The tokens of a text.
    ///
    /// - Complexity: byte pairs take n log n steps for a word of n characters, which is the whole text where words are
    ///   not split; Unigram takes time in proportion to the text.
    public func encode(_ text: String, addSpecialTokens: Bool = true) -> Encoding {
        var text = text
        return text.withUTF8 { text in
            model.parts.template.encode(
                text, truncation, addSpecialTokens: addSpecialTokens,
                with: SentencePieceEncoder(model, capacity: text.count / 3 + 8))
        }
    }

    /// The tokens of a pair of texts.
    public func encode(_ first: String, pair second: String, addSpecialTokens: Bool = true) -> Encoding {
        var first = first
        var second = second
        return first.withUTF8 { first in
            second.withUTF8 { second in
                model.parts.template.encodePair(first, second, truncation, addSpecialTokens: addSpecialTokens)
                {
                    SentencePieceEncoder(model, capacity: $0)
                }
            }
        }
    }

    /// The ids of a text, without special tokens around it.
    public func ids(of text: String) -> [Int32] {
        encode(text, addSpecialTokens: false).ids
    }

    /// The tokens of many texts, packed row by row, on all threads.
    public func encodeBatch(_ texts: some Sequence<String>, addSpecialTokens: Bool = true) -> TokenBatch {
        TokenBatch(encoding: Array(texts)) { text, encoder, types in
            _ = model.parts.template.append(
                text, truncation, addSpecialTokens: addSpecialTokens, to: &encoder, types: &types)
        } makeEncoder: {
            SentencePieceEncoder(model, capacity: $0 / 3 + 8)
        }
    }
}
