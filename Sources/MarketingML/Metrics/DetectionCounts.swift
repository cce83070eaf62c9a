/// How often something was found, found wrongly and missed. A quotient with nothing below the line is 0.
public struct DetectionCounts: Sendable, Equatable {
    /// Predicted and true.
    public internal(set) var hits = 0
    /// Predicted and not true.
    public internal(set) var falseAlarms = 0
    /// True and not predicted.
    public internal(set) var misses = 0

    /// The share of what was predicted that is true.
    public var precision: Double { ratio(hits, hits + falseAlarms) }
    /// The share of what is true that was predicted.
    public var recall: Double { ratio(hits, hits + misses) }
    /// The harmonic mean of precision and recall.
    public var f1: Double { ratio(2 * hits, 2 * hits + falseAlarms + misses) }
    /// How many are true.
    public var support: Int { hits + misses }

    private func ratio(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
}

extension DetectionCounts {
    /// The counts of both.
    static func + (a: DetectionCounts, b: DetectionCounts) -> DetectionCounts {
        DetectionCounts(
            hits: a.hits + b.hits, falseAlarms: a.falseAlarms + b.falseAlarms, misses: a.misses + b.misses)
    }
}
