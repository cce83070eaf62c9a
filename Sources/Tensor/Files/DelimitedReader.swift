/// Reads a table row by row from a CSV or TSV file whose first row names the columns.
///
/// ```swift
/// var reader = try DelimitedReader(path: "reviews.csv")
/// let text = try reader.column("review")
/// while try reader.nextRow() { use(reader.text(text)) }
/// ```
///
/// CSV follows RFC 4180: a field in double quotes may hold separators, line ends and doubled quotes. Rows end with
/// LF, CRLF or, outside TSV, CR. Empty lines are skipped, a UTF-8 byte order mark too; bytes that are not UTF-8
/// become replacement characters. Only the fields that are asked for are decoded.
package struct DelimitedReader {
    private let blocks: DelimitedBlocks
    private let block: DelimitedBlock
    private var rowInBlock = -1
    private var isStarted = false

    /// Reads a file, gzip or not, in the format that its name ends with unless one is given.
    package init(
        path: String, format: DelimitedFormat? = nil, limit: Int = InputFile.defaultLimit
    ) throws(MarketingMLError) {
        let format = if let format { format } else { try DelimitedFormat(path: path) }
        try self.init(ByteStream(path: path, limit: limit), format)
    }

    /// Reads bytes; `file` is the name for error messages.
    package init(bytes: [UInt8], format: DelimitedFormat, file: String) throws(MarketingMLError) {
        try self.init(ByteStream(bytes, file: file), format)
    }

    private init(_ stream: ByteStream, _ format: DelimitedFormat) throws(MarketingMLError) {
        blocks = try DelimitedBlocks(stream, format: format)
        block = blocks.makeBlock()
    }

    /// The columns' names, in order.
    package var columns: [String] { blocks.columns }

    /// The index of the column with this name.
    ///
    /// - Throws: `.missingColumn` with the names that there are; `.malformedFile` if two have this name.
    package func column(_ name: String) throws(MarketingMLError) -> Int { try blocks.column(name) }

    /// Goes to the next row; false after the last.
    ///
    /// - Throws: `.malformedFile` if it has not as many fields as the header, or its quotes are not in order.
    package mutating func nextRow() throws(MarketingMLError) -> Bool {
        rowInBlock += 1
        if rowInBlock < block.rowCount { return true }
        rowInBlock = 0
        defer { isStarted = true }
        return try blocks.next(block, after: isStarted ? block : nil)
    }

    /// A field of the current row as text.
    package func text(_ column: Int) -> String { block.text(rowInBlock, column) }

    /// The place of a field of the current row, for errors about its contents.
    package func location(_ column: Int) -> MarketingMLError.Location {
        blocks.location(rowInBlock, column, in: block)
    }
}
