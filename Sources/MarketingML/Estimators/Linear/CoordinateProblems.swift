import Tensor

/// A least-squares problem by its moments: a step costs O(D), however many examples there are.
struct MomentsProblem: CoordinateProblem {
    private let moments: CenteredMoments
    private var current: [Double]

    init(_ moments: CenteredMoments) {
        self.moments = moments
        current = Array(moments.cross[..<moments.featureCount])
    }

    var count: Int { moments.featureCount }
    var targetSquare: Double { moments.targetSquares[0] }

    func curvature(_ feature: Int) -> Double { moments.gram[feature * count + feature] }

    func correlation(_ feature: Int) -> Double { current[feature] }

    mutating func move(_ feature: Int, by step: Double) {
        let count = count
        moments.gram.withUnsafeBufferPointer { gram in
            current.withUnsafeMutableBufferPointer { current in
                guard let row = gram.baseAddress, let target = current.baseAddress else { return }
                Vectors.add(-step, row + feature * count, to: target, count)
            }
        }
    }

    mutating func correlations(_ theta: [Double]) -> [Double] {
        current = Array(moments.cross[..<count])
        for (feature, value) in theta.enumerated() where value != 0 { move(feature, by: value) }
        return current
    }

    func residualProducts(_ theta: [Double], _ correlations: [Double]) -> (square: Double, target: Double) {
        let target = targetSquare - dot(moments.cross, theta)
        return (max(0, target - dot(correlations, theta)), target)
    }
}

/// A least-squares problem of dense features by its residuals: a step costs O(N), however many features there are.
///
/// Keeps the features as columns √w (x − x̄), one after the other.
struct DenseResidualProblem: CoordinateProblem {
    let count: Int
    let targetSquare: Double
    private let rows: Int
    /// [D, N].
    private let columns: [Double]
    private let curvatures: [Double]
    private let target: [Double]
    private var residuals: [Double]

    init(_ data: RegressionData, _ system: RidgeSystem) {
        count = data.featureCount
        rows = data.exampleCount
        let scale = data.weights.map { $0.map { $0.squareRoot() } } ?? [Double](repeating: 1, count: rows)
        columns = data.features.columns(shift: system.featureMeans, scale: scale)
        target = zip(system.centeredTarget(0), scale).map { $0 * $1 }
        residuals = target
        targetSquare = dot(target, target)
        let rows = rows
        curvatures = columns.withUnsafeBufferPointer { all in
            stride(from: 0, to: all.count, by: max(1, rows)).map { start in
                all.baseAddress.map { Vectors.dot($0 + start, $0 + start, rows) } ?? 0
            }
        }
    }

    func curvature(_ feature: Int) -> Double { curvatures[feature] }

    func correlation(_ feature: Int) -> Double {
        columns.withUnsafeBufferPointer { columns in
            residuals.withUnsafeBufferPointer { residuals in
                guard let column = columns.baseAddress, let right = residuals.baseAddress else { return 0 }
                return Vectors.dot(column + feature * rows, right, rows)
            }
        }
    }

    mutating func move(_ feature: Int, by step: Double) {
        let rows = rows
        columns.withUnsafeBufferPointer { columns in
            residuals.withUnsafeMutableBufferPointer { residuals in
                guard let column = columns.baseAddress, let right = residuals.baseAddress else { return }
                Vectors.add(-step, column + feature * rows, to: right, rows)
            }
        }
    }

    mutating func correlations(_ theta: [Double]) -> [Double] {
        residuals = target
        for (feature, value) in theta.enumerated() where value != 0 { move(feature, by: value) }
        return (0..<count).map { correlation($0) }
    }

    func residualProducts(_ theta: [Double], _ correlations: [Double]) -> (square: Double, target: Double) {
        (dot(residuals, residuals), dot(target, residuals))
    }
}

/// A least-squares problem of sparse features by its residuals: a step costs the column's stored elements.
///
/// Features are centred without filling them: what a step adds to all residuals alike is kept apart.
struct SparseResidualProblem: CoordinateProblem {
    let targetSquare: Double
    private let columns: SparseMatrix<Float>
    private let weights: [Double]?
    private let weightSum: Double
    private let means: [Double]
    private let curvatures: [Double]
    private let target: [Double]
    /// The residuals without `offset`.
    private var residuals: [Double]
    private var offset = 0.0

    init(_ matrix: SparseMatrix<Float>, _ data: RegressionData, _ system: RidgeSystem) {
        columns = matrix.transposed
        weights = data.weights
        weightSum = system.weightSum
        means = system.featureMeans
        target = system.centeredTarget(0)
        residuals = target
        targetSquare = system.targetSquare(0)
        let squares: [Double] = SparseProducts(matrix).gramDiagonal(weights: data.weights)
        let (means, total) = (means, weightSum)
        curvatures = squares.indices.map { index in
            let rest = squares[index] - total * means[index] * means[index]
            return rest > 1e-14 * squares[index] ? rest : 0
        }
    }

    var count: Int { columns.rowCount }

    func curvature(_ feature: Int) -> Double { curvatures[feature] }

    func correlation(_ feature: Int) -> Double {
        // Σ w x r of the stored elements, with what `offset` adds to every residual. The centred residuals have the weighted
        // sum 0, so that centring the feature takes nothing off.
        var sum = 0.0
        for place in columns.rowOffsets[feature]..<columns.rowOffsets[feature + 1] {
            let row = Int(columns.columnIndices[place])
            sum += Double(columns.values[place]) * (residuals[row] + offset) * (weights?[row] ?? 1)
        }
        return sum
    }

    mutating func move(_ feature: Int, by step: Double) {
        for place in columns.rowOffsets[feature]..<columns.rowOffsets[feature + 1] {
            residuals[Int(columns.columnIndices[place])] -= step * Double(columns.values[place])
        }
        offset += step * means[feature]
    }

    mutating func correlations(_ theta: [Double]) -> [Double] {
        residuals = target
        offset = 0
        for (feature, value) in theta.enumerated() where value != 0 { move(feature, by: value) }
        return (0..<count).map { correlation($0) }
    }

    func residualProducts(_ theta: [Double], _ correlations: [Double]) -> (square: Double, target: Double) {
        var (square, product) = (0.0, 0.0)
        for row in residuals.indices {
            let residual = residuals[row] + offset
            let weight = weights?[row] ?? 1
            square += weight * residual * residual
            product += weight * target[row] * residual
        }
        return (square, product)
    }
}

extension Features {
    /// The columns of dense features, shifted and scaled, one after the other: [D, N].
    fileprivate func columns(shift: [Double], scale: [Double]) -> [Double] {
        let (count, width) = (exampleCount, featureCount)
        var result = dense
        // In place by rows first; the transposition follows.
        for row in 0..<count {
            for column in 0..<width {
                result[row * width + column] = (result[row * width + column] - shift[column]) * scale[row]
            }
        }
        return [Double](unsafeUninitializedCapacity: result.count) { target, filled in
            for column in 0..<width {
                for row in 0..<count { target[column * count + row] = result[row * width + column] }
            }
            filled = result.count
        }
    }
}
