/// A matrix that stores only its nonzero elements, row by row (CSR).
///
/// Row `i` holds the elements `values[rowOffsets[i]..<rowOffsets[i + 1]]` in the columns that stand at the same places of
/// `columnIndices`, in increasing order and each at most once.
///
/// ```swift
/// let x = try SparseMatrix<Float>(rows: [[0: 1.5, 7: 2], [:], [3: -1]], columnCount: 10)
/// ```
public struct SparseMatrix<Scalar: TensorFloatingPoint>: Sendable, Equatable {
    /// Number of rows (N).
    public let rowCount: Int
    /// Number of columns (D).
    public let columnCount: Int
    /// Where each row begins, and where the last one ends: N + 1 increasing numbers from 0 on.
    public let rowOffsets: [Int]
    /// The column of each stored element.
    public let columnIndices: [Int32]
    /// The stored elements.
    public let values: [Scalar]

    /// Creates a matrix from its three arrays.
    ///
    /// - Throws: `.shapeMismatch` if the arrays' lengths do not agree; `.malformedFile` if offsets decrease, or a row's columns
    ///   are not increasing or lie outside `0..<columnCount`; `.notFinite` for a value that is NaN or infinite. All name the row.
    /// - Complexity: O(N + stored elements).
    public init(
        rowCount: Int, columnCount: Int, rowOffsets: [Int], columnIndices: [Int32], values: [Scalar]
    ) throws(MarketingMLError) {
        guard rowCount >= 0, columnCount >= 0, columnCount <= Int(Int32.max) else {
            throw MarketingMLError(
                .shapeMismatch, "\(rowCount) rows and \(columnCount) columns: neither may be negative")
        }
        guard rowOffsets.count - 1 == rowCount, rowOffsets.first == 0, rowOffsets.last == values.count,
            columnIndices.count == values.count
        else {
            throw MarketingMLError(
                .shapeMismatch,
                "expected an offset more than the \(rowCount) rows, from 0 to \(values.count) and as many columns as values, found "
                    + "\(rowOffsets.count) offsets from \(rowOffsets.first ?? -1) to \(rowOffsets.last ?? -1) and "
                    + "\(columnIndices.count) columns")
        }
        for row in 0..<rowCount {
            guard rowOffsets[row] <= rowOffsets[row + 1], rowOffsets[row + 1] <= values.count else {
                throw MarketingMLError(
                    .malformedFile, "the row's offsets are \(rowOffsets[row]) and \(rowOffsets[row + 1])",
                    at: .init(row: row + 1))
            }
            var last: Int32 = -1
            for index in rowOffsets[row]..<rowOffsets[row + 1] {
                let column = columnIndices[index]
                guard column > last, Int(column) < columnCount else {
                    throw MarketingMLError(
                        .malformedFile,
                        "column \(column) after column \(last): columns must increase and be below \(columnCount)",
                        at: .init(row: row + 1))
                }
                guard values[index].isFinite else {
                    throw MarketingMLError(
                        .notFinite, "column \(column) holds \(values[index])", at: .init(row: row + 1))
                }
                last = column
            }
        }
        self.init(
            trusted: rowCount, columnCount, rowOffsets: rowOffsets, columnIndices: columnIndices,
            values: values)
    }

