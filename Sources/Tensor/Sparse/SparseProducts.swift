internal import CTensorKernels

/// Products with a sparse matrix X [N, D], on the pool: what iterative solvers spend their time in.
///
/// Vectors may be of `Float` or `Double`, whatever the matrix holds; sums run in the vectors' type. How the rows are cut
/// depends on the matrix alone, so results are the same bits for every number of threads.
///
/// With a `constant` other than 0 the matrix has one more column that holds it everywhere (an intercept's column, D then
/// counts it): see ``width``.
///
/// Products with Xᵀ add whole rows into an array of D sums for each part of the rows, and then add up those arrays: no
/// transposed copy is held.
package struct SparseProducts<Scalar: TensorFloatingPoint>: Sendable {
    /// The matrix.
    package let matrix: SparseMatrix<Scalar>
    /// What the additional column holds; 0 for none.
    package let constant: Double
    /// Rows of the parts for products with Xᵀ, of about the same number of elements each.
    package let parts: [Range<Int>]

    /// Number of columns (D), the constant one included.
    package var width: Int { matrix.columnCount + (constant == 0 ? 0 : 1) }
    /// Number of rows (N).
    package var rowCount: Int { matrix.rowCount }

    /// Prepares products with a matrix.
    package init(_ matrix: SparseMatrix<Scalar>, constant: Double = 0) {
        self.matrix = matrix
        self.constant = constant
        // A part costs D sums more, which must stay little beside its elements.
        let count = max(1, min(8, matrix.storedCount / max(4 * matrix.columnCount, 16_384)))
        parts = matrix.rowRanges(count)
    }

    /// X v: [N], for v [D].
    package func times<Vector: TensorFloatingPoint>(_ v: [Vector]) -> [Vector] {
        precondition(v.count == width, "\(v.count) elements for \(width) columns")
        return [Vector](unsafeUninitializedCapacity: rowCount) { out, count in
            v.withUnsafeBufferPointer { times($0, into: out) }
            count = rowCount
        }
    }

    /// Xᵀ u: [D], for u [N].
    package func transposedTimes<Vector: TensorFloatingPoint>(_ u: [Vector]) -> [Vector] {
        precondition(u.count == rowCount, "\(u.count) elements for \(rowCount) rows")
        return accumulated { csr, rows, sums in
            u.withUnsafeBufferPointer {
                mml_sparse_transposed_add(
                    Vector.kernelType, csr, rows.lowerBound, rows.upperBound, $0.baseAddress, sums)
            }
        }
    }

    /// Xᵀ diag(d) X v: [D], for v [D] and d [N] (nil: all ones), in one pass over X. Rows with a weight of 0 are not read.
    package func gramTimes<Vector: TensorFloatingPoint>(_ v: [Vector], weights d: [Vector]? = nil) -> [Vector]
    {
        precondition(v.count == width, "\(v.count) elements for \(width) columns")
        precondition(d.map { $0.count == rowCount } ?? true, "\(d?.count ?? 0) weights for \(rowCount) rows")
        return v.withUnsafeBufferPointer { v in
            withOptionalBuffer(d) { d in
                accumulated { csr, rows, sums in
                    mml_sparse_gram_add(
                        Vector.kernelType, csr, rows.lowerBound, rows.upperBound, d, v.baseAddress, sums)
                }
            }
        }
    }

    /// The diagonal of Xᵀ diag(d) X: Σᵢ dᵢ xᵢⱼ² of each column j, for d [N] (nil: all ones).
    package func gramDiagonal<Vector: TensorFloatingPoint>(weights d: [Vector]? = nil) -> [Vector] {
        precondition(d.map { $0.count == rowCount } ?? true, "\(d?.count ?? 0) weights for \(rowCount) rows")
        return withOptionalBuffer(d) { d in
            accumulated { csr, rows, sums in
                mml_sparse_squares_add(Vector.kernelType, csr, rows.lowerBound, rows.upperBound, d, sums)
            }
        }
    }

    /// ‖xᵢ‖² of each row, the constant included: [N].
    package func squaredRowNorms<Vector: TensorFloatingPoint>(as type: Vector.Type = Vector.self) -> [Vector]
    {
        [Vector](unsafeUninitializedCapacity: rowCount) { out, count in
            let out = out
            withCSR { csr in
                parallelRanges(rowCount, grain: SparseProducts.rowGrain) { rows in
                    mml_sparse_squared_norms(
                        Vector.kernelType, csr, rows.lowerBound, rows.upperBound, out.baseAddress)
                }
            }
            count = rowCount
        }
    }

    private static var rowGrain: Int { 4096 }

    private func times<Vector: TensorFloatingPoint>(
        _ v: UnsafeBufferPointer<Vector>, into out: UnsafeMutableBufferPointer<Vector>
    ) {
        withCSR { csr in
            parallelRanges(rowCount, grain: SparseProducts.rowGrain) { rows in
                mml_sparse_times(
                    Vector.kernelType, csr, rows.lowerBound, rows.upperBound, v.baseAddress, 0,
                    out.baseAddress)
            }
        }
    }

    /// The sum over all parts of what `body` adds to the part's own D zeros.
    func accumulated<Vector: TensorFloatingPoint>(
        _ body: (UnsafePointer<mml_csr>, Range<Int>, UnsafeMutablePointer<Vector>) -> Void
    ) -> [Vector] {
        let width = width
        return [Vector](unsafeUninitializedCapacity: width) { out, count in
            count = width
            guard width > 0, let total = out.baseAddress else { return }
            total.clear(count: width)
            let stride = (width + 15) / 16 * 16  // whole cache lines
            let sums = Tensor<Vector>(uninitialized: [parts.count, stride])
            let start = sums.pointer
            withCSR { csr in
                parallel(parts.count) { part in
                    let mine = start + part * stride
                    mine.clear(count: width)
                    body(csr, parts[part], mine)
                }
            }
            parallelRanges(width, grain: 16_384) { columns in
                mml_sum_rows(
                    Vector.kernelType, parts.count, columns.count, start + columns.lowerBound, stride,
                    total + columns.lowerBound)
            }
            withExtendedLifetime(sums) {}
        }
    }

    /// Calls `body` with the matrix as the kernels want it.
    func withCSR<Result>(_ body: (UnsafePointer<mml_csr>) -> Result) -> Result {
        matrix.withCSR(constant: constant, body)
    }
}

