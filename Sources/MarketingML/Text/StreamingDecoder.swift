/// Turns token ids into text one at a time, as a model writes them.
///
/// A token may end inside a character: one emoji is often two or three tokens. What is not yet complete is kept until
/// the rest comes, so that no piece ever holds half a character.
///
/// ```swift
/// var decoder = StreamingDecoder(tokenizer)
/// for id in ids { print(decoder.append(id), terminator: "") }
/// print(decoder.finish())
/// ```
///
/// All pieces together are what `decode` makes of all ids together. A piece ends between Unicode scalars; an accent
/// that combines with the letter before it may come with the next piece.
public struct StreamingDecoder: Sendable {
    private let tokenizer: any TextTokenizer
    private let skipSpecialTokens: Bool
    /// The beginning of a character: at most three bytes.
    private var pending: [UInt8] = []
    private var isFirst = true

    /// Creates a decoder of a text that has not begun.
    public init(_ tokenizer: any TextTokenizer, skipSpecialTokens: Bool = true) {
        self.tokenizer = tokenizer
        self.skipSpecialTokens = skipSpecialTokens
    }

    /// Takes the next token and returns the text that is complete with it, which may be none.
    ///
    /// - Complexity: linear in the bytes of the token, however long the text is.
    public mutating func append(_ id: Int32) -> String {
        tokenizer.append(id, to: &pending, isFirst: &isFirst, skipSpecialTokens: skipSpecialTokens)
        let complete = pending.count - incompleteTail(of: pending)
        let text = String(decoding: pending[..<complete], as: UTF8.self)
        pending.removeFirst(complete)
        return text
    }

    /// Ends the text: returns what is left, with replacement characters, and starts anew.
    public mutating func finish() -> String {
        defer { (pending, isFirst) = ([], true) }
        return String(decoding: pending, as: UTF8.self)
    }
}

/// The number of bytes at the end of a text that begin a character and may still become one: 0 to 3.
private func incompleteTail(of text: [UInt8]) -> Int {
    // Only a lead byte among the last three can belong to a character that is cut off.
    for length in 1...3 where length <= text.count {
        let lead = text[text.count - length]
        if lead & 0xC0 == 0x80 { continue }
        let needed = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1
        guard needed > length else { return 0 }
        return text.suffix(length).withUnsafeBufferPointer { tail in
            // What cannot go on to a character decodes to a replacement shorter than the tail.
            tail.baseAddress.map { decodeScalar($0, at: 0, end: length).length } == length ? length : 0
        }
    }
    return 0
}
