/// Calls `body` for blocks of rows with their products P = (X − shift) basisᵀ: P · linear and P² · squared, P² being the squares
/// element by element; [rows, outputs] each.
///
/// - Parameters:
///   - basis: [K, D].
///   - linear, squared: [K, outputs].
///   - body: Called on several threads.
/// - Complexity: O(N D K), on the pool, beside a few blocks of rows without memory of its own.
package func forEachProjectedBlock(
    _ rows: some RowSource<Double>, shift: [Double], basis: [Double], linear: [Double], squared: [Double],
    outputs: Int, _ body: (Range<Int>, UnsafePointer<Double>, UnsafePointer<Double>) -> Void
) {
    let width = rows.columnCount
    let count = basis.count / max(1, width)
    let basis = PackedMatrix(basis, rows: width, columns: count, transposed: true)
    let linear = PackedMatrix(linear, rows: count, columns: outputs)
    let squared = PackedMatrix(squared, rows: count, columns: outputs)
    parallelRanges(rows.rowCount, grain: 256) { range in
        rows.withRows(range) { pointer, stride in
            let size = range.count
            let scratch = UnsafeMutablePointer<Double>.allocate(
                capacity: size * (width + count + 2 * outputs))
            defer { scratch.deallocate() }
            let centered = scratch
            let projected = centered + size * width
            let first = projected + size * count
            let second = first + size * outputs
            for row in 0..<size {
                for column in 0..<width {
                    centered[row * width + column] = pointer[row * stride + column] - shift[column]
                }
            }
            func product(_ a: UnsafePointer<Double>, _ b: PackedMatrix, _ c: UnsafeMutablePointer<Double>) {
                multiply(MatrixView(a, rowStride: b.rows), rows: size, by: b, into: c)
            }
            product(centered, basis, projected)
            product(projected, linear, first)
            for index in 0..<size * count { projected[index] *= projected[index] }
            product(projected, squared, second)
            body(range, first, second)
        }
    }
}
