extension Sequential {
    /// Trains the model.
    ///
    /// ```swift
    /// let history = try model.fit(x, y, loss: .binaryCrossEntropy, optimizer: .adam(learningRate: 1e-3),
    ///                             metrics: [.accuracy], epochs: 10, batchSize: 32, validationFraction: 0.1)
    /// ```
    ///
    /// A model that was fitted before goes on from its weights, with a new optimizer.
    ///
    /// - Parameters:
    ///   - x: N inputs: rows of token ids, rows of numbers, a tensor.
    ///   - y: N targets: class numbers, `Bool`, numbers, a tensor.
    ///   - loss: What to make small.
    ///   - optimizer: The rule of the updates; its rate is the schedule's highest.
    ///   - metrics: What else to measure, on the training data while they are learned from, and on the validation data.
    ///   - epochs: Passes over the data, from 1 on.
    ///   - batchSize: Examples an update, from 1 on.
    ///   - validationFraction: The share of the examples, the last ones as in Keras, that are only judged, in 0 ..< 1.
    ///   - validation: Examples to judge after every epoch; instead of `validationFraction`.
    ///   - classWeights: Weight of each class in the loss.
    ///   - sampleWeights: Weight of each example in the loss, each at least 0.
    ///   - options: Schedule, clipping, early stopping and the like.
    ///   - logs: Files that the history is written to after every epoch.
    ///   - checkpoint: Where to save the run on its way; if that directory holds a checkpoint of the same run, the run goes
    ///     on from there, to the same bits as if it had not been interrupted.
    ///   - progress: Called after every update; may stop the run.
    /// - Throws: `.emptyData`, `.shapeMismatch`, `.invalidOption` for data or options that do not fit, naming them;
    ///   `.notFinite` for such input, and naming the update and the layer when training leaves the finite numbers;
    ///   `CancellationError`.
    @discardableResult
    public mutating func fit(
        _ x: some InputConvertible, _ y: some TargetsConvertible, loss: Loss,
        optimizer: some Optimizer<Float> = .adam(), metrics: [Scoring] = [], epochs: Int = 1,
        batchSize: Int = 32,
        validationFraction: Double = 0, validation: Examples? = nil, classWeights: ClassWeights = .uniform,
        sampleWeights: [Double]? = nil, options: TrainingOptions = TrainingOptions(),
        logs: [TrainingLog] = [],
        checkpoint: CheckpointOptions? = nil, progress: ProgressHandler? = nil
    ) throws -> TrainingHistory {
        let all = try Examples(x, y, weights: sampleWeights)
        try requireOption(
            0 <= validationFraction && validationFraction < 1, "validationFraction", "in 0 ..< 1",
            validationFraction)
        try requireOption(
            validationFraction == 0 || validation == nil, "validationFraction", "0 beside validation data",
            validationFraction)
        let kept = Int(Double(all.count) * (1 - validationFraction))
        try requireOption(
            kept >= 1, "validationFraction", "small enough to leave an example", validationFraction)
        let held = kept < all.count ? all.select(rows: Array(kept..<all.count)) : validation
        let training = kept < all.count ? all.select(rows: Array(0..<kept)) : all
        return try fit(
            training, loss: loss, optimizer: optimizer, metrics: metrics, epochs: epochs,
            batchSize: batchSize,
            validation: held, classWeights: classWeights, options: options, logs: logs,
            checkpoint: checkpoint,
            progress: progress)
    }

    /// Trains the model on examples that were put together before; as ``fit(_:_:loss:optimizer:metrics:epochs:batchSize:validationFraction:validation:classWeights:sampleWeights:options:logs:checkpoint:progress:)``.
    @discardableResult
    public mutating func fit(
        _ examples: Examples, loss: Loss, optimizer: some Optimizer<Float> = .adam(), metrics: [Scoring] = [],
        epochs: Int = 1, batchSize: Int = 32, validation: Examples? = nil,
        classWeights: ClassWeights = .uniform, options: TrainingOptions = TrainingOptions(),
        logs: [TrainingLog] = [], checkpoint: CheckpointOptions? = nil, progress: ProgressHandler? = nil
    ) throws -> TrainingHistory {
        try requireCount(epochs, "epochs", 1...1_000_000)
        try requireCount(batchSize, "batchSize")
        try options.validate()
        let examples = try examples.weighted(by: classWeights)
        try prepare(for: examples, loss)
        let sampler = BatchSampler(
            lengths: examples.input.lengths, batchSize: batchSize, batchTokens: nil, seed: seed,
            shuffles: options.shuffles)
        let plan = BatchPlan(sampler, epochs: epochs, accumulation: options.accumulation) {
            examples.select(rows: $0)
        }
        let fingerprint = checkpoint.map { _ in
            self.fingerprint("\(loss) \(epochs) \(batchSize) \(options) \(optimizer)", examples)
        }
        return try train(
            plan, loss: loss, optimizer: optimizer, metrics: metrics, epochs: epochs, validation: validation,
            options: options, logs: logs, checkpoint: checkpoint, fingerprint: fingerprint ?? "",
            progress: progress)
    }

