import Foundation

extension BERT {
    /// Pre-trains a new BERT on raw text (arXiv:1810.04805).
    ///
    /// ```swift
    /// let pretrained = try BERT.pretrain(corpus: TextCorpus(files: [url]), configuration: .tiny)
    /// let classifier = try TextClassifier.fineTune(pretrained.bert, on: reviews)
    /// ```
    ///
    /// - Parameters:
    ///   - corpus: The text; for the next-sentence objective with documents of two sentences or more.
    ///   - configuration: Sizes. Without a `tokenizer`, its vocabulary size is the most tokens that are learned.
    ///   - tokenizer: Its vocabulary; nil: one is learned from the corpus, without capitals and accents.
    ///   - objectives: What is learned; masked tokens always are.
    ///   - heldOut: Text to judge the model on after every epoch; it changes nothing.
    ///   - options: How to train.
    ///   - checkpoint: Where to save the run on its way; a checkpoint of the same run that is there is gone on from, to the
    ///     same bits.
    ///   - progress: Called after every update; may stop the run.
    /// - Throws: `.emptyData`, `.invalidOption`, `.notFinite`; what reading files throws; `CancellationError`.
    public static func pretrain(
        corpus: TextCorpus, configuration: BERTConfiguration = .tiny, tokenizer: WordPieceTokenizer? = nil,
        objectives: Set<PretrainingObjective> = [.maskedLanguageModel, .nextSentence],
        heldOut: TextCorpus? = nil, options: PretrainingOptions = PretrainingOptions(),
        checkpoint: CheckpointOptions? = nil, progress: ProgressHandler? = nil
    ) throws -> PretrainedBERT {
        try options.validate(for: configuration)
        guard objectives.contains(.maskedLanguageModel) else {
            throw MarketingMLError(
                .invalidOption, "must contain maskedLanguageModel", at: .init(name: "objectives"))
        }
        var configuration = configuration
        let vocabulary: WordPieceTokenizer
        if let tokenizer {
            vocabulary = tokenizer
        } else {
            _ = progress?(ProgressEvent(phase: .other("learning the vocabulary")))
            vocabulary = try .train(on: corpus, vocabularySize: configuration.vocabularySize)
            configuration.vocabularySize = vocabulary.vocabularySize
        }
        let bert = try BERT(configuration: configuration, tokenizer: vocabulary, seed: options.seed)
        var model = BERTPretrainingModel(encoder: bert.encoder, objectives: objectives, seed: options.seed)
        if !objectives.contains(.nextSentence) { model.encoder.pooler = nil }
        let start = PretrainedBERT(
            model: model, tokenizer: vocabulary, card: ModelCard(task: "masked-language-model"))
        return try pretrain(
            continuing: start, corpus: corpus, heldOut: heldOut, options: options, checkpoint: checkpoint,
            progress: progress)
    }

    /// Pre-trains a new BERT on documents in memory.
    public static func pretrain(
        corpus documents: [String], configuration: BERTConfiguration = .tiny,
        tokenizer: WordPieceTokenizer? = nil,
        objectives: Set<PretrainingObjective> = [.maskedLanguageModel, .nextSentence],
        heldOut: [String]? = nil, options: PretrainingOptions = PretrainingOptions(),
        checkpoint: CheckpointOptions? = nil, progress: ProgressHandler? = nil
    ) throws -> PretrainedBERT {
        try pretrain(
            corpus: TextCorpus(documents), configuration: configuration, tokenizer: tokenizer,
            objectives: objectives, heldOut: heldOut.map { TextCorpus($0) }, options: options,
            checkpoint: checkpoint, progress: progress)
    }

    /// Pre-trains a model further, with its own vocabulary: how an encoder is fitted to a company's language.
    ///
    /// A lower learning rate than for new weights is usual, such as 5e-5. Parameters: as in
    /// ``pretrain(corpus:configuration:tokenizer:objectives:heldOut:options:checkpoint:progress:)``.
    public static func pretrain(
        continuing start: PretrainedBERT, corpus: TextCorpus, heldOut: TextCorpus? = nil,
        options: PretrainingOptions = PretrainingOptions(learningRate: 5e-5),
        checkpoint: CheckpointOptions? = nil, progress: ProgressHandler? = nil
    ) throws -> PretrainedBERT {
        var model = start.model
        try options.validate(for: model.encoder.configuration)
        if let dropout = options.dropout { model.encoder.setDropout(dropout) }
        model.encoder.recomputesLayers = options.gradientCheckpointing
        let makesPairs = model.nextSentence != nil
        try start.tokenizer.checkSegments(ofPairs: makesPairs, for: model.encoder.configuration)
        let data = try PretrainingData(
            corpus, start.tokenizer, options: options, makesPairs: makesPairs, progress: progress)
        let held = try heldOut.map {
            try PretrainingData($0, start.tokenizer, options: options, makesPairs: makesPairs)
        }
        let stream = BatchStream(batchesPerEpoch: data.batchCount(of: options.batchSize)) { epoch in
            data.open(epoch: epoch, batchSize: options.batchSize)
        }
        let loop = TrainingLoop<BERTPretrainingModel<Float>, PretrainingBatch>(
            epochs: options.epochs, options: options.training, seed: options.seed,
            optimizer: AdamW(learningRate: options.learningRate, weightDecay: options.weightDecay),
            batches: BatchPlan(stream, epochs: options.epochs, accumulation: options.accumulation),
            weight: { Double($0.positions.count) },
            size: { $0.tokens.tokenCount },
            loss: { model, batch, dropout in model.loss(batch, dropout: &dropout) },
            validate: held.map { held in
                { model in
                    let result = try model.evaluation(of: held.heldOutBatches(batchSize: options.batchSize))
                    return (result.loss, [.accuracy: result.accuracy])
                }
            },
            checkpoints: checkpoint.map {
                TrainingCheckpoints(
                    directory: $0.directory, interval: $0.interval,
                    fingerprint: fingerprint(options, data, model))
            },
            progress: progress)
        let history = try loop.run(&model)
        var card = start.card
        card.pretraining = options
        card.trainingTexts = data.rowCount
        card.validationTexts = held?.rowCount
        card.history = history
        return PretrainedBERT(model: model, tokenizer: start.tokenizer, card: card)
    }

    private static func fingerprint(
        _ options: PretrainingOptions, _ data: PretrainingData, _ model: BERTPretrainingModel<Float>
    ) -> String {
        var hash = data.fingerprint
        hash.combine("\(options)")
        for (name, value) in model.parameters { hash.combine("\(name)\(value.shape)") }
        return String(hash.value, radix: 16)
    }
}

extension WordPieceTokenizer {
    /// Learns a vocabulary from a corpus, block by block; otherwise as
    /// ``train(on:vocabularySize:lowercase:minimumFrequency:)``.
    ///
    /// - Throws: What reading files throws, too.
    public static func train(
        on corpus: TextCorpus, vocabularySize: Int, lowercase: Bool = true, minimumFrequency: Int = 2
    ) throws -> WordPieceTokenizer {
        var failure: (any Error)?
        let tokenizer = try train(
            on: corpus.sentences { failure = $0 }, vocabularySize: vocabularySize, lowercase: lowercase,
            minimumFrequency: minimumFrequency)
        if let failure { throw failure }
        return tokenizer
    }
}
