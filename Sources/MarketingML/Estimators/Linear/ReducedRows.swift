import Tensor

/// A least-squares problem reduced to at most as many rows as columns without forming squares: a matrix A and right sides B with
/// ‖Aθ − B‖² + rest = Σ w (y − θᵀx − b)² for the best intercept b.
///
/// With many examples A is the R of a QR factorisation of the rows √w (1, x, y), which is computed as they stream by; with fewer
/// examples than features it is the centred features themselves.
struct ReducedRows {
    let featureMeans: [Double]
    let targetMeans: [Double]
    private let rowCount: Int
    private let width: Int
    /// [rowCount, D].
    private let matrix: [Double]
    /// [T][rowCount].
    private let right: [[Double]]
    /// [T].
    private let rest: [Double]

    /// - Throws: `.notFinite`.
    init(_ data: RegressionData, intercept: Bool) throws(MarketingMLError) {
        if data.exampleCount > data.featureCount {
            try self.init(factoring: data, intercept: intercept)
        } else {
            try self.init(copying: data, intercept: intercept)
        }
    }

    /// The solution for a weight λ of the penalty, and the objective, summed over the targets. At λ = 0, of all solutions the one with
    /// the least norm; singular values below max(N, D) ulps of the largest count as 0.
    func solve(lambda: Double) throws(MarketingMLError) -> (theta: [Double], objective: Double) {
        guard let svd = SingularValues(matrix, rows: rowCount, columns: width) else {
            throw MarketingMLError(.unsupported, "the singular values do not converge")
        }
        let count = svd.values.count
        let threshold = (svd.values.first ?? 0) * Double(max(rowCount, width)) * Double.ulpOfOne
        var theta: [Double] = []
        var objective = 0.0
        for target in right.indices {
            var own = [Double](repeating: 0, count: width)
            var square = rest[target] + dot(right[target], right[target])
            for k in 0..<count where lambda > 0 || svd.values[k] > threshold {
                let value = svd.values[k]
                var projection = 0.0
                for row in 0..<rowCount { projection += svd.left[row * count + k] * right[target][row] }
                let shrunk = value * value + 2 * lambda
                guard shrunk > 0 else { continue }
                square -= projection * projection * (value * value / shrunk)
                let factor = projection * value / shrunk
                for column in 0..<width { own[column] += factor * svd.rightTransposed[k * width + column] }
            }
            theta += own
            objective += max(0, square) / 2
        }
        return (theta, objective)
    }

    private init(factoring data: RegressionData, intercept: Bool) throws(MarketingMLError) {
        let (width, targets) = (data.featureCount, data.targetCount)
        let lead = intercept ? 1 : 0
        let columns = lead + width + targets
        let rows = ScaledRows(data, intercept: intercept)
        let grain = max(4 * columns, (data.exampleCount + 7) / 8)
        let ranges = stride(from: 0, to: data.exampleCount, by: grain).map {
            $0..<min(data.exampleCount, $0 + grain)
        }
        let parts = parallelMap(ranges.count) { part in
            var qr = StreamingQR(columns: columns)
            for row in ranges[part] { qr.addRow { rows.write(row, to: $0) } }
            return qr
        }
        var qr = parts[0]
        for part in parts.dropFirst() { qr.add(part) }
        let r = qr.factor()
        guard r.allSatisfy({ $0.isFinite }) else {
            try data.features.checkFinite()
            throw MarketingMLError(
                .tooLarge, "the sum of squares of a feature or target overflows; scale it down")
        }
        func mean(_ column: Int) -> Double { intercept ? rows.shift[column] + r[lead + column] / r[0] : 0 }
        featureMeans = (0..<width).map(mean)
        targetMeans = (width..<width + targets).map(mean)
        rowCount = width
        self.width = width
        matrix = (0..<width * width).map { r[(lead + $0 / width) * columns + lead + $0 % width] }
        right = (0..<targets).map { target in
            (0..<width).map { r[(lead + $0) * columns + lead + width + target] }
        }
        rest = (0..<targets).map { target in
            (0..<targets).reduce(0) {
                let value = r[(lead + width + $1) * columns + lead + width + target]
                return $0 + value * value
            }
        }
    }

    private init(copying data: RegressionData, intercept: Bool) throws(MarketingMLError) {
        let system = RidgeSystem(data, intercept: intercept)
        try system.checkFinite(data)
        let (count, width, targets) = (data.exampleCount, data.featureCount, data.targetCount)
        let rows = ScaledRows(data, shift: system.featureMeans + system.targetMeans)
        var all = [Double](repeating: 0, count: count * (width + targets))
        all.withUnsafeMutableBufferPointer { all in
            for row in 0..<count {
                rows.write(
                    row, to: .init(rebasing: all[row * (width + targets)..<(row + 1) * (width + targets)]))
            }
        }
        featureMeans = system.featureMeans
        targetMeans = system.targetMeans
        rowCount = count
        self.width = width
        matrix = (0..<count).flatMap { all[$0 * (width + targets)..<$0 * (width + targets) + width] }
        right = (0..<targets).map { target in
            (0..<count).map { all[$0 * (width + targets) + width + target] }
        }
        rest = [Double](repeating: 0, count: targets)
    }
}

/// Rows √w (1, x − shift, y − shift) in double precision, the 1 with an intercept.
private struct ScaledRows {
    private let data: RegressionData
    private let hasOnes: Bool
    /// Of features and targets.
    let shift: [Double]

    /// Shifted by the first example with an intercept, which keeps large means from costing digits.
    init(_ data: RegressionData, intercept: Bool) {
        var shift = [Double](repeating: 0, count: data.featureCount + data.targetCount)
        if intercept {
            let plain = ScaledRows(data, hasOnes: false, shift: shift, weighted: false)
            shift.withUnsafeMutableBufferPointer { plain.write(0, to: $0) }
        }
        self.init(data, hasOnes: intercept, shift: shift, weighted: true)
    }

    init(_ data: RegressionData, shift: [Double]) {
        self.init(data, hasOnes: false, shift: shift, weighted: true)
    }

    private let weighted: Bool

    private init(_ data: RegressionData, hasOnes: Bool, shift: [Double], weighted: Bool) {
        self.data = data
        self.hasOnes = hasOnes
        self.shift = shift
        self.weighted = weighted
    }

    func write(_ row: Int, to target: UnsafeMutableBufferPointer<Double>) {
        let scale = weighted ? (data.weights?[row] ?? 1).squareRoot() : 1
        let (width, lead) = (data.featureCount, hasOnes ? 1 : 0)
        if hasOnes { target[0] = scale }
        switch data.features {
        case .float(let matrix):
            matrix.withUnsafeElements { all in
                for column in 0..<width {
                    target[lead + column] = (Double(all[row * width + column]) - shift[column]) * scale
                }
            }
        case .double(let matrix):
            matrix.withUnsafeElements { all in
                for column in 0..<width {
                    target[lead + column] = (all[row * width + column] - shift[column]) * scale
                }
            }
        case .sparse(let matrix):
            for column in 0..<width { target[lead + column] = -shift[column] * scale }
            for place in matrix.rowOffsets[row]..<matrix.rowOffsets[row + 1] {
                target[lead + Int(matrix.columnIndices[place])] += Double(matrix.values[place]) * scale
            }
        }
        for index in 0..<data.targetCount {
            target[lead + width + index] = (data.targets[row, index] - shift[width + index]) * scale
        }
    }
}