extension SparseMatrix {
    /// Cuts the rows into at most `count` ranges of about the same number of stored elements.
    package func rowRanges(_ count: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = 0
        for part in 1...max(1, count) {
            let target = storedCount * part / max(1, count)
            var end = start
            if part == count {
                end = rowCount
            } else {
                // The first row that ends at or after the target.
                var low = start
                var high = rowCount
                while low < high {
                    let middle = (low + high) / 2
                    if rowOffsets[middle + 1] < target { low = middle + 1 } else { high = middle }
                }
                end = min(rowCount, low + 1)
            }
            if end > start { result.append(start..<end) }
            start = end
        }
        return result
    }

    func withCSR<Result>(constant: Double = 0, _ body: (UnsafePointer<mml_csr>) -> Result) -> Result {
        rowOffsets.withUnsafeBufferPointer { offsets in
            columnIndices.withUnsafeBufferPointer { indices in
                values.withUnsafeBufferPointer { values in
                    var csr = mml_csr(
                        columns: columnCount, offsets: offsets.baseAddress, indices: indices.baseAddress,
                        values: values.baseAddress, wide: Scalar.kernelType == MML_F64 ? 1 : 0,
                        constant: constant)
                    return withUnsafePointer(to: &csr, body)
                }
            }
        }
    }
}

/// Calls `body` with the address of an array's elements, nil for no array.
func withOptionalBuffer<Element, Result>(
    _ array: [Element]?, _ body: (UnsafePointer<Element>?) -> Result
) -> Result {
    guard let array else { return body(nil) }
    return array.withUnsafeBufferPointer { body($0.baseAddress) }
}
