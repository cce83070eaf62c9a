import Foundation

extension CausalLanguageModel {
    /// A model trained from random weights, and what happened.
    ///
    /// - Parameters:
    ///   - configuration: Its sizes.
    ///   - tokenizer: What turned texts into the rows.
    ///   - rows: What to learn from. A row longer than the context is cut.
    ///   - validation: Rows that decide when to stop and which epoch's weights to keep.
    ///   - options: How to train.
    ///   - checkpoint: Where to save the run on its way; if that directory holds a checkpoint of the same run, the run
    ///     goes on from there, to the same bits as if it had not been interrupted.
    ///   - progress: Called after every update; may stop the run.
    /// - Throws: `.emptyData`, `.invalidOption` (an option, or an id outside the vocabulary), `.shapeMismatch`,
    ///   `.notFinite` naming the update, `CancellationError`.
    public static func train(
        configuration: CausalConfiguration, tokenizer: any TextTokenizer, on rows: TokenRows,
        validation: TokenRows? = nil, options: CausalTrainingOptions = CausalTrainingOptions(),
        checkpoint: CheckpointOptions? = nil, progress: ProgressHandler? = nil
    ) throws -> (model: CausalLanguageModel, history: TrainingHistory) {
        try CausalLanguageModel(configuration: configuration, tokenizer: tokenizer, seed: options.seed)
            .trained(
                on: rows, validation: validation, options: options, checkpoint: checkpoint, progress: progress
            )
    }

    /// The model trained further, from the weights that it has, and what happened; parameters and errors as for
    /// ``train(configuration:tokenizer:on:validation:options:checkpoint:progress:)``.
    ///
    /// With ``CausalTrainingOptions/adaptation``, or for a model that carries adapters, these learn and nothing else does:
    /// `adapter` then has what was learnt.
    public func trained(
        on rows: TokenRows, validation: TokenRows? = nil,
        options: CausalTrainingOptions = CausalTrainingOptions(), checkpoint: CheckpointOptions? = nil,
        progress: ProgressHandler? = nil
    ) throws -> (model: CausalLanguageModel, history: TrainingHistory) {
        try options.validate()
        let data = try NextTokenBatch(rows, configuration: configuration, what: "training rows")
        let held = try validation.map {
            try NextTokenBatch($0, configuration: configuration, what: "validation rows")
        }
        var decoder = self.decoder
        if let adaptation = options.adaptation {
            decoder = try decoder.adapted(by: adaptation, seed: options.seed)
        }
        let hasAdapters = decoder.adapter != nil
        let rates = decoder.configuration
        if let dropout = options.dropout { decoder.setDropout(dropout) }
        decoder.recomputesLayers = options.gradientCheckpointing
        let sampler = BatchSampler(
            lengths: data.inputs.lengths, batchSize: 1, batchTokens: options.batchTokens, seed: options.seed)
        let loop = TrainingLoop<CausalDecoder<Float>, [Int]>(
            epochs: options.epochs, options: options.training, seed: options.seed,
            optimizer: options.optimizer,
            batches: BatchPlan(sampler, epochs: options.epochs, accumulation: options.accumulation) { $0 },
            weight: { rows in Double(data.targets(ofRows: rows).count { $0 >= 0 }) },
            size: { rows in rows.reduce(0) { $0 + sampler.lengths[$1] } },
            loss: { decoder, rows, dropout in
                decoder.loss(
                    data.inputs.select(rows: rows), targets: data.targets(ofRows: rows),
                    labelSmoothing: options.labelSmoothing, dropout: &dropout)
            },
            validate: held.map { held in { decoder in (try decoder.meanLoss(of: held), [:]) } },
            isTrainable: { !hasAdapters || LowRankAdapter<Float>.owns($0) },
            checkpoints: checkpoint.map {
                TrainingCheckpoints(
                    directory: $0.directory, interval: $0.interval,
                    fingerprint: fingerprint(options, data, decoder))
            },
            progress: progress)
        let history = try loop.run(&decoder)
        decoder.setDropout(of: rates)
        var model = self
        model.decoder = decoder
        return (model, history)
    }

    /// e to the mean cross-entropy of the tokens that count: how many tokens the model hesitates between.
    ///
    /// - Throws: `.emptyData`, `.invalidOption`, `.shapeMismatch` as in training; `CancellationError`.
    public func perplexity(of rows: TokenRows) throws -> Double {
        try Foundation.exp(
            decoder.meanLoss(of: NextTokenBatch(rows, configuration: configuration, what: "rows")))
    }

    private func fingerprint(
        _ options: CausalTrainingOptions, _ data: NextTokenBatch, _ decoder: CausalDecoder<Float>
    ) -> String {
        var hash = FNV1a()
        hash.combine("\(options)\(decoder.configuration)")
        for (name, value) in decoder.parameters { hash.combine("\(name)\(value.shape)") }
        hash.combine(data.inputs.ids)
        hash.combine(data.inputs.rowOffsets.map { Int32(truncatingIfNeeded: $0) })
        hash.combine(data.targets)
        return String(hash.value, radix: 16)
    }
}

extension CausalDecoder where Scalar == Float {
    /// The mean cross-entropy over all targets that count, in packed batches.
    func meanLoss(of data: NextTokenBatch) throws -> Double {
        var (sum, count) = (0.0, 0.0)
        for rows in data.inputs.rowRanges(tokensAtATime: 2048) {
            try Task.checkCancellation()
            let targets = data.targets(ofRows: rows)
            let counted = Double(targets.count { $0 >= 0 })
            var dropout: DropoutStreams?
            let loss = loss(data.inputs.select(rows: rows), targets: targets, dropout: &dropout)
            sum += Double(loss.item) * counted
            count += counted
        }
        return sum / max(1, count)
    }

    /// The rates of dropout of another configuration.
    fileprivate mutating func setDropout(of other: CausalConfiguration) {
        configuration.embeddingDropout = other.embeddingDropout
        configuration.attentionDropout = other.attentionDropout
        configuration.residualDropout = other.residualDropout
        for index in layers.indices { layers[index].configuration = configuration }
    }
}
