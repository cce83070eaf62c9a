#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The round numbers along an axis.
struct AxisTicks: Equatable {
    /// What the axis spans.
    let range: ClosedRange<Double>
    /// Where the ticks stand, ascending.
    let values: [Double]
    /// What stands beside them.
    let labels: [String]

    /// Ticks in steps of 1, 2 or 5 times a power of ten, about `count` of them.
    ///
    /// - Parameter isFixed: Whether the axis spans just `range`; else it is widened to the next ticks.
    init(_ range: ClosedRange<Double>, count: Int, isFixed: Bool) {
        // Beyond this a picture has nothing to show; steps could overflow or be lost in rounding.
        let largest = 1e300
        var (low, high) = (
            min(max(range.lowerBound, -largest), largest), min(max(range.upperBound, -largest), largest)
        )
        if high - low <= max(1e-290, 1e-12 * max(abs(low), abs(high))) {
            let margin = max(abs(low), abs(high)) < 1e-290 ? 1 : abs(low) / 2
            (low, high) = (low - margin, high + margin)
        }
        let rough = (high - low) / Double(max(1, count))
        let power = pow(10, floor(log10(rough)))
        let step = power * ([1, 2, 5].first { rough <= $0 * power * 1.0001 } ?? 10)
        if !isFixed {
            low = (low / step + 1e-9).rounded(.down) * step
            high = (high / step - 1e-9).rounded(.up) * step
        }
        let first = Int((low / step - 1e-9).rounded(.up))
        let last = Int((high / step + 1e-9).rounded(.down))
        let values = (first...max(first, last)).map { Double($0) * step }
        self.range = low...high
        self.values = values
        labels = Self.labels(values, step: step)
    }

    /// Every k-th of the given words for the places 0, 1, 2, …, k so that they fit side by side.
    ///
    /// - Parameter width: How long the axis is; nil takes all words.
    init(labels: [String], range: ClosedRange<Double>, width: Double?) {
        let range =
            range.lowerBound < range.upperBound
            ? range : range.lowerBound - 0.5...range.upperBound + 0.5
        var step = 1
        if let width {
            let widest = labels.map { SVGCanvas.width(of: $0) }.max() ?? 0
            let room = max(1, Int(width / (widest + 14)))
            step = max(1, (labels.count + room - 1) / room)
        }
        let places = stride(from: 0, to: labels.count, by: step).filter { range.contains(Double($0)) }
        self.range = range
        values = places.map(Double.init)
        self.labels = places.map { labels[$0] }
    }

    /// The numbers with as many decimals as their step needs; large ones in thousands (k), millions (M) or billions (B).
    private static func labels(_ values: [Double], step: Double) -> [String] {
        let largest = values.map(abs).max() ?? 0
        let (unit, suffix): (Double, String) =
            switch largest {
            case 1e10...: (1e9, "B")
            case 1e7...: (1e6, "M")
            case 1e4...: (1e3, "k")
            default: (1, "")
            }
        let decimals = max(0, Int(-floor(log10(step / unit) + 1e-9)))
        guard decimals <= 9, largest < 1e15 else { return values.map { "\($0)" } }
        return values.map {
            $0 == 0 ? "0" : TableText.fixed($0 / unit, decimals: decimals) + suffix
        }
    }
}
