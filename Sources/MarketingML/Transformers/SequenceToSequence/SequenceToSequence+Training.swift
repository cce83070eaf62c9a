import Foundation

extension SequenceToSequence {
    /// Trains a new model on pairs of texts.
    ///
    /// - Parameters:
    ///   - pairs: Sources with their targets.
    ///   - configuration: Sizes. Where no tokenizer is given, its vocabulary sizes are the most tokens that are learned.
    ///   - tokenizers: The vocabularies of sources and targets; nil: byte-level BPE learned from the pairs, one vocabulary of
    ///     both where the configuration shares embeddings.
    ///   - validation: Pairs to judge the model on after every epoch.
    ///   - options: How to train.
    ///   - checkpoint: Where to save the run on its way; a checkpoint of the same run that is there is gone on from, to the
    ///     same bits.
    ///   - progress: Called after every update; may stop the run.
    /// - Throws: `.emptyData`, `.invalidOption`, `.notFinite` naming the update; `.unsupported` for vocabularies without
    ///   tokens that begin and end a text; `CancellationError`.
    public static func train(
        on pairs: [(source: String, target: String)], configuration: EncoderDecoderConfiguration = .small,
        tokenizers: (source: any TextTokenizer, target: any TextTokenizer)? = nil,
        validation: [(source: String, target: String)]? = nil,
        options: SequenceToSequenceOptions = SequenceToSequenceOptions(),
        checkpoint: CheckpointOptions? = nil, progress: ProgressHandler? = nil
    ) throws -> SequenceToSequence {
        try configuration.validate()
        try options.validate(for: configuration)
        guard !pairs.isEmpty, validation?.isEmpty != true else {
            throw MarketingMLError(
                .emptyData, "there are no pairs to \(pairs.isEmpty ? "train on" : "judge")")
        }
        let vocabularies = try tokenizers ?? learnedTokenizers(from: pairs, configuration)
        var configuration = configuration
        configuration.sourceVocabularySize = vocabularies.source.vocabularySize
        configuration.targetVocabularySize = vocabularies.target.vocabularySize
        let start = try SequenceToSequence(
            model: EncoderDecoder(configuration: configuration, seed: options.seed),
            sourceTokenizer: vocabularies.source, targetTokenizer: vocabularies.target)
        return try train(
            continuing: start, on: pairs, validation: validation, options: options, checkpoint: checkpoint,
            progress: progress)
    }

    /// Trains a model further, with its own vocabularies. Parameters: as in
    /// ``train(on:configuration:tokenizers:validation:options:checkpoint:progress:)``.
    public static func train(
        continuing start: SequenceToSequence, on pairs: [(source: String, target: String)],
        validation: [(source: String, target: String)]? = nil,
        options: SequenceToSequenceOptions = SequenceToSequenceOptions(learningRate: 1e-4),
        checkpoint: CheckpointOptions? = nil, progress: ProgressHandler? = nil
    ) throws -> SequenceToSequence {
        try options.validate(for: start.model.configuration)
        guard !pairs.isEmpty, validation?.isEmpty != true else {
            throw MarketingMLError(
                .emptyData, "there are no pairs to \(pairs.isEmpty ? "train on" : "judge")")
        }
        let end = start.marks.end
        let data = PairRows(pairs, start, maxLength: options.maxLength)
        let held = validation.map { PairRows($0, start, maxLength: options.maxLength) }
        let sampler = BatchSampler(
            lengths: data.lengths, batchSize: 1, batchTokens: options.batchTokens, seed: options.seed)
        let loop = TrainingLoop<EncoderDecoder<Float>, [Int]>(
            epochs: options.epochs, options: options.training, seed: options.seed,
            optimizer: AdamW(
                learningRate: options.learningRate, beta2: 0.98, epsilon: 1e-9,
                weightDecay: options.weightDecay),
            batches: BatchPlan(sampler, epochs: options.epochs, accumulation: options.accumulation) { $0 },
            weight: { rows in Double(rows.reduce(0) { $0 + data.targets.length(ofRow: $1) }) },
            size: { rows in rows.reduce(0) { $0 + data.lengths[$1] } },
            loss: { model, rows, dropout in
                model.loss(
                    sources: data.sources.select(rows: rows), targets: data.targets.select(rows: rows),
                    end: end, labelSmoothing: options.labelSmoothing, dropout: &dropout)
            },
            validate: held.map { held in
                { model in (model.meanLoss(held, end: end, tokensAtATime: options.batchTokens), [:]) }
            },
            checkpoints: checkpoint.map {
                TrainingCheckpoints(
                    directory: $0.directory, interval: $0.interval,
                    fingerprint: fingerprint(options, data, start.model))
            },
            progress: progress)
        var model = start.model
        model.recomputesLayers = options.gradientCheckpointing
        var card = start.card
        card.history = try loop.run(&model)
        card.options = options
        card.trainingPairs = pairs.count
        card.validationPairs = validation?.count
        return try SequenceToSequence(
            model: model, sourceTokenizer: start.sourceTokenizer, targetTokenizer: start.targetTokenizer,
            card: card)
    }

