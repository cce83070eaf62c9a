/// The matrix Σ w x xᵀ over the rows of a sparse matrix, whole: [D, D] in `Double`.
///
/// - Complexity: O(Σ of the squares of the rows' stored elements), on the pool.
package func gramMatrix(_ matrix: SparseMatrix<Float>, weights: [Double]? = nil) -> [Double] {
    let order = matrix.columnCount
    let columns = matrix.transposed
    var result = [Double](repeating: 0, count: order * order)
    result.withUnsafeMutableBufferPointer { result in
        guard let target = result.baseAddress else { return }
        // Row i of the result, from i on: each of column i's elements times the rest of its row.
        parallelRanges(order, grain: max(1, order / 64)) { range in
            for i in range {
                for place in columns.rowOffsets[i]..<columns.rowOffsets[i + 1] {
                    let row = Int(columns.columnIndices[place])
                    let factor = Double(columns.values[place]) * (weights?[row] ?? 1)
                    var other = matrix.rowOffsets[row + 1] - 1
                    while other >= matrix.rowOffsets[row], Int(matrix.columnIndices[other]) >= i {
                        target[i * order + Int(matrix.columnIndices[other])] +=
                            factor * Double(matrix.values[other])
                        other -= 1
                    }
                }
            }
        }
    }
    result.mirrorUpper(order: order)
    return result
}
