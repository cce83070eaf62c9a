/// Fine-tunes a BERT with a head, whatever the head predicts.
struct FineTuner<Model: Parameterized<Float>> {
    let options: FineTuningOptions
    /// The training texts.
    let batch: TokenBatch
    /// The tokens of each example, where that is more than a row of `batch`.
    var lengths: [Int]?
    /// An order of the examples for each epoch, for comparisons with another library; nil: from the seed.
    var orders: [[Int]]?
    /// An example's share in the mean loss of a batch.
    var weight: (Int) -> Double = { _ in 1 }
    /// The mean loss of the examples of these numbers.
    let loss: (Model, [Int], inout DropoutStreams?) throws -> Tensor<Float>
    /// Loss and metrics on the validation texts.
    var validate: ((Model) throws -> (loss: Double, metrics: [Scoring: Double]))?
    /// Adds the targets to what tells this run from others.
    let addTargets: (inout FNV1a) -> Void
    let checkpoint: CheckpointOptions?
    let progress: ProgressHandler?

    /// Trains `model` in place and returns what happened.
    ///
    /// - Throws: `.notFinite` naming the update, `CancellationError`.
    func run(_ model: inout Model) throws -> TrainingHistory {
        let sampler = BatchSampler(
            lengths: lengths ?? batch.lengths, batchSize: options.batchSize, batchTokens: options.batchTokens,
            seed: options.seed, orders: orders)
        let loop = TrainingLoop<Model, [Int]>(
            epochs: options.epochs, options: options.training, seed: options.seed,
            optimizer: AdamW(learningRate: options.learningRate, weightDecay: options.weightDecay),
            batches: BatchPlan(sampler, epochs: options.epochs, accumulation: options.accumulation) { $0 },
            weight: { rows in rows.reduce(0) { $0 + weight($1) } },
            size: { rows in rows.reduce(0) { $0 + sampler.lengths[$1] } },
            loss: loss, validate: validate, isTrainable: options.isTrainable,
            checkpoints: checkpoint.map {
                TrainingCheckpoints(
                    directory: $0.directory, interval: $0.interval, fingerprint: fingerprint(of: model))
            },
            progress: progress)
        return try loop.run(&model)
    }

    private func fingerprint(of model: Model) -> String {
        var hash = FNV1a()
        hash.combine("\(options)")
        for (name, value) in model.parameters { hash.combine("\(name)\(value.shape)") }
        hash.combine(batch.ids)
        hash.combine(batch.rowOffsets.map { Int32(truncatingIfNeeded: $0) })
        addTargets(&hash)
        return String(hash.value, radix: 16)
    }
}

extension FineTuningOptions {
    /// Whether a parameter of a BERT with a head learns. With adapters these and the head do, and nothing else.
    func isTrainable(_ name: String) -> Bool {
        if adaptation != nil { return LowRankAdapter<Float>.owns(name) || !name.hasPrefix("bert.") }
        guard let frozenLayers else { return true }
        if name.hasPrefix("bert.embeddings.") { return false }
        let parts = name.split(separator: ".")
        return !(parts.count > 3 && parts[1] == "encoder" && Int(parts[3]).map { $0 < frozenLayers } == true)
    }

    /// The longest text for a model.
    func length(for configuration: BERTConfiguration) -> Int {
        maxLength ?? min(512, configuration.maximumPositions)
    }

    /// The encoder as it is trained, with the options' dropout.
    func prepared(_ encoder: BERTEncoder<Float>) -> BERTEncoder<Float> {
        var encoder = encoder
        encoder.recomputesLayers = gradientCheckpointing
        if let dropout { encoder.setDropout(dropout) }
        return encoder
    }

    /// The model with new adapters, if adapters are asked for.
    func adapting<Model: AdaptableModel>(_ model: Model) throws -> Model {
        try adaptation.map { try model.adapted(by: $0, seed: seed) } ?? model
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
