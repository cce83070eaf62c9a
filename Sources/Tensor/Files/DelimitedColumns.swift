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

/// Reads all columns of a delimited file. Reading and finding fields is one task, each column's values another, all at the
/// same time, block after block.
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
        ColumnReader(index, isNumeric: options.isNumeric[blocks.columns[index]], missing: missing)
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
    var rowCount = 0
    var hasRows = try blocks.next(current, after: nil)
    while hasRows {
        if rowCount == 0 {
            let expected = blocks.expectedRows(from: current)
            for column in columns { column.reserve(expected) }
        }
        let failures = Mutex<[(row: Int, column: Int, error: MarketingMLError)]>([])
        let nextFailure = Mutex<MarketingMLError?>(nil)
        let more = Mutex(false)
        parallel(columns.count + 1) { task in
            if task == 0 {
                do throws(MarketingMLError) {
                    let found = try blocks.next(other, after: current)
                    more.withLock { $0 = found }
                } catch {
                    nextFailure.withLock { $0 = error }
                }
            } else if let row = columns[task - 1].append(current, blocks.format) {
                let column = columns[task - 1].index
                let error = MarketingMLError(
                    .malformedFile, "\"\(current.text(row, column))\" is not a finite number",
                    at: blocks.location(row, column, in: current))
                failures.withLock { $0.append((row, column, error)) }
            }
        }
        if let first = failures.withLock({ $0 }).min(by: { ($0.row, $0.column) < ($1.row, $1.column) }) {
            throw first.error
        }
        rowCount += current.rowCount
        if let error = nextFailure.withLock({ $0 }) { throw error }
        hasRows = more.withLock { $0 }
        swap(&current, &other)
    }
    return rowCount
}

/// One column while it is read.
private final class ColumnReader {
    let index: Int
    private let missing: MissingMarkers
    private let isGivenType: Bool
    private var isNumeric: Bool
    private(set) var isLateText = false
    private var numbers: [Double] = []
    private var presentCount = 0
    private var codes: [Int32] = []
    private var table = ByteTable()
    private var expected = 0

    init(_ index: Int, isNumeric: Bool?, missing: MissingMarkers) {
        self.index = index
        self.missing = missing
        isGivenType = isNumeric != nil
        self.isNumeric = isNumeric ?? true
    }

    func reserve(_ rows: Int) {
        expected = rows
        if isNumeric { numbers.reserveCapacity(rows) } else { codes.reserveCapacity(rows) }
    }

    var values: ColumnValues {
        isNumeric ? .numbers(numbers) : .texts(codes: codes, levels: table.texts)
    }

    func restartAsText() {
        (isLateText, isNumeric) = (false, false)
    }

    /// Adds a block's fields. Returns the row of one that is not the number that it has to be; nil if there is none.
    func append(_ block: DelimitedBlock, _ format: DelimitedFormat) -> Int? {
        guard !isLateText else { return nil }
        if isNumeric {
            let before = numbers.count
            let parser = NumberParser(
                missing: missing, decimalSign: format.decimalSign, refusesLongNames: !isGivenType)
            numbers.append(contentsOf: repeatElement(.nan, count: block.rowCount))
            let failed = numbers.withUnsafeMutableBufferPointer { numbers in
                numbers.baseAddress.flatMap {
                    parser.parse(
                        block, first: index, count: block.rowCount, step: block.columnCount, into: $0 + before
                    )
                }
            }
            guard let failed else { return nil }
            if isGivenType { return failed }
            isNumeric = false
            let hadOnlyMissing = numbers[..<before].allSatisfy { $0.isNaN }
            numbers = []
            guard hadOnlyMissing else {
                isLateText = true
                return nil
            }
            codes.reserveCapacity(expected)
            codes = [Int32](repeating: -1, count: before)
        }
        for row in 0..<block.rowCount {
            let (bytes, hasDoubledQuotes) = block.field(row, index)
            if missing.contains(bytes) {
                codes.append(-1)
            } else if hasDoubledQuotes {
                codes.append(
                    DelimitedBlock.withoutDoubledQuotes(bytes).withUnsafeBufferPointer { table.insert($0) })
            } else {
                codes.append(table.insert(bytes))
            }
        }
        return nil
    }
}
