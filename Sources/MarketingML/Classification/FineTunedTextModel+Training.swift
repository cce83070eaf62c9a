/// What a head on a text's vector learns from.
struct TextTargets {
    /// The number of outputs.
    let outputs: Int
    let problem: TextProblem
    /// A text's share in the mean loss of a batch.
    var weight: (Int) -> Double = { _ in 1 }
    /// The mean loss of the outputs [rows, outputs] for the texts of these numbers.
    let loss: (Tensor<Float>, [Int]) -> Tensor<Float>
    /// Loss and metrics of the outputs for all validation texts.
    let judge: (Tensor<Float>) throws -> (loss: Double, metrics: [Scoring: Double])
    /// Adds the targets to a fingerprint.
    let add: (inout FNV1a) -> Void
}

extension FineTunedTextModel {
    /// A given head and order of texts, for comparisons with another library.
    struct Start {
        var head: Linear<Float>
        var orders: [[Int]]
    }

    /// Fine-tunes a BERT with a head on texts' vectors.
    ///
    /// - Throws: `.emptyData`, `.invalidOption`, `.notFinite` naming the update, `CancellationError`.
    static func fineTune(
        _ bert: consuming BERT, on texts: [String], validation: [String]?, _ targets: TextTargets,
        options: FineTuningOptions, checkpoint: CheckpointOptions?, start: Start? = nil,
        progress: ProgressHandler?
    ) throws -> (model: FineTunedTextModel, history: TrainingHistory) {
        try options.validate(for: bert.configuration)
        guard !texts.isEmpty, validation?.isEmpty != true else {
            throw MarketingMLError(
                .emptyData, "\(texts.isEmpty ? "training" : "the validation data") has no texts")
        }
        let length = options.length(for: bert.configuration)
        let tokenizer = bert.tokenizer.truncating(to: length)
        let batch = tokenizer.encodeBatch(texts)
        let validationBatch = validation.map { tokenizer.encodeBatch($0) }
        let encoder = options.prepared(bert.encoder)
        _ = consume bert
        guard options.adaptation == nil || options.pooling == .mean || encoder.pooler != nil else {
            throw MarketingMLError(
                .invalidOption, "must be mean for adapters of an encoder without a pooler",
                at: .init(name: "pooling"))
        }
        var model =
            start.map { SequenceClassifier(encoder: encoder, head: $0.head, pooling: options.pooling) }
            ?? SequenceClassifier(
                encoder: encoder, classes: targets.outputs, pooling: options.pooling, seed: options.seed)
        _ = consume encoder
        model = try options.adapting(model)
        let tuner = FineTuner<SequenceClassifier<Float>>(
            options: options, batch: batch, orders: start?.orders, weight: targets.weight,
            loss: { model, rows, dropout in
                targets.loss(model.logits(batch.select(rows: rows), dropout: &dropout), rows)
            },
            validate: validationBatch.map { batch in
                { model in try targets.judge(model.scores(of: batch)) }
            },
            addTargets: targets.add, checkpoint: checkpoint, progress: progress)
        let history = try tuner.run(&model)
        let result = FineTunedTextModel(
            model: model, tokenizer: tokenizer, length: length, problem: targets.problem)
        return (result, history)
    }
}
