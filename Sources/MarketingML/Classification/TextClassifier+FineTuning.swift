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
        let maxLength = options.maxLength ?? min(512, bert.configuration.maximumPositions)
        let tokenizer = bert.tokenizer.truncating(to: maxLength)
        let batch = tokenizer.encodeBatch(train.texts)
        let targets = try labelSet.indices(of: train.labels).map { Int32($0) }
        let weights = try options.classWeights.values(for: targets, classes: labelSet.count)

        var encoder = bert.encoder
        _ = consume bert
        if let dropout = options.dropout { encoder.setDropout(dropout) }
        var model =
            start.map { SequenceClassifier(encoder: encoder, head: $0.head, pooling: options.pooling) }
            ?? SequenceClassifier(
                encoder: encoder, classes: labelSet.count, pooling: options.pooling, seed: options.seed)
        _ = consume encoder

        let validationSet = try validation.map { data in
            guard data.count > 0 else {
                throw MarketingMLError(.emptyData, "the validation data has no texts")
            }
            return (
                batch: tokenizer.encodeBatch(data.texts),
                targets: try labelSet.indices(of: data.labels).map { Int32($0) }
            )
        }
        let frozen = options.frozenLayers
        let sampler = BatchSampler(
            lengths: batch.lengths, batchSize: options.batchSize, batchTokens: options.batchTokens,
            seed: options.seed, orders: start?.orders)
        let loop = TrainingLoop<SequenceClassifier<Float>, [Int]>(
            epochs: options.epochs, options: options.training, seed: options.seed,
            optimizer: AdamW(learningRate: options.learningRate, weightDecay: options.weightDecay),
            batches: BatchPlan(sampler, epochs: options.epochs, accumulation: options.accumulation) { $0 },
            weight: { rows in
                rows.reduce(0) { sum, row in sum + (weights.map { $0[Int(targets[row])] } ?? 1) }
            },
            size: { rows in rows.reduce(0) { $0 + sampler.lengths[$1] } },
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
            isTrainable: { name in frozen.map { !name.isFrozen(layersBelow: $0) } ?? true },
            checkpoints: checkpoint.map {
                TrainingCheckpoints(
                    directory: $0.directory, interval: $0.interval,
                    fingerprint: fingerprint(
                        options, batch, targets, model.parameters.map { "\($0.name)\($0.value.shape)" }))
            },
            progress: progress)
        let history = try loop.run(&model)
        let card = ModelCard(
            task: "text-classification", options: options, trainingTexts: train.count,
            validationTexts: validation?.count,
            history: history)
        return TextClassifier(
            card: card, model: FineTunedTextModel(model: model, tokenizer: tokenizer, length: maxLength),
            labelSet: labelSet)
    }

    private static func fingerprint(
        _ options: FineTuningOptions, _ batch: TokenBatch, _ targets: [Int32], _ parameters: [String]
    ) -> String {
        var hash = FNV1a()
        hash.combine("\(options)")
        for parameter in parameters { hash.combine(parameter) }
        hash.combine(batch.ids)
        hash.combine(batch.rowOffsets.map { Int32(truncatingIfNeeded: $0) })
        hash.combine(targets)
        return String(hash.value, radix: 16)
    }
}

extension String {
    /// Whether a parameter of this name belongs to the embeddings or to one of the lowest `count` layers.
    fileprivate func isFrozen(layersBelow count: Int) -> Bool {
        if hasPrefix("bert.embeddings.") { return true }
        let parts = split(separator: ".")
        return parts.count > 3 && parts[1] == "encoder" && Int(parts[3]).map { $0 < count } == true
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

/// The 64-bit FNV-1a hash: a fingerprint that is the same on every machine.
struct FNV1a {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func combine(bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    mutating func combine(_ text: String) { combine(bytes: text.utf8) }
    mutating func combine(_ numbers: [Int32]) {
        for number in numbers { withUnsafeBytes(of: number.littleEndian) { combine(bytes: $0) } }
    }
}
