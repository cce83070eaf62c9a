import Tensor

/// Chooses one of several recipes by cross-validation and fits it on all examples. A recipe itself: judged by
/// `crossValidate`, it gives nested cross-validation.
///
/// ```swift
/// let candidates = [0.01, 0.1, 1, 10].map { LogisticRegression(.l2(c: $0)) }
/// let best = try GridSearch(over: candidates, folds: 5, scoring: .rocAUC, seed: 1).fit(features, labels)
/// print(best.results)              // a table: mean and standard error of each
/// let answers = try best.predict(newFeatures)
/// ```
///
/// Candidates and folds run side by side; the result does not depend on the number of threads.
public struct GridSearch<Recipe: Sendable>: Sendable {
    /// The recipes to choose from; for `SelectionRule.oneStandardError` from the simplest on.
    public let candidates: [Recipe]
    /// Number of folds.
    public let folds: Int
    /// The metric that decides.
    public let scoring: Scoring
    /// How the best is chosen.
    public let rule: SelectionRule
    /// The seed of the folds.
    public let seed: UInt64

    /// - Throws: `.invalidOption`.
    private func check() throws(MarketingMLError) {
        guard !candidates.isEmpty else {
            throw MarketingMLError(.invalidOption, "a search needs candidates", at: .init(name: "candidates"))
        }
    }
}

extension GridSearch where Recipe == any Classifier {
    /// A search over classifiers. The folds are stratified.
    public init(
        over candidates: [any Classifier], folds: Int = 5, scoring: Scoring = .rocAUC,
        rule: SelectionRule = .best, seed: UInt64 = 1
    ) {
        self.candidates = candidates
        self.folds = folds
        self.scoring = scoring
        self.rule = rule
        self.seed = seed
    }

    /// Judges the candidates and fits the chosen one.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - weights: How much each example counts, in fitting and judging.
    ///   - folds: The folds to use (by group, by time) instead of stratified ones.
    ///   - progress: Called after each fit, one call at a time; when it stops, the folds done by all candidates decide.
    /// - Throws: `.invalidOption` without candidates or for a metric of regressions; what `crossValidate` throws.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil, folds: Folds? = nil,
        progress: ProgressHandler? = nil
    ) throws -> SelectedClassifier<Label> {
        let matrix = features.features
        try matrix.checkCounts(labels.count, weights)
        return try fit(
            matrix.part, all: { matrix }, labels, weights: weights, folds: folds, progress: progress)
    }

    func fit<Label: Hashable & Sendable & Codable>(
        _ part: @escaping FoldFeatures, all: () throws -> Features, _ labels: [Label], weights: [Double]?,
        folds: Folds?, progress: ProgressHandler?
    ) throws -> SelectedClassifier<Label> {
        try check()
        let folds = try folds ?? .stratified(labels, count: self.folds, seed: seed)
        let judged = try FoldRunner(folds: folds, features: part, progress: progress).validate(
            candidates, labels, [scoring], weights)
        let results = SelectionResults(
            zip(candidates, judged).map { .init(name: $0.name, scores: $1.scores[0]) }, rule: rule,
            isComplete: judged.allSatisfy(\.isComplete))
        let recipe = candidates[results.chosenIndex]
        return SelectedClassifier(
            recipe: recipe,
            model: try recipe.fitClassifier(all(), labels, weights: weights, progress: nil),
            results: results)
    }
}

extension GridSearch: Classifier where Recipe == any Classifier {
    /// What it is called in tables.
    public var name: String { "best of \(candidates.count) by \(scoring)" }

    /// As `fit`.
    public func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label> {
        try fit(features, labels, weights: weights, progress: progress)
    }
}

extension GridSearch where Recipe == any Regressor {
    /// A search over regressions. The folds are plain.
    public init(
        over candidates: [any Regressor], folds: Int = 5, scoring: Scoring = .rSquared,
        rule: SelectionRule = .best, seed: UInt64 = 1
    ) {
        self.candidates = candidates
        self.folds = folds
        self.scoring = scoring
        self.rule = rule
        self.seed = seed
    }

    /// Judges the candidates and fits the chosen one.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - weights: How much each example counts, in fitting and judging.
    ///   - folds: The folds to use (by group, by time) instead of plain ones.
    ///   - progress: Called after each fit, one call at a time; when it stops, the folds done by all candidates decide.
    /// - Throws: `.invalidOption` without candidates or for a metric of classifiers; what `crossValidate` throws.
    public func fit(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]? = nil, folds: Folds? = nil,
        progress: ProgressHandler? = nil
    ) throws -> SelectedRegressor {
        try check()
        let matrix = features.features
        try matrix.checkCounts(targets.count, weights)
        let folds = try folds ?? .plain(count: targets.count, folds: self.folds, seed: seed)
        let judged = try FoldRunner(folds: folds, features: matrix.part, progress: progress).validate(
            candidates, targets, [scoring], weights)
        let results = SelectionResults(
            zip(candidates, judged).map { .init(name: $0.name, scores: $1.scores[0]) }, rule: rule,
            isComplete: judged.allSatisfy(\.isComplete))
        let recipe = candidates[results.chosenIndex]
        return SelectedRegressor(
            recipe: recipe,
            model: try recipe.fitRegressor(matrix, targets, weights: weights, progress: nil),
            results: results)
    }
}

extension GridSearch: Regressor where Recipe == any Regressor {
    /// What it is called in tables.
    public var name: String { "best of \(candidates.count) by \(scoring)" }

    /// As `fit`.
    public func fitRegressor(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedRegressor {
        try fit(features, targets, weights: weights, progress: progress)
    }
}
