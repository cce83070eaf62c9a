internal import CLAPACKE

// Matrices here are row by row. LAPACK's are column by column, so it is given each one as its transpose: then nothing is
// moved, and left and right change places.

/// The eigenvalues of a symmetric matrix, increasing, and its eigenvectors.
package struct SymmetricEigen: Sendable {
    /// The eigenvalues, increasing.
    package let values: [Double]
    /// Eigenvector i is row i.
    package let vectors: [Double]

    /// Decomposes a symmetric matrix of finite numbers, stored whole; nil if LAPACK does not converge.
    package init?(_ matrix: [Double], order: Int) {
        precondition(matrix.count == order * order, "\(matrix.count) elements for order \(order)")
        SingleThreadedBLAS.prepare()
        var vectors = matrix
        var values = [Double](repeating: 0, count: order)
        let size = Int32(order)
        let status = LAPACKE_dsyevd(
            LAPACK_COL_MAJOR, Int8(bitPattern: UInt8(ascii: "V")), Int8(bitPattern: UInt8(ascii: "L")), size,
            &vectors, size, &values)
        guard status == 0 else { return nil }
        self.values = values
        self.vectors = vectors
    }
}

/// A = U diag(s) Vᵀ of a matrix [rows, columns], thin: k = min(rows, columns) singular values.
package struct SingularValues: Sendable {
    /// The singular values, decreasing.
    package let values: [Double]
    /// U: [rows, k].
    package let left: [Double]
    /// Vᵀ: [k, columns].
    package let rightTransposed: [Double]

    /// Decomposes a matrix of finite numbers; nil if LAPACK does not converge.
    package init?(_ matrix: [Double], rows: Int, columns: Int) {
        precondition(matrix.count == rows * columns, "\(matrix.count) elements for \(rows) × \(columns)")
        SingleThreadedBLAS.prepare()
        let count = min(rows, columns)
        var work = matrix
        var values = [Double](repeating: 0, count: count)
        var left = [Double](repeating: 0, count: rows * count)
        var right = [Double](repeating: 0, count: count * columns)
        // Aᵀ = V diag(s) Uᵀ.
        let status = LAPACKE_dgesdd(
            LAPACK_COL_MAJOR, Int8(bitPattern: UInt8(ascii: "S")), Int32(columns), Int32(rows),
            &work,
            Int32(max(1, columns)), &values, &right, Int32(max(1, columns)), &left,
            Int32(max(1, count)))
        guard status == 0 else { return nil }
        self.values = values
        self.left = left
        rightTransposed = right
    }
}

/// The factor R of A = QR for rows that arrive in blocks: [columns, columns], upper triangular.
///
/// Holds R and one block, so it decomposes any number of rows (Demmel et al., "Communication-optimal parallel and
/// sequential QR and LU factorizations", 2012). Unlike the Gram matrix RᵀR it does not square the condition number.
package struct StreamingQR: Sendable {
    /// Number of columns.
    package let columns: Int
    private var work: [Double]
    private var filled: Int
    private let capacity: Int

    /// Creates the factor of no rows.
    package init(columns: Int) {
        self.columns = columns
        filled = 0
        capacity = 3 * columns + 64
        work = [Double](repeating: 0, count: capacity * columns)
    }

    /// Adds a row, which `fill` writes.
    package mutating func addRow(_ fill: (UnsafeMutableBufferPointer<Double>) -> Void) {
        if filled == capacity { reduce() }
        let places = filled * columns..<(filled + 1) * columns
        work.withUnsafeMutableBufferPointer { fill(.init(rebasing: $0[places])) }
        filled += 1
    }

    /// Adds the rows of another factor.
    package mutating func add(_ other: StreamingQR) {
        let columns = columns
        for row in 0..<other.filled {
            addRow { target in
                for column in 0..<columns { target[column] = other.work[row * columns + column] }
            }
        }
    }

    /// R: [columns, columns], with rows of zeros at its end when there were fewer rows.
    package mutating func factor() -> [Double] {
        reduce()
        return Array(work[..<(columns * columns)])
    }

    /// Replaces the rows by their R.
    private mutating func reduce() {
        SingleThreadedBLAS.prepare()
        let count = min(filled, columns)
        var reflectors = [Double](repeating: 0, count: max(1, count))
        // Aᵀ = LQ, and R = Lᵀ.
        LAPACKE_dgelqf(
            LAPACK_COL_MAJOR, Int32(columns), Int32(filled), &work, Int32(columns), &reflectors
        )
        for row in 0..<count {
            for column in 0..<row { work[row * columns + column] = 0 }
        }
        for index in count * columns..<capacity * columns { work[index] = 0 }
        filled = count
    }
}
