/// How a training run goes about it, whatever the model.
public struct TrainingOptions: Sendable, Codable, Equatable {
    /// Batches whose gradients are summed for one update, from 1 on; the result equals one batch of them all.
    public var accumulation: Int
    /// Share of the updates in which the learning rate rises from 0, in 0...1.
    public var warmupRatio: Double
    /// How the learning rate moves afterwards.
    public var schedule: LearningRateSchedule
    /// The gradient's Euclidean norm, of all parameters together, is cut down to this; nil: never.
    public var gradientClipping: Double?
    /// Every element of the gradient is cut to ± this, before the norm is; nil: never.
    public var gradientLimit: Double?
    /// When to stop because the validation loss does not fall any more; nil: train to the end, keep the last weights.
    public var earlyStopping: EarlyStopping?
    /// Whether examples are put in a new random order every epoch.
    public var shuffles: Bool

    /// Creates options; the defaults are plain training at a constant rate, as in Keras.
    public init(
        accumulation: Int = 1, warmupRatio: Double = 0, schedule: LearningRateSchedule = .constant,
        gradientClipping: Double? = nil, gradientLimit: Double? = nil, earlyStopping: EarlyStopping? = nil,
        shuffles: Bool = true
    ) {
        self.accumulation = accumulation
        self.warmupRatio = warmupRatio
        self.schedule = schedule
        self.gradientClipping = gradientClipping
        self.gradientLimit = gradientLimit
        self.earlyStopping = earlyStopping
        self.shuffles = shuffles
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate() throws {
        try requireCount(accumulation, "accumulation")
        try requireOption(0...1 ~= warmupRatio, "warmupRatio", "in 0...1", warmupRatio)
        try requireOption(
            gradientClipping.map { $0 > 0 } ?? true, "gradientClipping", "above 0", gradientClipping ?? 0)
        try requireOption(
            gradientLimit.map { $0 > 0 } ?? true, "gradientLimit", "above 0", gradientLimit ?? 0)
        if let earlyStopping {
            try requireOption(
                earlyStopping.patience >= 1, "earlyStoppingPatience", "at least 1", earlyStopping.patience)
            try requireOption(
                earlyStopping.minimumImprovement >= 0, "minimumImprovement", "at least 0",
                earlyStopping.minimumImprovement)
        }
        try schedule.validate()
    }
}

/// Ends a run when the validation loss does not fall any more, and keeps the weights of the epoch where it was lowest.
public struct EarlyStopping: Sendable, Codable, Equatable {
    /// Epochs without a better one after which training ends, from 1 on.
    public var patience: Int
    /// By how much a loss must be lower to count as better, from 0 on.
    public var minimumImprovement: Double

    /// Creates the rule.
    public init(patience: Int = 2, minimumImprovement: Double = 0) {
        self.patience = patience
        self.minimumImprovement = minimumImprovement
    }
}