    /// Trains the model on batches that are made on the way, for data that do not fit in memory.
    ///
    /// - Parameters:
    ///   - batches: Starts each epoch; every batch is checked when it comes. Its examples may have weights.
    ///   - classWeights: Multiply them; `.balanced` would need to see all examples first.
    ///   - fingerprint: Tells the data apart from others, for a checkpoint: it is resumed only under the same.
    /// - Throws: What the stream throws, and as the other `fit`; `.invalidOption` for a schedule or warm-up that needs to
    ///   know the number of batches when the stream does not say it, and for balanced class weights.
    @discardableResult
    public mutating func fit(
        _ batches: BatchStream<Examples>, loss: Loss, optimizer: some Optimizer<Float> = .adam(),
        metrics: [Scoring] = [], epochs: Int = 1, validation: Examples? = nil,
        classWeights: ClassWeights = .uniform, options: TrainingOptions = TrainingOptions(),
        logs: [TrainingLog] = [], checkpoint: CheckpointOptions? = nil, fingerprint: String = "stream",
        progress: ProgressHandler? = nil
    ) throws -> TrainingHistory {
        try requireCount(epochs, "epochs", 1...1_000_000)
        try options.validate()
        try requireOption(
            batches.batchesPerEpoch != nil || !options.schedule.needsTotal && options.warmupRatio == 0,
            "schedule", "one that does not need batchesPerEpoch", options.schedule)
        try requireOption(
            classWeights != .balanced, "classWeights", "uniform or given ones for a stream", classWeights)
        if layers == nil {
            guard let first = try batches.open(0)() else {
                throw MarketingMLError(.emptyData, "the stream has no batches")
            }
            try prepare(for: first, loss)
        }
        let model = self
        let classes = layers?.output.width.map { max(2, $0) }
        let checked = BatchStream<Examples>(batchesPerEpoch: batches.batchesPerEpoch) { epoch in
            let next = try batches.open(epoch)
            return {
                guard let batch = try next() else { return nil }
                try model.check(batch, loss)
                return try batch.weighted(by: classWeights, classes: classes)
            }
        }
        return try train(
            BatchPlan(checked, epochs: epochs, accumulation: options.accumulation), loss: loss,
            optimizer: optimizer,
            metrics: metrics, epochs: epochs, validation: validation, options: options, logs: logs,
            checkpoint: checkpoint,
            fingerprint: "\(fingerprint) \(loss) \(epochs) \(classWeights) \(options)",
            progress: progress)
    }

    private mutating func train(
        _ plan: BatchPlan<Examples>, loss: Loss, optimizer: some Optimizer<Float>, metrics: [Scoring],
        epochs: Int,
        validation: Examples?, options: TrainingOptions, logs: [TrainingLog], checkpoint: CheckpointOptions?,
        fingerprint: String, progress: ProgressHandler?
    ) throws -> TrainingHistory {
        guard var layers else { preconditionFailure("the model is built before it is trained") }
        try optimizer.validate()
        try loss.validate()
        if let validation { try check(validation, loss) }
        let seen = Collected()
        let writers = try logs.map { try $0.writer() }
        let loop = TrainingLoop<LayerStack<Float>, Examples>(
            epochs: epochs, options: options, seed: seed, optimizer: optimizer, batches: plan,
            weight: { batch in loss.divisor(batch.rowWeights ?? Array(repeating: 1, count: batch.rowCount)) },
            size: { $0.count }, sizeUnit: "examples",
            loss: { layers, batch, dropout in
                let output = layers.output(batch.input, for: loss, dropout: &dropout)
                guard output.vectors.rowCount == batch.rowCount else {
                    throw batch.stepMismatch(output.vectors.rowCount)
                }
                if !metrics.isEmpty {
                    seen.predictions.add(output.vectors.detached.activated(by: output.logitsOf), batch)
                }
                return loss(
                    output.vectors, batch.targets, weights: batch.rowWeights, logitsOf: output.logitsOf)
            },
            trainingMetrics: { try seen.take().metrics(metrics, loss: loss) },
            validate: validation.map { validation in
                { layers in try layers.judge(validation, loss: loss, metrics: metrics) }
            },
            locateNonFinite: { layers, batch in layers.firstNonFiniteLayer(batch.input) },
            record: { history in for writer in writers { try writer(history) } },
            checkpoints: checkpoint.map {
                TrainingCheckpoints(directory: $0.directory, interval: $0.interval, fingerprint: fingerprint)
            },
            progress: progress)
        let history = try loop.run(&layers)
        self.layers = layers
        self.loss = loss
        self.metrics = metrics
        return history
    }

    /// Builds the model for the examples if it is not built, and checks them.
    private mutating func prepare(for examples: Examples, _ loss: Loss) throws {
        if layers == nil { try build(input: examples.input.shape) }
        try check(examples, loss)
    }

    func check(_ examples: Examples, _ loss: Loss) throws {
        guard let layers else { preconditionFailure("the model is built before data are checked") }
        try layers.check(examples.input)
        try examples.targets.check(for: loss, output: layers.output)
    }

    private func fingerprint(_ options: String, _ examples: Examples) -> String {
        var hash = FNV1a()
        hash.combine(options)
        hash.combine("\(seed)")
        for parameter in parameters { hash.combine("\(parameter.name)\(parameter.value.shape)") }
        hash.combine(examples)
        return String(hash.value, radix: 16)
    }
}

/// The predictions of an epoch while it trains.
private final class Collected {
    var predictions = Predictions()

    func take() -> Predictions {
        defer { predictions = Predictions() }
        return predictions
    }
}
