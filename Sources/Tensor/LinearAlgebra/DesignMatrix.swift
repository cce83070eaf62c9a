internal import CTensorKernels

/// The features of N examples with what a fit needs of them: products with coefficients, sums of weighted
/// rows, Gram matrices.
///
/// A model has `width` coefficients an output: one a feature and, with an intercept, one more at the end that
/// goes with a column of ones. The columns are seen less `shift` (their means, when there is an intercept):
/// Gram matrices of a column like 10⁶ ± 1 are then well conditioned, and no centred copy is made. Sums are
/// accumulated in `Double`, and how the work is cut depends on the shape alone.
package struct DesignMatrix: Sendable {
    /// The features as they are stored.
    package enum Rows: Sendable {
        /// Dense, single precision.
        case float(Tensor<Float>)
        /// Dense, double precision.
        case double(Tensor<Double>)
        /// Sparse.
        case sparse(SparseMatrix<Float>)

        /// Number of elements that are stored.
        var storedCount: Int {
            switch self {
            case .float(let matrix): matrix.count
            case .double(let matrix): matrix.count
            case .sparse(let matrix): matrix.storedCount
            }
        }
    }

    /// The features.
    package let rows: Rows
    /// Number of examples (N).
    package let rowCount: Int
    /// Number of features (D).
    package let featureCount: Int
    /// Whether a column of ones stands behind the features.
    package let hasIntercept: Bool
    /// What is taken from each feature: [D].
    package let shift: [Double]
    /// The root mean square of each column less its shift, 1 for that of the intercept: [width]; 0 for a
    /// constant column.
    package let scale: [Double]

    /// Coefficients an output: D, and 1 for the intercept.
    package var width: Int { featureCount + (hasIntercept ? 1 : 0) }

    /// Reads the features once for their means and scales; nil if there is NaN or infinity among them.
    package init?(_ rows: Rows, intercept: Bool) {
        self.rows = rows
        hasIntercept = intercept
        switch rows {
        case .float(let matrix): (rowCount, featureCount) = (matrix.shape[0], matrix.shape[1])
        case .double(let matrix): (rowCount, featureCount) = (matrix.shape[0], matrix.shape[1])
        case .sparse(let matrix): (rowCount, featureCount) = (matrix.rowCount, matrix.columnCount)
        }
        let moments = columnMoments(rows, rowCount: rowCount, columns: featureCount)
        guard moments.allSatisfy(\.isFinite) else { return nil }
        let count = Double(max(1, rowCount))
        var (centred, single) = (intercept, false)
        switch rows {
        case .float: single = true  // the shift must be a number of the features' type
        case .double: break
        case .sparse: centred = false
        }
        var shift = [Double](repeating: 0, count: featureCount)
        var scale: [Double] = []
        for column in 0..<featureCount {
            let pilot = moments[column]
            let mean = moments[featureCount + column] / count
            let square = moments[2 * featureCount + column] / count
            // The moments are about the pilot: the first example.
            let center = single ? Double(Float(pilot + mean)) : pilot + mean
            shift[column] = centred ? center : 0
            let variance = max(0, square - mean * mean)
            let about = centred ? variance : variance + (pilot + mean) * (pilot + mean)
            scale.append(about > 1e-28 * (pilot + mean) * (pilot + mean) ? about.squareRoot() : 0)
        }
        self.shift = shift
        self.scale = scale + (intercept ? [1] : [])
        guard self.scale.allSatisfy(\.isFinite) else { return nil }
    }

    /// Features for products with coefficients alone: neither read nor checked, not shifted, without
    /// intercept.
    package init(forProducts rows: Rows) {
        self.rows = rows
        hasIntercept = false
        switch rows {
        case .float(let matrix): (rowCount, featureCount) = (matrix.shape[0], matrix.shape[1])
        case .double(let matrix): (rowCount, featureCount) = (matrix.shape[0], matrix.shape[1])
        case .sparse(let matrix): (rowCount, featureCount) = (matrix.rowCount, matrix.columnCount)
        }
        shift = []
        scale = []
    }

    /// Turns the coefficients of one output between the two forms of the intercept: for columns as they are,
    /// and for columns less their shift.
    package func unshifted(_ coefficients: [Double]) -> [Double] { moved(coefficients, by: -1) }
    /// The inverse of `unshifted`.
    package func shifted(_ coefficients: [Double]) -> [Double] { moved(coefficients, by: 1) }

    private func moved(_ coefficients: [Double], by sign: Double) -> [Double] {
        guard hasIntercept else { return coefficients }
        var result = coefficients
        for column in 0..<featureCount { result[featureCount] += sign * shift[column] * coefficients[column] }
        return result
    }

    /// Adds the margin of every example to `margins`: [N]. The coefficients are for columns less their shift.
    package func addMargins(_ coefficients: [Double], to margins: UnsafeMutablePointer<Double>) {
        let plain = unshifted(coefficients)
        nonisolated(unsafe) let margins = margins
        parallelRanges(rowCount, grain: RowCut.block * 16) { range in
            addMargins(plain, of: range, to: margins + range.lowerBound)
        }
    }

    /// Σ factor · row over all examples, for columns less their shift: [width].
    package func weightedSum(_ factors: UnsafePointer<Double>) -> [Double] {
        let cut = RowCut(rowCount: rowCount, sums: width, elements: rows.storedCount)
        nonisolated(unsafe) let factors = factors
        let sums = cut.sum(count: width) { range, sums in
            addWeightedRows(range, factors + range.lowerBound, to: sums)
        }
        return centred(sums)
    }

    /// Takes the shift out of Σ factor · row, whose last element is Σ factor.
    func centred(_ sums: [Double]) -> [Double] {
        guard hasIntercept else { return sums }
        var sums = sums
        for column in 0..<featureCount { sums[column] -= shift[column] * sums[featureCount] }
        return sums
    }

    /// Margins of a range of rows from coefficients for columns as they are.
    func addMargins(_ plain: [Double], of range: Range<Int>, to margins: UnsafeMutablePointer<Double>) {
        switch rows {
        case .float(let matrix):
            mml_add_margins(
                MML_F32, range.count, featureCount, matrix.pointer + range.lowerBound * featureCount,
                featureCount, plain,
                margins)
        case .double(let matrix):
            mml_add_margins(
                MML_F64, range.count, featureCount, matrix.pointer + range.lowerBound * featureCount,
                featureCount, plain,
                margins)
        case .sparse(let matrix): matrix.addMargins(plain, of: range, to: margins)
        }
        guard hasIntercept else { return }
        let intercept = plain[featureCount]
        for index in 0..<range.count { margins[index] += intercept }
    }

    /// Adds Σ factor · row of a range, columns as they are, and Σ factor behind it.
    func addWeightedRows(
        _ range: Range<Int>, _ factors: UnsafePointer<Double>, to sums: UnsafeMutablePointer<Double>
    ) {
        switch rows {
        case .float(let matrix):
            mml_add_weighted_rows(
                MML_F32, range.count, featureCount, matrix.pointer + range.lowerBound * featureCount,
                featureCount, factors, sums)
        case .double(let matrix):
            mml_add_weighted_rows(
                MML_F64, range.count, featureCount, matrix.pointer + range.lowerBound * featureCount,
                featureCount, factors, sums)
        case .sparse(let matrix): matrix.addWeightedRows(range, factors, to: sums)
        }
        if hasIntercept { sums[featureCount] += mml_sum(MML_F64, range.count, factors) }
    }
}

