import Tensor

/// The class numbers of examples.
struct ClassLabels<Label: Hashable & Sendable & Codable> {
    let classes: LabelSet<Label>
    let indices: [Int32]

    /// Numbers the labels of N examples.
    ///
    /// - Throws: `.shapeMismatch`; `.emptyData` for fewer than two classes; what `LabelSet` throws.
    init(_ labels: [Label], exampleCount: Int) throws(MarketingMLError) {
        guard labels.count == exampleCount else {
            throw MarketingMLError(
                .shapeMismatch, "expected as many labels as examples (\(exampleCount)), found \(labels.count)"
            )
        }
        if let numbers = labels as? [Int], let (values, indices) = Self.smallNumbers(numbers),
            let classes = try LabelSet(values) as? LabelSet<Label>
        {
            (self.classes, self.indices) = (classes, indices)
        } else {
            // One look-up an example; the order is that of the set.
            var found: [Label: Int32] = [:]
            var order: [Label] = []
            var raw: [Int32] = []
            raw.reserveCapacity(labels.count)
            for label in labels {
                if let index = found[label] {
                    raw.append(index)
                } else {
                    let index = Int32(order.count)
                    found[label] = index
                    order.append(label)
                    raw.append(index)
                }
            }
            let classes = try LabelSet(order)
            let places = try classes.indices(of: order).map { Int32($0) }
            self.classes = classes
            indices = raw.map { places[Int($0)] }
        }
        guard classes.count > 1 else {
            throw MarketingMLError(
                .emptyData,
                "all \(exampleCount) examples are of class \"\(classes.texts[0])\"; at least two are needed")
        }
    }

    /// Numbers that lie close together are their own look-up table: half a million take a millisecond.
    private static func smallNumbers(_ labels: [Int]) -> (values: [Int], indices: [Int32])? {
        guard let first = labels.first else { return nil }
        var (low, high) = (first, first)
        for label in labels {
            low = min(low, label)
            high = max(high, label)
        }
        let (span, overflow) = high.subtractingReportingOverflow(low)
        guard !overflow, span < 1 << 16 else { return nil }
        var places = [Int32](repeating: -1, count: span + 1)
        for label in labels { places[label - low] = 0 }
        var values: [Int] = []
        for value in 0...span where places[value] == 0 {
            places[value] = Int32(values.count)
            values.append(low + value)
        }
        return (values, labels.map { places[$0 - low] })
    }
}

extension ClassWeights {
    /// The weight of every example times that of its class; nil when all are 1. Balanced classes get W / (K
    /// W_k), with W_k the examples' weights in class k and W those of all.
    ///
    /// - Throws: `.invalidOption`; `.emptyData` if a class has no weight.
    func exampleWeights<Label>(
        _ labels: ClassLabels<Label>, _ weights: [Double]?
    ) throws -> [Double]? {
        let classes = labels.classes
        var totals = [Double](repeating: 0, count: classes.count)
        for (place, index) in labels.indices.enumerated() { totals[Int(index)] += weights?[place] ?? 1 }
        let total = totals.reduce(0, +)
        let factors: [Double]?
        if self == .balanced {
            factors = totals.map { $0 > 0 ? total / (Double(classes.count) * $0) : 0 }
        } else {
            factors = try values(for: labels.indices, classes: classes.count)
        }
        for (index, total) in totals.enumerated() where !(total * (factors?[index] ?? 1) > 0) {
            throw MarketingMLError(
                .emptyData,
                "the examples of class \"\(classes.texts[index])\" have no weight; every class needs some")
        }
        guard let factors else { return weights }
        return labels.indices.enumerated().map { (weights?[$0] ?? 1) * factors[Int($1)] }
    }
}

/// Checks of numbers that go with examples.
enum ExampleNumbers {
    /// - Throws: `.shapeMismatch`, `.notFinite`, `.invalidOption` for negative weights, `.emptyData` if all
    ///   are 0.
    static func checkWeights(_ weights: [Double]?, exampleCount: Int) throws(MarketingMLError) {
        guard let weights else { return }
        try check(weights, "weight", exampleCount: exampleCount)
        if let place = weights.firstIndex(where: { $0 < 0 }) {
            throw MarketingMLError(
                .invalidOption,
                "the weight of example \(place) is \(weights[place]); weights must be at least 0")
        }
        guard weights.contains(where: { $0 > 0 }) else {
            throw MarketingMLError(.emptyData, "all weights are 0")
        }
    }

    /// - Throws: `.shapeMismatch`, `.notFinite`.
    static func check(_ numbers: [Double]?, _ what: String, exampleCount: Int) throws(MarketingMLError) {
        guard let numbers else { return }
        guard numbers.count == exampleCount else {
            throw MarketingMLError(
                .shapeMismatch, "expected a \(what) an example (\(exampleCount)), found \(numbers.count)")
        }
        if let place = numbers.firstIndex(where: { !$0.isFinite }) {
            throw MarketingMLError(
                .notFinite, "the \(what) of example \(place) is \(numbers[place]); all must be finite")
        }
    }
}
