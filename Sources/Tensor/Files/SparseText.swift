import Synchronization

/// The lines of a libsvm text file: a label, then `index:value` with increasing indices, then perhaps a comment after `#`.
package enum SparseText {
    /// The rows of some lines.
    private struct Part: Sendable {
        var labels: [Double] = []
        var ends: [Int] = []
        var columns: [Int32] = []
        var values: [Float] = []
        var failure: (row: Int, message: String)?
    }

    /// Lines that one task parses.
    private static let grain = 512

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - firstIndex: The index of the first column: 1, or 0.
    ///   - columnCount: How many columns there are; nil takes the largest index.
    /// - Throws: `.malformedFile` with the row for what is not in order; `.emptyData` without rows; what the stream throws.
    package static func read(
        _ stream: ByteStream, firstIndex: Int, columnCount: Int?, blockSize: Int = DelimitedBlocks.blockSize
    ) throws(MarketingMLError) -> (labels: [Double], matrix: SparseMatrix<Float>) {
        let blocks = try DelimitedBlocks(stream, format: .lines, hasHeader: false, blockSize: blockSize)
        var (current, other) = (blocks.makeBlock(), blocks.makeBlock())
        var whole = Part()
        var offsets = [0]
        let largest = columnCount ?? Int(Int32.max)
        var hasRows = try blocks.next(current, after: nil)
        while hasRows {
            let tasks = (current.rowCount + grain - 1) / grain
            let parts = Mutex([Part](repeating: Part(), count: tasks))
            let next = Mutex<Result<Bool, MarketingMLError>>(.success(false))
            parallel(tasks + 1) { task in
                if task == 0 {
                    do throws(MarketingMLError) {
                        let found = try blocks.next(other, after: current)
                        next.withLock { $0 = .success(found) }
                    } catch {
                        next.withLock { $0 = .failure(error) }
                    }
                    return
                }
                var part = Part()
                let first = (task - 1) * grain
                for row in first..<min(current.rowCount, first + grain) where part.failure == nil {
                    parse(
                        current.field(row, 0).bytes, row, &part, firstIndex: firstIndex, columnCount: largest)
                }
                let finished = part
                parts.withLock { $0[task - 1] = finished }
            }
            for part in parts.withLock({ $0 }) {
                if let (row, message) = part.failure {
                    throw MarketingMLError(
                        .malformedFile, message,
                        at: .init(file: stream.file, row: blocks.line(of: row, in: current)))
                }
                let base = whole.values.count
                offsets.append(contentsOf: part.ends.map { base + $0 })
                whole.labels += part.labels
                whole.columns += part.columns
                whole.values += part.values
            }
            hasRows = try next.withLock { $0 }.get()
            swap(&current, &other)
        }
        guard !whole.labels.isEmpty else {
            throw MarketingMLError(.emptyData, "has no rows", at: .init(file: stream.file))
        }
        let width = columnCount ?? whole.columns.reduce(0) { max($0, Int($1) + 1) }
        return (
            whole.labels,
            SparseMatrix(
                trusted: whole.labels.count, width, rowOffsets: offsets, columnIndices: whole.columns,
                values: whole.values)
        )
    }

    private static let numbers = NumberParser(
        missing: MissingMarkers([]), decimalSign: UInt8(ascii: "."), refusesLongNames: false)

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    private static func parse(
        _ line: UnsafeBufferPointer<UInt8>, _ row: Int, _ part: inout Part, firstIndex: Int, columnCount: Int
    ) {
        guard let bytes = line.baseAddress else { return }
        var position = 0
        var last = -1
        var hasLabel = false
        func text(_ start: Int, _ end: Int) -> String {
            String(decoding: line[start..<min(end, start + 40)], as: UTF8.self)
        }
        while true {
            while position < line.count, isSpace(bytes[position]) { position += 1 }
            guard position < line.count, bytes[position] != UInt8(ascii: "#") else { break }
            let start = position
            var colon = -1
            while position < line.count, !isSpace(bytes[position]), bytes[position] != UInt8(ascii: "#") {
                if bytes[position] == UInt8(ascii: ":"), colon < 0 { colon = position }
                position += 1
            }
            if !hasLabel {
                guard let label: Double = numbers.parse(bytes + start, count: position - start) else {
                    part.failure = (row, "the label \"\(text(start, position))\" is not a finite number")
                    return
                }
                part.labels.append(label)
                hasLabel = true
                continue
            }
            var index = 0
            for place in start..<max(start, colon) {
                let digit = Int(bytes[place]) - 0x30
                guard (0...9).contains(digit), index < 1 << 40 else {
                    index = -1
                    break
                }
                index = 10 * index + digit
            }
            guard colon > start, index >= 0,
                let value: Float = numbers.parse(bytes + colon + 1, count: position - colon - 1)
            else {
                part.failure = (row, "\"\(text(start, position))\" is not index:value with a finite value")
                return
            }
            let column = index - firstIndex
            guard column >= 0, column < columnCount else {
                part.failure = (
                    row,
                    "the index \(index) is outside \(firstIndex)...\(columnCount - 1 + firstIndex)"
                )
                return
            }
            guard column > last else {
                part.failure = (
                    row, "the index \(index) stands after \(last + firstIndex); indices must increase"
                )
                return
            }
            last = column
            part.columns.append(Int32(column))
            part.values.append(value)
        }
        if hasLabel { part.ends.append(part.values.count) }
    }

    /// Writes a file, atomically; a label as `labelText` gives it.
    package static func write(
        _ matrix: SparseMatrix<Float>, firstIndex: Int, to path: String, labelText: (Int) -> String
    ) throws {
        try AtomicFile.write(to: path) { file in
            var text = ""
            for row in 0..<matrix.rowCount {
                text += labelText(row)
                for place in matrix.rowOffsets[row]..<matrix.rowOffsets[row + 1] {
                    text += " \(Int(matrix.columnIndices[place]) + firstIndex):\(matrix.values[place])"
                }
                text += "\n"
                if text.utf8.count > 1 << 20 {
                    try file.write(text)
                    text = ""
                }
            }
            try file.write(text)
        }
    }
}
