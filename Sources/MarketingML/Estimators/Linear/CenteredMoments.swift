import Tensor

/// All that a squared loss needs of the data: weighted second moments of features and targets about their means (about 0
/// without an intercept), from one pass and without a centred copy.
///
/// Columns are shifted by a pilot mean of some rows before anything is summed, so that a column such as 10⁶ + N(0, 1) loses
/// nothing; what is left of the mean is taken off the sums (Chan, Golub, LeVeque, The American Statistician 37, 1983).
struct CenteredMoments {
    let featureCount: Int
    let targetCount: Int
    /// Σ w.
    let weightSum: Double
    /// [D]; zeros without an intercept.
    let featureMeans: [Double]
    /// [T]; zeros without an intercept.
    let targetMeans: [Double]
    /// Σ w (x − x̄)(x − x̄)ᵀ: [D, D].
    let gram: [Double]
    /// Σ w (y − ȳ)(x − x̄): [T, D].
    let cross: [Double]
    /// Σ w (y − ȳ)²: [T].
    let targetSquares: [Double]

    init(
        featureCount: Int, targetCount: Int, weightSum: Double, featureMeans: [Double], targetMeans: [Double],
        gram: [Double], cross: [Double], targetSquares: [Double]
    ) {
        self.featureCount = featureCount
        self.targetCount = targetCount
        self.weightSum = weightSum
        self.featureMeans = featureMeans
        self.targetMeans = targetMeans
        self.gram = gram
        self.cross = cross
        self.targetSquares = targetSquares
    }

    /// In which precision products of `Float` features are formed. Sums of more than 256 are in `Double` either way.
    enum Precision {
        case own, double
    }

    /// - Throws: `.notFinite` for NaN or infinity among the features; `.tooLarge` if their squares overflow.
    init(_ data: RegressionData, intercept: Bool, precision: Precision) throws(MarketingMLError) {
        switch data.features {
        case .float(let matrix):
            if precision == .own,
                let moments = CenteredMoments(matrix, matrix, data, intercept: intercept, range: 1e-30...1e30)
            {
                self = moments
                return
            }
            try self.init(
                checked: CenteredMoments(WideRows(matrix), matrix, data, intercept: intercept), data)
        case .double(let matrix):
            try self.init(checked: CenteredMoments(matrix, matrix, data, intercept: intercept), data)
        case .sparse(let matrix):
            try self.init(checked: CenteredMoments(matrix, data, intercept: intercept), data)
        }
    }

    private init(checked moments: CenteredMoments?, _ data: RegressionData) throws(MarketingMLError) {
        guard let moments else {
            try data.features.checkFinite()
            throw MarketingMLError(
                .tooLarge, "the sum of squares of a feature or target overflows; scale it down")
        }
        self = moments
    }

    /// From dense rows; nil if a feature's or target's sum of squares is not finite or, unless it is 0, outside `range`.
    private init?<Rows: RowSource, Scalar: TensorFloatingPoint>(
        _ rows: Rows, _ matrix: Tensor<Scalar>, _ data: RegressionData, intercept: Bool,
        range: ClosedRange<Double> = 0...Double.greatestFiniteMagnitude
    ) {
        let (width, targets) = (data.featureCount, data.targetCount)
        let pilot = intercept ? CenteredMoments.pilot(matrix, data) : nil
        let shift = pilot.map { $0.features.map { Rows.Scalar($0) } }
        let targetShift = pilot?.targets ?? [Double](repeating: 0, count: targets)
        let order = width + targets + (intercept ? 1 : 0)
        let sums = data.targets.withUnsafeElements { all in
            let fill = TargetColumns(all: all, shift: targetShift, withOnes: intercept)
            return gramMatrix(
                rows, shift: shift, weights: data.weights, extra: order - width,
                fillExtra: { range, target in fill.write(range, to: target) })
        }
        for index in 0..<order {
            let square = sums[index * order + index]
            guard square.isFinite, index >= width || range.contains(square) || square == 0 else { return nil }
            // A square of 0 may be that of numbers too small for the type, and is no news about a constant column.
            if square == 0, index < width, range.lowerBound > 0 {
                let value = shift.map { Double($0[index]) } ?? 0
                guard matrix.column(index).allSatisfy({ $0 == value }) else { return nil }
            }
        }
        self.init(
            sums: sums, order: order, featureCount: width, targetCount: targets,
            shift: shift.map { $0.map { Double($0) } } ?? [Double](repeating: 0, count: width), targetShift,
            intercept: intercept, weightSum: data.weights.map { $0.reduce(0, +) } ?? Double(data.exampleCount)
        )
    }

