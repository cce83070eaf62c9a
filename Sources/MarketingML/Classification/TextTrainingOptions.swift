import Tensor

/// How a ``TextModelRecipe`` is trained. N-grams take the weights of the classes alone; all else is for networks.
public struct TextTrainingOptions: Sendable, Codable, Equatable {
    /// What words are, and which of them are in the vocabulary.
    public var tokenizer: WordTokenizer.Options
    /// The longest text in words, from 1 on; longer ones are cut.
    public var maxLength: Int
    /// Passes over the training texts, from 1 on.
    public var epochs: Int
    /// Texts a step, from 1 on.
    public var batchSize: Int
    /// The learning rate of Adam, above 0.
    public var learningRate: Double
    /// How the rate falls.
    public var schedule: LearningRateSchedule
    /// Decoupled weight decay of the matrices, from 0 on.
    public var weightDecay: Double
    /// The gradient's norm is cut down to this; nil: never.
    public var gradientClipping: Double?
    /// Share of the target spread over all classes, in [0, 1).
    public var labelSmoothing: Double
    /// Weight of each class in the loss.
    public var classWeights: ClassWeights
    /// With validation texts, the weights of the epoch with the lowest validation loss are kept, and training ends after this many epochs without
    /// a better one. nil: train to the end, keep the last.
    public var earlyStoppingPatience: Int?
    /// Seed of everything random: first weights, order of texts, dropout.
    public var seed: UInt64

    /// Creates options; the defaults serve some thousand texts.
    public init(
        tokenizer: WordTokenizer.Options = .init(), maxLength: Int = 256, epochs: Int = 8,
        batchSize: Int = 32,
        learningRate: Double = 1e-3, schedule: LearningRateSchedule = .linear, weightDecay: Double = 0,
        gradientClipping: Double? = 1, labelSmoothing: Double = 0, classWeights: ClassWeights = .uniform,
        earlyStoppingPatience: Int? = 2, seed: UInt64 = 42
    ) {
        self.tokenizer = tokenizer
        self.maxLength = maxLength
        self.epochs = epochs
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.schedule = schedule
        self.weightDecay = weightDecay
        self.gradientClipping = gradientClipping
        self.labelSmoothing = labelSmoothing
        self.classWeights = classWeights
        self.earlyStoppingPatience = earlyStoppingPatience
        self.seed = seed
    }
}
