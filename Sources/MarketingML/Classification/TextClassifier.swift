import Foundation

/// A BERT fine-tuned to tell texts apart: a fitted model, immutable and safe to share between tasks.
///
/// ```swift
/// let classifier = try TextClassifier.fineTune(bert, on: reviews)
/// try classifier.predict("Arrived broken and nobody answers.").label    // "negative"
/// ```
public struct TextClassifier<Label: Hashable & Sendable & Codable>: Sendable {
    /// The labels in the order of the probabilities.
    public var labels: [Label] { labelSet.labels }
    /// The longest text in tokens; longer ones are cut.
    public let maxLength: Int
    /// How it was trained; empty for a model read from another library's files.
    public let card: ModelCard
    let model: SequenceClassifier<Float>
    /// Cuts texts at `maxLength`.
    let tokenizer: WordPieceTokenizer
    let labelSet: LabelSet<Label>

    /// Tokens that are computed at a time: enough to fill the threads, few enough to stay in the cache.
    private static var tokensAtATime: Int { 1024 }

    /// The prediction for one text.
    public func predict(_ text: String) throws -> TextPrediction<Label> {
        let probabilities = probabilities(of: tokenizer.encodeBatch([text]))
        return prediction(probabilities.elements[...])
    }

    /// One prediction a text, in order; each the same as for that text alone.
    public func predict(_ texts: [String]) throws -> [TextPrediction<Label>] {
        let probabilities = probabilities(of: tokenizer.encodeBatch(texts)).elements
        let classes = labels.count
        return texts.indices.map { prediction(probabilities[$0 * classes..<($0 + 1) * classes]) }
    }

    /// Compares the predictions for labelled texts with their labels.
    ///
    /// - Throws: `.emptyData` without texts, `.unknownLabel` for a label that it was not trained on.
    public func evaluate(_ data: LabeledTexts<Label>) throws -> ClassificationReport<Label> {
        let probabilities = probabilities(of: tokenizer.encodeBatch(data.texts))
        return try ClassificationReport(
            labels: data.labels, probabilities: probabilities.elements, classes: labelSet)
    }

    private func prediction(_ probabilities: ArraySlice<Float>) -> TextPrediction<Label> {
        let values = probabilities.map(Double.init)
        let best = values.indices.max { values[$0] < values[$1] } ?? 0
        return TextPrediction(label: labels[best], probability: values[best], probabilities: values)
    }

    private func probabilities(of batch: TokenBatch) -> Tensor<Float> {
        model.scores(of: batch, tokensAtATime: Self.tokensAtATime).softmax()
    }
}

extension SequenceClassifier {
    /// Scores of all rows, computed in packed batches of about `tokensAtATime` tokens.
    public func scores(of batch: TokenBatch, tokensAtATime: Int) -> Tensor<Scalar> {
        var parts: [Tensor<Scalar>] = []
        var none: DropoutStreams?
        var first = 0
        for row in 0..<batch.rowCount {
            let next = batch.rowOffsets[row + 1]
            let full = next - batch.rowOffsets[first] >= tokensAtATime
            if full || row == batch.rowCount - 1 {
                parts.append(logits(batch.select(rows: first..<row + 1), dropout: &none))
                first = row + 1
            }
        }
        return parts.isEmpty ? .zeros([0, head.bias.count]) : .concatenated(parts)
    }
}
