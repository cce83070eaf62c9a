import Testing

/// Compares element by element, counts first: every |actual - expected| must be at most
/// `absolute + relative * |expected|`. Reports the worst element and its index.
public func expectClose<Scalar: BinaryFloatingPoint>(
    _ actual: [Scalar], _ expected: [Scalar], absolute: Double = 0, relative: Double = 0,
    _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count else {
        Issue.record(
            "\(what): \(actual.count) elements, expected \(expected.count)", sourceLocation: sourceLocation)
        return
    }
    var worst = (excess: 0.0, index: -1)
    for index in actual.indices {
        let a = Double(actual[index])
        let e = Double(expected[index])
        if a == e || (a.isNaN && e.isNaN) { continue }
        let excess = abs(a - e) / (absolute + relative * abs(e) + 1e-300)
        if !(excess <= 1), !(excess <= worst.excess) { worst = (excess, index) }
    }
    if worst.index >= 0 {
        Issue.record(
            "\(what): element \(worst.index) is \(actual[worst.index]), expected \(expected[worst.index]) (\(worst.excess) times the tolerance)",
            sourceLocation: sourceLocation)
    }
}

/// ‖actual - expected‖ / ‖expected‖ must be at most `tolerance`; counts first.
public func expectRelativeNorm<Scalar: BinaryFloatingPoint>(
    _ actual: [Scalar], _ expected: [Scalar], _ tolerance: Double,
    _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count else {
        Issue.record(
            "\(what): \(actual.count) elements, expected \(expected.count)", sourceLocation: sourceLocation)
        return
    }
    var difference = 0.0
    var norm = 0.0
    for (a, e) in zip(actual, expected) {
        difference += (Double(a) - Double(e)) * (Double(a) - Double(e))
        norm += Double(e) * Double(e)
    }
    let ratio = difference == 0 ? 0 : (difference / norm).squareRoot()
    if !(ratio <= tolerance) {
        Issue.record(
            "\(what): relative norm of the difference is \(ratio), allowed \(tolerance)",
            sourceLocation: sourceLocation)
    }
}
