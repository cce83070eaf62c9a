/// How an encoder–decoder is trained on pairs of texts.
public struct SequenceToSequenceOptions: Sendable, Codable, Equatable, TransformerTrainingOptions {
    /// Passes over the pairs, from 1 on.
    public var epochs: Int
    /// Tokens of sources and targets together in a batch, from 1 on.
    public var batchTokens: Int
    /// Batches whose gradients make one update, from 1 on.
    public var accumulation: Int
    /// Longest source and longest target in tokens; the rest is cut. From 2 to the model's positions.
    public var maxLength: Int
    /// The highest learning rate, above 0. In the paper: 1 / √(D · warm-up updates).
    public var learningRate: Double
    /// Share of the updates in which the learning rate rises from 0, in 0...1.
    public var warmupRatio: Double
    /// How the learning rate moves afterwards.
    public var schedule: LearningRateSchedule
    /// Share of the target spread over the whole vocabulary, in [0, 1).
    public var labelSmoothing: Double
    /// Decoupled weight decay of the matrices, from 0 on.
    public var weightDecay: Double
    /// The gradient's norm is cut down to this; nil: never.
    public var gradientClipping: Double?
    /// What happens with validation pairs: training ends after this many epochs without a lower loss, and the weights of the
    /// best one are kept. nil: train to the end, keep the last.
    public var earlyStoppingPatience: Int?
    /// Whether the backward pass computes each layer again instead of keeping its activations (gradient checkpointing): the same
    /// results, with a fraction of the memory, for about a third more time.
    @MissingIsFalse public var gradientCheckpointing: Bool
    /// Seed of everything random: new weights, order of pairs, dropout.
    public var seed: UInt64

    /// Creates options; the defaults train a small model on some ten thousand pairs.
    public init(
        epochs: Int = 20, batchTokens: Int = 2048, accumulation: Int = 1, maxLength: Int = 128,
        learningRate: Double = 1e-3, warmupRatio: Double = 0.1,
        schedule: LearningRateSchedule = .inverseSquareRoot, labelSmoothing: Double = 0.1,
        weightDecay: Double = 0, gradientClipping: Double? = 1, earlyStoppingPatience: Int? = nil,
        gradientCheckpointing: Bool = false, seed: UInt64 = 42
    ) {
        self.epochs = epochs
        self.batchTokens = batchTokens
        self.accumulation = accumulation
        self.maxLength = maxLength
        self.learningRate = learningRate
        self.warmupRatio = warmupRatio
        self.schedule = schedule
        self.labelSmoothing = labelSmoothing
        self.weightDecay = weightDecay
        self.gradientClipping = gradientClipping
        self.earlyStoppingPatience = earlyStoppingPatience
        self.gradientCheckpointing = gradientCheckpointing
        self.seed = seed
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate(for configuration: EncoderDecoderConfiguration) throws {
        try requireCount(batchTokens, "batchTokens")
        try validateTraining()
        let positions = configuration.maximumPositions
        try requireOption(
            maxLength >= 2 && maxLength <= positions, "maxLength",
            "from 2 to the model's \(positions) positions",
            maxLength)
    }
}
