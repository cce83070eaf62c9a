import Tensor

#if canImport(Darwin)
    import func Darwin.exp
    import func Darwin.log
#elseif canImport(Musl)
    import func Musl.exp
    import func Musl.log
#else
    import func Glibc.exp
    import func Glibc.log
#endif

/// Turns K logits into probabilities by softmax(z / T): one number for all classes, so that the order of the classes stays.
///
/// Guo et al.: On Calibration of Modern Neural Networks, ICML 2017, arXiv:1706.04599.
public struct TemperatureScaling: Sendable, Equatable, Codable {
    /// T: above 1 where the logits are too sure of themselves.
    public let temperature: Double

    /// Finds the temperature in e⁻¹⁰...e¹⁰ that minimises the log loss.
    ///
    /// - Parameters:
    ///   - logits: [N, K], row by row.
    ///   - truth: The class of each example.
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.unknownLabel`, `.invalidOption` for bad weights.
    public init(
        logits: [Double], truth: [Int], classCount: Int, weights: [Double]? = nil
    ) throws(MarketingMLError) {
        guard classCount >= 2, logits.count == truth.count * classCount else {
            throw MarketingMLError(
                .shapeMismatch, "\(logits.count) logits, expected \(truth.count) rows of \(classCount)")
        }
        guard !truth.isEmpty else { throw MarketingMLError(.emptyData, "there are no examples") }
        if let index = logits.firstIndex(where: { !$0.isFinite }) {
            throw MarketingMLError(
                .notFinite, "a logit of example \(index / classCount) is \(logits[index])")
        }
        if let stranger = truth.first(where: { !(0..<classCount ~= $0) }) {
            throw MarketingMLError(.unknownLabel, "class \(stranger) is none of 0..<\(classCount)")
        }
        try checkWeights(weights, count: truth.count)
        // The loss is convex in β = 1/T: its slope, Σ w (Σ p z - z of the truth), grows with β. Halving log β finds its zero.
        func slope(_ beta: Double) -> Double {
            var sum = 0.0
            for (index, truth) in truth.enumerated() {
                let row = logits[index * classCount..<(index + 1) * classCount]
                let largest = row.reduce(-.infinity, max)
                var (total, mean) = (0.0, 0.0)
                for logit in row {
                    let share = exp(beta * (logit - largest))
                    total += share
                    mean += share * logit
                }
                sum += (weights?[index] ?? 1) * (mean / total - row[row.startIndex + truth])
            }
            return sum
        }
        var (low, high) = (-10.0, 10.0)
        while true {
            let middle = (low + high) / 2
            guard low < middle, middle < high, high - low > 1e-14 else { break }
            if slope(exp(middle)) < 0 { low = middle } else { high = middle }
        }
        temperature = exp(-(low + high) / 2)
    }

    /// The probabilities of one row of logits.
    public func probabilities(of logits: some Collection<Double>) -> [Double] {
        let largest = logits.reduce(-.infinity, max)
        let shares = logits.map { exp(($0 - largest) / temperature) }
        let total = shares.reduce(0, +)
        return shares.map { $0 / total }
    }
}
