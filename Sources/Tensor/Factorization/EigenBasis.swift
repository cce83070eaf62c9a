/// Coordinates in which the system that rows of factors share is diagonal.
struct EigenBasis {
    /// The diagonal, [width]; zeros behind the factors.
    let values: [Float]
    /// Eigenvectors in rows, [width, width].
    private let vectors: [Float]
    private let width: Int

    /// The basis of a positive semidefinite matrix [width, width] whose rows and columns behind `factors` are zero; nil if it is
    /// not finite.
    init?(_ matrix: [Float], factors: Int, width: Int) {
        precondition(matrix.count == width * width, "\(matrix.count) elements for width \(width)")
        let square = (0..<factors).flatMap { matrix[$0 * width..<$0 * width + factors].map(Double.init) }
        guard let eigen = SymmetricEigen(square, order: factors) else { return nil }
        self.width = width
        var values = [Float](repeating: 0, count: width)
        var vectors = [Float](repeating: 0, count: width * width)
        for row in 0..<factors {
            // What rounding leaves of a zero may be negative.
            values[row] = max(0, Float(eigen.values[row]))
            for column in 0..<factors {
                vectors[row * width + column] = Float(eigen.vectors[row * factors + column])
            }
        }
        self.values = values
        self.vectors = vectors
    }

    /// The rows in this basis.
    func coordinates(of rows: Tensor<Float>) -> Tensor<Float> {
        let result = Tensor<Float>(uninitialized: rows.shape)
        multiply(rows, rowStride: 1, columnStride: width, into: result.pointer)
        return withExtendedLifetime(result) { result }
    }

    /// Writes the rows that have these coordinates.
    func write(_ coordinates: Tensor<Float>, to rows: inout Tensor<Float>) {
        rows.withUnsafeMutableElements { target in
            guard let target = target.baseAddress else { return }
            multiply(coordinates, rowStride: width, columnStride: 1, into: target)
        }
    }

    private func multiply(
        _ rows: Tensor<Float>, rowStride: Int, columnStride: Int, into target: UnsafeMutablePointer<Float>
    ) {
        vectors.withUnsafeBufferPointer { vectors in
            guard let vectors = vectors.baseAddress else { return }
            let packed = PackedMatrix(
                vectors, rows: width, columns: width, rowStride: rowStride, columnStride: columnStride,
                lasting: false)
            Tensor::multiply(
                MatrixView(rows.pointer, rowStride: width), rows: rows.shape[0], by: packed, into: target)
        }
        withExtendedLifetime(rows) {}
    }
}
