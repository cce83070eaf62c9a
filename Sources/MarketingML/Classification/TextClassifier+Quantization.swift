/// What holding a classifier in 8 bits changes, measured on texts that it has not learnt from.
public struct QuantizationReport<Label: Hashable & Sendable & Codable>: Sendable, Equatable {
    /// How the classifier did as it was.
    public let before: ClassificationReport<Label>
    /// How it does in 8 bits.
    public let after: ClassificationReport<Label>
    /// Share of the texts that get the same label from both.
    public let agreement: Double
    /// Bytes of the weights before.
    public let bytesBefore: Int
    /// Bytes of the weights in 8 bits.
    public let bytesAfter: Int
}

extension QuantizationReport: CustomStringConvertible {
    /// `accuracy 0.9345 -> 0.9340, log loss 0.1874 -> 0.1881, same label 99.8 %, 90.9 -> 60.1 MB`
    public var description: String {
        func round(_ value: Double, _ digits: Double) -> Double { (value * digits).rounded() / digits }
        return "accuracy \(round(before.accuracy, 1e4)) -> \(round(after.accuracy, 1e4)), "
            + "log loss \(round(before.logLoss, 1e4)) -> \(round(after.logLoss, 1e4)), "
            + "same label \(round(100 * agreement, 100)) %, "
            + "\(round(Double(bytesBefore) / 1e6, 10)) -> \(round(Double(bytesAfter) / 1e6, 10)) MB"
    }
}

extension TextClassifier {
    /// The same classifier with the layers of its Transformer held in 8 bits; see ``BERTEncoder/quantized()``.
    ///
    /// Its files hold plain numbers (the rounded weights): after reading them, call this again.
    ///
    /// - Throws: `.unsupported` for a classifier that was trained from scratch.
    public func quantized() throws -> TextClassifier {
        TextClassifier(card: card, model: try transformer().quantized(), labelSet: labelSet)
    }

    /// Compares this classifier with itself in 8 bits on labelled texts.
    ///
    /// - Throws: `.emptyData` without texts, `.unknownLabel`, `.unsupported` for a classifier that was trained from scratch.
    public func quantizationReport(on data: LabeledTexts<Label>) throws -> QuantizationReport<Label> {
        let model = try transformer()
        let small = model.quantized()
        let before = model.probabilities(of: data.texts)
        let after = small.probabilities(of: data.texts)
        let classes = labels.count
        func best(_ row: Int, _ values: [Float]) -> Int? {
            (0..<classes).max { values[row * classes + $0] < values[row * classes + $1] }
        }
        let same = data.texts.indices.count { best($0, before) == best($0, after) }
        return QuantizationReport(
            before: try ClassificationReport(
                labels: data.labels, probabilities: before, classes: labelSet),
            after: try ClassificationReport(labels: data.labels, probabilities: after, classes: labelSet),
            agreement: Double(same) / Double(max(1, data.count)),
            bytesBefore: model.model.heldByteCount, bytesAfter: small.model.heldByteCount)
    }
}

extension FineTunedTextModel {
    func quantized() -> FineTunedTextModel {
        FineTunedTextModel(model: model.quantized(), tokenizer: tokenizer, length: length)
    }
}
