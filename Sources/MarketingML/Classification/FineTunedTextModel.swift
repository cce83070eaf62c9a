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

    func probabilities(of texts: [String]) -> [Float] { scores(of: texts).softmax().elements }

    /// The outputs of the head: [texts, outputs].
    func scores(of texts: [String]) -> Tensor<Float> {
        model.scores(of: tokenizer.encodeBatch(texts))
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
    /// Scores of all rows: [rows, classes]; any number of rows takes the memory of a few.
    public func scores(of batch: TokenBatch) -> Tensor<Scalar> {
        batch.inParts { part in
            var none: DropoutStreams?
            return logits(part, dropout: &none)
        } ?? .zeros([0, head.weight.shape[0]])
    }
}
