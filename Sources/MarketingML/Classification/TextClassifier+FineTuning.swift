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

    /// A given head and order of texts, for comparisons with another library.
    struct Start {
        var head: Linear<Float>
        var orders: [[Int]]
    }

    static func fineTune(
        _ bert: consuming BERT, on train: LabeledTexts<Label>, validation: LabeledTexts<Label>?,
        options: FineTuningOptions,
        checkpoint: CheckpointOptions?, start: Start?, progress: ProgressHandler?
    ) throws -> TextClassifier {
        try options.validate(for: bert.configuration)
        let labelSet = try LabelSet(train.labels)
        guard labelSet.count >= 2 else {
            throw MarketingMLError(
                .emptyData, "training needs texts of at least 2 labels, found \(labelSet.count)")
        }
        let maxLength = options.length(for: bert.configuration)
        let tokenizer = bert.tokenizer.truncating(to: maxLength)
        let batch = tokenizer.encodeBatch(train.texts)
        let targets = try labelSet.indices(of: train.labels).map { Int32($0) }
        let weights = try options.classWeights.values(for: targets, classes: labelSet.count)

        let encoder = options.prepared(bert.encoder)
        _ = consume bert
        var model =
            start.map { SequenceClassifier(encoder: encoder, head: $0.head, pooling: options.pooling) }
            ?? SequenceClassifier(
                encoder: encoder, classes: labelSet.count, pooling: options.pooling, seed: options.seed)
        _ = consume encoder
        model = try options.adapting(model)

        let validationSet = try validation.map { data in
            guard data.count > 0 else {
                throw MarketingMLError(.emptyData, "the validation data has no texts")
            }
            return (
                batch: tokenizer.encodeBatch(data.texts),
                targets: try labelSet.indices(of: data.labels).map { Int32($0) }
            )
        }
        let tuner = FineTuner<SequenceClassifier<Float>>(
            options: options, batch: batch, orders: start?.orders,
            weight: { row in weights.map { $0[Int(targets[row])] } ?? 1 },
            loss: { model, rows, dropout in
                crossEntropy(
                    model.logits(batch.select(rows: rows), dropout: &dropout), rows.map { targets[$0] },
                    classWeights: weights,
                    labelSmoothing: options.labelSmoothing)
            },
            validate: validationSet.map { set in
                { model in
                    let scores = model.scores(of: set.batch, tokensAtATime: 4096)
                    let loss = crossEntropy(scores, set.targets, classWeights: weights)
                    return (Double(loss.item), [.accuracy: scores.accuracy(set.targets)])
                }
            },
            addTargets: { $0.combine(targets) }, checkpoint: checkpoint, progress: progress)
        let history = try tuner.run(&model)
        let card = ModelCard(
            task: "text-classification", options: options, trainingTexts: train.count,
            validationTexts: validation?.count,
            history: history)
        return TextClassifier(
            card: card, model: FineTunedTextModel(model: model, tokenizer: tokenizer, length: maxLength),
            labelSet: labelSet)
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
