internal import CTensorKernels

/// Products of a dense matrix X [N, D] of either precision with vectors in `Double`, on the pool, each in one pass over X.
///
/// How the rows are cut depends on the shape alone, so results are the same bits for every number of threads.
package struct RowProducts<Scalar: TensorFloatingPoint>: Sendable {
    private let matrix: Tensor<Scalar>
    private let parts: [Range<Int>]

    /// Number of columns (D).
    package var width: Int { matrix.columnCount }

    /// Prepares products with a matrix.
    package init(_ matrix: Tensor<Scalar>) {
        self.matrix = matrix
        // Parts of 128 KiB of the matrix or more; each has D sums of its own.
        let smallest = max(1, (1 << 14) / max(1, matrix.columnCount))
        let grain = (max(smallest, (matrix.rowCount + 15) / 16) + 3) / 4 * 4
        parts = stride(from: 0, to: matrix.rowCount, by: grain).map {
            $0..<min(matrix.rowCount, $0 + grain)
        }
    }

    /// X v: [N].
    package func times(_ v: [Double]) -> [Double] {
        precondition(v.count == width, "\(v.count) elements for \(width) columns")
        return [Double](unsafeUninitializedCapacity: matrix.rowCount) { out, count in
            count = matrix.rowCount
            guard let target = out.baseAddress else { return }
            parallel(parts.count) { part in
                let rows = parts[part]
                mml_rows_times(
                    Scalar.kernelType, rows.count, width, matrix.pointer + rows.lowerBound * width, width, v,
                    target + rows.lowerBound)
            }
        }
    }

    /// Xᵀ u: [D].
    package func transposedTimes(_ u: [Double]) -> [Double] { transposedTimes([u])[0] }

    /// Xᵀ u for several u, in one pass.
    package func transposedTimes(_ vectors: [[Double]]) -> [[Double]] {
        for u in vectors {
            precondition(u.count == matrix.rowCount, "\(u.count) elements for \(matrix.rowCount) rows")
        }
        let width = width
        // Rows that stay in the second-level cache from one vector to the next.
        let few = max(4, (1 << 16) / max(1, width))
        let all = accumulated(width: vectors.count * width) { rows, sums in
            for start in stride(from: rows.lowerBound, to: rows.upperBound, by: few) {
                let count = min(few, rows.upperBound - start)
                for (index, u) in vectors.enumerated() {
                    u.withUnsafeBufferPointer { u in
                        mml_rows_transposed_times(
                            Scalar.kernelType, count, width, matrix.pointer + start * width, width,
                            u.baseAddress.map { $0 + start }, sums + index * width)
                    }
                }
            }
        }
        return vectors.indices.map { Array(all[$0 * width..<($0 + 1) * width]) }
    }

    /// With e = X v − offset − target and s = w e: Xᵀ s: [D], and the sums of s and of s e. nil weights are all ones, nil targets
    /// zeros.
    package func normalTimes(
        _ v: [Double], offset: Double = 0, targets: UnsafePointer<Double>? = nil, weights: [Double]? = nil
    ) -> (sums: [Double], total: Double, square: Double) {
        precondition(v.count == width, "\(v.count) elements for \(width) columns")
        let width = width
        let all = withOptionalBuffer(weights) { weights in
            accumulated(width: width + 2) { rows, sums in
                mml_normal_times(
                    Scalar.kernelType, rows.count, width, matrix.pointer + rows.lowerBound * width, width,
                    weights.map { $0 + rows.lowerBound }, targets.map { $0 + rows.lowerBound }, v, offset,
                    sums,
                    sums + width)
            }
        }
        return (Array(all[..<width]), all[width], all[width + 1])
    }

    /// The sums over all parts of what `body` adds to the part's own zeros.
    private func accumulated(width: Int, _ body: (Range<Int>, UnsafeMutablePointer<Double>) -> Void)
        -> [Double]
    {
        let stride = (width + 7) / 8 * 8  // whole cache lines
        var all = [Double](repeating: 0, count: parts.count * stride)
        all.withUnsafeMutableBufferPointer { all in
            guard let start = all.baseAddress else { return }
            parallel(parts.count) { part in body(parts[part], start + part * stride) }
        }
        var sums = [Double](repeating: 0, count: width)
        for part in parts.indices {
            for column in 0..<width { sums[column] += all[part * stride + column] }
        }
        return sums
    }
}
