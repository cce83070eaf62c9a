import Tensor

/// A metric on each fold of a cross-validation.
public struct FoldScores: Sendable, Equatable, Codable {
    /// The metric.
    public let scoring: Scoring
    /// Its value on each fold.
    public let values: [Double]

    /// The mean over the folds.
    public var mean: Double { values.reduce(0, +) / Double(values.count) }

    /// The standard error of the mean: the folds' standard deviation over the root of their number. The folds share training
    /// data, so that it is a guide rather than a bound; NaN for one fold.
    public var standardError: Double {
        let mean = mean
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let count = Double(values.count)
        return (squares / (count - 1) / count).squareRoot()
    }
}

extension FoldScores: CustomStringConvertible {
    /// `ROC AUC 0.7912 ± 0.0031`.
    public var description: String {
        "\(scoring) \(TableText.fixed(mean, decimals: 4)) ± \(TableText.fixed(standardError, decimals: 4))"
    }
}

/// A classifier's cross-validation: its figures on each fold, and what it said of every example without having seen it.
public struct ClassifierValidation<Label: Hashable & Sendable & Codable>: Sendable {
    /// The figures, in the order in which they were asked for.
    public let scores: [FoldScores]
    /// The classes, in order.
    public let classes: LabelSet<Label>
    /// The examples that were in a test part, in ascending order; for other folds than by time, all of them.
    public let rows: [Int]
    /// The predictions on those rows, each by the model that was not fitted on it.
    public let outOfFold: ClassificationOutcomes
    /// False if the progress handler stopped it before the last fold.
    public let isComplete: Bool

    /// The figures of a metric; nil if it was not asked for.
    public subscript(scoring: Scoring) -> FoldScores? { scores.first { $0.scoring == scoring } }
}

/// A regression's cross-validation. As ``ClassifierValidation``.
public struct RegressorValidation: Sendable {
    /// The figures, in the order in which they were asked for.
    public let scores: [FoldScores]
    /// The examples that were in a test part, in ascending order.
    public let rows: [Int]
    /// The predictions on those rows, each by the model that was not fitted on it.
    public let outOfFold: RegressionOutcomes
    /// False if the progress handler stopped it before the last fold.
    public let isComplete: Bool

    /// The figures of a metric; nil if it was not asked for.
    public subscript(scoring: Scoring) -> FoldScores? { scores.first { $0.scoring == scoring } }
}

/// Judges a classifier's recipe by cross-validation.
///
/// ```swift
/// let folds = try Folds.stratified(labels, count: 5, seed: 1)
/// let judged = try crossValidate(LogisticRegression(), features, labels, folds: folds, scoring: [.rocAUC, .logLoss])
/// print(judged[.rocAUC]!)          // ROC AUC 0.7912 ± 0.0031
/// ```
///
/// - Parameters:
///   - weights: How much each example counts, in fitting and judging.
///   - progress: Called after each fold, on whichever thread finished it, one call at a time; when it stops, the folds that are
///     done are judged.
/// - Throws: `.shapeMismatch` for different counts, `.emptyData` if a class is missing from a training part or a metric is not
///   defined on a fold; what the recipe throws; `CancellationError`.
public func crossValidate<Label: Hashable & Sendable & Codable>(
    _ recipe: any Classifier, _ features: some FeatureMatrix, _ labels: [Label], folds: Folds,
    scoring: [Scoring] = [.rocAUC], weights: [Double]? = nil, progress: ProgressHandler? = nil
) throws -> ClassifierValidation<Label> {
    let matrix = features.features
    try matrix.checkCounts(labels.count, weights)
    let runner = FoldRunner(folds: folds, features: matrix.part, progress: progress)
    return try runner.validate([recipe], labels, scoring, weights)[0]
}

/// Judges a regression's recipe by cross-validation. As for classifiers.
public func crossValidate(
    _ recipe: any Regressor, _ features: some FeatureMatrix, _ targets: [Double], folds: Folds,
    scoring: [Scoring] = [.rSquared], weights: [Double]? = nil, progress: ProgressHandler? = nil
) throws -> RegressorValidation {
    let matrix = features.features
    try matrix.checkCounts(targets.count, weights)
    let runner = FoldRunner(folds: folds, features: matrix.part, progress: progress)
    return try runner.validate([recipe], targets, scoring, weights)[0]
}

extension Features {
    /// The features of a fold's rows.
    func part(_ fold: Fold) -> (train: Features, test: Features) { (rows(fold.train), rows(fold.test)) }

    /// - Throws: `.shapeMismatch`, `.emptyData`, `.invalidOption` for bad weights.
    func checkCounts(_ count: Int, _ weights: [Double]?) throws(MarketingMLError) {
        try checkShape()
        guard exampleCount == count else {
            throw MarketingMLError(
                .shapeMismatch, "\(exampleCount) examples of features, \(count) of labels or targets")
        }
        try checkWeights(weights, count: count)
    }
}

