/// What the options of fine-tuning, pre-training and training a Transformer have in common.
protocol TransformerTrainingOptions {
    var epochs: Int { get }
    var accumulation: Int { get }
    var learningRate: Double { get }
    var warmupRatio: Double { get }
    var schedule: LearningRateSchedule { get }
    var weightDecay: Double { get }
    var gradientClipping: Double? { get }
    var dropout: Double? { get }
    var labelSmoothing: Double { get }
    var earlyStoppingPatience: Int? { get }
}

extension TransformerTrainingOptions {
    var dropout: Double? { nil }
    var labelSmoothing: Double { 0 }
    var earlyStoppingPatience: Int? { nil }

    /// What the training loop is told.
    var training: TrainingOptions {
        TrainingOptions(
            accumulation: accumulation, warmupRatio: warmupRatio, schedule: schedule,
            gradientClipping: gradientClipping,
            earlyStopping: earlyStoppingPatience.map { EarlyStopping(patience: $0) })
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validateTraining() throws {
        try requireCount(epochs, "epochs", 1...1_000_000)
        try training.validate()
        try requireOption(learningRate > 0 && learningRate.isFinite, "learningRate", "above 0", learningRate)
        try requireOption(weightDecay >= 0 && weightDecay.isFinite, "weightDecay", "at least 0", weightDecay)
        try requireOption(dropout.map { 0..<1 ~= $0 } ?? true, "dropout", "in [0, 1)", dropout ?? 0)
        try requireOption(0..<1 ~= labelSmoothing, "labelSmoothing", "in [0, 1)", labelSmoothing)
    }
}
