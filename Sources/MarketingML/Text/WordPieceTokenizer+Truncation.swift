extension WordPieceTokenizer {
    /// The same tokenizer with texts cut at `length` tokens, special ones included.
    func truncating(to length: Int) -> WordPieceTokenizer {
        var copy = self
        copy.truncation = Truncation(maxLength: length)
        return copy
    }
}
