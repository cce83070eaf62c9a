import Tensor

/// Resampling of examples with replacement.
enum Bootstrap {
    /// The percentile interval of a statistic of N examples, given how often each was drawn. The resamples are computed on
    /// the pool; each has a generator of its own, so that the result depends on the seed alone.
    ///
    /// - Parameter statistic: Nil where it is not defined; such samples are drawn again.
    /// - Throws: `.invalidOption` for fewer than 10 resamples or a bad level; `.emptyData` if the statistic is hardly ever
    ///   defined.
    static func interval(
        count: Int, resamples: Int, seed: UInt64, level: Double,
        statistic: ([Double]) -> Double?
    ) throws(MarketingMLError) -> ConfidenceInterval {
        try checkLevel(level)
        guard resamples >= 10 else {
            throw MarketingMLError(
                .invalidOption, "must be at least 10, is \(resamples)", at: .init(name: "resamples"))
        }
        let drawn = parallelMap(resamples) { resample -> Double? in
            var random = SeededGenerator(seed: seed, stream: UInt64(resample))
            for _ in 0..<100 {
                if let value = statistic(multiplicities(count, &random)) { return value }
            }
            return nil
        }
        let values = drawn.compactMap { $0 }.sorted()
        guard values.count == resamples else {
            throw MarketingMLError(
                .emptyData, "the metric is not defined on most resamples: too few examples of a class")
        }
        return ConfidenceInterval(
            lower: quantile(of: values, (1 - level) / 2), upper: quantile(of: values, (1 + level) / 2),
            level: level, method: .bootstrap(resamples: resamples, seed: seed))
    }

    /// How often each of N examples occurs among N draws.
    static func multiplicities(_ count: Int, _ random: inout SeededGenerator) -> [Double] {
        var result = [Double](repeating: 0, count: count)
        for _ in 0..<count { result[random.next(below: count)] += 1 }
        return result
    }
}
