/// A model that continues rows of tokens, one token a row at a time: all that greedy, sampled and beam decoding
/// need to know of it.
public protocol NextTokenModel: Sendable {
    /// What has been read so far; a value, so that a copy is a branch.
    associatedtype State: DecodingState
    /// Number of tokens V that the model scores.
    var vocabularySize: Int { get }
    /// The most tokens that a row can hold, its prompt included.
    var contextLength: Int { get }
    /// Reads prompts of any lengths in one pass.
    ///
    /// - Returns: The state of all rows and the scores (logits) [rows, V] of each row's next token.
    /// - Throws: `MarketingMLError` for an empty prompt, one beyond the context, ids outside the vocabulary.
    func read(_ prompts: [[Int32]]) throws -> (state: State, scores: Tensor<Float>)
    /// Appends one token to each row and returns the scores [rows, V] of the next ones.
    func advance(_ state: inout State, by tokens: [Int32]) throws -> Tensor<Float>
}

/// Rows of tokens that a ``NextTokenModel`` has read.
public protocol DecodingState: Sendable {
    /// Number of rows.
    var rowCount: Int { get }
    /// Number of tokens that a row holds.
    func length(ofRow row: Int) -> Int
    /// Rows in a new order: a row named twice is continued twice, one not named is dropped.
    mutating func select(rows: [Int])
}
