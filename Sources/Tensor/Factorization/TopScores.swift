internal import CTensorKernels

/// The best scores of some queries, best first; of equal ones the smaller index first.
package struct TopScores: Sendable {
    /// The indices of the best, query after query.
    package var indices: [Int32] = []
    /// Their scores.
    package var scores: [Float] = []
    /// Where each query's part begins, and where the last one ends.
    package var offsets: [Int] = [0]

    package init() {}

    /// Puts parts one after the other.
    package init(_ parts: [TopScores]) {
        for part in parts {
            offsets += part.offsets.dropFirst().map { [start = indices.count] in start + $0 }
            indices += part.indices
            scores += part.scores
        }
    }

    /// A query's part.
    package func range(_ query: Int) -> Range<Int> { offsets[query]..<offsets[query + 1] }

    /// The best `count` of given scores. NaN and −∞ never count.
    package static func of(_ scores: [Float], count: Int) -> TopScores {
        let best = Candidates(capacity: min(count, scores.count))
        scores.withUnsafeBufferPointer { best.add($0.count, $0.baseAddress, first: 0) }
        var result = TopScores()
        result.append(best.sorted)
        return result
    }

    /// Appends a query's best.
    fileprivate mutating func append(_ best: some Sequence<Scored>) {
        for entry in best {
            indices.append(entry.index)
            scores.append(entry.score)
        }
        offsets.append(indices.count)
    }
}

/// An index with its score, in the order of lists.
private struct Scored: Comparable {
    var index: Int32
    var score: Float

    static func < (a: Scored, b: Scored) -> Bool {
        a.score > b.score || (a.score == b.score && a.index < b.index)
    }
}

/// The best of the scores seen so far.
private final class Candidates {
    private let capacity: Int
    private var count = 0
    private let scores: UnsafeMutablePointer<Float>
    private let indices: UnsafeMutablePointer<Int32>

    init(capacity: Int) {
        self.capacity = max(0, capacity)
        scores = .allocate(capacity: max(1, capacity))
        indices = .allocate(capacity: max(1, capacity))
    }

    deinit {
        scores.deallocate()
        indices.deallocate()
    }

    /// Looks at the scores of the indices from `first` on, which must be larger than all before.
    func add(_ n: Int, _ x: UnsafePointer<Float>?, first: Int) {
        count = mml_top_scores(
            MML_F32, n, x, Int32(truncatingIfNeeded: first), capacity, count, scores, indices)
    }

    /// All of them, the best first.
    var sorted: [Scored] { (0..<count).map { Scored(index: indices[$0], score: scores[$0]) }.sorted() }
}

