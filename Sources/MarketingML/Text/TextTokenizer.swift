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
    /// The text of ids; byte sequences that are not UTF-8 become replacement characters.
    func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool) -> String
}
