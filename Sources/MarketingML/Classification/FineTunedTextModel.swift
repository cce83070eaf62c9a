import Foundation

/// A fine-tuned BERT and its tokenizer.
struct FineTunedTextModel: TextModel {
    let model: SequenceClassifier<Float>
    /// Cuts texts at `length`.
    let tokenizer: WordPieceTokenizer
    let length: Int
    /// What the outputs of the head are.
    var problem = TextProblem.classes

    var maxLength: Int? { length }

    /// Tokens that are computed at a time: enough to fill the threads, few enough to stay in the cache.
    private static let tokensAtATime = 1024

    func probabilities(of texts: [String]) -> [Float] { scores(of: texts).softmax().elements }

    /// The outputs of the head: [texts, outputs].
    func scores(of texts: [String]) -> Tensor<Float> {
        model.scores(of: tokenizer.encodeBatch(texts), tokensAtATime: Self.tokensAtATime)
    }
}

/// What the outputs of a head on a text's vector are, under the names of config.json's `problem_type`.
enum TextProblem: String {
    /// Scores of classes, of which one is right.
    case classes = "single_label_classification"
    /// A score of each label; any number of them may be right.
    case labels = "multi_label_classification"
    /// A number.
    case number = "regression"
}

extension SequenceClassifier {
    /// Scores of all rows, computed in packed batches of about `tokensAtATime` tokens.
    public func scores(of batch: TokenBatch, tokensAtATime: Int) -> Tensor<Scalar> {
        var none: DropoutStreams?
        let parts = batch.rowRanges(tokensAtATime: tokensAtATime).map {
            logits(batch.select(rows: $0), dropout: &none)
        }
        return parts.isEmpty ? .zeros([0, head.weight.shape[0]]) : .concatenated(parts)
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
