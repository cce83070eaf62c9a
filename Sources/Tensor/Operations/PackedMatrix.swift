internal import CTensorKernels

/// The right side of a product in the layout that the micro-kernel reads: panels of a few columns, each contiguous.
///
/// OpenBLAS packs both operands anew at every call, which is most of a small product. Packing a weight once lifted
/// 30×384×384 from half of a core's peak to nine tenths (see Docs/benchmarks.md).
final class PackedMatrix: @unchecked Sendable {
    // Sendable: written by init only.
    let rows: Int
    let columns: Int
    private let address: UnsafeMutableRawPointer
    private let sizeClass: Int

    /// Packs `rows` × `columns` elements; element (p, j) stands at `source[p * rowStride + j * columnStride]`.
    /// `lasting` says whether it has a parameter's size.
    init<Scalar: TensorFloatingPoint>(
        _ source: UnsafePointer<Scalar>, rows: Int, columns: Int, rowStride: Int, columnStride: Int,
        lasting: Bool
    ) {
        self.rows = rows
        self.columns = columns
        let type = Scalar.kernelType
        let width = mml_panel_width(type, 0)
        let panels = (columns + width - 1) / width
        (address, sizeClass) = TensorMemory.allocate(
            bytes: panels * width * rows * MemoryLayout<Scalar>.stride, lasting: lasting)
        let address = self.address
        // About 64 KiB a task.
        let grain = max(1, (1 << 14) / max(1, rows * width))
        parallelRanges(panels, grain: grain) { range in
            mml_pack(
                type, rows, columns, source, rowStride, columnStride, range.lowerBound, range.upperBound,
                address)
        }
    }

    /// Packs a matrix that stands row by row, or its transpose does.
    convenience init<Scalar: TensorFloatingPoint>(
        _ elements: [Scalar], rows: Int, columns: Int, transposed: Bool = false
    ) {
        precondition(elements.count == rows * columns, "\(elements.count) elements for \(rows) x \(columns)")
        self.init(
            Tensor(elements), rows: rows, columns: columns, transposed: transposed)
    }

    /// Packs the elements of a tensor that stand row by row, or whose transpose does.
    convenience init<Scalar: TensorFloatingPoint>(
        _ tensor: Tensor<Scalar>, rows: Int, columns: Int, transposed: Bool
    ) {
        self.init(
            UnsafePointer(tensor.pointer), rows: rows, columns: columns, rowStride: transposed ? 1 : columns,
            columnStride: transposed ? rows : 1, lasting: false)
        withExtendedLifetime(tensor) {}
    }

    deinit { TensorMemory.release(address, sizeClass: sizeClass) }

    /// Writes the transpose, columns × rows, to `target`: the weight of which this is the packed transpose, to the bit.
    func unpackTranspose<Scalar: TensorScalar>(into target: UnsafeMutableRawPointer, as scalar: Scalar.Type) {
        let type = MemoryLayout<Scalar>.size == 4 ? MML_F32 : MML_F64
        let width = mml_panel_width(type, 0)
        parallelRanges((columns + width - 1) / width, grain: max(1, (1 << 14) / max(1, rows * width))) {
            mml_unpack(
                type, rows, columns, address, $0.lowerBound, $0.upperBound, target, 1, rows)
        }
    }

    var pointer: UnsafeRawPointer { UnsafeRawPointer(address) }
}

/// A matrix that a product reads, by strides.
struct MatrixView<Scalar> {
    let pointer: UnsafePointer<Scalar>
    let rowStride: Int
    let columnStride: Int

    init(_ pointer: UnsafePointer<Scalar>, rowStride: Int, columnStride: Int = 1) {
        self.pointer = pointer
        self.rowStride = rowStride
        self.columnStride = columnStride
    }
}

/// What a product does with its result while it is in the cache: `act(alpha A B + (accumulate ? C : 0) + bias)`.
struct Epilogue<Scalar> {
    var alpha = 1.0
    var accumulate = false
    var activation = Activation.identity
    var bias: UnsafePointer<Scalar>?
    /// Where the value before the activation goes.
    var preactivation: UnsafeMutablePointer<Scalar>?
}

/// C (m × b.columns, its rows contiguous or `resultStride` apart) = A (m × b.rows) B, cut over the pool.
///
/// Every element of C is summed by one task in one order, so the cut does not change the result.
func multiply<Scalar: TensorFloatingPoint>(
    _ a: MatrixView<Scalar>, rows m: Int, by b: PackedMatrix, into c: UnsafeMutablePointer<Scalar>,
    resultStride: Int? = nil, _ epilogue: Epilogue<Scalar> = Epilogue()
) {
    let type = Scalar.kernelType
    let (n, k) = (b.columns, b.rows)
    guard m > 0, n > 0 else { return }
    let width = mml_panel_width(type, 0)
    let panels = (n + width - 1) / width
    let tiles = ProductTiles(rows: m, panels: panels, work: m * n * k, threads: ThreadPool.threadCount)
    let packed = b.pointer
    let stride = resultStride ?? n
    parallel(tiles.count) { tile in
        let (rows, columns) = tiles[tile]
        let first = rows.lowerBound
        var spec = mml_epilogue(
            alpha: epilogue.alpha, accumulate: epilogue.accumulate ? 1 : 0,
            activation: Int32(epilogue.activation.kernel.rawValue), bias: UnsafeRawPointer(epilogue.bias),
            preactivation: epilogue.preactivation.map { UnsafeMutableRawPointer($0 + first * stride) })
        mml_gemm_packed(
            type, rows.count, n, k, a.pointer + first * a.rowStride, a.rowStride, a.columnStride, packed,
            columns.lowerBound, columns.upperBound, &spec, c + first * stride, stride)
    }
    withExtendedLifetime(b) {}
}

/// How a product is cut: bands of rows whose part of A stays in the second-level cache, and, when there are too few
/// rows to go round, ranges of panels.
struct ProductTiles {
    private let rows: Int
    private let panels: Int
    private let bandRows: Int
    private let bands: Int
    private let cuts: Int

    /// Multiply-adds below which waking a thread costs more than it saves (about 10 µs of work).
    private static let smallWork = 1 << 19
    /// The same in elements of B: with a few rows the work is reading it from memory.
    private static let smallMatrix = 1 << 16

    init(rows: Int, panels: Int, work: Int, threads: Int) {
        self.rows = rows
        self.panels = panels
        guard threads > 1, work > ProductTiles.smallWork || work > ProductTiles.smallMatrix * rows else {
            (bandRows, bands, cuts) = (rows, 1, 1)
            return
        }
        // Multiples of 12 rows suit every micro-kernel (4, 6 and 12 rows).
        let wanted = min(192, max(48, (rows + 4 * threads - 1) / (4 * threads)))
        bandRows = (wanted + 11) / 12 * 12
        bands = (rows + bandRows - 1) / bandRows
        cuts = bands >= 2 * threads ? 1 : min(panels, (2 * threads + bands - 1) / bands)
    }

    var count: Int { bands * cuts }

    subscript(_ tile: Int) -> (rows: Range<Int>, panels: Range<Int>) {
        let (band, cut) = (tile / cuts, tile % cuts)
        return (
            band * bandRows..<min(rows, (band + 1) * bandRows),
            panels * cut / cuts..<panels * (cut + 1) / cuts
        )
    }
}
