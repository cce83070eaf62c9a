internal import CTensorKernels

/// Sums over rows of kernel values, cut by columns: the result does not depend on the number of threads.
package enum KernelSums {
    /// `sums[j] += Σ weights[i] rows[i][j]` for all columns.
    package static func add<Scalar: TensorFloatingPoint>(
        _ rows: [UnsafePointer<Scalar>], weights: [Double], to sums: inout [Double]
    ) {
        precondition(rows.count == weights.count, "a weight a row")
        let addresses: [UnsafeRawPointer?] = rows.map { UnsafeRawPointer($0) }
        let count = sums.count
        sums.withUnsafeMutableBufferPointer { sums in
            guard let sums = sums.baseAddress else { return }
            parallelRanges(count, grain: 1024) { range in
                mml_weighted_rows(
                    Scalar.kernelType, rows.count, addresses, weights, range.lowerBound, range.upperBound,
                    sums)
            }
        }
    }

    /// The elements at `columns` of each row, to rows of `stride` elements at `target`.
    package static func gather<Scalar: TensorFloatingPoint>(
        _ rows: [UnsafePointer<Scalar>], columns: [Int32], into target: UnsafeMutablePointer<Scalar>,
        stride: Int
    ) {
        parallelRanges(rows.count, grain: 16) { range in
            for row in range {
                mml_gather_elements(
                    Scalar.kernelType, columns.count, rows[row], columns, target + row * stride)
            }
        }
    }

    /// Element [i, r] is `Σ weights[r][j] matrix[i][j]`.
    package static func weighted<Scalar: TensorFloatingPoint>(
        _ matrix: Tensor<Scalar>, by weights: [[Double]]
    ) -> Tensor<Double> {
        let (rows, columns) = (matrix.shape[0], matrix.shape[1])
        let result = Tensor<Double>(uninitialized: [rows, weights.count])
        parallelRanges(rows, grain: max(1, (1 << 15) / max(1, columns))) { range in
            for row in range {
                for (place, weights) in weights.enumerated() {
                    result.pointer[row * result.shape[1] + place] = mml_weighted_sum(
                        Scalar.kernelType, columns, matrix.pointer + row * columns, weights)
                }
            }
        }
        return result
    }
}
