import Tensor

/// The nondecreasing function that is closest to given points in (weighted) squares, by pooling adjacent violators; straight
/// lines between the points that are left, constant outside.
///
/// As calibration it assumes no form of the miscalibration, and wants some thousand examples.
///
/// Sources: Ayer et al.: An Empirical Distribution Function for Sampling with Incomplete Information, 1955,
/// doi:10.1214/aoms/1177728423; Zadrozny, Elkan: Transforming Classifier Scores into Accurate Multiclass Probability
/// Estimates, KDD 2002, doi:10.1145/775047.775151.
public struct IsotonicRegression: Sendable, Equatable, Codable {
    /// Where the function bends, increasing.
    public let x: [Double]
    /// Its values there, nondecreasing.
    public let y: [Double]

    /// Fits the function. Points with the same x count as one, at their mean; points of weight 0 not at all.
    ///
    /// - Throws: `.shapeMismatch`, `.notFinite`, `.invalidOption` for bad weights, `.emptyData` without points.
    /// - Complexity: O(N log N).
    public init(x: [Double], y: [Double], weights: [Double]? = nil) throws(MarketingMLError) {
        guard x.count == y.count else {
            throw MarketingMLError(.shapeMismatch, "\(x.count) places and \(y.count) values")
        }
        if let index = x.indices.first(where: { !(x[$0].isFinite && y[$0].isFinite) }) {
            throw MarketingMLError(.notFinite, "point \(index) is (\(x[index]), \(y[index]))")
        }
        try checkWeights(weights, count: x.count)
        var points: [(x: Double, sum: Double, weight: Double)] = []
        for index in x.indices.sorted(by: { (x[$0], $0) < (x[$1], $1) }) {
            let weight = weights?[index] ?? 1
            guard weight > 0 else { continue }
            if let last = points.last, last.x == x[index] {
                points[points.count - 1].sum += weight * y[index]
                points[points.count - 1].weight += weight
            } else {
                points.append((x[index], weight * y[index], weight))
            }
        }
        guard !points.isEmpty else { throw MarketingMLError(.emptyData, "there are no points") }

        var blocks: [(sum: Double, weight: Double, count: Int)] = []
        for point in points {
            var block = (sum: point.sum, weight: point.weight, count: 1)
            while let last = blocks.last, last.sum / last.weight >= block.sum / block.weight {
                block = (last.sum + block.sum, last.weight + block.weight, last.count + block.count)
                blocks.removeLast()
            }
            blocks.append(block)
        }
        // A block is level: its two ends say all.
        var bends: [(x: Double, y: Double)] = []
        var start = 0
        for block in blocks {
            let value = block.sum / block.weight
            bends.append((points[start].x, value))
            if block.count > 1 { bends.append((points[start + block.count - 1].x, value)) }
            start += block.count
        }
        self.x = bends.map(\.x)
        self.y = bends.map(\.y)
    }

    /// The function's value at a place.
    public func callAsFunction(_ place: Double) -> Double {
        let above = x.partitionIndex { $0 >= place }
        guard above > 0 else { return y[0] }
        guard above < x.count else { return y[y.count - 1] }
        let share = (place - x[above - 1]) / (x[above] - x[above - 1])
        return y[above - 1] + share * (y[above] - y[above - 1])
    }
}