    private static func learnedTokenizers(
        from pairs: [(source: String, target: String)], _ configuration: EncoderDecoderConfiguration
    ) throws -> (source: any TextTokenizer, target: any TextTokenizer) {
        func learned(_ texts: some Sequence<String>, _ size: Int) throws -> any TextTokenizer {
            try ByteLevelBPETokenizer.train(
                on: texts, vocabularySize: size, specialTokens: ["<s>", "</s>"])
        }
        if configuration.sharesEmbeddings {
            let texts = pairs.lazy.flatMap { [$0.source, $0.target] }
            let tokenizer = try learned(texts, configuration.targetVocabularySize)
            return (tokenizer, tokenizer)
        }
        return (
            try learned(pairs.lazy.map(\.source), configuration.sourceVocabularySize),
            try learned(pairs.lazy.map(\.target), configuration.targetVocabularySize)
        )
    }

    private static func fingerprint(
        _ options: SequenceToSequenceOptions, _ data: PairRows, _ model: EncoderDecoder<Float>
    ) -> String {
        var hash = FNV1a()
        hash.combine("\(options)\(model.configuration)")
        for batch in [data.sources, data.targets] {
            hash.combine(batch.ids)
            hash.combine(batch.rowOffsets.map { Int32(truncatingIfNeeded: $0) })
        }
        return String(hash.value, radix: 16)
    }
}

/// Pairs as rows of ids.
struct PairRows: Sendable {
    let sources: TokenBatch
    let targets: TokenBatch
    /// Tokens of source and target together.
    let lengths: [Int]

    init(_ pairs: [(source: String, target: String)], _ model: SequenceToSequence, maxLength: Int) {
        sources = TokenBatch(
            rows: parallelMap(pairs.count) { model.sourceRow(pairs[$0].source, maxLength: maxLength) })
        targets = TokenBatch(
            rows: parallelMap(pairs.count) { model.targetRow(pairs[$0].target, maxLength: maxLength) })
        lengths = zip(sources.lengths, targets.lengths).map(+)
    }
}

extension EncoderDecoder {
    /// The mean cross-entropy over all target tokens, without label smoothing.
    func meanLoss(_ pairs: PairRows, end: Int32, tokensAtATime: Int) -> Double {
        var sum = 0.0
        for rows in pairs.targets.rowRanges(tokensAtATime: max(1, tokensAtATime / 2)) {
            var none: DropoutStreams?
            let targets = pairs.targets.select(rows: rows)
            let loss = loss(
                sources: pairs.sources.select(rows: rows), targets: targets, end: end, dropout: &none)
            sum += Double(loss.item) * Double(targets.tokenCount)
        }
        return sum / Double(max(1, pairs.targets.tokenCount))
    }
}
