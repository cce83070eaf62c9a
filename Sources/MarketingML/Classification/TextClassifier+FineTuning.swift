import Foundation

extension TextClassifier {
    /// Fine-tunes a BERT on labelled texts.
    ///
    /// - Parameters:
    ///   - bert: The model to start from; it is not changed.
    ///   - train: The texts to learn from.
    ///   - validation: Texts that decide when to stop and which epoch's weights to keep; never the test texts.
    ///   - options: How to train.
    ///   - checkpoint: Where to save the run on its way; if that directory holds a checkpoint of the same run, the run
    ///     goes on from there, to the same bits as if it had not been interrupted.
    ///   - progress: Called after every update; may stop the run.
    /// - Throws: `.emptyData`, `.invalidOption`, `.unknownLabel` (a validation label that training lacks),
    ///   `.notFinite` naming the update, `CancellationError`.
    public static func fineTune(
        _ bert: consuming BERT, on train: LabeledTexts<Label>, validation: LabeledTexts<Label>? = nil,
        options: FineTuningOptions = FineTuningOptions(), checkpoint: CheckpointOptions? = nil,
        progress: ProgressHandler? = nil
    ) throws -> TextClassifier {
        try fineTune(
            bert, on: train, validation: validation, options: options, checkpoint: checkpoint, start: nil,
            progress: progress)
    }

    static func fineTune(
        _ bert: consuming BERT, on train: LabeledTexts<Label>, validation: LabeledTexts<Label>?,
        options: FineTuningOptions,
        checkpoint: CheckpointOptions?, start: FineTunedTextModel.Start?, progress: ProgressHandler?
    ) throws -> TextClassifier {
        let labelSet = try LabelSet(train.labels)
        guard labelSet.count >= 2 else {
            throw MarketingMLError(
                .emptyData, "training needs texts of at least 2 labels, found \(labelSet.count)")
        }
        let targets = try labelSet.indices(of: train.labels).map { Int32($0) }
        let weights = try options.classWeights.values(for: targets, classes: labelSet.count)
        let validationTargets = try validation.map { try labelSet.indices(of: $0.labels).map { Int32($0) } }
        let (model, history) = try FineTunedTextModel.fineTune(
            bert, on: train.texts, validation: validation?.texts,
            TextTargets(
                outputs: labelSet.count, problem: .classes,
                weight: { row in weights.map { $0[Int(targets[row])] } ?? 1 },
                loss: { scores, rows in
                    crossEntropy(
                        scores, rows.map { targets[$0] }, classWeights: weights,
                        labelSmoothing: options.labelSmoothing)
                },
                judge: { scores in
                    let targets = validationTargets ?? []
                    let loss = crossEntropy(scores, targets, classWeights: weights)
                    return (Double(loss.item), [.accuracy: scores.accuracy(targets)])
                },
                add: { $0.combine(targets) }),
            options: options, checkpoint: checkpoint, start: start, progress: progress)
        let card = ModelCard(
            task: "text-classification", options: options, trainingTexts: train.count,
            validationTexts: validation?.count,
            history: history)
        return TextClassifier(card: card, model: model, labelSet: labelSet)
    }
}

extension Tensor<Float> {
    /// Share of rows whose largest score stands at the target.
    fileprivate func accuracy(_ targets: [Int32]) -> Double {
        let classes = shape[1]
        let scores = elements
        let hits = targets.indices.count { row in
            let slice = scores[row * classes..<(row + 1) * classes]
            return slice.indices.max { slice[$0] < slice[$1] }.map { $0 - row * classes } == Int(targets[row])
        }
        return Double(hits) / Double(Swift.max(1, targets.count))
    }
}
