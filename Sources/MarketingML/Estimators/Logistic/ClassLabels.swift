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
                .shapeMismatch, "expected as many labels as examples (\(exampleCount)), found \(labels.count)")
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
                .emptyData, "all \(exampleCount) examples are of class \"\(classes.texts[0])\"; at least two are needed")
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

/// How much the examples of a class count beside those of the others.
public enum ClassWeights: Sendable, Equatable, Codable {
    /// All the same.
    case uniform
    /// Each class as much as any other: an example of class k counts W / (K W_k), with W_k the examples' weights in the class and
    /// W those of all.
    case balanced
    /// A weight, at least 0, for each class by what its label is called in files (a string stands for itself, a number in
    /// decimal); 1 for classes that are not named.
    case named([String: Double])

    /// The weight of every example; nil when all are 1.
    func exampleWeights<Label>(_ labels: ClassLabels<Label>, _ weights: [Double]?) throws(MarketingMLError) -> [Double]? {
        let classes = labels.classes
        var totals = [Double](repeating: 0, count: classes.count)
        for (place, index) in labels.indices.enumerated() { totals[Int(index)] += weights?[place] ?? 1 }
        var factors = [Double](repeating: 1, count: classes.count)
        switch self {
        case .uniform: break
        case .balanced:
            let total = totals.reduce(0, +)
            factors = totals.map { $0 > 0 ? total / (Double(classes.count) * $0) : 0 }
        case .named(let named):
            for (text, weight) in named {
                guard let index = classes.texts.firstIndex(of: text) else {
                    throw MarketingMLError(
                        .unknownLabel, "there is a weight for class \"\(text)\", which is none of \(classes.texts)")
                }
                guard weight >= 0, weight.isFinite else {
                    throw MarketingMLError(
                        .invalidOption, "the weight of class \"\(text)\" must be at least 0, found \(weight)")
                }
                factors[index] = weight
            }
        }
        for (index, total) in totals.enumerated() where !(total * factors[index] > 0) {
            throw MarketingMLError(
                .emptyData, "the examples of class \"\(classes.texts[index])\" have no weight; every class needs some")
        }
        if weights == nil, factors.allSatisfy({ $0 == 1 }) { return nil }
        return labels.indices.enumerated().map { (weights?[$0] ?? 1) * factors[Int($1)] }
    }
}

/// Checks of numbers that go with examples.
enum ExampleNumbers {
    /// - Throws: `.shapeMismatch`, `.notFinite`, `.invalidOption` for negative weights, `.emptyData` if all are 0.
    static func checkWeights(_ weights: [Double]?, exampleCount: Int) throws(MarketingMLError) {
        guard let weights else { return }
        try check(weights, "weight", exampleCount: exampleCount)
        if let place = weights.firstIndex(where: { $0 < 0 }) {
            throw MarketingMLError(
                .invalidOption, "the weight of example \(place) is \(weights[place]); weights must be at least 0")
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