extension FoldRunner {
    /// The validation of each recipe.
    func validate<Label: Hashable & Sendable & Codable>(
        _ recipes: [any Classifier], _ labels: [Label], _ scoring: [Scoring], _ weights: [Double]?
    ) throws -> [ClassifierValidation<Label>] {
        let classes = try LabelSet(labels)
        try folds.check(count: labels.count)
        let outcome = try run(candidates: recipes.count) { candidate, fold, train, test, progress in
            let chosen = fold.train.map { labels[$0] }
            let model = try recipes[candidate].fitClassifier(
                train, chosen, weights: weights.map { all in fold.train.map { all[$0] } }, progress: progress)
            guard model.classes == classes else {
                let missing = classes.labels.filter { model.classes.index(of: $0) == nil }
                throw MarketingMLError(
                    .emptyData, "the training part of a fold has no examples of \(missing)")
            }
            return try ClassificationOutcomes(
                of: model, test, fold.test.map { labels[$0] },
                weights: weights.map { all in fold.test.map { all[$0] } }, for: scoring)
        }
        return try recipes.indices.map { candidate in
            let parts = outcome.folds.map { (fold: $0.fold, outcomes: $0.outputs[candidate]) }
            let scores = try scoring.map { scoring in
                FoldScores(
                    scoring: scoring, values: try parts.map { try $0.outcomes.value(of: scoring).value })
            }
            let order = rowsInOrder(parts.map(\.fold))
            return ClassifierValidation(
                scores: scores, classes: classes, rows: order.rows,
                outOfFold: try ClassificationOutcomes(joining: parts.map(\.outcomes), order: order.places),
                isComplete: outcome.isComplete)
        }
    }

    /// The validation of each recipe.
    func validate(
        _ recipes: [any Regressor], _ targets: [Double], _ scoring: [Scoring], _ weights: [Double]?
    ) throws -> [RegressorValidation] {
        try folds.check(count: targets.count)
        let outcome = try run(candidates: recipes.count) { candidate, fold, train, test, progress in
            let model = try recipes[candidate].fitRegressor(
                train, fold.train.map { targets[$0] },
                weights: weights.map { all in fold.train.map { all[$0] } }, progress: progress)
            return try RegressionOutcomes(
                targets: fold.test.map { targets[$0] }, predictions: model.predict(test),
                weights: weights.map { all in fold.test.map { all[$0] } })
        }
        return try recipes.indices.map { candidate in
            let parts = outcome.folds.map { (fold: $0.fold, outcomes: $0.outputs[candidate]) }
            let scores = try scoring.map { scoring in
                FoldScores(
                    scoring: scoring, values: try parts.map { try $0.outcomes.value(of: scoring).value })
            }
            let order = rowsInOrder(parts.map(\.fold))
            let predictions = parts.flatMap(\.outcomes.predictions)
            return RegressorValidation(
                scores: scores, rows: order.rows,
                outOfFold: try RegressionOutcomes(
                    targets: order.rows.map { targets[$0] },
                    predictions: order.places.map { predictions[$0] },
                    weights: weights.map { all in order.rows.map { all[$0] } }),
                isComplete: outcome.isComplete)
        }
    }

    /// The test rows of the folds in ascending order, and where each stands when the folds follow one another.
    private func rowsInOrder(_ folds: [Fold]) -> (rows: [Int], places: [Int]) {
        let rows = folds.flatMap(\.test)
        let places = rows.indices.sorted { (rows[$0], $0) < (rows[$1], $1) }
        return (places.map { rows[$0] }, places)
    }
}

extension ClassificationOutcomes {
    /// The outcomes of several parts as one, in the order of their places when the parts follow one another.
    init(joining parts: [ClassificationOutcomes], order: [Int]) throws(MarketingMLError) {
        let classes = parts.first?.classCount ?? 2
        func rows(_ values: [Double], width: Int) -> [Double] {
            order.flatMap { values[$0 * width..<($0 + 1) * width] }
        }
        let truth = parts.flatMap(\.truth)
        let predicted = parts.flatMap(\.predicted)
        let probabilities = parts.compactMap(\.probabilities)
        let weights = parts.compactMap(\.weights)
        try self.init(
            classCount: classes, truth: order.map { truth[$0] }, predicted: order.map { predicted[$0] },
            decisionValues: rows(parts.flatMap(\.decisionValues), width: classes == 2 ? 1 : classes),
            probabilities: probabilities.isEmpty ? nil : rows(probabilities.flatMap { $0 }, width: classes),
            weights: weights.isEmpty ? nil : rows(weights.flatMap { $0 }, width: 1))
    }
}
