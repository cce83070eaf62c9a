internal import CTensorKernels

/// The kernel values between points and M fixed ones, computed block by block and never held as a whole.
///
/// A block is a product of a band of points with a chunk of the fixed ones, which are packed once, followed by the function
/// while the products are in the cache. The value of a pair does not depend on what else is computed with it.
package final class KernelMatrix<Scalar: TensorFloatingPoint>: Sendable {
    package let function: KernelFunction
    /// The fixed points.
    package let points: KernelPoints<Scalar>
    /// Whether the fixed points are sparse; so must be the others then.
    package var isSparse: Bool { packed == nil }
    private let packed: PackedMatrix?
    private let squares: Tensor<Scalar>
    /// Columns of a chunk, a multiple of the packed panels' width.
    private let chunk: Int

    /// Rows of a band: a multiple of every micro-kernel's height.
    private static var band: Int { 48 }
    /// What the spread bands of sparse points may take at a time.
    private static var spreadBytes: Int { 64 << 20 }

    package init(_ function: KernelFunction, _ points: KernelPoints<Scalar>) {
        self.function = function
        self.points = points
        squares = Tensor(points.squares.map { Scalar($0) })
        let width = mml_panel_width(Scalar.kernelType, 0)
        chunk = max(1, 256 / width) * width
        switch points.elements {
        case .dense(let matrix):
            packed = PackedMatrix(
                UnsafePointer(matrix.pointer), rows: points.featureCount, columns: points.count, rowStride: 1,
                columnStride: points.featureCount, lasting: false)
        case .sparse: packed = nil
        }
    }

    /// The values of the points at `indices` of `queries` with all fixed points: a row of M for each, to where `targets` say.
    package func rows(
        _ indices: [Int], of queries: KernelPoints<Scalar>, into targets: [UnsafeMutablePointer<Scalar>]
    ) {
        let perBand = Bands.elements(queries, Self.band) * MemoryLayout<Scalar>.stride
        let group = max(1, Self.spreadBytes / max(1, perBand)) * Self.band
        for first in stride(from: 0, to: indices.count, by: group) {
            let part = Array(indices[first..<min(indices.count, first + group)])
            let bands = Bands(part, of: queries, height: Self.band)
            parallelRanges(points.count, grain: chunk) { columns in
                withTile { tile in
                    for band in 0..<bands.count {
                        products(bands[band], columns, tile)
                        for row in bands[band].rows {
                            values(
                                queries.squares[part[row]], columns,
                                tile + (row - bands[band].rows.lowerBound) * chunk,
                                targets[first + row] + columns.lowerBound)
                        }
                    }
                }
            }
        }
    }

    /// Sums of weighted kernel values over segments of the fixed points: element [i, s, r] is the sum over the points j of
    /// segment s of `weights[r][j]` k(query i, j).
    ///
    /// - Parameter segments: Where each begins, and where the last ends: from 0 to M.
    package func weightedSums(of queries: KernelPoints<Scalar>, weights: [[Double]], segments: [Int])
        -> Tensor<Double>
    {
        let (count, kinds) = (segments.count - 1, weights.count)
        let result = Tensor<Double>.zeros([queries.count, count, kinds])
        let sums = result.pointer
        parallelRanges(queries.count, grain: Self.band) { range in
            let bands = Bands(Array(range), of: queries, height: Self.band)
            withTile { tile in
                for start in stride(from: 0, to: points.count, by: chunk) {
                    let columns = start..<min(points.count, start + chunk)
                    products(bands[0], columns, tile)
                    for row in 0..<range.count {
                        let products = tile + row * chunk
                        values(queries.squares[range.lowerBound + row], columns, products, products)
                        for segment in 0..<count {
                            let part = columns.clamped(to: segments[segment]..<segments[segment + 1])
                            guard !part.isEmpty else { continue }
                            let at = ((range.lowerBound + row) * count + segment) * kinds
                            for kind in 0..<kinds {
                                sums[at + kind] += weights[kind].withUnsafeBufferPointer {
                                    guard let weights = $0.baseAddress else { return 0 }
                                    return mml_weighted_sum(
                                        Scalar.kernelType, part.count, products + part.lowerBound - start,
                                        weights + part.lowerBound)
                                }
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    /// All kernel values of `queries` with the fixed points: [N, M].
    package func values(of queries: KernelPoints<Scalar>) -> Tensor<Scalar> {
        let result = Tensor<Scalar>(uninitialized: [queries.count, points.count])
        let targets = (0..<queries.count).map { result.pointer + $0 * points.count }
        rows(Array(0..<queries.count), of: queries, into: targets)
        return result
    }

    // MARK: One block

    private func withTile(_ body: (UnsafeMutablePointer<Scalar>) -> Void) {
        withUnsafeTemporaryAllocation(of: Scalar.self, capacity: Self.band * chunk) { tile in
            if let tile = tile.baseAddress { body(tile) }
        }
    }

    /// Inner products of a band with a chunk of columns, rows `chunk` apart.
    private func products(
        _ band: Bands<Scalar>.Band, _ columns: Range<Int>, _ tile: UnsafeMutablePointer<Scalar>
    ) {
        let type = Scalar.kernelType
        switch points.elements {
        case .dense:
            guard let packed else { return }
            let width = mml_panel_width(type, 0)
            var plain = mml_epilogue(alpha: 1, accumulate: 0, activation: 0, bias: nil, preactivation: nil)
            mml_gemm_packed(
                type, band.rows.count, points.count, points.featureCount, band.pointer, points.featureCount,
                1,
                packed.pointer, columns.lowerBound / width, (columns.upperBound + width - 1) / width, &plain,
                tile - columns.lowerBound, chunk)
        case .sparse(let matrix):
            mml_sparse_products(
                type, columns.lowerBound, columns.upperBound, matrix.rowOffsets, matrix.columnIndices,
                matrix.values,
                band.rows.count, band.pointer, tile, chunk)
        }
    }

    /// Kernel values from the products of one point; in place or to another row.
    private func values(
        _ square: Double, _ columns: Range<Int>, _ products: UnsafePointer<Scalar>,
        _ target: UnsafeMutablePointer<Scalar>
    ) {
        var specification = function.specification
        mml_kernel_values(
            Scalar.kernelType, &specification, columns.count, products, square,
            squares.pointer + columns.lowerBound,
            target)
    }
}

/// Points in bands of the form that a product reads: dense rows one after the other; sparse ones spread, one column a point.
private struct Bands<Scalar: TensorFloatingPoint> {
    struct Band {
        let rows: Range<Int>
        let pointer: UnsafePointer<Scalar>
    }

    private let storage: Tensor<Scalar>
    private let height: Int
    private let rowCount: Int
    private let perRow: Int

    /// Elements of one band.
    static func elements(_ points: KernelPoints<Scalar>, _ height: Int) -> Int {
        height * points.featureCount
    }

    init(_ indices: [Int], of points: KernelPoints<Scalar>, height: Int) {
        self.height = height
        rowCount = indices.count
        perRow = points.featureCount
        switch points.elements {
        case .dense(let matrix):
            storage = Tensor(uninitialized: [rowCount, perRow])
            for (row, index) in indices.enumerated() {
                (storage.pointer + row * perRow).update(from: matrix.pointer + index * perRow, count: perRow)
            }
        case .sparse(let matrix):
            storage = Tensor.zeros([rowCount, perRow])
            for band in 0..<count {
                let part = self[band]
                for row in part.rows {
                    let (first, last) = (matrix.rowOffsets[indices[row]], matrix.rowOffsets[indices[row] + 1])
                    matrix.columnIndices.withUnsafeBufferPointer { columns in
                        matrix.values.withUnsafeBufferPointer { values in
                            guard let columns = columns.baseAddress, let values = values.baseAddress else {
                                return
                            }
                            mml_spread_row(
                                Scalar.kernelType, last - first, columns + first, values + first,
                                part.rows.count,
                                UnsafeMutablePointer(mutating: part.pointer) + (row - part.rows.lowerBound))
                        }
                    }
                }
            }
        }
    }

    var count: Int { (rowCount + height - 1) / height }

    subscript(_ band: Int) -> Band {
        Band(
            rows: band * height..<min(rowCount, (band + 1) * height),
            pointer: UnsafePointer(storage.pointer + band * height * perRow))
    }
}
