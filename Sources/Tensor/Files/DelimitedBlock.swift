internal import CTensorKernels

/// Some whole rows of a delimited text: its bytes, and where the fields are.
///
/// A class with memory of its own, so that threads can read one block while the next is filled.
package final class DelimitedBlock {
    /// Behind the bytes, so that kernels may read past the last field.
    fileprivate static let padding = 64

    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private(set) var fields: UnsafeMutablePointer<mml_field>
    private(set) var capacity: Int
    /// How many bytes there are; those of the rows and what follows of the row after them.
    fileprivate(set) var count = 0
    /// How many bytes the rows take.
    fileprivate(set) var used = 0
    /// How many rows there are.
    package fileprivate(set) var rowCount = 0
    /// How many fields each row has.
    fileprivate(set) var columnCount = 0
    /// The line of the file, counted from 1, on which the first byte is.
    fileprivate(set) var firstLine = 1

    /// An empty block with room for `capacity` bytes.
    package init(capacity: Int) {
        self.capacity = max(1, capacity)
        bytes = .allocate(capacity: self.capacity + Self.padding)
        fields = .allocate(capacity: self.capacity + 1)
    }

    deinit {
        bytes.deallocate()
        fields.deallocate()
    }

    /// Makes room for more bytes and keeps those that are there; forgets the rows.
    fileprivate func grow(to wanted: Int) {
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted + Self.padding)
        larger.initialize(from: bytes, count: count)
        bytes.deallocate()
        bytes = larger
        fields.deallocate()
        fields = .allocate(capacity: wanted + 1)
        capacity = wanted
        (used, rowCount) = (0, 0)
    }

    /// Takes the bytes behind another block's rows as its first ones.
    fileprivate func begin(after other: DelimitedBlock) {
        let rest = other.count - other.used
        if capacity < rest { grow(to: max(rest, other.capacity)) }
        bytes.update(from: other.bytes + other.used, count: rest)
        (count, used, rowCount) = (rest, 0, 0)
    }

    /// Fills the free room from a stream; false if the stream has ended.
    fileprivate func fill(from stream: ByteStream) throws(MarketingMLError) -> Bool {
        let room = capacity - count
        let got = try stream.read(into: UnsafeMutableBufferPointer(start: bytes + count, count: room))
        count += got
        (bytes + count).initialize(repeating: 0, count: Self.padding)
        return got == room
    }

    /// Finds the fields of the rows.
    fileprivate func scan(
        _ format: DelimitedFormat, isLast: Bool, columns: Int, from start: Int = 0, maximumRows: Int = -1
    ) -> mml_scan {
        var scan = mml_scan()
        scan.separator = format.separator
        scan.allows_quotes = format.allowsQuotes ? 1 : 0
        scan.is_last = isLast ? 1 : 0
        scan.columns = columns
        scan.max_rows = maximumRows
        scan.fields = fields
        mml_scan_fields(bytes + start, count - start, &scan)
        return scan
    }

    /// The bytes of a field; where `hasDoubledQuotes`, they stand twice in them. Valid until the block changes.
    @inline(__always)
    func field(_ row: Int, _ column: Int) -> (bytes: UnsafeBufferPointer<UInt8>, hasDoubledQuotes: Bool) {
        let field = fields[row * columnCount + column]
        return (bytes(of: field), field.length & MML_DOUBLED_QUOTES != 0)
    }

    @inline(__always)
    func bytes(of field: mml_field) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: bytes + Int(field.start), count: Int(field.length & ~MML_DOUBLED_QUOTES))
    }

    /// A field as text; bytes that are not UTF-8 become replacement characters.
    package func text(_ row: Int, _ column: Int) -> String {
        let (bytes, hasDoubledQuotes) = field(row, column)
        return String(
            decoding: hasDoubledQuotes ? Self.withoutDoubledQuotes(bytes) : Array(bytes), as: UTF8.self)
    }

    static func withoutDoubledQuotes(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            result.append(bytes[index])
            index += bytes[index] == UInt8(ascii: "\"") ? 2 : 1
        }
        return result
    }
}

