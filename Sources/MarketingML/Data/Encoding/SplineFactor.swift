import Tensor

/// A number as functions of a spline's basis.
struct SplineFactor: FeatureFactor {
    let column: String
    let imputation: Imputation
    let basis: SplineBasis
    /// Ascending, the outer two included.
    let knots: [Double]
    let dropsFirst: Bool

    init(
        _ column: Table.Column, _ basis: SplineBasis, knots count: Int, _ placement: KnotPlacement,
        _ missing: MissingNumbers, dropsFirst: Bool
    ) throws(MarketingMLError) {
        let least = basis == .natural ? 3 : 2
        if case .bSpline(let degree) = basis, !(1...9).contains(degree) {
            throw MarketingMLError(
                .invalidOption, "expected a degree of 1 to 9, found \(degree)", at: .init(name: column.name))
        }
        guard count >= least else {
            throw MarketingMLError(
                .invalidOption, "expected \(least) knots or more, found \(count)",
                at: .init(name: column.name))
        }
        self.column = column.name
        self.basis = basis
        self.dropsFirst = dropsFirst
        var filled: [Double] = []
        imputation = try Imputation(missing, column, filled: &filled)
        let shares = (0..<count).map { Double($0) / Double(count - 1) }
        var all: [Double]
        switch placement {
        case .quantiles: all = quantiles(of: filled, shares)
        case .uniform:
            let (low, high) = (filled.min() ?? 0, filled.max() ?? 0)
            all = shares.map { $0 == 1 ? high : low + $0 * (high - low) }
        }
        all = all.enumerated().filter { $0 == 0 || all[$0 - 1] < $1 }.map(\.element)
        guard all.count >= least else {
            throw MarketingMLError(
                .emptyData,
                "the knots of the spline fall on \(all.count) distinct numbers, expected \(least) or more",
                at: .init(name: column.name))
        }
        knots = all
        guard isValid else {
            throw MarketingMLError(
                .notFinite, "the numbers are too large for a spline", at: .init(name: column.name))
        }
    }

    private var basisCount: Int {
        switch basis {
        case .natural: knots.count
        case .bSpline(let degree): knots.count + degree - 1
        }
    }

    private var keptCount: Int { basisCount - (dropsFirst ? 1 : 0) }

    var features: [FeatureName] {
        let names = (0..<basisCount).map { index in
            let level =
                basis == .natural ? "at \(decimalText(knots[index]))" : "\(index + 1) of \(basisCount)"
            return FeatureName("\(column) spline \(level)", column, .spline, level: level)
        }
        return names.dropFirst(dropsFirst ? 1 : 0) + imputation.indicatorName(column)
    }
    var featureCount: Int { keptCount + imputation.indicatorCount }
    var storedPerRow: Double {
        switch basis {
        case .natural: Double(keptCount)
        case .bSpline(let degree): Double(min(keptCount, degree + 1))
        }
    }
    var isValid: Bool {
        guard imputation.isValid, knots.count >= 2, isIncreasing(knots),
            (knots[knots.count - 1] - knots[0]).isFinite
        else {
            return false
        }
        switch basis {
        case .natural: return knots.count >= 3
        case .bSpline(let degree): return (1...9).contains(degree)
        }
    }

    func encoder(of column: Table.Column) throws(MarketingMLError) -> any RowEncoder {
        let dropped: Int32 = dropsFirst ? 1 : 0
        let append = {
            @Sendable (values: [Double], first: Int, offset: Int32, entries: inout [FeatureEntry]) in
            for (index, value) in values.enumerated() {
                let feature = Int32(first + index) - dropped
                if feature >= 0, value != 0 {
                    entries.append(FeatureEntry(feature: offset + feature, value: value))
                }
            }
        }
        switch basis {
        case .bSpline(let degree):
            let spline = BSpline(knots: knots, degree: degree)
            return try NumberEncoder(column, imputation, featureCount: keptCount) { number, offset, entries in
                let (first, values) = spline.values(at: number)
                append(values, first, offset, &entries)
            }
        case .natural:
            let spline = NaturalSpline(knots: knots)
            return try NumberEncoder(column, imputation, featureCount: keptCount) { number, offset, entries in
                append(spline.values(at: number), 0, offset, &entries)
            }
        }
    }
}

