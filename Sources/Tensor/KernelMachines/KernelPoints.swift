internal import CTensorKernels

/// Points whose kernel values are wanted, in the precision of the computation.
///
/// For kernels of a distance the points are shifted by a common center first: |x|² + |z|² − 2 x·z loses as many digits as the
/// norms are larger than the distance.
package struct KernelPoints<Scalar: TensorFloatingPoint>: Sendable {
    enum Elements {
        case dense(Tensor<Scalar>)
        case sparse(SparseMatrix<Float>)
    }

    let elements: Elements
    /// Squared norm of each point.
    package let squares: [Double]
    let featureCount: Int

    /// Number of points.
    package var count: Int { squares.count }

    /// Points [N, D], shifted by `center` if there is one.
    package init<Source: TensorFloatingPoint>(_ matrix: Tensor<Source>, center: [Double]?) {
        let (rows, columns) = (matrix.shape[0], matrix.shape[1])
        precondition(center.map { $0.count == columns } ?? true, "a center of \(columns) numbers")
        let result = Tensor<Scalar>(uninitialized: [rows, columns])
        var squares = [Double](repeating: 0, count: rows)
        squares.withUnsafeMutableBufferPointer { squares in
            guard let squares = squares.baseAddress else { return }
            let body = { (center: UnsafePointer<Double>?) in
                parallelRanges(rows, grain: max(1, (1 << 14) / columns)) { range in
                    let first = range.lowerBound * columns
                    mml_center_rows(
                        Scalar.kernelType, Int32(Source.kernelType.rawValue), range.count, columns,
                        matrix.pointer + first, center, result.pointer + first, squares + range.lowerBound)
                }
            }
            if let center { center.withUnsafeBufferPointer { body($0.baseAddress) } } else { body(nil) }
        }
        elements = .dense(result)
        self.squares = squares
        featureCount = columns
    }

    /// Sparse points; they cannot be shifted.
    package init(_ matrix: SparseMatrix<Float>) {
        elements = .sparse(matrix)
        featureCount = matrix.columnCount
        squares = matrix.values.withUnsafeBufferPointer { values in
            (0..<matrix.rowCount).map { row in
                guard let values = values.baseAddress else { return 0 }
                let (first, last) = (matrix.rowOffsets[row], matrix.rowOffsets[row + 1])
                return mml_sum_squares(MML_F32, last - first, values + first)
            }
        }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The mean of each column of a matrix.
    package var columnMeans: [Double] {
        let (rows, columns) = (shape[0], shape[1])
        let grain = 4096
        let parts = (rows + grain - 1) / grain
        let sums = Tensor.zeros([max(1, parts), columns])
        parallelRanges(rows, grain: grain) { range in
            mml_sum_rows(
                Scalar.kernelType, range.count, columns, pointer + range.lowerBound * columns, columns,
                sums.pointer + range.lowerBound / grain * columns)
        }
        return sums.withUnsafeElements { sums in
            (0..<columns).map { column in
                (0..<parts).reduce(0) { $0 + Double(sums[$1 * columns + column]) } / Double(rows)
            }
        }
    }

    /// The population variance of all elements of a matrix together.
    package var elementVariance: Double {
        let (rows, columns) = (shape[0], shape[1])
        let mean = columnMeans.reduce(0, +) / Double(columns)
        let center = [Double](repeating: mean, count: columns)
        let grain = max(1, (1 << 14) / columns)
        var sums = [Double](repeating: 0, count: (rows + grain - 1) / grain)
        sums.withUnsafeMutableBufferPointer { sums in
            guard let sums = sums.baseAddress else { return }
            parallelRanges(rows, grain: grain) { range in
                withUnsafeTemporaryAllocation(of: Double.self, capacity: range.count * (columns + 1)) {
                    scratch in
                    guard let scratch = scratch.baseAddress else { return }
                    let squares = scratch + range.count * columns
                    mml_center_rows(
                        MML_F64, Int32(Scalar.kernelType.rawValue), range.count, columns,
                        pointer + range.lowerBound * columns, center, scratch, squares)
                    sums[range.lowerBound / grain] = mml_sum(MML_F64, range.count, squares)
                }
            }
        }
        return sums.reduce(0, +) / Double(rows * columns)
    }
}

extension SparseMatrix<Float> {
    /// The population variance of all elements together, zeros included.
    package var elementVariance: Double {
        let count = Double(rowCount) * Double(columnCount)
        return values.withUnsafeBufferPointer { values in
            guard let values = values.baseAddress else { return 0 }
            let mean = mml_sum(MML_F32, storedCount, values) / count
            return max(0, mml_sum_squares(MML_F32, storedCount, values) / count - mean * mean)
        }
    }
}
