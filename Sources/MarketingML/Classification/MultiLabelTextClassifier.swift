import Foundation

/// Says which of several labels a text has: none, one or many.
///
/// ```swift
/// let topics = try MultiLabelTextClassifier.fineTune(bert, on: texts, labels: [["price", "delivery"], [], …])
/// try topics.withThresholds(bestOn: dev, labels: devLabels).predict("Late, and dear.").labels
/// ```
public struct MultiLabelTextClassifier<Label: Hashable & Sendable & Codable>: Sendable {
    /// What the classifier says of one text.
    public struct Prediction: Sendable, Equatable {
        /// The labels whose probability reaches their threshold, in the classifier's order.
        public let labels: [Label]
        /// The probability of each label, in the order of the classifier's `labels`; they do not add up to 1.
        public let probabilities: [Double]
    }

    /// All labels, in the order of the probabilities.
    public var labels: [Label] { labelSet.labels }
    /// The probability from which on a text has a label: one a label, in 0...1.
    public let thresholds: [Double]
    /// How it was trained; empty for a model read from another library's files.
    public let card: ModelCard
    let model: FineTunedTextModel
    let labelSet: LabelSet<Label>

    /// Fine-tunes a BERT with one output a label, each by binary cross-entropy; thresholds are ½.
    ///
    /// - Parameters:
    ///   - labels: The labels of each text.
    ///   - validation: Texts that decide when to stop and which epoch's weights to keep; never the test texts.
    /// - Throws: `.emptyData` (also without any label), `.shapeMismatch` for other than one list a text, `.unknownLabel`,
    ///   `.invalidOption`, `.notFinite` naming the update, `CancellationError`.
    public static func fineTune(
        _ bert: consuming BERT, on texts: [String], labels: [[Label]],
        validation: (texts: [String], labels: [[Label]])? = nil,
        options: FineTuningOptions = FineTuningOptions(), checkpoint: CheckpointOptions? = nil,
        progress: ProgressHandler? = nil
    ) throws -> MultiLabelTextClassifier {
        let labelSet = try LabelSet(labels.joined())
        let truth = try indicators(texts, labels, labelSet)
        let validationTruth = try validation.map { try indicators($0.texts, $0.labels, labelSet) }
        let width = labelSet.count
        func loss(_ scores: Tensor<Float>, _ truth: [[Float]]) -> Tensor<Float> {
            Loss.binaryCrossEntropy(
                scores, .values(Tensor(shape: [truth.count, width], truth.flatMap { $0 })),
                logitsOf: .sigmoid)
        }
        let (model, history) = try FineTunedTextModel.fineTune(
            bert, on: texts, validation: validation?.texts,
            TextTargets(
                outputs: width, problem: .labels,
                loss: { scores, rows in loss(scores, rows.map { truth[$0] }) },
                judge: { scores in (Double(loss(scores, validationTruth ?? []).item), [:]) },
                add: { hash in truth.forEach { hash.combine($0.map { Int32($0) }) } }),
            options: options, checkpoint: checkpoint, progress: progress)
        let card = ModelCard(
            task: "multi-label-text-classification", options: options, trainingTexts: texts.count,
            validationTexts: validation?.texts.count, history: history)
        return MultiLabelTextClassifier(
            thresholds: Array(repeating: 0.5, count: width), card: card, model: model, labelSet: labelSet)
    }

    private init(thresholds: [Double], card: ModelCard, model: FineTunedTextModel, labelSet: LabelSet<Label>)
    {
        self.thresholds = thresholds
        self.card = card
        self.model = model
        self.labelSet = labelSet
    }

    /// The prediction for one text.
    public func predict(_ text: String) -> Prediction { predict([text])[0] }

    /// One prediction a text, in order; each the same as for that text alone.
    public func predict(_ texts: [String]) -> [Prediction] {
        let values = model.scores(of: texts).activated(by: .sigmoid).elements.map(Double.init)
        let width = labels.count
        return texts.indices.map { row in
            let probabilities = Array(values[row * width..<(row + 1) * width])
            return Prediction(
                labels: labels.indices.filter { probabilities[$0] >= thresholds[$0] }.map { labels[$0] },
                probabilities: probabilities)
        }
    }

