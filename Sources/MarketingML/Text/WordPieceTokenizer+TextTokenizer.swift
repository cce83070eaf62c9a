extension WordPieceTokenizer: TextTokenizer {
    /// The ids of a text, without special tokens around it.
    public func ids(of text: String) -> [Int32] {
        encode(text, addSpecialTokens: false).ids
    }

    /// The bytes of text that a token stands for, with the space in front of a word; none for special tokens.
    public func bytes(of id: Int32) -> [UInt8] {
        bytes(of: id, isFirst: false, skipSpecialTokens: true)
    }

    /// The bytes that a token adds to a text.
    public func bytes(of id: Int32, isFirst: Bool, skipSpecialTokens: Bool) -> [UInt8] {
        guard let token = token(id), !(skipSpecialTokens && model.added.specialTexts.contains(token)) else {
            return []
        }
        guard let decoder = model.decoder else { return Array((isFirst ? token : " " + token).utf8) }
        return Array(decoder.decode(token, isFirst: isFirst).utf8)
    }
}