/// B-splines over knots that are continued at both ends in steps of the outer two.
struct BSpline: Sendable {
    private let knots: [Double]
    private let degree: Int
    private let bounds: ClosedRange<Double>

    init(knots: [Double], degree: Int) {
        let (first, last) = (knots[0], knots[knots.count - 1])
        let (left, right) = (knots[1] - first, last - knots[knots.count - 2])
        let before = (1...degree).reversed().map { first - Double($0) * left }
        let after = (1...degree).map { last + Double($0) * right }
        self.knots = before + knots + after
        self.degree = degree
        bounds = first...last
    }

    /// The degree + 1 functions that are not 0 at a number (taken to the nearest bound), and which the first one is: the
    /// recurrence of Cox and de Boor.
    func values(at number: Double) -> (first: Int, values: [Double]) {
        let x = min(max(number, bounds.lowerBound), bounds.upperBound)
        let interval = min(max(placeAbove(x, knots) - 1, degree), knots.count - degree - 2)
        var values = [1.0]
        for order in 1...degree {
            var next = [Double](repeating: 0, count: order + 1)
            for (index, value) in values.enumerated() {
                let low = knots[interval - order + 1 + index]
                let high = knots[interval + 1 + index]
                let part = value / (high - low)
                next[index] += part * (high - x)
                next[index + 1] += part * (x - low)
            }
            values = next
        }
        return (interval - degree, values)
    }
}

/// Natural cubic splines, each 1 at its knot and 0 at all others.
struct NaturalSpline: Sendable {
    private let knots: [Double]
    /// The second derivatives at the knots: row j, a column for each function.
    private let curvatures: [[Double]]

    init(knots: [Double]) {
        self.knots = knots
        let count = knots.count
        let steps = zip(knots, knots.dropFirst()).map { $1 - $0 }
        // The condition that the first derivative is continuous at inner knot j: a tridiagonal system.
        var diagonal: [Double] = []
        var right: [[Double]] = []
        for j in 1..<count - 1 {
            diagonal.append((steps[j - 1] + steps[j]) / 3)
            var row = [Double](repeating: 0, count: count)
            row[j - 1] = 1 / steps[j - 1]
            row[j] = -1 / steps[j - 1] - 1 / steps[j]
            row[j + 1] = 1 / steps[j]
            right.append(row)
        }
        for j in right.indices.dropFirst() {
            let factor = steps[j] / 6 / diagonal[j - 1]
            diagonal[j] -= factor * steps[j] / 6
            for column in 0..<count { right[j][column] -= factor * right[j - 1][column] }
        }
        for j in right.indices.reversed() {
            for column in 0..<count {
                if j + 1 < right.count { right[j][column] -= steps[j + 1] / 6 * right[j + 1][column] }
                right[j][column] /= diagonal[j]
            }
        }
        let zeros = [Double](repeating: 0, count: count)
        curvatures = [zeros] + right + [zeros]
    }

    /// All functions at a number; straight lines beyond the outer knots.
    func values(at x: Double) -> [Double] {
        let j = min(max(placeAbove(x, knots) - 1, 0), knots.count - 2)
        let step = knots[j + 1] - knots[j]
        let (left, right) = (knots[j + 1] - x, x - knots[j])
        let below = (x > knots[knots.count - 1] ? 0 : left * left * left / (6 * step)) - step * left / 6
        let above = (x < knots[0] ? 0 : right * right * right / (6 * step)) - step * right / 6
        var values = zip(curvatures[j], curvatures[j + 1]).map { below * $0 + above * $1 }
        values[j] += left / step
        values[j + 1] += right / step
        return values
    }
}
