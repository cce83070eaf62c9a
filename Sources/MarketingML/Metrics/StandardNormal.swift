#if canImport(Darwin)
    import func Darwin.erfc
#elseif canImport(Musl)
    import func Musl.erfc
#else
    import func Glibc.erfc
#endif

/// The normal distribution with mean 0 and variance 1.
enum StandardNormal {
    /// The probability of a value above `z`.
    static func upperTail(_ z: Double) -> Double { erfc(z / 2.0.squareRoot()) / 2 }

    /// The z with a share `level` of the distribution in -z...z.
    static func twoSidedQuantile(_ level: Double) -> Double {
        // Halving the interval is slow and exact; it is called once an interval.
        var (low, high) = (0.0, 40.0)
        while true {
            let middle = low + (high - low) / 2
            guard low < middle, middle < high else { return middle }
            if 2 * upperTail(middle) > 1 - level { low = middle } else { high = middle }
        }
    }
}