/// Rows of factors, packed to be scored against queries: the products q·y of blocks of queries and rows are made in the cache and
/// looked through there; the matrix of all scores never exists.
package struct PackedFactors: Sendable {
    private let packed: PackedMatrix
    /// How many rows there are.
    package var rowCount: Int { packed.columns }
    private let width: Int

    /// Rows whose scores are made at a time, and queries: together they fill half of a second-level cache.
    private static let tileRows = 384
    private static let bandQueries = 96

    /// Packs factors [rows, width].
    package init(_ factors: Tensor<Float>) {
        width = factors.shape[1]
        packed = PackedMatrix(
            factors.pointer, rows: width, columns: factors.shape[0], rowStride: 1, columnStride: width,
            lasting: true)
    }

    /// All scores of one query of `width` elements, with `offsets` added to them.
    package func scores(_ query: [Float], offsets: [Float]? = nil) -> [Float] {
        precondition(query.count == width, "a query of \(query.count) elements, \(width) expected")
        return query.withUnsafeBufferPointer { query in
            withOffsets(offsets) { offsets in
                [Float](unsafeUninitializedCapacity: rowCount) { result, count in
                    count = rowCount
                    guard let query = query.baseAddress, let result = result.baseAddress else { return }
                    multiply(
                        MatrixView(query, rowStride: width), rows: 1, by: packed, into: result,
                        Epilogue(bias: offsets))
                }
            }
        }
    }

    /// The best rows of each query.
    ///
    /// - Parameters:
    ///   - queries: [queries, width], of which `range` is taken.
    ///   - offsets: What is added to each row's scores; −∞ leaves a row out.
    ///   - excluded: The rows that each query (numbered as in `queries`) leaves out: its columns.
    ///   - count: The most rows a query.
    package func top(
        of queries: Tensor<Float>, _ range: Range<Int>, offsets: [Float]?, excluded: SparseMatrix<Float>?,
        count: Int
    ) -> TopScores {
        precondition(queries.shape[1] == width, "queries of \(queries.shape[1]) elements, \(width) expected")
        let panel = mml_panel_width(MML_F32, 0)
        let count = min(max(0, count), rowCount)
        let bands = (range.count + Self.bandQueries - 1) / Self.bandQueries
        // One query alone is bound by reading the factors: its rows are dealt to several tasks.
        let segments = bands < 4 ? min(8, max(1, rowCount / (4 * Self.tileRows))) : 1
        let tiles = (rowCount + Self.tileRows - 1) / Self.tileRows
        let source = queries.pointer
        let found = withOffsets(offsets) { offsets in
            parallelMap(bands * segments) { task in
                let first = range.lowerBound + task / segments * Self.bandQueries
                let rows = min(Self.bandQueries, range.upperBound - first)
                let segment = task % segments
                return band(
                    rows, source + first * width, offsets, excluded, first, panel: panel,
                    tiles: tiles * segment / segments..<tiles * (segment + 1) / segments, count: count)
            }
        }
        return withExtendedLifetime(queries) {
            var result = TopScores()
            result.indices.reserveCapacity(range.count * count)
            result.scores.reserveCapacity(range.count * count)
            for query in 0..<range.count {
                let (band, row) = (query / Self.bandQueries, query % Self.bandQueries)
                let parts = (0..<segments).map { found[band * segments + $0][row] }
                result.append(segments == 1 ? parts[0][...] : parts.flatMap { $0 }.sorted().prefix(count))
            }
            return result
        }
    }

    /// The best of a range of tiles for some queries.
    private func band(
        _ rows: Int, _ queries: UnsafePointer<Float>, _ offsets: UnsafePointer<Float>?,
        _ excluded: SparseMatrix<Float>?, _ firstQuery: Int, panel: Int, tiles: Range<Int>, count: Int
    ) -> [[Scored]] {
        let best = (0..<rows).map { _ in Candidates(capacity: count) }
        let (address, sizeClass) = TensorMemory.allocate(
            bytes: rows * Self.tileRows * MemoryLayout<Float>.stride)
        defer { TensorMemory.release(address, sizeClass: sizeClass) }
        let scores = address.bindMemory(to: Float.self, capacity: rows * Self.tileRows)
        var next = (0..<rows).map { row in
            excluded.map { $0.firstElement(row: firstQuery + row, from: tiles.lowerBound * Self.tileRows) }
                ?? 0
        }
        for tile in tiles {
            let first = tile * Self.tileRows
            let columns = min(Self.tileRows, rowCount - first)
            var epilogue = mml_epilogue(
                alpha: 1, accumulate: 0, activation: 0, bias: UnsafeRawPointer(offsets), preactivation: nil)
            mml_gemm_packed(
                MML_F32, rows, rowCount, width, queries, width, 1, packed.pointer, first / panel,
                (first + columns + panel - 1) / panel, &epilogue, scores - first, Self.tileRows)
            for row in 0..<rows {
                let line = scores + row * Self.tileRows
                if let excluded {
                    let end = excluded.rowOffsets[firstQuery + row + 1]
                    while next[row] < end, Int(excluded.columnIndices[next[row]]) < first + columns {
                        line[Int(excluded.columnIndices[next[row]]) - first] = -.infinity
                        next[row] += 1
                    }
                }
                best[row].add(columns, line, first: first)
            }
        }
        return best.map(\.sorted)
    }

    private func withOffsets<Result>(_ offsets: [Float]?, _ body: (UnsafePointer<Float>?) -> Result) -> Result
    {
        guard let offsets else { return body(nil) }
        precondition(offsets.count == rowCount, "\(offsets.count) offsets for \(rowCount) rows")
        return offsets.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}

extension SparseMatrix {
    /// The place of a row's first element whose column is at least `column`; the row's end if there is none.
    package func firstElement(row: Int, from column: Int) -> Int {
        var (low, high) = (rowOffsets[row], rowOffsets[row + 1])
        while low < high {
            let middle = (low + high) / 2
            if Int(columnIndices[middle]) < column { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
