import Tensor

/// Predicted probabilities in bins against the share of positives in each: how far probabilities can be taken at their word.
public struct CalibrationCurve: Sendable, Equatable, Codable {
    /// How the bins are cut.
    public enum Strategy: String, Sendable, Codable {
        /// Bins of equal width over 0...1.
        case uniform
        /// Bins of about equally many examples.
        case quantile
    }

    /// A bin that is not empty: probabilities above `lower` up to and including `upper`, the first one from `lower` on.
    public struct Bin: Sendable, Equatable, Codable {
        /// The lower border.
        public let lower: Double
        /// The upper border.
        public let upper: Double
        /// The mean predicted probability.
        public let predicted: Double
        /// The share of positives.
        public let observed: Double
        /// The weight of its examples; without weights their number.
        public let weight: Double
    }

    /// The bins that are not empty.
    public let bins: [Bin]

    /// Expected calibration error: the mean distance of `predicted` and `observed`, each bin by its weight.
    ///
    /// Guo et al.: On Calibration of Modern Neural Networks, 2017, arXiv:1706.04599.
    public var expectedError: Double {
        let total = bins.reduce(0) { $0 + $1.weight }
        return bins.reduce(0) { $0 + $1.weight / total * abs($1.predicted - $1.observed) }
    }

    /// The largest distance of a bin's `predicted` and `observed`.
    public var maximumError: Double { bins.reduce(0) { max($0, abs($1.predicted - $1.observed)) } }

    /// Sorts probabilities into bins.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.invalidOption` for no bins, bad weights or a probability outside 0...1.
    public init(
        probabilities: [Double], isPositive: [Bool], weights: [Double]? = nil, bins count: Int = 10,
        strategy: Strategy = .uniform
    ) throws(MarketingMLError) {
        guard count >= 1 else {
            throw MarketingMLError(.invalidOption, "must be at least 1, is \(count)", at: .init(name: "bins"))
        }
        guard probabilities.count == isPositive.count else {
            throw MarketingMLError(
                .shapeMismatch, "\(probabilities.count) probabilities and \(isPositive.count) kinds")
        }
        guard !probabilities.isEmpty else { throw MarketingMLError(.emptyData, "there are no examples") }
        try checkWeights(weights, count: probabilities.count)
        try checkProbabilities(probabilities)
        let borders: [Double] =
            switch strategy {
            case .uniform: (0...count).map { Double($0) / Double(count) }
            case .quantile: Self.quantiles(of: probabilities, count)
            }
        let inner = borders.dropFirst().dropLast()
        var sums = [(predicted: Double, observed: Double, weight: Double)](
            repeating: (0, 0, 0), count: count)
        for (index, probability) in probabilities.enumerated() {
            let bin = inner.partitionIndex { $0 >= probability }
            let weight = weights?[index] ?? 1
            sums[bin].predicted += weight * probability
            sums[bin].observed += isPositive[index] ? weight : 0
            sums[bin].weight += weight
        }
        bins = sums.indices.compactMap { bin in
            let sum = sums[bin]
            guard sum.weight > 0 else { return nil }
            return Bin(
                lower: borders[bin], upper: borders[bin + 1], predicted: sum.predicted / sum.weight,
                observed: sum.observed / sum.weight, weight: sum.weight)
        }
        guard !bins.isEmpty else { throw MarketingMLError(.emptyData, "all weights are 0") }
    }

    private static func quantiles(of probabilities: [Double], _ count: Int) -> [Double] {
        let sorted = probabilities.sorted()
        return (0...count).map { quantile(of: sorted, Double($0) / Double(count)) }
    }
}

extension CalibrationCurve: CustomStringConvertible {
    /// A row a bin.
    public var description: String {
        let rows = bins.map { bin in
            [
                TableText.fixed(bin.lower, decimals: 3) + "-" + TableText.fixed(bin.upper, decimals: 3),
                TableText.fixed(bin.predicted, decimals: 4), TableText.fixed(bin.observed, decimals: 4),
                TableText.fixed(bin.weight, decimals: 0),
            ]
        }
        return TableText.aligned([["bin", "predicted", "observed", "examples"]] + rows)
            + "\nexpected calibration error \(TableText.fixed(expectedError, decimals: 4))"
    }
}

extension RandomAccessCollection where Index == Int {
    /// How many elements come before the first that satisfies a predicate which, once true, stays true.
    func partitionIndex(_ predicate: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low - startIndex
    }
}

/// The quantile of sorted numbers, between neighbours in proportion (Hyndman and Fan's type 7).
func quantile(of sorted: [Double], _ share: Double) -> Double {
    precondition(!sorted.isEmpty, "a quantile needs numbers")
    let place = share * Double(sorted.count - 1)
    let below = min(sorted.count - 1, max(0, Int(place)))
    let above = min(sorted.count - 1, below + 1)
    return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
}

/// - Throws: `.invalidOption` naming the first outside 0...1, counted from 0.
func checkProbabilities(_ probabilities: [Double]) throws(MarketingMLError) {
    if let index = probabilities.firstIndex(where: { !(0 <= $0 && $0 <= 1) }) {
        throw MarketingMLError(
            .invalidOption,
            "the probability of example \(index) is \(probabilities[index]), expected one in 0...1"
        )
    }
}
