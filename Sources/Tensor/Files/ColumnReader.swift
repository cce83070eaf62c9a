#if canImport(Glibc)
    internal import Glibc
#endif

/// One column of a delimited file while it is read: numbers until a field turns out to be none.
final class ColumnReader {
    let index: Int
    /// Whether the caller said what the column holds.
    let isGivenType: Bool
    private(set) var isNumeric: Bool
    /// Whether it has numbers in the blocks before, and is to be read again.
    private(set) var isLateText = false
    private let parser: NumberParser
    private var expected = 0
    private var numbers: [Double] = []
    private var codes: [Int32] = []
    private var table = ByteTable()
    /// For each key of the table its code, -1 if it stands for a missing value.
    private var codeOfKey: [Int32] = []
    private var levelCount: Int32 = 0

    init(_ index: Int, isNumeric: Bool?, missing: MissingMarkers, decimalSign: UInt8) {
        self.index = index
        isGivenType = isNumeric != nil
        self.isNumeric = isNumeric ?? true
        parser = NumberParser(
            missing: missing, decimalSign: decimalSign, refusesLongNames: isNumeric == nil)
    }

    /// Whether it is read as texts in this pass.
    var isText: Bool { !isNumeric && !isLateText }

    func reserve(_ rows: Int) {
        expected = rows
        if isText { codes.reserveCapacity(rows) }
        guard isNumeric else { return }
        numbers.reserveCapacity(rows)
        #if os(Linux)
            // Half of the time of filling a long column would be page faults.
            let large = UInt(1 << 21)
            numbers.withUnsafeBufferPointer { numbers in
                let start = UInt(bitPattern: numbers.baseAddress)
                let (first, end) = (
                    (start + large - 1) & ~(large - 1), (start + UInt(8 * rows)) & ~(large - 1)
                )
                if first < end {
                    madvise(UnsafeMutableRawPointer(bitPattern: first), Int(end - first), MADV_HUGEPAGE)
                }
            }
        #endif
    }

    /// Parses some of a block's fields. Returns the row of the first that is neither a finite number nor missing.
    func parse(_ block: DelimitedBlock, rows: Range<Int>, into values: UnsafeMutablePointer<Double>) -> Int? {
        let failed = parser.parse(
            block, first: rows.lowerBound * block.columnCount + index, count: rows.count,
            step: block.columnCount,
            into: values)
        return failed.map { rows.lowerBound + $0 }
    }

    /// Adds the numbers that were parsed from a block. If that did not succeed the column holds texts: from this block on if all
    /// before it is missing, else it has to be read again.
    func append(_ values: UnsafeBufferPointer<Double>, of block: DelimitedBlock, isComplete: Bool) {
        if isComplete {
            numbers.append(contentsOf: values)
        } else if !isGivenType {
            let count = numbers.count
            isNumeric = false
            isLateText = !numbers.allSatisfy { $0.isNaN }
            numbers = []
            guard isText else { return }
            reserve(expected)
            codes.append(contentsOf: repeatElement(-1, count: count))
            append(block)
        }
    }

    /// Adds a block's texts.
    func append(_ block: DelimitedBlock) {
        let (fields, step, count) = (block.fields + index, block.columnCount, codes.count)
        codes.append(contentsOf: repeatElement(0, count: block.rowCount))
        codes.withUnsafeMutableBufferPointer { codes in
            guard let keys = codes.baseAddress.map({ $0 + count }) else { return }
            var done = 0
            while true {
                done += table.find(
                    block.rowCount - done, of: block.bytes, fields + done * step, step: step,
                    into: keys + done)
                guard done < block.rowCount else { break }
                keys[done] = insert(block.field(done, index))
                done += 1
            }
            for row in 0..<block.rowCount { keys[row] = codeOfKey[Int(keys[row])] }
        }
    }

    /// The key that a field's text is.
    private func insert(_ field: (bytes: UnsafeBufferPointer<UInt8>, hasDoubledQuotes: Bool)) -> Int32 {
        if field.hasDoubledQuotes {
            return DelimitedBlock.withoutDoubledQuotes(field.bytes).withUnsafeBufferPointer {
                insert(($0, false))
            }
        }
        let key = table.insert(field.bytes)
        if key == codeOfKey.count {
            let isMissing = parser.missing.contains(field.bytes)
            codeOfKey.append(isMissing ? -1 : levelCount)
            if !isMissing { levelCount += 1 }
        }
        return key
    }

    func restartAsText() { isLateText = false }

    /// What the column holds.
    var values: ColumnValues {
        if isNumeric { return .numbers(numbers) }
        let levels = codeOfKey.indices.filter { codeOfKey[$0] >= 0 }.map { table.text($0) }
        return .texts(codes: codes, levels: levels)
    }
}