    /// Compares the predictions for texts with their labels.
    ///
    /// - Throws: `.emptyData`, `.shapeMismatch`, `.unknownLabel`.
    public func evaluate(_ texts: [String], labels: [[Label]]) throws -> MultiLabelReport<Label> {
        let truth = try Self.indicators(texts, labels, labelSet).map { $0.map { $0 == 1 } }
        let predicted = predict(texts).map { prediction in
            prediction.probabilities.indices.map { prediction.probabilities[$0] >= thresholds[$0] }
        }
        return try MultiLabelReport(truth: truth, predicted: predicted, labels: self.labels)
    }

    /// The same classifier with, for each label, the threshold of the highest F1 on these texts: texts that it has not learnt
    /// from and will not be judged on. A label that none of them has keeps its threshold.
    ///
    /// - Throws: `.emptyData`, `.shapeMismatch`, `.unknownLabel`.
    public func withThresholds(bestOn texts: [String], labels: [[Label]]) throws -> MultiLabelTextClassifier {
        let truth = try Self.indicators(texts, labels, labelSet)
        let predictions = predict(texts)
        let best = self.labels.indices.map { label in
            Self.bestThreshold(
                zip(predictions, truth).map { ($0.probabilities[label], $1[label] == 1) })
                ?? thresholds[label]
        }
        return MultiLabelTextClassifier(thresholds: best, card: card, model: model, labelSet: labelSet)
    }

    /// The threshold of the highest F1, halfway between two probabilities; the highest one of those that tie.
    static func bestThreshold(_ examples: [(probability: Double, isTrue: Bool)]) -> Double? {
        let sorted = examples.sorted { $0.probability > $1.probability }
        let positives = sorted.count { $0.isTrue }
        guard positives > 0 else { return nil }
        var (hits, best, threshold) = (0, 0.0, 0.5)
        for (index, example) in sorted.enumerated() {
            if example.isTrue { hits += 1 }
            let next = index + 1 < sorted.count ? sorted[index + 1].probability : 0
            guard next < example.probability || index + 1 == sorted.count else { continue }
            let f1 = 2 * Double(hits) / Double(index + 1 + positives)
            if f1 > best { (best, threshold) = (f1, (example.probability + next) / 2) }
        }
        return threshold
    }

    /// One row a text, 1 for each label that it has.
    private static func indicators(
        _ texts: [String], _ labels: [[Label]], _ labelSet: LabelSet<Label>
    ) throws -> [[Float]] {
        guard texts.count == labels.count else {
            throw MarketingMLError(
                .shapeMismatch, "\(texts.count) texts have \(labels.count) lists of labels",
                at: .init(name: "labels"))
        }
        return try labels.map { labels in
            var row = [Float](repeating: 0, count: labelSet.count)
            for index in try labelSet.indices(of: labels) { row[index] = 1 }
            return row
        }
    }
}

extension MultiLabelTextClassifier {
    /// Writes a Hugging Face directory, a `BertForSequenceClassification` with `problem_type` multi_label_classification; see
    /// ``TextClassifier/save(to:)``. Thresholds stand in thresholds.json.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "card.json") { path in
            let directory = URL(fileURLWithPath: path)
            try model.write(to: directory, classes: labelSet.texts)
            try AtomicFile.write(
                JSONValue.array(thresholds.map { .number($0) }).serialized(),
                to: directory.appendingPathComponent("thresholds.json").path)
            var card = card
            card.maxLength = model.length
            try card.write(to: directory.appendingPathComponent("card.json"))
        }
    }

    /// Reads what ``save(to:)`` wrote, or such a model of another library, whose thresholds then are ½.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL) throws {
        let card = try ModelCard.read(from: directory.appendingPathComponent("card.json"))
        let (model, classes) = try FineTunedTextModel.read(
            from: directory, maxLength: card?.maxLength, problem: .labels)
        var thresholds = [Double](repeating: 0.5, count: classes.count)
        let file = directory.appendingPathComponent("thresholds.json").path
        if FileManager.default.fileExists(atPath: file) {
            let values =
                try JSONValue(parsing: InputFile.read(file), file: file).array?.compactMap(\.number) ?? []
            guard values.count == classes.count, values.allSatisfy({ 0...1 ~= $0 }) else {
                throw MarketingMLError(
                    .malformedFile, "expected \(classes.count) numbers in 0...1", at: .init(file: file))
            }
            thresholds = values
        }
        self.init(
            thresholds: thresholds, card: card ?? ModelCard(task: "multi-label-text-classification"),
            model: model, labelSet: try LabelSet(texts: classes))
    }
}
