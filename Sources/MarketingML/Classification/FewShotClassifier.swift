import Foundation

/// How a ``FewShotClassifier`` learns.
public struct FewShotOptions: Sendable, Codable, Equatable {
    /// Pairs of each kind (same label, other label) a text, from 0 on; 0 leaves the encoder as it is.
    public var pairsPerText: Int
    /// How the encoder is fine-tuned on the pairs; its seed draws them.
    public var fineTuning: FineTuningOptions
    /// The weight of the head's loss beside its penalty, above 0.
    public var c: Double

    /// Creates options; the defaults are SetFit's.
    public init(
        pairsPerText: Int = 20,
        fineTuning: FineTuningOptions = FineTuningOptions(
            epochs: 1, batchSize: 16, learningRate: 2e-5, earlyStoppingPatience: nil),
        c: Double = 1
    ) {
        self.pairsPerText = pairsPerText
        self.fineTuning = fineTuning
        self.c = c
    }
}

/// Tells texts apart after a handful of examples a label: a sentence encoder, fine-tuned on pairs of the examples, and logistic
/// regression on its vectors (SetFit, arXiv:2209.11055).
///
/// ```swift
/// let intents = try FewShotClassifier.train(on: eightOfEach, from: SentenceEncoder(directory: minilm))
/// try intents.predict("My card has not arrived.").label
/// ```
public struct FewShotClassifier<Label: Hashable & Sendable & Codable>: Sendable {
    /// The labels in the order of the probabilities.
    public var labels: [Label] { head.classes.labels }
    /// What turns texts into vectors.
    public let encoder: SentenceEncoder
    /// Logistic regression on the vectors.
    public let head: LogisticModel<Label>

    /// Trains a classifier.
    ///
    /// - Parameter progress: Called after every update; may stop the fine-tuning of the encoder early.
    /// - Throws: `.emptyData` (also for texts of one label only), `.invalidOption`, `.notFinite` naming the update,
    ///   `CancellationError`.
    public static func train(
        on data: LabeledTexts<Label>, from encoder: SentenceEncoder,
        options: FewShotOptions = FewShotOptions(),
        progress: ProgressHandler? = nil
    ) throws -> FewShotClassifier {
        try requireOption(
            0...10_000 ~= options.pairsPerText, "pairsPerText", "from 0 to 10000", options.pairsPerText)
        let labels = try data.labelSet()
        guard labels.count >= 2 else {
            throw MarketingMLError(
                .emptyData, "training needs texts of at least 2 labels, found \(labels.count)")
        }
        let pairs = ContrastivePairs.drawn(
            from: data, count: options.pairsPerText, seed: options.fineTuning.seed)
        let tuned =
            pairs.isEmpty
            ? encoder
            : try encoder.fineTuned(
                on: pairs, loss: .cosineSimilarity, options: options.fineTuning, progress: progress)
        let head = try LogisticRegression(.l2(c: options.c)).fit(tuned.embed(data.texts), data.labels)
        return FewShotClassifier(encoder: tuned, head: head)
    }

    /// The prediction for one text.
    public func predict(_ text: String) throws -> TextPrediction<Label> { try predict([text])[0] }

    /// One prediction a text, in order.
    public func predict(_ texts: [String]) throws -> [TextPrediction<Label>] {
        guard !texts.isEmpty else { return [] }
        let values = try probabilities(of: texts)
        let classes = labels.count
        return texts.indices.map { row in
            let probabilities = Array(values[row * classes..<(row + 1) * classes])
            let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
            return TextPrediction(
                label: labels[best], probability: probabilities[best], probabilities: probabilities)
        }
    }

    /// Compares the predictions for labelled texts with their labels.
    ///
    /// - Throws: `.emptyData` without texts, `.unknownLabel` for a label that it was not trained on.
    public func evaluate(_ data: LabeledTexts<Label>) throws -> ClassificationReport<Label> {
        try ClassificationReport(
            labels: data.labels, probabilities: data.isEmpty ? [] : probabilities(of: data.texts),
            classes: head.classes)
    }

    private func probabilities(of texts: [String]) throws -> [Double] {
        try head.probabilities(of: encoder.embed(texts)).elements
    }

    private static var headFile: String { "head.safetensors" }

    /// Writes the encoder (see ``SentenceEncoder/save(to:)``) and head.safetensors to a directory, replaced as a whole.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "modules.json") { path in
            let directory = URL(fileURLWithPath: path)
            try encoder.write(to: directory)
            try head.save(to: directory.appendingPathComponent(Self.headFile))
        }
    }

    /// Reads what ``save(to:)`` wrote.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL) throws {
        encoder = try SentenceEncoder(directory: directory)
        let url = directory.appendingPathComponent(Self.headFile)
        head = try LogisticModel(url)
        guard head.featureCount == encoder.dimension else {
            throw MarketingMLError(
                .shapeMismatch, "expected \(encoder.dimension) features, found \(head.featureCount)",
                at: .init(file: url.path))
        }
    }

    init(encoder: SentenceEncoder, head: LogisticModel<Label>) {
        self.encoder = encoder
        self.head = head
    }
}
