import Synchronization

/// What a column of a table holds.
package enum ColumnValues: Sendable {
    /// Numbers; NaN where one is missing.
    case numbers([Double])
    /// Which of the distinct texts each row has; -1 where it is missing.
    case texts(codes: [Int32], levels: [String])
}

/// How the columns of a delimited file are to be read.
package struct ColumnOptions: Sendable {
    /// The columns whose type is given: true for numbers.
    package var isNumeric: [String: Bool] = [:]
    /// What stands for a missing value, besides nothing.
    package var missing: Set<String> = []
    /// Whether the first row names the columns.
    package var hasHeader = true

    package init(isNumeric: [String: Bool], missing: Set<String>, hasHeader: Bool) {
        self.isNumeric = isNumeric
        self.missing = missing
        self.hasHeader = hasHeader
    }
}

/// Reads all columns of a delimited file, block after block. While one task reads on and finds fields, others parse numbers, some
/// rows of all columns each, and one for each column of texts looks those up.
///
/// A column is numeric if each of its fields is a number or missing. One that turns out not to be after the first block is
/// read in a second pass over the file.
package func readColumns(
    _ stream: ByteStream, format: DelimitedFormat, options: ColumnOptions,
    blockSize: Int = DelimitedBlocks.blockSize
) throws(MarketingMLError) -> (names: [String], values: [ColumnValues], rowCount: Int) {
    let blocks = try DelimitedBlocks(
        stream, format: format, hasHeader: options.hasHeader, blockSize: blockSize)
    for name in blocks.columns { _ = try blocks.column(name) }
    for name in options.isNumeric.keys.sorted() { _ = try blocks.column(name) }
    let missing = MissingMarkers(options.missing)
    let columns = blocks.columns.indices.map { index in
        ColumnReader(
            index, isNumeric: options.isNumeric[blocks.columns[index]], missing: missing,
            decimalSign: format.decimalSign)
    }
    let rowCount = try forEachBlock(blocks, columns)
    let late = columns.filter { $0.isLateText }
    if !late.isEmpty {
        try blocks.rewind()
        for column in late { column.restartAsText() }
        guard try forEachBlock(blocks, late) == rowCount else {
            throw MarketingMLError(.inputOutput, "changed while it was read", at: .init(file: stream.file))
        }
    }
    return (blocks.columns, columns.map { $0.values }, rowCount)
}

/// Gives all blocks to all columns; returns how many rows there were.
private func forEachBlock(_ blocks: DelimitedBlocks, _ columns: [ColumnReader]) throws(MarketingMLError)
    -> Int
{
    var (current, other) = (blocks.makeBlock(), blocks.makeBlock())
    var parsed: [Double] = []
    var rowCount = 0
    var hasRows = try blocks.next(current, after: nil)
    if hasRows {
        let expected = blocks.expectedRows(from: current)
        for column in columns { column.reserve(expected) }
    }
    while hasRows {
        let rows = current.rowCount
        let texts = columns.filter { $0.isText }
        let numbers = columns.filter { $0.isNumeric }
        parsed.append(contentsOf: repeatElement(0, count: max(0, rows * numbers.count - parsed.count)))
        let next = Mutex<Result<Bool, MarketingMLError>>(.success(false))
        let failures = Mutex([Int](repeating: .max, count: numbers.count))
        let grain = max(1, 8192 / max(1, numbers.count))
        let parts = numbers.isEmpty ? 0 : (rows + grain - 1) / grain
        parsed.withUnsafeMutableBufferPointer { parsed in
            let start = parsed.baseAddress
            parallel(1 + texts.count + parts) { task in
                if task == 0 {
                    let result = Result { () throws(MarketingMLError) in
                        try blocks.next(other, after: current)
                    }
                    next.withLock { $0 = result }
                } else if task <= texts.count {
                    texts[task - 1].append(current)
                } else if let start {
                    let first = (task - 1 - texts.count) * grain
                    let part = first..<min(rows, first + grain)
                    for (place, column) in numbers.enumerated() {
                        let failed = column.parse(current, rows: part, into: start + place * rows + first)
                        if let failed { failures.withLock { $0[place] = min($0[place], failed) } }
                    }
                }
            }
            let failures = failures.withLock { $0 }
            parallel(numbers.count) { place in
                let values = UnsafeBufferPointer(rebasing: parsed[place * rows..<(place + 1) * rows])
                numbers[place].append(values, of: current, isComplete: failures[place] == .max)
            }
        }
        let wrong = zip(failures.withLock { $0 }, numbers).filter { $0 < .max && $1.isGivenType }
        if let (row, column) = wrong.min(by: { $0.0 < $1.0 }) {
            throw MarketingMLError(
                .malformedFile, "\"\(current.text(row, column.index))\" is not a finite number",
                at: blocks.location(row, column.index, in: current))
        }
        rowCount += rows
        hasRows = try next.withLock { $0 }.get()
        swap(&current, &other)
    }
    return rowCount
}
