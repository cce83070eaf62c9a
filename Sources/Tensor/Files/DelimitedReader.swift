/// Reads a table row by row from the bytes of a CSV or TSV file whose first row names the columns.
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
    /// The columns' names, in order.
    package private(set) var columns: [String] = []
    /// The line of the file on which the current row begins, counted from 1 as an editor shows it.
    package private(set) var row = 0

    private let bytes: [UInt8]
    private let format: DelimitedFormat
    private let file: String
    private var position = 0
    private var line = 1
    /// Where the current row's fields are, the quotes around them left out.
    private var fields: [Field] = []

    private struct Field {
        var start: Int
        var end: Int
        var hasDoubledQuotes = false
    }

    /// Reads a file, gzip or not, in the format that its name ends with unless one is given.
    package init(
        path: String, format: DelimitedFormat? = nil, limit: Int = InputFile.defaultLimit
    ) throws(MarketingMLError) {
        let format = if let format { format } else { try DelimitedFormat(path: path) }
        try self.init(bytes: InputFile.read(path, limit: limit), format: format, file: path)
    }

    /// Reads bytes; `file` is the name for error messages.
    package init(bytes: [UInt8], format: DelimitedFormat, file: String) throws(MarketingMLError) {
        self.bytes = bytes
        self.format = format
        self.file = file
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw MarketingMLError(.malformedFile, "is UTF-16 text, expected UTF-8", at: .init(file: file))
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        guard try parseRow() else {
            throw MarketingMLError(
                .emptyData, "is empty, expected a row of column names", at: .init(file: file))
        }
        columns = fields.indices.map { text($0) }
    }

    /// The index of the column with this name.
    ///
    /// - Throws: `.missingColumn` with the names that there are; `.malformedFile` if two have this name.
    package func column(_ name: String) throws(MarketingMLError) -> Int {
        guard let index = columns.firstIndex(of: name) else {
            let found = columns.map { "\"\($0)\"" }.joined(separator: ", ")
            throw MarketingMLError(
                .missingColumn, "no column with this name; there are \(found)",
                at: .init(file: file, row: 1, name: name))
        }
        guard columns.lastIndex(of: name) == index else {
            throw MarketingMLError(
                .malformedFile, "two columns have this name", at: .init(file: file, row: 1, name: name))
        }
        return index
    }

    /// Goes to the next row; false after the last.
    ///
    /// - Throws: `.malformedFile` if it has not as many fields as the header, or its quotes are not in order.
    package mutating func nextRow() throws(MarketingMLError) -> Bool {
        guard try parseRow() else { return false }
        guard fields.count == columns.count else {
            throw malformed("has \(fields.count) fields, expected \(columns.count) as in the first row")
        }
        return true
    }

    /// A field of the current row as text.
    package func text(_ column: Int) -> String {
        let field = fields[column]
        guard field.hasDoubledQuotes else {
            return bytes.withUnsafeBufferPointer { buffer in
                String(
                    decoding: UnsafeBufferPointer(rebasing: buffer[field.start..<field.end]), as: UTF8.self)
            }
        }
        var unescaped: [UInt8] = []
        unescaped.reserveCapacity(field.end - field.start)
        var index = field.start
        while index < field.end {
            unescaped.append(bytes[index])
            index += bytes[index] == Byte.quote ? 2 : 1
        }
        return String(decoding: unescaped, as: UTF8.self)
    }

    /// The place of a field of the current row, for errors about its contents.
    package func location(_ column: Int) -> MarketingMLError.Location {
        .init(file: file, row: row, name: columns[column])
    }

    private enum Byte {
        static let lineFeed = UInt8(ascii: "\n")
        static let carriageReturn = UInt8(ascii: "\r")
        static let quote = UInt8(ascii: "\"")
    }

    /// Finds the fields of the next row that is not an empty line; false at the end of the file.
    private mutating func parseRow() throws(MarketingMLError) -> Bool {
        while position < bytes.count, isLineEnd(at: position) { endLine() }
        guard position < bytes.count else { return false }
        row = line
        fields.removeAll(keepingCapacity: true)
        while true {
            let quoted = format.allowsQuotes && position < bytes.count && bytes[position] == Byte.quote
            let field = quoted ? try parseQuoted() : parsePlain()
            fields.append(field)
            guard position < bytes.count else { return true }
            if bytes[position] == format.separator {
                position += 1
            } else {
                endLine()
                return true
            }
        }
    }

    /// Steps over a line end.
    private mutating func endLine() {
        let isPair =
            bytes[position] == Byte.carriageReturn && position + 1 < bytes.count
            && bytes[position + 1] == Byte.lineFeed
        position += isPair ? 2 : 1
        line += 1
    }

    /// A field without quotes; leaves `position` at the separator or line end after it.
    private mutating func parsePlain() -> Field {
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            // All that ends a field is below the letters: most bytes need one comparison.
            if byte < 0x40, byte == format.separator || isLineEnd(at: position) { break }
            position += 1
        }
        return Field(start: start, end: position)
    }

    /// A field in quotes; leaves `position` at the separator or line end after it.
    private mutating func parseQuoted() throws(MarketingMLError) -> Field {
        var field = Field(start: position + 1, end: 0)
        position += 1
        while true {
            guard let quote = bytes[position...].firstIndex(of: Byte.quote) else {
                throw malformed("a quoted field is not closed", at: field.start - 1)
            }
            position = quote + 1
            if position < bytes.count, bytes[position] == Byte.quote {
                field.hasDoubledQuotes = true
                position += 1
                continue
            }
            field.end = quote
            line += bytes[field.start..<field.end].count { $0 == Byte.lineFeed }
            guard position == bytes.count || bytes[position] == format.separator || isLineEnd(at: position)
            else {
                throw malformed("a closing quote is followed by more text", at: position)
            }
            return field
        }
    }

    /// In TSV a carriage return is text unless it stands before a line feed or at the end of the file.
    private func isLineEnd(at index: Int) -> Bool {
        if bytes[index] == Byte.lineFeed { return true }
        guard bytes[index] == Byte.carriageReturn else { return false }
        return format.allowsQuotes || index + 1 == bytes.count || bytes[index + 1] == Byte.lineFeed
    }

    private func malformed(_ message: String, at offset: Int? = nil) -> MarketingMLError {
        MarketingMLError(.malformedFile, message, at: .init(file: file, row: row, offset: offset))
    }
}
