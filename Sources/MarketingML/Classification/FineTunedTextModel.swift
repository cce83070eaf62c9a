import Foundation

/// A fine-tuned BERT and its tokenizer.
struct FineTunedTextModel: TextModel {
    let model: SequenceClassifier<Float>
    /// Cuts texts at `length`.
    let tokenizer: WordPieceTokenizer
    let length: Int

    var maxLength: Int? { length }

    /// Tokens that are computed at a time: enough to fill the threads, few enough to stay in the cache.
    private static let tokensAtATime = 1024

    func probabilities(of texts: [String]) -> [Float] {
        model.scores(of: tokenizer.encodeBatch(texts), tokensAtATime: Self.tokensAtATime).softmax().elements
    }
}

extension SequenceClassifier {
    /// Scores of all rows, computed in packed batches of about `tokensAtATime` tokens.
    public func scores(of batch: TokenBatch, tokensAtATime: Int) -> Tensor<Scalar> {
        var none: DropoutStreams?
        let parts = batch.rowRanges(tokensAtATime: tokensAtATime).map {
            logits(batch.select(rows: $0), dropout: &none)
        }
        return parts.isEmpty ? .zeros([0, head.bias.count]) : .concatenated(parts)
    }
}

extension TokenBatch {
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
