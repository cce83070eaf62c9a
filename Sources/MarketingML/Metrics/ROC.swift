/// The area under the ROC curve: the probability that a positive example has a higher score than a negative one.
public enum ROC {
    /// The area for scores of examples that are positive or not; a tie between a positive and a negative counts
    /// half. Nil if there are none of one kind.
    ///
    /// Computed from the sum of the positives' ranks (Mann and Whitney), in integers, so ties are exact.
    ///
    /// - Complexity: O(n log n).
    public static func area<Scalar: BinaryFloatingPoint>(scores: [Scalar], isPositive: [Bool]) -> Double? {
        precondition(
            scores.count == isPositive.count,
            "\(scores.count) scores and \(isPositive.count) kinds: one is needed a score")
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        let positives = isPositive.count { $0 }
        let negatives = scores.count - positives
        guard positives > 0, negatives > 0 else { return nil }

        // Twice the number of (positive, negative) pairs in the right order, ties counting one.
        var doubledPairs = 0
        var negativesBelow = 0
        var start = 0
        while start < order.count {
            var tied = (positives: 0, negatives: 0)
            var end = start
            while end < order.count, scores[order[end]] == scores[order[start]] {
                if isPositive[order[end]] { tied.positives += 1 } else { tied.negatives += 1 }
                end += 1
            }
            doubledPairs += tied.positives * (2 * negativesBelow + tied.negatives)
            negativesBelow += tied.negatives
            start = end
        }
        return Double(doubledPairs) / (2 * Double(positives) * Double(negatives))
    }
}
