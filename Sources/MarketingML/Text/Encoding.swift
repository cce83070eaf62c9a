/// A range of bytes in the UTF-8 of a text, kept in 8 bytes.
public struct ByteRange: Sendable, Hashable {
    /// The first byte.
    public var start: Int32
    /// The byte after the last.
    public var end: Int32

    /// Creates a range.
    @inlinable
    public init(start: Int32, end: Int32) {
        self.start = start
        self.end = end
    }

    /// The range as integers of the usual size.
    public var range: Range<Int> { Int(start)..<Int(max(start, end)) }
}

/// The tokens of a text, or of a pair of texts, with their places in it.
public struct Encoding: Sendable, Equatable {
    /// The tokens' ids, special tokens included.
    public internal(set) var ids: [Int32]
    /// The segment of each token: 0 in a text or the first of a pair, 1 in the second.
    public internal(set) var typeIDs: [Int32]
    /// The bytes that each token stands for in the UTF-8 of its text; 0..<0 for special tokens that were added.
    ///
    /// Bytes of what normalisation removed at the edges of a token, such as combining accents, are not in its
    /// range. Positions beyond 2 GiB are given as 2³¹ − 1.
    public internal(set) var offsets: [ByteRange]
    /// The positions, in `ids`, of the tokens of the text, or of a pair's first text.
    public internal(set) var first: Range<Int> = 0..<0
    /// The positions, in `ids`, of the tokens of a pair's second text; empty if there is none.
    public internal(set) var second: Range<Int> = 0..<0

    /// The number of tokens.
    public var count: Int { ids.count }

    /// The offsets as ranges of a string's indices.
    ///
    /// - Parameter text: the text that was encoded. For a pair, take the ranges in `first` or in `second` and pass
    ///   the text they belong to.
    /// - Complexity: linear in the number of tokens.
    public func characterRanges(in text: String) -> [Range<String.Index>] {
        var text = text
        text.makeContiguousUTF8()  // indices by offset then take constant time
        let utf8 = text.utf8
        let count = utf8.count
        return offsets.map { offset in
            let start = min(Int(offset.start), count)
            let end = max(start, min(Int(offset.end), count))
            return utf8.index(utf8.startIndex, offsetBy: start)..<utf8.index(utf8.startIndex, offsetBy: end)
        }
    }
}