    /// From sparse rows.
    private init?(_ matrix: SparseMatrix<Float>, _ data: RegressionData, intercept: Bool) {
        let (width, targets) = (data.featureCount, data.targetCount)
        let products = SparseProducts(matrix)
        let weights = data.weights ?? [Double](repeating: 1, count: data.exampleCount)
        let order = width + targets + (intercept ? 1 : 0)
        var sums = [Double](repeating: 0, count: order * order)
        let gram = gramMatrix(matrix, weights: data.weights)
        for row in 0..<width {
            for column in 0..<width { sums[row * order + column] = gram[row * width + column] }
        }
        let targetShift =
            intercept ? CenteredMoments.pilotTargets(data) : [Double](repeating: 0, count: targets)
        // The further columns in the order of the dense case.
        var further = (0..<targets).map { index in data.target(index).map { $0 - targetShift[index] } }
        if intercept { further.append([Double](repeating: 1, count: data.exampleCount)) }
        for (i, a) in further.enumerated() {
            let weighted = zip(a, weights).map { $0 * $1 }
            for (column, value) in products.transposedTimes(weighted).enumerated() {
                sums[column * order + width + i] = value
            }
            for (j, b) in further.enumerated() { sums[(width + i) * order + width + j] = dot(weighted, b) }
        }
        guard (0..<order).allSatisfy({ sums[$0 * order + $0].isFinite }) else { return nil }
        self.init(
            sums: sums, order: order, featureCount: width, targetCount: targets,
            shift: [Double](repeating: 0, count: width), targetShift, intercept: intercept,
            weightSum: weights.reduce(0, +))
    }

    /// From the sums of products of all shifted columns: features, targets and, with an intercept, ones.
    private init(
        sums: [Double], order: Int, featureCount: Int, targetCount: Int, shift: [Double],
        _ targetShift: [Double], intercept: Bool, weightSum: Double
    ) {
        self.featureCount = featureCount
        self.targetCount = targetCount
        let last = order - 1
        // The sum of weights as the products saw it, which is consistent with the others.
        let total = intercept ? sums[last * order + last] : weightSum
        self.weightSum = weightSum
        // What the pilot means left.
        let rest = (0..<featureCount + targetCount).map { intercept ? sums[$0 * order + last] / total : 0 }
        func centered(_ row: Int, _ column: Int) -> Double {
            sums[row * order + column] - total * rest[row] * rest[column]
        }
        featureMeans = (0..<featureCount).map { shift[$0] + rest[$0] }
        targetMeans = (0..<targetCount).map { targetShift[$0] + rest[featureCount + $0] }
        var gram = [Double](repeating: 0, count: featureCount * featureCount)
        gram.withUnsafeMutableBufferPointer { gram in
            sums.withUnsafeBufferPointer { sums in
                for row in 0..<featureCount {
                    let scale = total * rest[row]
                    for column in 0..<featureCount {
                        gram[row * featureCount + column] = sums[row * order + column] - scale * rest[column]
                    }
                }
            }
        }
        // What rounding leaves of a constant column is nothing.
        let constant = (0..<featureCount).filter {
            gram[$0 * featureCount + $0] <= 1e-15 * sums[$0 * order + $0]
        }
        for index in constant {
            for other in 0..<featureCount {
                gram[index * featureCount + other] = 0
                gram[other * featureCount + index] = 0
            }
        }
        self.gram = gram
        cross = (0..<targetCount).flatMap { target in
            (0..<featureCount).map { constant.contains($0) ? 0 : centered($0, featureCount + target) }
        }
        targetSquares = (0..<targetCount).map { max(0, centered(featureCount + $0, featureCount + $0)) }
    }

    // MARK: Pilot means

    /// Means over at most 256 examples, evenly spread.
    private static func pilot<Scalar: TensorFloatingPoint>(_ matrix: Tensor<Scalar>, _ data: RegressionData)
        -> (features: [Double], targets: [Double])
    {
        let sample = pilotIndices(data.exampleCount)
        let equal = [Double](repeating: 1 / Double(sample.count), count: sample.count)
        return (RowProducts(matrix.rows(sample)).transposedTimes(equal), pilotTargets(data))
    }

    private static func pilotTargets(_ data: RegressionData) -> [Double] {
        let sample = pilotIndices(data.exampleCount)
        return (0..<data.targetCount).map { target in
            sample.reduce(0.0) { $0 + data.targets[$1, target] } / Double(sample.count)
        }
    }

    private static func pilotIndices(_ count: Int) -> [Int] {
        let size = min(256, count)
        return (0..<size).map { $0 * count / size }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// A column of a matrix.
    fileprivate func column(_ index: Int) -> [Double] {
        withUnsafeElements { all in (0..<shape[0]).map { Double(all[$0 * shape[1] + index]) } }
    }
}

/// The targets, shifted, and a column of ones, as the further columns of a Gram matrix.
private struct TargetColumns {
    let all: UnsafeBufferPointer<Double>
    let shift: [Double]
    let withOnes: Bool

    func write<Scalar: TensorFloatingPoint>(_ range: Range<Int>, to target: UnsafeMutablePointer<Scalar>) {
        let count = shift.count
        var place = 0
        for row in range {
            for index in 0..<count {
                target[place] = Scalar(all[row * count + index] - shift[index])
                place += 1
            }
            if withOnes {
                target[place] = 1
                place += 1
            }
        }
    }
}
