internal import CTensorKernels

/// Sums Σ w z zᵀ over rows z = (x − shift, e): the columns of a matrix, shifted, and further columns of the caller's.
///
/// For one task at a time; it adds block by block, on the calling thread, so a pass over rows that computes something else
/// as well can feed it. Products of `Float` rows are summed in `Float` within a block, the blocks in `Double`.
package final class GramAccumulator<Scalar: TensorFloatingPoint> {
    /// Rows that are summed before the sums are added in `Double`: so many that two panels stay in the first-level cache.
    package static var blockRows: Int { 128 }

    /// Columns of the matrix.
    package let columns: Int
    /// Columns of the matrix and further ones: the order of the sums.
    package let width: Int
    /// Σ w z zᵀ, [width, width] row by row, of which the elements on and above the diagonal count until `mirror` is called.
    package private(set) var sums: [Double]
    private let packed: UnsafeMutableRawPointer

    /// Creates an accumulator of zeros.
    package init(columns: Int, extra: Int = 0) {
        self.columns = columns
        width = columns + extra
        sums = [Double](repeating: 0, count: width * width)
        packed = GramPanels<Scalar>.allocate(width: width)
    }

    deinit { packed.deallocate() }

    /// Adds `count` rows that stand `stride` elements apart.
    ///
    /// - Parameters:
    ///   - shift: What is taken from each column of the matrix; nil takes nothing.
    ///   - weights: How much each row counts, at least 0; nil counts each once.
    ///   - extra: The further columns, row by row without gaps; not shifted.
    package func add(
        _ rows: UnsafePointer<Scalar>, count: Int, stride: Int, shift: UnsafePointer<Scalar>? = nil,
        weights: UnsafePointer<Double>? = nil, extra: UnsafePointer<Scalar>? = nil
    ) {
        precondition(width == columns || extra != nil, "the further columns are missing")
        let panels = GramPanels<Scalar>.count(width)
        for start in Swift.stride(from: 0, to: count, by: Self.blockRows) {
            let size = min(Self.blockRows, count - start)
            GramPanels.pack(
                rows + start * stride, count: size, stride: stride, columns: columns, shift: shift,
                weights: weights.map { $0 + start }, extra: extra.map { $0 + start * (width - columns) },
                width: width, into: packed)
            mml_gram_add(Scalar.kernelType, size, width, 0, panels, packed, &sums, width)
        }
    }

    /// Adds another's sums.
    package func add(_ other: GramAccumulator) {
        precondition(other.width == width, "sums of \(other.width) columns to those of \(width)")
        for index in sums.indices { sums[index] += other.sums[index] }
    }

    /// Copies the sums above the diagonal to below it.
    package func mirror() { sums.mirrorUpper(order: width) }
}

/// The panels of columns in which the kernels read a block of rows.
enum GramPanels<Scalar: TensorFloatingPoint> {
    static func count(_ width: Int) -> Int {
        let columns = mml_gram_panel(Scalar.kernelType, 0)
        return (width + columns - 1) / columns
    }

    /// Elements of a block of rows.
    static func blockSize(width: Int) -> Int {
        GramAccumulator<Scalar>.blockRows * count(width) * mml_gram_panel(Scalar.kernelType, 0)
    }

    /// Zeros for `blocks` blocks.
    static func allocate(width: Int, blocks: Int = 1) -> UnsafeMutableRawPointer {
        let bytes = blocks * blockSize(width: width) * MemoryLayout<Scalar>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes), alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return memory
    }

    static func pack(
        _ rows: UnsafePointer<Scalar>, count: Int, stride: Int, columns: Int, shift: UnsafePointer<Scalar>?,
        weights: UnsafePointer<Double>?, extra: UnsafePointer<Scalar>?, width: Int,
        into packed: UnsafeMutableRawPointer
    ) {
        let type = Scalar.kernelType
        mml_gram_pack(type, count, columns, rows, stride, shift, weights, 0, packed)
        guard let extra else { return }
        mml_gram_pack(type, count, width - columns, extra, width - columns, nil, weights, columns, packed)
    }
}

extension [Double] {
    /// Makes a square matrix, row by row, symmetric from its upper triangle.
    mutating func mirrorUpper(order: Int) {
        withUnsafeMutableBufferPointer { elements in
            for row in 0..<order {
                for column in 0..<row { elements[row * order + column] = elements[column * order + row] }
            }
        }
    }
}
