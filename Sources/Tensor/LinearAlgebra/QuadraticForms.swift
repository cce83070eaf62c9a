/// (x − shift)ᵀ M (x − shift) of each row: [N], for a symmetric matrix M [D, D], whole.
///
/// - Complexity: O(N D²), on the pool.
package func quadraticForms(_ rows: some RowSource<Double>, matrix: [Double], shift: [Double]) -> [Double] {
    let width = rows.columnCount
    return [Double](unsafeUninitializedCapacity: rows.rowCount) { out, count in
        count = rows.rowCount
        guard let target = out.baseAddress else { return }
        let packed = PackedMatrix(matrix, rows: width, columns: width)
        parallelRanges(rows.rowCount, grain: 256) { range in
            rows.withRows(range) { pointer, stride in
                let centered = UnsafeMutablePointer<Double>.allocate(capacity: 2 * range.count * width)
                defer { centered.deallocate() }
                let product = centered + range.count * width
                for row in 0..<range.count {
                    for column in 0..<width {
                        centered[row * width + column] = pointer[row * stride + column] - shift[column]
                    }
                }
                multiply(
                    MatrixView(UnsafePointer(centered), rowStride: width), rows: range.count, by: packed,
                    into: product)
                for row in 0..<range.count {
                    var sum = 0.0
                    for column in row * width..<(row + 1) * width {
                        sum += centered[column] * product[column]
                    }
                    target[range.lowerBound + row] = sum
                }
            }
        }
    }
}
