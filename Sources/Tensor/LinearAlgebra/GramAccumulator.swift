internal import CTensorKernels

/// Sums Σ w z zᵀ over rows z = (x − shift, e): the columns of a matrix, shifted, and further columns of the caller's.
///
/// For one task at a time; it adds block by block, on the calling thread, so a pass over rows that computes something else
/// as well can feed it. Products of `Float` rows are summed in `Float` within a block, the blocks in `Double`.
package final class GramAccumulator<Scalar: TensorFloatingPoint> {
    /// Rows that are summed before the sums are added in `Double`.
    package static var blockRows: Int { 256 }

    /// Columns of the matrix.
    package let columns: Int
    /// Columns of the matrix and further ones: the order of the sums.
    package let width: Int
    /// Σ w z zᵀ, [width, width] row by row, of which the elements on and above the diagonal count until `mirror` is called.
    package private(set) var sums: [Double]
    private var packed: [Scalar]
    private var scale: [Scalar]

    /// Creates an accumulator of zeros.
    package init(columns: Int, extra: Int = 0) {
        self.columns = columns
        width = columns + extra
        sums = [Double](repeating: 0, count: width * width)
        packed = [Scalar](repeating: 0, count: Self.blockRows * GramPanels<Scalar>.paddedWidth(width))
        scale = [Scalar](repeating: 1, count: Self.blockRows)
    }

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
        let further = width - columns
        precondition(further == 0 || extra != nil, "the further columns are missing")
        for start in Swift.stride(from: 0, to: count, by: Self.blockRows) {
            let size = min(Self.blockRows, count - start)
            packed.withUnsafeMutableBufferPointer { packed in
                guard let packed = packed.baseAddress else { return }
                if let weights {
                    for row in 0..<size { scale[row] = Scalar(weights[start + row].squareRoot()) }
                }
                scale.withUnsafeBufferPointer { scale in
                    let scale = weights == nil ? nil : scale.baseAddress
                    mml_gram_pack(
                        Scalar.kernelType, size, columns, rows + start * stride, stride, shift, scale, 0,
                        packed)
                    guard let extra else { return }
                    mml_gram_pack(
                        Scalar.kernelType, size, further, extra + start * further, further, nil, scale,
                        columns, packed)
                }
                mml_gram_add(
                    Scalar.kernelType, size, width, 0, GramPanels<Scalar>.count(width), packed, &sums, width)
            }
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
    static var columns: Int { mml_gram_panel(Scalar.kernelType, 0) }
    static func count(_ width: Int) -> Int { (width + columns - 1) / columns }
    static func paddedWidth(_ width: Int) -> Int { count(width) * columns }
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
