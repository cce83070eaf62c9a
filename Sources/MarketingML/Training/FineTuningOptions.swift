import Foundation

/// How a Transformer is fine-tuned. Every default is the usual value for BERT.
public struct FineTuningOptions: Sendable, Codable, Equatable, TransformerTrainingOptions {
    /// Passes over the training data, from 1 on.
    public var epochs: Int
    /// Texts a batch, from 1 on.
    public var batchSize: Int
    /// If set, a batch takes texts until they have this many tokens, instead of `batchSize` texts.
    public var batchTokens: Int?
    /// Batches whose gradients are summed for one update, from 1 on; the result equals one batch of them all.
    public var accumulation: Int
    /// Longest text in tokens, special ones included; nil means min(512, the model's positions). Longer texts are cut.
    public var maxLength: Int?
    /// The highest learning rate, above 0.
    public var learningRate: Double
    /// Share of the updates that warm up, in 0...1.
    public var warmupRatio: Double
    /// How the rate falls afterwards.
    public var schedule: LearningRateSchedule
    /// Decoupled weight decay of the matrices (not of biases and norms), from 0 on.
    public var weightDecay: Double
    /// The gradient's norm is cut down to this; nil: never.
    public var gradientClipping: Double?
    /// Replaces the model's own rates of dropout (hidden, attention and classifier), in [0, 1); nil keeps them.
    public var dropout: Double?
    /// Share of the target spread over all classes, in [0, 1).
    public var labelSmoothing: Double
    /// Weight of each class in the loss.
    public var classWeights: ClassWeights
    /// How a text's vectors become one.
    public var pooling: Pooling
    /// Embeddings and this many layers from below stay as they are; nil trains everything.
    public var frozenLayers: Int?
    /// Low-rank adapters that learn, with the head, while the rest stays as it is; nil trains the model itself.
    public var adaptation: LoRA?
    /// What happens with validation data: the weights of the epoch with the lowest validation loss are kept, and
    /// training ends after this many epochs without a better one. nil: train to the end, keep the last.
    public var earlyStoppingPatience: Int?
    /// Whether the backward pass computes each layer again instead of keeping its activations (gradient checkpointing): the same
    /// results, with a fraction of the memory, for about a third more time.
    @MissingIsFalse public var gradientCheckpointing: Bool
    /// Seed of everything random: new weights, order of texts, dropout.
    public var seed: UInt64

    /// Creates options; the defaults fine-tune a BERT on a few thousand texts.
    public init(
        epochs: Int = 3, batchSize: Int = 32, batchTokens: Int? = nil, accumulation: Int = 1,
        maxLength: Int? = nil,
        learningRate: Double = 5e-5, warmupRatio: Double = 0.1, schedule: LearningRateSchedule = .linear,
        weightDecay: Double = 0.01, gradientClipping: Double? = 1, dropout: Double? = nil,
        labelSmoothing: Double = 0,
        classWeights: ClassWeights = .uniform, pooling: Pooling = .cls, frozenLayers: Int? = nil,
        adaptation: LoRA? = nil,
        earlyStoppingPatience: Int? = 2, gradientCheckpointing: Bool = false, seed: UInt64 = 42
    ) {
        self.epochs = epochs
        self.batchSize = batchSize
        self.batchTokens = batchTokens
        self.accumulation = accumulation
        self.maxLength = maxLength
        self.learningRate = learningRate
        self.warmupRatio = warmupRatio
        self.schedule = schedule
        self.weightDecay = weightDecay
        self.gradientClipping = gradientClipping
        self.dropout = dropout
        self.labelSmoothing = labelSmoothing
        self.classWeights = classWeights
        self.pooling = pooling
        self.frozenLayers = frozenLayers
        self.adaptation = adaptation
        self.earlyStoppingPatience = earlyStoppingPatience
        self.gradientCheckpointing = gradientCheckpointing
        self.seed = seed
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate(for configuration: BERTConfiguration) throws {
        try requireCount(batchSize, "batchSize")
        if let batchTokens { try requireCount(batchTokens, "batchTokens") }
        try validateTraining()
        let positions = configuration.maximumPositions
        try requireOption(
            maxLength.map { $0 >= 2 && $0 <= positions } ?? true, "maxLength",
            "from 2 to the model's \(positions) positions",
            maxLength ?? 0)
        try requireOption(
            frozenLayers.map { 0...configuration.layers ~= $0 } ?? true, "frozenLayers",
            "from 0 to the model's \(configuration.layers) layers", frozenLayers ?? 0)
        try adaptation?.validate()
        try requireOption(
            adaptation == nil || frozenLayers == nil, "frozenLayers",
            "nil beside adaptation, which freezes all layers", frozenLayers ?? 0)
    }
}

/// Weights of the classes in a loss.
public enum ClassWeights: Sendable, Codable, Equatable {
    /// Every class weighs 1.
    case uniform
    /// Inversely to how often a class occurs: N / (classes · count).
    case balanced
    /// Given ones, in the order of the labels; each at least 0, not all 0.
    case values([Double])

    /// The weights for targets of `classes` classes; nil when all are 1.
    func values(for targets: [Int32], classes: Int) throws -> [Double]? {
        switch self {
        case .uniform: return nil
        case .balanced:
            var counts = [Int](repeating: 0, count: classes)
            for target in targets { counts[Int(target)] += 1 }
            return counts.map { $0 == 0 ? 0 : Double(targets.count) / Double(classes * $0) }
        case .values(let values):
            guard values.count == classes, values.allSatisfy({ $0 >= 0 && $0.isFinite }),
                values.contains(where: { $0 > 0 })
            else {
                throw MarketingMLError(
                    .invalidOption, "must be \(classes) numbers from 0 on, not all 0; found \(values)",
                    at: .init(name: "classWeights"))
            }
            return values
        }
    }
}
