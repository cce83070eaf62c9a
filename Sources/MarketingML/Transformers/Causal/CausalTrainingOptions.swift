/// How a causal language model is trained. The defaults are usual for small models from random weights.
public struct CausalTrainingOptions: Sendable, Codable, Equatable, TransformerTrainingOptions {
    /// Passes over the training data, from 1 on.
    public var epochs: Int
    /// Rows of a batch are taken until they have this many tokens, from 1 on.
    public var batchTokens: Int
    /// Batches whose gradients are summed for one update, from 1 on; the result equals one batch of them all.
    public var accumulation: Int
    /// The highest learning rate, above 0.
    public var learningRate: Double
    /// Share of the updates that warm up, in 0...1.
    public var warmupRatio: Double
    /// How the rate falls afterwards.
    public var schedule: LearningRateSchedule
    /// Decay of the mean square of AdamW, in [0, 1).
    public var beta2: Double
    /// Decoupled weight decay of the matrices (not of biases and norms), from 0 on.
    public var weightDecay: Double
    /// The gradient's norm is cut down to this; nil: never.
    public var gradientClipping: Double?
    /// Replaces the model's own rates of dropout, in [0, 1); nil keeps them.
    public var dropout: Double?
    /// Share of the target spread over the whole vocabulary, in [0, 1).
    public var labelSmoothing: Double
    /// Low-rank adapters that learn while the model stays as it is; nil trains the model itself, or the adapters that it carries.
    public var adaptation: LoRA?
    /// With validation data: the weights of the epoch with the lowest validation loss are kept, and training ends after
    /// this many epochs without a better one. nil: train to the end, keep the last.
    public var earlyStoppingPatience: Int?
    /// Whether the backward pass computes each layer again instead of keeping its activations (gradient checkpointing): the same
    /// results, with a fraction of the memory, for about a third more time.
    @MissingIsFalse public var gradientCheckpointing: Bool
    /// Seed of everything random: new weights, order of rows, dropout.
    public var seed: UInt64

    /// Creates options.
    public init(
        epochs: Int = 3, batchTokens: Int = 2048, accumulation: Int = 1, learningRate: Double = 1e-3,
        warmupRatio: Double = 0.05, schedule: LearningRateSchedule = .cosine, beta2: Double = 0.99,
        weightDecay: Double = 0.1, gradientClipping: Double? = 1, dropout: Double? = nil,
        labelSmoothing: Double = 0, adaptation: LoRA? = nil, earlyStoppingPatience: Int? = nil,
        gradientCheckpointing: Bool = false, seed: UInt64 = 42
    ) {
        self.epochs = epochs
        self.batchTokens = batchTokens
        self.accumulation = accumulation
        self.learningRate = learningRate
        self.warmupRatio = warmupRatio
        self.schedule = schedule
        self.beta2 = beta2
        self.weightDecay = weightDecay
        self.gradientClipping = gradientClipping
        self.dropout = dropout
        self.labelSmoothing = labelSmoothing
        self.adaptation = adaptation
        self.earlyStoppingPatience = earlyStoppingPatience
        self.gradientCheckpointing = gradientCheckpointing
        self.seed = seed
    }

    var optimizer: AdamW<Float> {
        AdamW(learningRate: learningRate, beta2: beta2, weightDecay: weightDecay)
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate() throws {
        try requireOption(batchTokens >= 1, "batchTokens", "at least 1", batchTokens)
        try validateTraining()
        try adaptation?.validate()
        try optimizer.validate()
    }
}
