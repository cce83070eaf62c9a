internal import CTensorKernels

/// The best scores of some queries, best first; of equal ones the smaller index first.
package struct TopScores: Sendable {
    /// The indices of the best, query after query.
    package var indices: [Int32] = []
    /// Their scores.
    package var scores: [Float] = []
    /// Where each query's part begins, and where the last one ends.
    package var offsets: [Int] = [0]

    package init() {}

    /// Puts parts one after the other.
    package init(_ parts: [TopScores]) {
        for part in parts {
            offsets += part.offsets.dropFirst().map { [start = indices.count] in start + $0 }
            indices += part.indices
            scores += part.scores
        }
    }

    /// A query's part.
    package func range(_ query: Int) -> Range<Int> { offsets[query]..<offsets[query + 1] }

    /// The best `count` of given scores. NaN and −∞ never count.
    package static func of(_ scores: [Float], count: Int) -> TopScores {
        let best = Candidates(capacity: min(count, scores.count))
        scores.withUnsafeBufferPointer { best.add($0.count, $0.baseAddress, first: 0) }
        var result = TopScores()
        result.append(best.sorted)
        return result
    }

    /// Appends a query's best.
    mutating func append(_ best: some Sequence<Scored>) {
        for entry in best {
            indices.append(entry.index)
            scores.append(entry.score)
        }
        offsets.append(indices.count)
    }
}

/// An index with its score, in the order of lists.
struct Scored: Comparable, Sendable {
    var index: Int32
    var score: Float

    static func < (a: Scored, b: Scored) -> Bool {
        a.score > b.score || (a.score == b.score && a.index < b.index)
    }
}

/// The best of the scores seen so far.
final class Candidates {
    private let capacity: Int
    private var count = 0
    private let scores: UnsafeMutablePointer<Float>
    private let indices: UnsafeMutablePointer<Int32>

    init(capacity: Int) {
        self.capacity = max(0, capacity)
        scores = .allocate(capacity: max(1, capacity))
        indices = .allocate(capacity: max(1, capacity))
    }

    deinit {
        scores.deallocate()
        indices.deallocate()
    }

    /// The score that a further one must reach to count; −∞ while there is room.
    var threshold: Float { count < capacity ? -.infinity : capacity == 0 ? .infinity : scores[0] }

    /// Looks at the scores of the indices from `first` on, which must be larger than all before.
    func add(_ n: Int, _ x: UnsafePointer<Float>?, first: Int) {
        count = mml_top_scores(
            MML_F32, n, x, nil, Int32(truncatingIfNeeded: first), capacity, count, scores, indices)
    }

    /// Looks at the scores of these indices.
    func add(_ n: Int, _ x: UnsafePointer<Float>, indices ids: UnsafePointer<Int32>) {
        count = mml_top_scores(MML_F32, n, x, ids, 0, capacity, count, scores, indices)
    }

    /// All of them, the best first.
    var sorted: [Scored] { (0..<count).map { Scored(index: indices[$0], score: scores[$0]) }.sorted() }
}
