internal import CTensorKernels

/// Rows of factors, packed to be scored against queries: the products q·y of blocks of queries and rows are made in the cache and
/// looked through there; the matrix of all scores never exists.
///
/// Rows stand in the order of their norms, the longest first. Since q·y ≤ ‖q‖ ‖y‖, a query has its best as soon as no row that
/// is left is long enough, which for factors of popular and rare items is after a tenth of them (LEMP: Teflioudi, Gemulla,
/// Mykytiuk, SIGMOD 2015, doi:10.1145/2723372.2747647). The result is exact.
package struct PackedFactors: Sendable {
    private let packed: PackedMatrix
    /// The row at each place.
    private let order: [Int32]
    /// The place of each row.
    private let places: [Int32]
    /// The norm of the first row of each tile, the longest there and behind it.
    private let tileNorms: [Float]
    private let width: Int

    /// Rows whose scores are made at a time, and queries: together they fill half of a second-level cache.
    private static let tileRows = 384
    private static let bandQueries = 96

    /// How many rows there are.
    package var rowCount: Int { order.count }

    /// Packs factors [rows, width].
    package init(_ factors: Tensor<Float>) {
        let (rows, width) = (factors.shape[0], factors.shape[1])
        self.width = width
        let norms = (0..<rows).map { norm(UnsafePointer(factors.pointer) + $0 * width, width) }
        let order = norms.indices.sorted { (norms[$1], $0) < (norms[$0], $1) }
        self.order = order.map { Int32(truncatingIfNeeded: $0) }
        var places = self.order
        for (place, row) in order.enumerated() { places[row] = Int32(truncatingIfNeeded: place) }
        self.places = places
        tileNorms = stride(from: 0, to: rows, by: Self.tileRows).map { norms[order[$0]] }
        packed = PackedMatrix(factors.rows(at: order), rows: width, columns: rows, transposed: true)
        withExtendedLifetime(factors) {}
    }

    /// All scores of one query of `width` elements.
    package func scores(_ query: [Float]) -> [Float] {
        precondition(query.count == width, "a query of \(query.count) elements, \(width) expected")
        let scores = Tensor<Float>(uninitialized: [rowCount])
        query.withUnsafeBufferPointer { query in
            guard let query = query.baseAddress else { return }
            multiply(MatrixView(query, rowStride: width), rows: 1, by: packed, into: scores.pointer)
        }
        return [Float](unsafeUninitializedCapacity: rowCount) { result, count in
            count = rowCount
            for (place, row) in order.enumerated() { result[Int(row)] = scores.pointer[place] }
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
        precondition(
            offsets.map { $0.count == rowCount } ?? true,
            "\(offsets?.count ?? 0) offsets for \(rowCount) rows")
        precondition(
            excluded.map { $0.columnCount == rowCount } ?? true,
            "\(excluded?.columnCount ?? 0) columns for \(rowCount) rows")
        let search = Search(
            queries: queries, range, excluded: excluded,
            offsets: offsets.map { all in order.map { all[Int($0)] } },
            count: min(max(0, count), rowCount), tileRows: Self.tileRows)
        let bands = stride(from: range.lowerBound, to: range.upperBound, by: Self.bandQueries).map {
            $0..<min(range.upperBound, $0 + Self.bandQueries)
        }
        let tiles = tileNorms.indices
        var result = TopScores()
        result.indices.reserveCapacity(range.count * search.count)
        result.scores.reserveCapacity(range.count * search.count)
        if bands.count >= 4 {
            let found = parallelMap(bands.count) { best(bands[$0], tiles, search) }
            for query in found.joined() { result.append(query.list) }
            return result
        }
        // A few queries: after the longest rows the others are dealt to all threads, if there are many left.
        let head = tiles.prefix(8)
        for band in bands {
            let first = best(band, head, search)
            let floors = first.map(\.threshold)
            let rest = tiles[head.endIndex...].prefix { tile in
                zip(band, floors).contains { search.mayCount(tileNorms, tile, query: $0, threshold: $1) }
            }
            let parts = min(8, (rest.count + 7) / 8)
            let others = parallelMap(parts) { part in
                let start = rest.startIndex
                return best(
                    band, start + rest.count * part / parts..<start + rest.count * (part + 1) / parts, search,
                    floors: floors)
            }
            for index in first.indices {
                let lists = [first[index].list] + others.map { $0[index].list }
                result.append(lists.count == 1 ? lists[0][...] : lists.joined().sorted().prefix(search.count))
            }
        }
        return result
    }

    /// The best of a range of tiles for some queries.
    ///
    /// - Parameter floors: Scores that each query has `count` of already.
    private func best(
        _ queries: Range<Int>, _ tiles: Range<Int>, _ search: Search, floors: [Float]? = nil
    ) -> [Found] {
        let best = queries.map { _ in Candidates(capacity: search.count) }
        let panel = mml_panel_width(MML_F32, 0)
        let scratch = Tensor<Float>(uninitialized: [queries.count, Self.tileRows + width])
        defer { withExtendedLifetime(scratch) {} }
        let scores = scratch.pointer
        let rows = scores + queries.count * Self.tileRows
        // The queries that further tiles may serve: once past its last tile, a query is past all others.
        var active = Array(queries.indices)
        for (place, query) in active.enumerated() { search.copy(query, to: rows + place * width) }
        for tile in tiles {
            let left = active.filter {
                let index = $0 - queries.lowerBound
                let threshold = max(best[index].threshold, floors?[index] ?? -.infinity)
                return search.mayCount(tileNorms, tile, query: $0, threshold: threshold)
            }
            guard !left.isEmpty else { break }
            if left.count < active.count {
                active = left
                for (place, query) in active.enumerated() { search.copy(query, to: rows + place * width) }
            }
            let first = tile * Self.tileRows
            let columns = min(Self.tileRows, rowCount - first)
            search.withOffsets { offsets in
                var epilogue = mml_epilogue(
                    alpha: 1, accumulate: 0, activation: 0, bias: UnsafeRawPointer(offsets),
                    preactivation: nil)
                mml_gemm_packed(
                    MML_F32, active.count, rowCount, width, rows, width, 1, packed.pointer, first / panel,
                    (first + columns + panel - 1) / panel, &epilogue, scores - first, Self.tileRows)
            }
            order.withUnsafeBufferPointer { order in
                guard let order = order.baseAddress else { return }
                for (place, query) in active.enumerated() {
                    let line = scores + place * Self.tileRows
                    exclude(search.excluded(query), from: line, first: first, count: columns)
                    best[query - queries.lowerBound].add(columns, line, indices: order + first)
                }
            }
        }
        return best.map { Found(list: $0.sorted, threshold: $0.threshold) }
    }

    /// Takes rows out of a tile. Most are in the first tiles: what somebody took is popular.
    private func exclude(
        _ rows: ArraySlice<Int32>, from line: UnsafeMutablePointer<Float>, first: Int, count: Int
    ) {
        places.withUnsafeBufferPointer { places in
            for row in rows {
                let place = Int(places[Int(row)]) - first
                if 0..<count ~= place { line[place] = -.infinity }
            }
        }
    }
}

/// The best rows of a query, and the score that a further one must reach.
private struct Found: Sendable {
    let list: [Scored]
    let threshold: Float
}

/// What all parts of a search for the best rows share.
private struct Search: Sendable {
    private let queries: Tensor<Float>
    /// Of the queries from `first` on.
    private let norms: [Float]
    private let first: Int
    private let excluded: SparseMatrix<Float>?
    /// In the order of the packed rows.
    private let offsets: [Float]?
    /// The largest offset of each tile and those behind it.
    private let largestOffsets: [Float]
    /// The most rows a query.
    let count: Int

    init(
        queries: Tensor<Float>, _ range: Range<Int>, excluded: SparseMatrix<Float>?, offsets: [Float]?,
        count: Int, tileRows: Int
    ) {
        self.queries = queries
        self.excluded = excluded
        self.offsets = offsets
        self.count = count
        let width = queries.shape[1]
        first = range.lowerBound
        norms = range.map { norm(UnsafePointer(queries.pointer) + $0 * width, width) }
        var largest: [Float] = []
        if let offsets {
            var running = -Float.infinity
            for tile in stride(from: 0, to: offsets.count, by: tileRows).reversed() {
                running = max(running, offsets[tile..<min(offsets.count, tile + tileRows)].max() ?? running)
                largest.append(running)
            }
            largest.reverse()
        }
        largestOffsets = largest
    }

    /// Whether a row of the tile, or behind it, may reach the threshold.
    func mayCount(_ tileNorms: [Float], _ tile: Int, query: Int, threshold: Float) -> Bool {
        // A score is off by less than one rounding for each of its terms.
        let slack = Float(queries.shape[1] + 4) * .ulpOfOne
        let bound = norms[query - first] * tileNorms[tile] * (1 + slack)
        guard offsets != nil else { return !(bound < threshold) }
        let sum = bound + largestOffsets[tile]
        return !(sum + abs(sum) * slack < threshold)
    }

    func copy(_ query: Int, to target: UnsafeMutablePointer<Float>) {
        let width = queries.shape[1]
        target.update(from: queries.pointer + query * width, count: width)
    }

    func withOffsets<Result>(_ body: (UnsafePointer<Float>?) -> Result) -> Result {
        guard let offsets else { return body(nil) }
        return offsets.withUnsafeBufferPointer { body($0.baseAddress) }
    }

    /// The rows that a query leaves out.
    func excluded(_ query: Int) -> ArraySlice<Int32> {
        guard let excluded else { return [] }
        return excluded.columnIndices[excluded.rowOffsets[query]..<excluded.rowOffsets[query + 1]]
    }
}

/// Infinite for a row with NaN, whose scores are looked at for what they are.
private func norm(_ row: UnsafePointer<Float>, _ width: Int) -> Float {
    var square = 0.0
    for place in 0..<width { square += Double(row[place]) * Double(row[place]) }
    return square.isNaN ? .infinity : Float(square.squareRoot())
}
