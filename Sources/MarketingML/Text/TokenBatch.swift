/// The token ids of many texts, one row a text, packed without padding.
///
/// Row `i` is `ids[rowOffsets[i]..<rowOffsets[i + 1]]`. Models run over all tokens of a batch at once and need no
/// rectangle; padding to the longest row would be most of the work for texts of mixed lengths.
public struct TokenBatch: Sendable, Equatable {
    /// The ids of all rows, one after the other.
    public internal(set) var ids: [Int32]
    /// The segment of each token.
    public internal(set) var typeIDs: [Int32]
    /// Where each row begins, and at the end the number of all tokens.
    public internal(set) var rowOffsets: [Int]

    /// Creates a batch without rows.
    public init() {
        ids = []
        typeIDs = []
        rowOffsets = [0]
    }

    /// Creates a batch from rows of ids, all of segment 0.
    public init(rows: some Sequence<[Int32]>) {
        self.init()
        for row in rows { append(row) }
    }

    /// Creates a batch from encodings.
    public init(_ encodings: some Sequence<Encoding>) {
        self.init()
        for encoding in encodings { append(encoding.ids, typeIDs: encoding.typeIDs) }
    }

    /// The number of rows.
    public var rowCount: Int { rowOffsets.count - 1 }

    /// The number of tokens of all rows.
    public var tokenCount: Int { ids.count }

    /// The number of tokens of each row.
    public var lengths: [Int] { (0..<rowCount).map { length(ofRow: $0) } }

    /// The number of tokens of a row.
    public func length(ofRow row: Int) -> Int { rowOffsets[row + 1] - rowOffsets[row] }

    /// The place of each token in its row.
    var positions: [Int32] {
        var positions: [Int32] = []
        positions.reserveCapacity(tokenCount)
        for row in 0..<rowCount { positions.append(contentsOf: 0..<Int32(length(ofRow: row))) }
        return positions
    }

    /// The ids of a row.
    public subscript(row: Int) -> ArraySlice<Int32> { ids[rowOffsets[row]..<rowOffsets[row + 1]] }

    /// Adds a row; without `typeIDs` its tokens are of segment 0.
    ///
    /// - Precondition: there is one type id for each id.
    public mutating func append(_ row: [Int32], typeIDs types: [Int32]? = nil) {
        precondition(types == nil || types?.count == row.count, "a row needs one type id for each token id")
        ids += row
        if let types { typeIDs += types } else { typeIDs += repeatElement(0, count: row.count) }
        rowOffsets.append(ids.count)
    }

    /// The batch of the given rows, in their order; a row may be taken more than once.
    ///
    /// - Complexity: linear in the number of tokens taken.
    public func select(rows: some Sequence<Int>) -> TokenBatch {
        var batch = TokenBatch()
        for row in rows {
            let range = rowOffsets[row]..<rowOffsets[row + 1]
            batch.ids += ids[range]
            batch.typeIDs += typeIDs[range]
            batch.rowOffsets.append(batch.ids.count)
        }
        return batch
    }
}
