import Foundation

/// Predicts a number from a text: a price, a rating, the visits to expect.
///
/// ```swift
/// let regressor = try TextRegressor.fineTune(bert, on: reviews.texts, values: stars)
/// try regressor.predict("Arrived broken and nobody answers.")   // 1.3
/// ```
public struct TextRegressor: Sendable {
    /// How it was trained; empty for a model read from another library's files.
    public let card: ModelCard
    let model: FineTunedTextModel

    /// The longest text in tokens; longer ones are cut.
    public var maxLength: Int { model.length }

    /// Fine-tunes a BERT with one output on texts with a number each, by mean squared error.
    ///
    /// The numbers are brought to mean 0 and variance 1 for training, and the head is scaled back at its end; losses in progress events
    /// and in the history are of these.
    ///
    /// - Parameters:
    ///   - values: One finite number a text.
    ///   - validation: Texts that decide when to stop and which epoch's weights to keep; never the test texts.
    /// - Throws: `.emptyData`, `.shapeMismatch` for other than one number a text, `.notFinite`, `.invalidOption`,
    ///   `CancellationError`.
    public static func fineTune(
        _ bert: consuming BERT, on texts: [String], values: [Double],
        validation: (texts: [String], values: [Double])? = nil,
        options: FineTuningOptions = FineTuningOptions(), checkpoint: CheckpointOptions? = nil,
        progress: ProgressHandler? = nil
    ) throws -> TextRegressor {
        try check(texts, values)
        if let validation { try check(validation.texts, validation.values) }
        let count = Double(max(1, values.count))
        let mean = values.reduce(0, +) / count
        let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
        let scale = deviation > 0 ? deviation : 1
        func targets(_ values: [Double]) -> Targets {
            .values(Tensor(shape: [values.count, 1], values.map { Float(($0 - mean) / scale) }))
        }
        let validationTargets = validation.map { targets($0.values) }
        var (model, history) = try FineTunedTextModel.fineTune(
            bert, on: texts, validation: validation?.texts,
            TextTargets(
                outputs: 1, problem: .number,
                loss: { Loss.meanSquaredError($0, targets($1.map { values[$0] })) },
                judge: { scores in
                    let loss = validationTargets.map { Double(Loss.meanSquaredError(scores, $0).item) } ?? 0
                    return (loss, [.meanSquaredError: loss])
                },
                add: { hash in values.forEach { hash.combine("\($0)") } }),
            options: options, checkpoint: checkpoint, progress: progress)
        var trained = model.model
        trained.head.weight = trained.head.weight * Float(scale)
        trained.head.bias = trained.head.bias.map { $0 * Float(scale) + Float(mean) }
        model = FineTunedTextModel(
            model: trained, tokenizer: model.tokenizer, length: model.length, problem: .number)
        let card = ModelCard(
            task: "text-regression", options: options, trainingTexts: texts.count,
            validationTexts: validation?.texts.count, history: history)
        return TextRegressor(card: card, model: model)
    }

    /// The number for a text.
    public func predict(_ text: String) -> Double { Double(model.scores(of: [text]).item) }

    /// One number a text, in order; each the same as for that text alone.
    public func predict(_ texts: [String]) -> [Double] { model.scores(of: texts).elements.map(Double.init) }

    /// Compares the predictions for texts with their numbers: errors and R², see ``RegressionOutcomes/value(of:method:)``.
    ///
    /// - Throws: `.emptyData`, `.shapeMismatch`, `.notFinite`.
    public func evaluate(_ texts: [String], values: [Double]) throws -> RegressionOutcomes {
        try RegressionOutcomes(targets: values, predictions: predict(texts))
    }

    /// Writes a Hugging Face directory, a `BertForSequenceClassification` with `problem_type` regression; see
    /// ``TextClassifier/save(to:)``.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "card.json") { path in
            let directory = URL(fileURLWithPath: path)
            try model.write(to: directory, classes: ["value"])
            var card = card
            card.maxLength = maxLength
            try card.write(to: directory.appendingPathComponent("card.json"))
        }
    }

    /// Reads what ``save(to:)`` wrote, or such a model of another library.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL) throws {
        let card = try ModelCard.read(from: directory.appendingPathComponent("card.json"))
        model = try FineTunedTextModel.read(from: directory, maxLength: card?.maxLength, problem: .number)
            .model
        self.card = card ?? ModelCard(task: "text-regression")
    }

    private init(card: ModelCard, model: FineTunedTextModel) {
        self.card = card
        self.model = model
    }

    private static func check(_ texts: [String], _ values: [Double]) throws {
        guard texts.count == values.count else {
            throw MarketingMLError(
                .shapeMismatch, "\(texts.count) texts have \(values.count) values", at: .init(name: "values"))
        }
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            throw MarketingMLError(
                .notFinite, "the value of text \(index + 1) is \(values[index])", at: .init(name: "values"))
        }
    }
}
