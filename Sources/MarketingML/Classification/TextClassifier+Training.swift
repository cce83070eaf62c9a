import Tensor

extension TextClassifier {
    /// Trains a classifier from scratch, without a pretrained model.
    ///
    /// ```swift
    /// let classifier = try TextClassifier.train(.lstm(), on: train, validation: dev)
    /// let baseline = try TextClassifier.train(.nGrams(), on: train)
    /// try classifier.evaluate(test).accuracy
    /// ```
    ///
    /// - Parameters:
    ///   - recipe: The kind of model and its sizes.
    ///   - train: The texts to learn from.
    ///   - validation: Texts that decide when to stop and which epoch's weights to keep; never the test texts. N-grams have no use
    ///     for them.
    ///   - options: How to train.
    ///   - progress: Called after every update; may stop the run.
    /// - Throws: `.emptyData` (also for texts of one label only, or without any frequent word), `.invalidOption`, `.unknownLabel`
    ///   (a validation label that training lacks), `.notFinite` naming the update, `CancellationError`.
    public static func train(
        _ recipe: TextModelRecipe, on train: LabeledTexts<Label>, validation: LabeledTexts<Label>? = nil,
        options: TextTrainingOptions = TextTrainingOptions(), progress: ProgressHandler? = nil
    ) throws -> TextClassifier {
        let labelSet = try LabelSet(train.labels)
        guard labelSet.count >= 2 else {
            throw MarketingMLError(
                .emptyData, "training needs texts of at least 2 labels, found \(labelSet.count)")
        }
        let targets = try labelSet.indices(of: train.labels)
        var card = ModelCard(
            task: "text-classification", trainingTexts: train.count, validationTexts: validation?.count)
        card.recipe = recipe
        card.trainingOptions = options
        switch recipe {
        case .nGrams(let encodings, let c):
            let model = try NGramTextModel.fit(
                train.texts, targets, encodings: encodings, c: c, classWeights: options.classWeights,
                progress: progress)
            return TextClassifier(card: card, model: model, labelSet: labelSet)
        case .lstm, .gru, .convolution:
            let (model, history) = try NetworkTextModel.fit(
                recipe, train.texts, targets, classes: labelSet.count,
                validation: validation.map { ($0.texts, try labelSet.indices(of: $0.labels)) },
                options: options, progress: progress)
            card.history = history
            return TextClassifier(card: card, model: model, labelSet: labelSet)
        }
    }
}
