internal import CLAPACKE

/// The Cholesky factor of a symmetric positive definite matrix, whose diagonal is scaled to ones first: so the units of rows
/// and columns matter neither to the factor's accuracy nor to the condition number.
///
/// Matrices are symmetric and stored whole, row by row. (LAPACK reads columns, which are the same.)
package struct CholeskyFactor: Sendable {
    /// The order of the matrix.
    package let order: Int
    /// An estimate of the scaled matrix' reciprocal condition number in the 1-norm.
    package let reciprocalCondition: Double
    private let factor: [Double]
    private let scale: [Double]

    /// Factors a matrix; nil if it is not positive definite.
    package init?(_ matrix: [Double], order: Int) {
        precondition(matrix.count == order * order, "\(matrix.count) elements for order \(order)")
        SingleThreadedBLAS.prepare()
        guard let scale = unitDiagonalScale(matrix, order: order) else { return nil }
        var factor = scaled(matrix, by: scale)
        let size = Int32(order)
        let norm = LAPACKE_dlansy(
            LAPACK_COL_MAJOR, Int8(bitPattern: UInt8(ascii: "1")), lower, size, factor, size)
        guard LAPACKE_dpotrf(LAPACK_COL_MAJOR, lower, size, &factor, size) == 0 else { return nil }
        var condition = 0.0
        guard LAPACKE_dpocon(LAPACK_COL_MAJOR, lower, size, factor, size, norm, &condition) == 0 else {
            return nil
        }
        self.order = order
        self.factor = factor
        self.scale = scale
        reciprocalCondition = condition
    }

    /// The solution of A X = B for `count` right sides, each contiguous: [count, order].
    package func solve(_ right: [Double], count: Int = 1) -> [Double] {
        precondition(right.count == order * count, "\(right.count) elements for \(count) right sides")
        SingleThreadedBLAS.prepare()
        var result = right
        scale(rowsOf: &result)
        let size = Int32(order)
        LAPACKE_dpotrs(LAPACK_COL_MAJOR, lower, size, Int32(count), factor, size, &result, size)
        scale(rowsOf: &result)
        return result
    }

    /// The inverse of the matrix, whole.
    package var inverse: [Double] {
        SingleThreadedBLAS.prepare()
        var result = factor
        let size = Int32(order)
        LAPACKE_dpotri(LAPACK_COL_MAJOR, lower, size, &result, size)
        // The lower triangle by columns is the upper one by rows.
        result.mirrorUpper(order: order)
        return scaled(result, by: scale)
    }

    private func scale(rowsOf right: inout [Double]) {
        for index in right.indices { right[index] *= scale[index % order] }
    }
}

/// Which columns of a symmetric positive semidefinite matrix depend on the others.
package enum RankDeficiency {
    /// The columns that a pivoted Cholesky factorisation leaves over, in increasing order; empty for full rank.
    ///
    /// A column counts as dependent when what the others do not explain of its square is at most `tolerance` of it; one
    /// whose square is not above 0 depends on nothing and is left over as well. Of equal columns the later ones are named.
    package static func dependentColumns(_ matrix: [Double], order: Int, tolerance: Double) -> [Int] {
        SingleThreadedBLAS.prepare()
        let present = (0..<order).filter { matrix[$0 * order + $0] > 0 }
        let absent = (0..<order).filter { !(matrix[$0 * order + $0] > 0) }
        let size = present.count
        guard size > 0 else { return absent }
        var factor = [Double](repeating: 0, count: size * size)
        for (i, row) in present.enumerated() {
            for (j, column) in present.enumerated() {
                factor[i * size + j] =
                    matrix[row * order + column]
                    / (matrix[row * order + row] * matrix[column * order + column]).squareRoot()
            }
        }
        var pivots = [Int32](repeating: 0, count: size)
        var rank: Int32 = 0
        LAPACKE_dpstrf(
            LAPACK_COL_MAJOR, lower, Int32(size), &factor, Int32(size), &pivots, &rank, tolerance)
        return (pivots[Int(rank)...].map { present[Int($0) - 1] } + absent).sorted()
    }
}

private let lower = Int8(bitPattern: UInt8(ascii: "L"))

/// 1/√ of the diagonal; nil if an element is not above 0.
private func unitDiagonalScale(_ matrix: [Double], order: Int) -> [Double]? {
    var scale: [Double] = []
    for index in 0..<order {
        let value = matrix[index * order + index]
        guard value > 0, value.isFinite else { return nil }
        scale.append(1 / value.squareRoot())
    }
    return scale
}

private func scaled(_ matrix: [Double], by scale: [Double]) -> [Double] {
    var result = matrix
    let order = scale.count
    result.withUnsafeMutableBufferPointer { result in
        for row in 0..<order {
            for column in 0..<order { result[row * order + column] *= scale[row] * scale[column] }
        }
    }
    return result
}
