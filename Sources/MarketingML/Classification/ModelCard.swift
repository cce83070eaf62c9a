/// Where a fitted model comes from: saved beside it as card.json.
public struct ModelCard: Sendable, Codable, Equatable {
    /// Version of the card's layout.
    public var format = 1
    /// The library that made the model.
    public var library = "MarketingML"
    /// What the model does.
    public var task: String
    /// How it was fine-tuned.
    public var options: FineTuningOptions?
    /// The kind and the sizes of a model that was trained from scratch.
    public var recipe: TextModelRecipe?
    /// How it was trained from scratch.
    public var trainingOptions: TextTrainingOptions?
    /// How it was pre-trained on raw text.
    public var pretraining: PretrainingOptions?
    /// Texts it learned from.
    public var trainingTexts: Int?
    /// Texts that chose the epoch.
    public var validationTexts: Int?
    /// What happened.
    public var history: TrainingHistory?
    /// Longest text in tokens.
    public var maxLength: Int?

    init(
        task: String, options: FineTuningOptions? = nil, trainingTexts: Int? = nil,
        validationTexts: Int? = nil,
        history: TrainingHistory? = nil
    ) {
        self.task = task
        self.options = options
        self.trainingTexts = trainingTexts
        self.validationTexts = validationTexts
        self.history = history
    }
}
