/// Turns text into token ids and back: what generation and training need to know of a tokenizer, whatever its algorithm.
public protocol TextTokenizer: Sendable {
    /// One more than the largest id.
    var vocabularySize: Int { get }
    /// The id of a token in the vocabulary's own spelling; nil when there is none.
    func id(of token: String) -> Int32?
    /// The ids of a text, without special tokens around it.
    func ids(of text: String) -> [Int32]
    /// The bytes of text that a token stands for; none for special tokens and ids outside the vocabulary.
    func bytes(of id: Int32) -> [UInt8]
    /// The bytes that a token adds to a text: those of `bytes(of:)`, unless the tokenizer says otherwise.
    ///
    /// - Parameters:
    ///   - id: The token.
    ///   - isFirst: Whether no token with text came before. Tokenizers that put a space in front of every word drop
    ///     it here.
    ///   - skipSpecialTokens: Whether special tokens add nothing; otherwise they add their names.
    func bytes(of id: Int32, isFirst: Bool, skipSpecialTokens: Bool) -> [UInt8]
    /// The text of ids; byte sequences that are not UTF-8 become replacement characters.
    func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool) -> String
}

extension TextTokenizer {
    /// The bytes that a token adds to a text: those of `bytes(of:)`.
    public func bytes(of id: Int32, isFirst: Bool, skipSpecialTokens: Bool) -> [UInt8] {
        bytes(of: id)
    }

    /// The text of ids; byte sequences that are not UTF-8 become replacement characters.
    public func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool) -> String {
        var text: [UInt8] = []
        var isFirst = true
        for id in ids { append(id, to: &text, isFirst: &isFirst, skipSpecialTokens: skipSpecialTokens) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The text of ids without special tokens; byte sequences that are not UTF-8 become replacement characters.
    public func decode(_ ids: some Sequence<Int32>) -> String {
        decode(ids, skipSpecialTokens: true)
    }

    /// Appends what a token adds to a text. The first token that stands for any text, were it a space that is
    /// dropped, begins it.
    func append(_ id: Int32, to text: inout [UInt8], isFirst: inout Bool, skipSpecialTokens: Bool) {
        text += bytes(of: id, isFirst: isFirst, skipSpecialTokens: skipSpecialTokens)
        if isFirst { isFirst = bytes(of: id, isFirst: false, skipSpecialTokens: skipSpecialTokens).isEmpty }
    }
}
