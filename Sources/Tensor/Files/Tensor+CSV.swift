internal import CTensorKernels
import Foundation
import Synchronization

extension Tensor where Scalar: TensorFloatingPoint & LosslessStringConvertible {
    /// Reads a CSV or TSV file (compressed with gzip or not) of numbers alone: [N, D] of its N rows and D columns.
    ///
    /// Each number is the one nearest to what the file says. The file is read in blocks, by all threads; at no time is more of it
    /// in memory than two blocks.
    ///
    /// - Parameters:
    ///   - csv: The file.
    ///   - format: How fields are told apart; by default what the file's name ends with.
    ///   - hasHeader: Whether the first row names the columns, and is left out.
    ///   - missing: What stands for a missing number besides an empty field; if nil, a number that is missing is an error, else
    ///     it is NaN.
    ///   - limit: The most bytes that the file may have after decompression.
    /// - Throws: `.malformedFile` with row and column for what is no finite number, and for rows of another length; `.emptyData` if
    ///   there are no rows; `.tooLarge`, `.fileNotFound`, `.inputOutput`.
    public init(
        csv: URL, format: DelimitedFormat? = nil, hasHeader: Bool = true, missing: Set<String>? = nil,
        limit: Int = 16 << 30
    ) throws(MarketingMLError) {
        let format = if let format { format } else { try DelimitedFormat(path: csv.path) }
        try self.init(
            ByteStream(path: csv.path, limit: limit), format: format, hasHeader: hasHeader, missing: missing)
    }

    package init(
        _ stream: ByteStream, format: DelimitedFormat, hasHeader: Bool = true, missing: Set<String>? = nil,
        blockSize: Int = DelimitedBlocks.blockSize
    ) throws(MarketingMLError) {
        let blocks = try DelimitedBlocks(stream, format: format, hasHeader: hasHeader, blockSize: blockSize)
        let width = blocks.columns.count
        let parser = NumberParser(
            missing: MissingMarkers(missing ?? []), decimalSign: format.decimalSign, refusesLongNames: false)
        var (current, other) = (blocks.makeBlock(), blocks.makeBlock())
        guard try blocks.next(current, after: nil) else {
            throw MarketingMLError(
                .emptyData, "has no rows below the column names", at: .init(file: stream.file))
        }
        var capacity = blocks.expectedRows(from: current)
        var storage = Storage<Scalar>(count: capacity * width)
        var rowCount = 0
        while true {
            if rowCount + current.rowCount > capacity {
                capacity = max(2 * capacity, rowCount + current.rowCount)
                let larger = Storage<Scalar>(count: capacity * width)
                larger.elements.initialize(from: storage.elements, count: rowCount * width)
                storage = larger
            }
            let first = storage.elements + rowCount * width
            let failed = Mutex(Int.max)
            let next = Mutex<Result<Bool, MarketingMLError>>(.success(false))
            // One task reads on, the others parse a few rows each.
            let grain = max(1, 16_384 / width)
            let tasks = (current.rowCount + grain - 1) / grain
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
                let start = (task - 1) * grain * width
                let end = min(current.rowCount * width, start + grain * width)
                let place = parser.parse(
                    current, first: start, count: end - start, step: 1, into: first + start)
                if let place { failed.withLock { $0 = min($0, start + place) } }
                if missing == nil, mml_all_finite(Scalar.kernelType, end - start, first + start) == 0,
                    let place = (start..<end).first(where: { first[$0].isNaN })
                {
                    failed.withLock { $0 = min($0, place) }
                }
            }
            let place = failed.withLock { $0 }
            if place < Int.max {
                let (row, column) = (place / width, place % width)
                let text = current.text(row, column)
                throw MarketingMLError(
                    .malformedFile,
                    text.isEmpty ? "the number is missing" : "\"\(text)\" is not a finite number",
                    at: blocks.location(row, column, in: current))
            }
            rowCount += current.rowCount
            guard try next.withLock({ $0 }).get() else { break }
            swap(&current, &other)
        }
        self.init(shape: [rowCount, width], storage: Storage(first: rowCount * width, of: storage))
    }
}
