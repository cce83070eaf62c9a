internal import CTensorKernels

/// ln softmax(scores[r])[tokens[r]] for each row r of scores [N, V]; NaN where a row holds NaN or no finite number.
package func tokenLogLikelihoods(_ scores: Tensor<Float>, rows: [Int], tokens: [Int32]) -> [Float] {
    let width = scores.columnCount
    precondition(
        rows.count == tokens.count && rows.allSatisfy { 0 <= $0 && $0 < scores.rowCount }
            && tokens.allSatisfy { 0 <= $0 && $0 < width },
        "rows and tokens outside of the scores \(scores.shape)")
    var losses = [Float](repeating: 0, count: rows.count)
    losses.withUnsafeMutableBufferPointer { losses in
        tokens.withUnsafeBufferPointer { tokens in
            guard let losses = losses.baseAddress, let tokens = tokens.baseAddress else { return }
            // Addresses do not cross into the pool's closures otherwise.
            nonisolated(unsafe) let (output, targets) = (losses, tokens)
            parallel(rows.count) { index in
                _ = mml_cross_entropy(
                    Float.kernelType, 1, width, scores.pointer + rows[index] * width, targets + index, nil, 0,
                    1,
                    output + index, nil)
            }
        }
    }
    return losses.map { -$0 }
}