/// How a pass over rows is cut into tasks, each with sums of its own: by the shape alone.
struct RowCut {
    /// Rows that are worked on at a time, so that they stay in the second-level cache.
    static let block = 256

    let rowCount: Int
    let grain: Int
    var tasks: Int { max(1, (rowCount + grain - 1) / grain) }

    /// - Parameters:
    ///   - sums: Numbers of `Double` that each task adds up; all together take at most about 64 MB.
    ///   - elements: How many elements the rows hold: clearing and adding up sums must stay little beside reading
    ///     them, which it is not for sparse rows with many columns.
    init(rowCount: Int, sums: Int, elements: Int = .max) {
        let parts = max(2, min(32, (8 << 20) / max(1, sums), elements / (8 * max(1, sums))))
        self.rowCount = rowCount
        grain = max(2048, ((rowCount + parts - 1) / parts + Self.block - 1) / Self.block * Self.block)
    }

    /// The rows of every `stride`-th block, the first one's included.
    static func count(of rowCount: Int, everyBlock stride: Int) -> Int {
        Swift.stride(from: 0, to: rowCount, by: block * stride).reduce(0) {
            $0 + min(block, rowCount - $1)
        }
    }

    /// Adds up `count` numbers over all tasks, in their order.
    func sum(count: Int, _ body: (Range<Int>, UnsafeMutablePointer<Double>) -> Void) -> [Double] {
        var parts = [Double](repeating: 0, count: max(1, tasks * count))
        parts.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            nonisolated(unsafe) let parts = base
            parallelRanges(rowCount, grain: grain) { range in
                body(range, parts + range.lowerBound / grain * count)
            }
            for task in 1..<max(2, tasks) where task < tasks {
                for index in 0..<count { base[index] += base[task * count + index] }
            }
        }
        return Array(parts[..<count])
    }
}

