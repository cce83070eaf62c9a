import Tensor

extension TokenBatch {
    /// Tokens that one thread takes through a model at a time: few enough for its cache.
    private static let tokensOfThread = 256
    /// Tokens that all threads take through a model together.
    private static let tokensOfAll = 1024

    /// What `body` makes of all rows, computed some rows at a time, one below the other; nil without rows.
    ///
    /// With many tokens each thread takes parts of its own through the whole model: nobody waits between the layers,
    /// and a part's values stay near its core. With few, the threads share every product. No row depends on another,
    /// so the result is the same.
    func inParts<Scalar: TensorFloatingPoint>(_ body: (TokenBatch) -> Tensor<Scalar>) -> Tensor<Scalar>? {
        guard rowCount > 0 else { return nil }
        guard tokenCount >= 2 * ThreadPool.threadCount * Self.tokensOfThread else {
            return .concatenated(
                rowRanges(tokensAtATime: Self.tokensOfAll).map { body(select(rows: $0)) })
        }
        let ranges = rowRanges(tokensAtATime: Self.tokensOfThread)
        return .concatenated(parallelMap(ranges.count) { body(select(rows: ranges[$0])) })
    }

    /// The rows in runs of about so many tokens.
    func rowRanges(tokensAtATime: Int) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var first = 0
        for row in 0..<rowCount {
            let isFull = rowOffsets[row + 1] - rowOffsets[first] >= tokensAtATime
            if isFull || row == rowCount - 1 {
                ranges.append(first..<row + 1)
                first = row + 1
            }
        }
        return ranges
    }
}
