import Tensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Splits text into the tokens of GPT-2 and its relatives, with the same ids and offsets as Hugging Face's `tokenizers`.
///
/// Text is cut into words by GPT-2's pattern, a space going with the word behind it; in each word the pair of
/// neighbouring tokens that comes first in the list of merges is joined, from single bytes on, until none is left.
/// Any text can be encoded, and decoding gives back every byte of it.
///
/// ```swift
/// let tokenizer = try ByteLevelBPETokenizer(directory: gpt2URL)
/// tokenizer.encode("Hello world").ids             // [15496, 995]
/// tokenizer.decode([15496, 995])                  // "Hello world"
/// let batch = tokenizer.encodeBatch(texts)        // rows without padding, on all threads
/// ```
///
/// A tokenizer is a value that may be used from any number of tasks at once. Its source: Radford et al., Language
/// Models are Unsupervised Multitask Learners, 2019; the merges: Sennrich et al., https://doi.org/10.18653/v1/P16-1162.
public struct ByteLevelBPETokenizer: TextTokenizer {
    let model: ByteLevelBPEModel

    /// The limit on the number of tokens; at first that of the file, if it has one. Nil sets no limit.
    ///
    /// Special tokens are always kept, even where they alone exceed the limit.
    public var truncation: Truncation?

    // MARK: Loading

    /// Loads the tokenizer of a Hugging Face directory.
    ///
    /// Reads `tokenizer.json`, or else `vocab.json` and `merges.txt`.
    ///
    /// - Throws: `fileNotFound` if neither is there; `malformedFile`; `unsupported`, naming the piece, if the files
    ///   describe anything but a byte-level tokenizer.
    public init(directory: URL) throws {
        let url = directory.appendingPathComponent("tokenizer.json")
        if let file = try TokenizerFile(ifPresent: url, named: "tokenizer.json") {
            try self.init(SubwordDescription(tokenizerJSON: file, path: url.path))
        } else {
            try self.init(
                vocabulary: directory.appendingPathComponent("vocab.json"),
                merges: directory.appendingPathComponent("merges.txt"))
        }
    }

    /// Loads a `tokenizer.json`.
    public init(tokenizerJSON url: URL) throws {
        let file = try TokenizerFile(url, named: "tokenizer.json")
        try self.init(SubwordDescription(tokenizerJSON: file, path: url.path))
    }

    /// Loads a vocabulary, `vocab.json` or `encoder.json`, and its merges, `merges.txt` or `vocab.bpe`.
    ///
    /// - Parameters:
    ///   - vocabulary: `{"token": id, …}`, spelled in the letters of GPT-2 that stand for bytes.
    ///   - merges: A pair of tokens a line, the first to go first.
    ///   - specialTokens: Tokens that are recognised as a whole; those that the vocabulary lacks get new ids.
    public init(
        vocabulary: URL, merges: URL, specialTokens: [String] = ["<|endoftext|>"]
    ) throws {
        var description = try SubwordDescription(
            vocabularyFile: TokenizerFile(vocabulary, named: "vocab.json"), vocabulary.path,
            mergesFile: TokenizerFile(merges, named: "merges.txt"), merges.path)
        description.addSpecialTokens(specialTokens)
        description.describeGPT2()
        try self.init(description)
    }

    init(_ description: SubwordDescription) throws {
        model = try ByteLevelBPEModel(description)
        truncation = description.truncation
    }

    // MARK: Tokens

    /// One more than the greatest id: the number of rows an embedding needs.
    public var vocabularySize: Int { model.idBound }

    /// The id of a token, in the vocabulary's own spelling (`Ġthe` is " the"); nil if there is none.
    public func id(of token: String) -> Int32? {
        model.added.id(of: token) ?? model.vocabulary.id(of: token.utf8)
    }

    /// The token with that id, in the vocabulary's own spelling; nil if there is none.
    public func token(_ id: Int32) -> String? {
        model.added.texts[id] ?? model.vocabulary.token(Int(id))
    }

    /// The bytes of text that a token stands for; none for special tokens and ids outside the vocabulary.
    public func bytes(of id: Int32) -> [UInt8] {
        bytes(of: id, isFirst: false, skipSpecialTokens: true)
    }

    /// The bytes that a token adds to a text, wherever it stands.
    public func bytes(of id: Int32, isFirst: Bool, skipSpecialTokens: Bool) -> [UInt8] {
        skipSpecialTokens && model.specialIDs.contains(id) ? [] : Array(model.bytes[id])
    }

    /// The bytes of text that tokens stand for: what was encoded, byte for byte.
    public func bytes(of ids: some Sequence<Int32>) -> [UInt8] {
        var text: [UInt8] = []
        for id in ids where !model.specialIDs.contains(id) { text += model.bytes[id] }
        return text
    }
}

// MARK: - Encoding

extension ByteLevelBPETokenizer {
    /// The tokens of a text.
    ///
    /// - Complexity: linear in the length of the text, n log n in the length of its longest word.
    public func encode(_ text: String, addSpecialTokens: Bool = true) -> Encoding {
        var text = text
        return text.withUTF8 { encode(utf8: $0, addSpecialTokens: addSpecialTokens) }
    }

    /// The tokens of a text given as UTF-8, or of any other bytes.
    public func encode(utf8 bytes: [UInt8], addSpecialTokens: Bool = true) -> Encoding {
        bytes.withUnsafeBufferPointer { encode(utf8: $0, addSpecialTokens: addSpecialTokens) }
    }

    /// The tokens of a text given as UTF-8, or of any other bytes.
    public func encode(utf8 bytes: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool = true) -> Encoding {
        model.template.encode(
            bytes, truncation, addSpecialTokens: addSpecialTokens,
            with: ByteLevelBPEEncoder(model, byteCount: bytes.count))
    }

    /// The tokens of a pair of texts.
    public func encode(_ first: String, pair second: String, addSpecialTokens: Bool = true) -> Encoding {
        var first = first
        var second = second
        return first.withUTF8 { first in
            second.withUTF8 { second in
                model.template.encodePair(first, second, truncation, addSpecialTokens: addSpecialTokens) {
                    ByteLevelBPEEncoder(model, byteCount: $0)
                }
            }
        }
    }

    /// The ids of a text, without special tokens around it.
    public func ids(of text: String) -> [Int32] {
        encode(text, addSpecialTokens: false).ids
    }

    /// The tokens of many texts, packed row by row.
    ///
    /// Works on all threads; the result does not depend on their number.
    public func encodeBatch(_ texts: some Sequence<String>, addSpecialTokens: Bool = true) -> TokenBatch {
        TokenBatch(encoding: Array(texts)) { text, encoder, types in
            _ = model.template.append(
                text, truncation, addSpecialTokens: addSpecialTokens, to: &encoder, types: &types)
        } makeEncoder: {
            ByteLevelBPEEncoder(model, byteCount: $0)
        }
    }
}
