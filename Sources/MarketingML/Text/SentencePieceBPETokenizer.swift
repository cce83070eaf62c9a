import Tensor

/// Splits text as SentencePiece's byte-pair encoding does, the way of Llama: the text is one word, its spaces are
/// letters of the vocabulary, and characters that the vocabulary lacks are spelled in bytes.
///
/// ```swift
/// let tokenizer = try SentencePieceBPETokenizer(llama2C: url)     // tok512.bin of llama2.c
/// let ids = tokenizer.ids(of: "Once upon a time")
/// tokenizer.decode(ids)                                           // "Once upon a time"
/// ```
///
/// A space is put in front of the text, so that its first word is spelled as any other, and taken away when decoding.
///
/// - Complexity: encoding takes n log n steps for a text of n characters.
public struct SentencePieceBPETokenizer: TextTokenizer {
    let model: Model

    /// Everything about the tokenizer that does not change after loading.
    final class Model: Sendable {
        let vocabulary: Vocabulary
        let merges: BytePairMerges
        /// What each token stands for.
        let bytes: TokenBytes
        /// The names of the special tokens by id.
        let specialTokens: [Int32: String]
        /// The token of each byte; -1 where there is none.
        let byteIDs: [Int32]
        /// Stands for characters without token; nil drops them.
        let unknownID: Int32?
        /// How the vocabulary spells a space.
        let space: [UInt8]

        init(
            vocabulary: Vocabulary, merges: BytePairMerges, bytes: TokenBytes, specialTokens: [Int32: String],
            byteIDs: [Int32], unknownID: Int32?, space: [UInt8]
        ) {
            (self.vocabulary, self.merges, self.bytes) = (vocabulary, merges, bytes)
            (self.specialTokens, self.byteIDs) = (specialTokens, byteIDs)
            (self.unknownID, self.space) = (unknownID, space)
        }
    }

    // MARK: Tokens

    /// One more than the greatest id.
    public var vocabularySize: Int { model.vocabulary.idBound }

    /// The id of a token in the vocabulary's own spelling, such as `<s>` or `<0x0A>`; nil when there is none.
    public func id(of token: String) -> Int32? { model.vocabulary.id(of: token.utf8) }

    /// The bytes of text that a token stands for, with the space in front of a word; none for special tokens.
    public func bytes(of id: Int32) -> [UInt8] { Array(model.bytes[id]) }

    /// The bytes that a token adds to a text: at its beginning without a space in front.
    public func bytes(of id: Int32, isFirst: Bool, skipSpecialTokens: Bool) -> [UInt8] {
        if let name = model.specialTokens[id] { return skipSpecialTokens ? [] : Array(name.utf8) }
        let bytes = model.bytes[id]
        return Array(isFirst && bytes.first == UInt8(ascii: " ") ? bytes.dropFirst() : bytes)
    }

    // MARK: Encoding

    /// The ids of a text, without special tokens around it.
    public func ids(of text: String) -> [Int32] {
        if text.isEmpty { return [] }
        var word: [UInt8] = model.space
        for byte in text.utf8 {
            if byte == UInt8(ascii: " ") { word += model.space } else { word.append(byte) }
        }
        var merger = BytePairMerger()
        word.withUnsafeBufferPointer { word in
            var position = 0
            while let start = word.baseAddress, position < word.count {
                let length = decodeScalar(start, at: position, end: word.count).length
                let character = word[position..<position + length]
                if let id = model.vocabulary.id(of: character) {
                    merger.append(id, at: position)
                } else if character.allSatisfy({ model.byteIDs[Int($0)] >= 0 }) {
                    for byte in character { merger.append(model.byteIDs[Int(byte)], at: position) }
                } else if let id = model.unknownID {
                    merger.append(id, at: position)
                }
                position += length
            }
        }
        _ = model.merges.withTable { merger.merge($0) }
        return (0..<merger.count).map { merger[$0].id }
    }
}