/// For every column a pilot value (its first element; 0 for sparse columns), Σ (x − pilot) and Σ (x −
/// pilot)²: [3, columns].
private func columnMoments(_ rows: DesignMatrix.Rows, rowCount: Int, columns: Int) -> [Double] {
    var pilots = [Double](repeating: 0, count: columns)
    switch rows {
    case .float(let matrix):
        if rowCount > 0 { for column in 0..<columns { pilots[column] = Double(matrix.pointer[column]) } }
    case .double(let matrix):
        if rowCount > 0 { for column in 0..<columns { pilots[column] = matrix.pointer[column] } }
    case .sparse: break
    }
    let sums = RowCut(rowCount: rowCount, sums: 2 * columns, elements: rows.storedCount).sum(
        count: 2 * columns
    ) { range, sums in
        switch rows {
        case .float(let matrix):
            mml_add_moments(
                MML_F32, range.count, columns, matrix.pointer + range.lowerBound * columns, columns, pilots,
                sums,
                sums + columns)
        case .double(let matrix):
            mml_add_moments(
                MML_F64, range.count, columns, matrix.pointer + range.lowerBound * columns, columns, pilots,
                sums,
                sums + columns)
        case .sparse(let matrix): matrix.addMoments(range, sums, sums + columns)
        }
    }
    return pilots + sums
}

extension SparseMatrix where Scalar == Float {
    fileprivate func addMargins(
        _ coefficients: [Double], of range: Range<Int>, to margins: UnsafeMutablePointer<Double>
    ) {
        withCSR { rows in
            mml_sparse_times(
                MML_F64, rows, range.lowerBound, range.upperBound, coefficients, 1, margins - range.lowerBound
            )
        }
    }

    fileprivate func addWeightedRows(
        _ range: Range<Int>, _ factors: UnsafePointer<Double>, to sums: UnsafeMutablePointer<Double>
    ) {
        withCSR { rows in
            mml_sparse_transposed_add(
                MML_F64, rows, range.lowerBound, range.upperBound, factors - range.lowerBound, sums)
        }
    }

    fileprivate func addMoments(
        _ range: Range<Int>, _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>
    ) {
        withCSR { rows in
            mml_sparse_transposed_add(MML_F64, rows, range.lowerBound, range.upperBound, nil, first)
            mml_sparse_squares_add(MML_F64, rows, range.lowerBound, range.upperBound, nil, second)
        }
    }

    /// Calls `body` with each row's columns and values.
    func forEachRow(
        in range: Range<Int>,
        _ body: (_ row: Int, UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Float>) -> Void
    ) {
        rowOffsets.withUnsafeBufferPointer { offsets in
            columnIndices.withUnsafeBufferPointer { columns in
                values.withUnsafeBufferPointer { values in
                    for row in range {
                        let span = offsets[row]..<offsets[row + 1]
                        body(
                            row, UnsafeBufferPointer(rebasing: columns[span]),
                            UnsafeBufferPointer(rebasing: values[span]))
                    }
                }
            }
        }
    }
}
