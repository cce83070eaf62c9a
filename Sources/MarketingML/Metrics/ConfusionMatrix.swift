/// How often examples of each true class were judged to be of each class.
public struct ConfusionMatrix: Sendable, Equatable, Codable {
    /// `counts[i][j]` examples of class `i` were judged to be of class `j`.
    public let counts: [[Int]]

    /// Counts pairs of a true and a predicted class, each in `0..<classes`.
    public init(truth: [Int], predicted: [Int], classes: Int) {
        precondition(
            truth.count == predicted.count,
            "\(truth.count) true classes and \(predicted.count) predicted ones")
        var counts = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
        for (i, j) in zip(truth, predicted) { counts[i][j] += 1 }
        self.counts = counts
    }

    /// The most frequent pairs of a true class and another one that was predicted, the most frequent first.
    public func mostFrequent(_ limit: Int) -> [(truth: Int, predicted: Int, count: Int)] {
        let pairs = counts.indices.flatMap { i in
            counts[i].indices.filter { $0 != i && counts[i][$0] > 0 }.map { (i, $0, counts[i][$0]) }
        }
        return pairs.sorted { ($1.2, $0.0, $0.1) < ($0.2, $1.0, $1.1) }.prefix(max(0, limit)).map {
            (truth: $0.0, predicted: $0.1, count: $0.2)
        }
    }

    /// How many examples were counted.
    public var total: Int { counts.reduce(0) { $0 + $1.reduce(0, +) } }

    /// How many were judged right.
    public var correct: Int { counts.indices.reduce(0) { $0 + counts[$1][$1] } }

    /// How many are of class `index`.
    public func support(_ index: Int) -> Int { counts[index].reduce(0, +) }

    /// How many were judged to be of class `index`.
    public func predicted(_ index: Int) -> Int { counts.reduce(0) { $0 + $1[index] } }
}
