import Foundation

/// Tells texts apart: a fitted model, immutable and safe to share between tasks.
///
/// ```swift
/// let classifier = try TextClassifier.fineTune(bert, on: reviews)
/// try classifier.predict("Arrived broken and nobody answers.").label    // "negative"
/// let small = try TextClassifier.train(.lstm(units: 128), on: reviews)  // from scratch, without a pretrained model
/// let baseline = try TextClassifier.train(.nGrams(), on: reviews)
/// ```
public struct TextClassifier<Label: Hashable & Sendable & Codable>: Sendable {
    /// The labels in the order of the probabilities.
    public var labels: [Label] { labelSet.labels }
    /// The longest text in tokens, of which longer ones are cut; nil if none is cut.
    public var maxLength: Int? { model.maxLength }
    /// How it was trained; empty for a model read from another library's files.
    public let card: ModelCard
    let model: any TextModel
    let labelSet: LabelSet<Label>

    /// The prediction for one text.
    public func predict(_ text: String) throws -> TextPrediction<Label> {
        prediction(try model.probabilities(of: [text])[...])
    }

    /// One prediction a text, in order; each the same as for that text alone.
    public func predict(_ texts: [String]) throws -> [TextPrediction<Label>] {
        guard !texts.isEmpty else { return [] }
        let probabilities = try model.probabilities(of: texts)
        let classes = labels.count
        return texts.indices.map { prediction(probabilities[$0 * classes..<($0 + 1) * classes]) }
    }

    /// Compares the predictions for labelled texts with their labels.
    ///
    /// - Throws: `.emptyData` without texts, `.unknownLabel` for a label that it was not trained on.
    public func evaluate(_ data: LabeledTexts<Label>) throws -> ClassificationReport<Label> {
        try ClassificationReport(
            labels: data.labels,
            probabilities: data.isEmpty ? [] : model.probabilities(of: data.texts), classes: labelSet)
    }

    private func prediction(_ probabilities: ArraySlice<Float>) -> TextPrediction<Label> {
        let values = probabilities.map(Double.init)
        let best = values.indices.max { values[$0] < values[$1] } ?? 0
        return TextPrediction(label: labels[best], probability: values[best], probabilities: values)
    }
}
