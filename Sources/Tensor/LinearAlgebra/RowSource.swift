internal import CTensorKernels

/// Rows of numbers that a pass reads block by block, without a copy of all.
package protocol RowSource<Scalar>: Sendable {
    /// The type in which products are formed.
    associatedtype Scalar: TensorFloatingPoint
    /// Number of rows.
    var rowCount: Int { get }
    /// Number of columns.
    var columnCount: Int { get }
    /// Calls `body` with the rows of a range and the distance between them.
    func withRows(_ range: Range<Int>, _ body: (UnsafePointer<Scalar>, _ stride: Int) -> Void)
}

extension Tensor: RowSource where Scalar: TensorFloatingPoint {
    package func withRows(_ range: Range<Int>, _ body: (UnsafePointer<Scalar>, _ stride: Int) -> Void) {
        body(pointer + range.lowerBound * columnCount, columnCount)
    }
}

/// The rows of a `Float` matrix in `Double`.
package struct WideRows: RowSource {
    private let matrix: Tensor<Float>
    package var rowCount: Int { matrix.rowCount }
    package var columnCount: Int { matrix.columnCount }

    package init(_ matrix: Tensor<Float>) { self.matrix = matrix }

    package func withRows(_ range: Range<Int>, _ body: (UnsafePointer<Double>, _ stride: Int) -> Void) {
        withScratch(range.count * columnCount, of: Double.self) { wide in
            let source = matrix.pointer + range.lowerBound * columnCount
            for index in 0..<range.count * columnCount { wide[index] = Double(source[index]) }
            body(wide, columnCount)
        }
    }
}

/// The rows of a sparse matrix with all their zeros, in `Double`.
package struct DenseRows: RowSource {
    private let matrix: SparseMatrix<Float>
    package var rowCount: Int { matrix.rowCount }
    package var columnCount: Int { matrix.columnCount }

    package init(_ matrix: SparseMatrix<Float>) { self.matrix = matrix }

    package func withRows(_ range: Range<Int>, _ body: (UnsafePointer<Double>, _ stride: Int) -> Void) {
        withScratch(range.count * columnCount, of: Double.self) { rows in
            rows.initialize(repeating: 0, count: range.count * columnCount)
            for (place, row) in range.enumerated() {
                for index in matrix.rowOffsets[row]..<matrix.rowOffsets[row + 1] {
                    rows[place * columnCount + Int(matrix.columnIndices[index])] = Double(
                        matrix.values[index])
                }
            }
            body(rows, columnCount)
        }
    }
}

/// Some rows of a matrix.
package struct SelectedRows<Scalar: TensorFloatingPoint>: RowSource {
    private let matrix: Tensor<Scalar>
    private let indices: [Int]
    package var rowCount: Int { indices.count }
    package var columnCount: Int { matrix.columnCount }

    package init(_ matrix: Tensor<Scalar>, _ indices: [Int]) {
        self.matrix = matrix
        self.indices = indices
    }

    package func withRows(_ range: Range<Int>, _ body: (UnsafePointer<Scalar>, _ stride: Int) -> Void) {
        withScratch(range.count * columnCount, of: Scalar.self) { rows in
            for (place, index) in range.enumerated() {
                (rows + place * columnCount).update(
                    from: matrix.pointer + indices[index] * columnCount, count: columnCount)
            }
            body(rows, columnCount)
        }
    }
}

/// The columns of a matrix, shifted and scaled, as rows: row c holds (x[r, c] − shift[c]) · scale[r] for all r.
package struct ColumnsAsRows<Scalar: TensorFloatingPoint>: RowSource {
    private let matrix: Tensor<Scalar>
    private let shift: [Double]
    private let scale: [Double]
    package var rowCount: Int { matrix.columnCount }
    package var columnCount: Int { matrix.rowCount }

    package init(_ matrix: Tensor<Scalar>, shift: [Double], scale: [Double]) {
        self.matrix = matrix
        self.shift = shift
        self.scale = scale
    }

    package func withRows(_ range: Range<Int>, _ body: (UnsafePointer<Double>, _ stride: Int) -> Void) {
        withScratch(range.count, of: Double.self) { wide in
            withScratch(range.count * columnCount, of: Double.self) { rows in
                for r in 0..<columnCount {
                    let source = matrix.pointer + r * matrix.columnCount + range.lowerBound
                    wide.initialize(repeating: 0, count: range.count)
                    // Converts and scales, in the matrix' own type.
                    mml_rows_transposed_times(
                        Scalar.kernelType, 1, range.count, source, range.count, [scale[r]], wide)
                    for (place, c) in range.enumerated() {
                        rows[place * columnCount + r] = wide[place] - shift[c] * scale[r]
                    }
                }
                body(rows, columnCount)
            }
        }
    }
}

private func withScratch<Scalar>(
    _ count: Int, of type: Scalar.Type, _ body: (UnsafeMutablePointer<Scalar>) -> Void
) {
    let scratch = UnsafeMutablePointer<Scalar>.allocate(capacity: max(1, count))
    defer { scratch.deallocate() }
    body(scratch)
}