    /// For callers that made the arrays in order themselves.
    package init(
        trusted rowCount: Int, _ columnCount: Int, rowOffsets: [Int], columnIndices: [Int32], values: [Scalar]
    ) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.rowOffsets = rowOffsets
        self.columnIndices = columnIndices
        self.values = values
    }

    /// Creates a matrix from a dictionary of column and value a row.
    ///
    /// - Throws: `.malformedFile` for a column outside `0..<columnCount`; `.notFinite`.
    public init(rows: [[Int: Scalar]], columnCount: Int) throws(MarketingMLError) {
        var offsets = [0]
        var columns: [Int32] = []
        var values: [Scalar] = []
        for row in rows {
            for (column, value) in row.sorted(by: { $0.key < $1.key }) {
                columns.append(Int32(clamping: column))
                values.append(value)
            }
            offsets.append(values.count)
        }
        try self.init(
            rowCount: rows.count, columnCount: columnCount, rowOffsets: offsets, columnIndices: columns,
            values: values)
    }

    /// The nonzero elements of a matrix [N, D].
    public init(_ dense: Tensor<Scalar>) {
        precondition(dense.rank == 2, "a sparse matrix needs a matrix, the shape is \(dense.shape)")
        let width = dense.shape[1]
        var offsets = [0]
        var columns: [Int32] = []
        var values: [Scalar] = []
        dense.withUnsafeElements { elements in
            for row in 0..<dense.shape[0] {
                for column in 0..<width where elements[row * width + column] != 0 {
                    columns.append(Int32(column))
                    values.append(elements[row * width + column])
                }
                offsets.append(values.count)
            }
        }
        self.init(
            trusted: dense.shape[0], width, rowOffsets: offsets, columnIndices: columns, values: values)
    }

    /// Number of stored elements.
    public var storedCount: Int { values.count }

    /// All elements, zeros included: [N, D].
    public var dense: Tensor<Scalar> {
        var result = Tensor<Scalar>.zeros([rowCount, columnCount])
        result.withUnsafeMutableElements { elements in
            for row in 0..<rowCount {
                for index in rowOffsets[row]..<rowOffsets[row + 1] {
                    elements[row * columnCount + Int(columnIndices[index])] = values[index]
                }
            }
        }
        return result
    }

    /// The rows at these indices, in this order; a row may occur more than once.
    public func rows(_ indices: [Int]) -> SparseMatrix {
        var offsets = [0]
        offsets.reserveCapacity(indices.count + 1)
        for row in indices {
            precondition(0 <= row && row < rowCount, "row \(row) of \(rowCount)")
            offsets.append((offsets.last ?? 0) + rowOffsets[row + 1] - rowOffsets[row])
        }
        var columns: [Int32] = []
        var chosen: [Scalar] = []
        columns.reserveCapacity(offsets.last ?? 0)
        chosen.reserveCapacity(offsets.last ?? 0)
        for row in indices {
            columns += columnIndices[rowOffsets[row]..<rowOffsets[row + 1]]
            chosen += values[rowOffsets[row]..<rowOffsets[row + 1]]
        }
        return SparseMatrix(
            trusted: indices.count, columnCount, rowOffsets: offsets, columnIndices: columns, values: chosen)
    }

    /// The transposed matrix, that is, this one's columns as rows (its CSC form).
    ///
    /// - Complexity: O(D + stored elements).
    public var transposed: SparseMatrix {
        var offsets = [Int](repeating: 0, count: columnCount + 1)
        for column in columnIndices { offsets[Int(column) + 1] += 1 }
        for column in 0..<columnCount { offsets[column + 1] += offsets[column] }
        var next = offsets
        var rows = [Int32](repeating: 0, count: values.count)
        var moved = [Scalar](repeating: 0, count: values.count)
        for row in 0..<rowCount {
            for index in rowOffsets[row]..<rowOffsets[row + 1] {
                let place = next[Int(columnIndices[index])]
                next[Int(columnIndices[index])] += 1
                rows[place] = Int32(row)
                moved[place] = values[index]
            }
        }
        return SparseMatrix(
            trusted: columnCount, rowCount, rowOffsets: offsets, columnIndices: rows, values: moved)
    }
}

extension SparseMatrix {
    /// The place of a row's first element whose column is at least `column`; the row's end if there is none.
    package func firstElement(row: Int, from column: Int) -> Int {
        var (low, high) = (rowOffsets[row], rowOffsets[row + 1])
        while low < high {
            let middle = (low + high) / 2
            if Int(columnIndices[middle]) < column { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
