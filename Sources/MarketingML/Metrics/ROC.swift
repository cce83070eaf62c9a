import Tensor

/// The area under the ROC curve: the probability that a positive example has a higher score than a negative one.
public enum ROC {
    /// The area for scores of examples that are positive or not; a tie between a positive and a negative counts
    /// half. Nil if there are none of one kind.
    ///
    /// Computed from the number of pairs in order (Mann and Whitney), in integers, so ties are exact. Scores are sorted by
    /// the digits of their bits, on all threads.
    ///
    /// - Throws: `.notFinite` naming the first score that is NaN or infinite, counted from 0; `.shapeMismatch` for arrays of
    ///   different lengths.
    /// - Complexity: O(N).
    public static func area<Scalar: BinaryFloatingPoint>(
        scores: [Scalar], isPositive: [Bool]
    ) throws(MarketingMLError) -> Double? {
        guard scores.count == isPositive.count else {
            throw MarketingMLError(
                .shapeMismatch, "\(scores.count) scores and \(isPositive.count) kinds: one is needed a score")
        }
        if let scores = scores as? [Float] { return try sortedArea(scores, isPositive) }
        if let scores = scores as? [Double] { return try sortedArea(scores, isPositive) }
        return try sortedArea(scores.map { Double($0) }, isPositive)
    }

    private static func sortedArea<Scalar: TensorFloatingPoint>(
        _ scores: [Scalar], _ isPositive: [Bool]
    ) throws(MarketingMLError) -> Double? {
        let pairs = try scores.withUnsafeBufferPointer { (scores) throws(MarketingMLError) in
            try isPositive.withUnsafeBufferPointer { (isPositive) throws(MarketingMLError) in
                try ScoreOrder.pairs(scores: scores, isPositive: isPositive)
            }
        }
        guard pairs.positives > 0, pairs.negatives > 0 else { return nil }
        return Double(pairs.doubled) / (2 * Double(pairs.positives) * Double(pairs.negatives))
    }
}