/// Reads a delimited file, whose first row may name the columns, block by block.
package final class DelimitedBlocks {
    /// Bytes of text a block: about what a core's own cache holds together with the fields.
    package static let blockSize = 1 << 19

    /// The columns' names, in order; `column1` and so on where the file does not name them.
    package private(set) var columns: [String] = []
    package let format: DelimitedFormat
    package let stream: ByteStream
    private let hasHeader: Bool
    private let initial: DelimitedBlock
    private var streamEnded = false
    private var nextLine = 1
    private var failure: MarketingMLError?

    /// Reads the row of names.
    ///
    /// - Throws: `.emptyData` without one; `.malformedFile`, also for UTF-16; what the stream throws.
    package init(
        _ stream: ByteStream, format: DelimitedFormat, hasHeader: Bool = true,
        blockSize: Int = DelimitedBlocks.blockSize
    ) throws(MarketingMLError) {
        self.stream = stream
        self.format = format
        self.hasHeader = hasHeader
        initial = DelimitedBlock(capacity: blockSize)
        try start()
    }

    /// Goes back to the first row after the names.
    package func rewind() throws(MarketingMLError) {
        try stream.rewind()
        (initial.count, initial.used) = (0, 0)
        (streamEnded, nextLine, failure) = (false, 1, nil)
        try start()
    }

    private func start() throws(MarketingMLError) {
        var found = mml_scan()
        var skipped = 0
        while true {
            streamEnded = try !initial.fill(from: stream)
            let bytes = UnsafeBufferPointer(start: initial.bytes, count: initial.count)
            if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
                throw MarketingMLError(
                    .malformedFile, "is UTF-16 text, expected UTF-8", at: .init(file: stream.file))
            }
            skipped = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
            if bytes.count >= 3 || streamEnded {
                found = initial.scan(format, isLast: streamEnded, columns: 0, from: skipped, maximumRows: 1)
                if found.status != Int32(MML_SCAN_DONE.rawValue) {
                    throw error(found, in: initial, startingAt: skipped)
                }
                if found.rows == 1 || streamEnded { break }
            }
            try makeRoom(in: initial)
        }
        guard found.rows == 1 else {
            throw MarketingMLError(
                .emptyData, "is empty, expected a row of \(hasHeader ? "column names" : "fields")",
                at: .init(file: stream.file))
        }
        initial.columnCount = found.field_count
        if hasHeader {
            columns = (0..<initial.columnCount).map { column in
                let field = initial.fields[column]
                initial.fields[column].start = field.start + UInt32(skipped)
                return initial.text(0, column)
            }
            initial.used = skipped + found.used
            nextLine = 1 + found.lines
        } else {
            columns = (1...initial.columnCount).map { "column\($0)" }
            initial.used = skipped
            nextLine = 1
        }
    }

    /// The index of the column with this name.
    ///
    /// - Throws: `.missingColumn` with the names that there are; `.malformedFile` if two have this name.
    package func column(_ name: String) throws(MarketingMLError) -> Int {
        guard let index = columns.firstIndex(of: name) else {
            let found = columns.map { "\"\($0)\"" }.joined(separator: ", ")
            throw MarketingMLError(
                .missingColumn, "no column with this name; there are \(found)",
                at: .init(file: stream.file, row: 1, name: name))
        }
        guard columns.lastIndex(of: name) == index else {
            throw MarketingMLError(
                .malformedFile, "two columns have this name",
                at: .init(file: stream.file, row: 1, name: name))
        }
        return index
    }

    /// About how many rows the file has, if all are as long as those of its first block. What is reserved and not used is never
    /// touched, and costs nothing.
    func expectedRows(from first: DelimitedBlock) -> Int {
        let share = Double(stream.expectedCount) / Double(max(1, first.used))
        return Int(1.05 * share * Double(first.rowCount)) + first.rowCount
    }

    /// An empty block for `next`.
    package func makeBlock() -> DelimitedBlock { DelimitedBlock(capacity: initial.capacity) }

    /// Puts the rows that follow those of `previous` (nil: the first ones) into `block`; false if there are none.
    ///
    /// - Throws: `.malformedFile` if a row has not as many fields as the first, or its quotes are not in order, once the rows
    ///   before it have been delivered.
    package func next(
        _ block: DelimitedBlock, after previous: DelimitedBlock?
    ) throws(MarketingMLError) -> Bool {
        if let failure { throw failure }
        block.begin(after: previous ?? initial)
        block.columnCount = columns.count
        block.firstLine = nextLine
        while true {
            if !streamEnded { streamEnded = try !block.fill(from: stream) }
            let found = block.scan(format, isLast: streamEnded, columns: columns.count)
            if found.status != Int32(MML_SCAN_DONE.rawValue) {
                let error = error(found, in: block)
                if found.rows == 0 { throw error }
                failure = error
            }
            block.rowCount = found.rows
            block.used = found.used
            nextLine = block.firstLine + found.lines
            if found.rows > 0 { return true }
            if streamEnded { return false }
            if found.used > 0 {
                // Empty lines only: what is behind them moves to the front.
                block.begin(after: block)
                block.firstLine = nextLine
            } else {
                try makeRoom(in: block)
            }
        }
    }

    /// The place of a field, for errors about its contents.
    package func location(
        _ row: Int, _ column: Int, in block: DelimitedBlock
    ) -> MarketingMLError.Location {
        .init(file: stream.file, row: line(of: row, in: block), name: columns[column])
    }

    /// The line on which a row of a block begins: the rows before it are scanned again.
    func line(of row: Int, in block: DelimitedBlock) -> Int {
        let copy = DelimitedBlock(capacity: block.count)
        copy.bytes.update(from: block.bytes, count: block.count)
        copy.count = block.count
        (copy.bytes + block.count).initialize(repeating: 0, count: DelimitedBlock.padding)
        var (line, start) = (block.firstLine, 0)
        if row > 0 {
            let before = copy.scan(format, isLast: true, columns: columns.count, maximumRows: row)
            line += before.lines
            start = before.used
        }
        // Empty lines before the row.
        while start < block.count, [UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(block.bytes[start]) {
            let isPair =
                block.bytes[start] == UInt8(ascii: "\r") && start + 1 < block.count
                && block.bytes[start + 1] == UInt8(ascii: "\n")
            start += isPair ? 2 : 1
            line += 1
        }
        return line
    }

    private func makeRoom(in block: DelimitedBlock) throws(MarketingMLError) {
        guard block.capacity < 1 << 30 else {
            throw MarketingMLError(
                .tooLarge, "a row has more than \(1 << 30) bytes; is a quote not closed?",
                at: .init(file: stream.file, row: nextLine))
        }
        if block.count == block.capacity { block.grow(to: max(2 * block.capacity, 64)) }
    }

    private func error(
        _ found: mml_scan, in block: DelimitedBlock, startingAt start: Int = 0
    ) -> MarketingMLError {
        let message =
            switch found.status {
            case Int32(MML_SCAN_RAGGED.rawValue):
                "has \(found.last_fields) fields, expected \(columns.count) as in the first row"
            case Int32(MML_SCAN_UNCLOSED.rawValue): "a quoted field is not closed"
            default: "a closing quote is followed by more text"
            }
        return MarketingMLError(
            .malformedFile, message,
            at: .init(file: stream.file, row: block.firstLine + found.lines))
    }
}
