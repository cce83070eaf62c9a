/// What a model learns from raw text.
public enum PretrainingObjective: String, Sendable, Codable, CaseIterable {
    /// To name tokens that were hidden from it.
    case maskedLanguageModel
    /// To tell whether the second of two passages follows the first in its document.
    case nextSentence
}

/// Which tokens are hidden, anew every epoch.
public struct MaskingOptions: Sendable, Codable, Equatable {
    /// Share of tokens, or of words, that the model has to name, in (0, 1). Of every text at least one.
    public var rate: Double
    /// Whether words are hidden with all of their pieces.
    public var wholeWords: Bool
    /// Share of chosen tokens that become `[MASK]`, in 0...1.
    public var masked: Double
    /// Share of chosen tokens that become any token; those left over stay as they are. With `masked` at most 1.
    public var random: Double

    /// Creates options; the defaults are those of BERT.
    public init(rate: Double = 0.15, wholeWords: Bool = false, masked: Double = 0.8, random: Double = 0.1) {
        self.rate = rate
        self.wholeWords = wholeWords
        self.masked = masked
        self.random = random
    }
}

/// How a pre-training run goes about it.
public struct PretrainingOptions: Sendable, Codable, Equatable, TransformerTrainingOptions {
    /// Passes over the corpus, from 1 on.
    public var epochs: Int
    /// Rows of text a batch, from 1 on.
    public var batchSize: Int
    /// Batches whose gradients make one update, from 1 on.
    public var accumulation: Int
    /// Longest row in tokens, from 8 to the model's positions.
    public var maxLength: Int
    /// The highest learning rate, above 0.
    public var learningRate: Double
    /// Share of the updates in which the learning rate rises from 0, in 0...1.
    public var warmupRatio: Double
    /// How the learning rate moves afterwards.
    public var schedule: LearningRateSchedule
    /// Decoupled weight decay of the matrices, from 0 on.
    public var weightDecay: Double
    /// The gradient's norm is cut down to this; nil: never.
    public var gradientClipping: Double?
    /// Replaces the model's own rates of dropout, in [0, 1); nil keeps them.
    public var dropout: Double?
    /// Which tokens are hidden.
    public var masking: MaskingOptions
    /// Whether the backward pass computes each layer again instead of keeping its activations (gradient checkpointing): the same
    /// results, with a fraction of the memory, for about a third more time.
    @MissingIsFalse public var gradientCheckpointing: Bool
    /// Seed of everything random: new weights, order of texts, hidden tokens, dropout.
    public var seed: UInt64

    /// Creates options; the defaults train a small model on a few megabytes of text.
    public init(
        epochs: Int = 10, batchSize: Int = 32, accumulation: Int = 1, maxLength: Int = 128,
        learningRate: Double = 1e-3, warmupRatio: Double = 0.1, schedule: LearningRateSchedule = .linear,
        weightDecay: Double = 0.01, gradientClipping: Double? = 1, dropout: Double? = nil,
        masking: MaskingOptions = MaskingOptions(), gradientCheckpointing: Bool = false, seed: UInt64 = 42
    ) {
        self.epochs = epochs
        self.batchSize = batchSize
        self.accumulation = accumulation
        self.maxLength = maxLength
        self.learningRate = learningRate
        self.warmupRatio = warmupRatio
        self.schedule = schedule
        self.weightDecay = weightDecay
        self.gradientClipping = gradientClipping
        self.dropout = dropout
        self.masking = masking
        self.gradientCheckpointing = gradientCheckpointing
        self.seed = seed
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate(for configuration: BERTConfiguration) throws {
        try requireCount(batchSize, "batchSize")
        try validateTraining()
        let positions = configuration.maximumPositions
        try requireOption(
            maxLength >= 8 && maxLength <= positions, "maxLength",
            "from 8 to the model's \(positions) positions",
            maxLength)
        try requireOption(
            masking.rate > 0 && masking.rate < 1, "masking.rate", "between 0 and 1", masking.rate)
        try requireOption(
            masking.masked >= 0 && masking.random >= 0 && masking.masked + masking.random <= 1,
            "masking.masked + masking.random", "two shares of at most 1 together",
            masking.masked + masking.random)
    }
}
