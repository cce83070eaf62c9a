import Tensor

/// How the best of several candidates is chosen.
public enum SelectionRule: String, Sendable, Codable {
    /// The best mean over the folds; of equal ones the first.
    case best
    /// The first candidate whose mean is within one standard error of the best one: the simplest that is not clearly worse, where
    /// candidates are listed from the simplest on.
    ///
    /// Breiman et al.: Classification and Regression Trees, 1984, section 3.4.3.
    case oneStandardError
}

/// The candidates of a search and how each did.
public struct SelectionResults: Sendable, Equatable, Codable {
    /// A candidate.
    public struct Candidate: Sendable, Equatable, Codable {
        /// The recipe's name.
        public let name: String
        /// The metric on each fold.
        public let scores: FoldScores
    }

    /// All candidates, in their order.
    public let candidates: [Candidate]
    /// The candidate with the best mean.
    public let bestIndex: Int
    /// The candidate that the rule chose.
    public let chosenIndex: Int
    /// The rule.
    public let rule: SelectionRule
    /// False if the progress handler stopped the search; the folds that every candidate finished were judged.
    public let isComplete: Bool

    init(_ candidates: [Candidate], rule: SelectionRule, isComplete: Bool) {
        let larger = candidates.first?.scores.scoring.prefersLarger ?? true
        func quality(_ index: Int) -> Double {
            larger ? candidates[index].scores.mean : -candidates[index].scores.mean
        }
        let best = candidates.indices.reduce(0) { quality($1) > quality($0) ? $1 : $0 }
        bestIndex = best
        let error = candidates[best].scores.standardError
        chosenIndex =
            switch rule {
            case .best: best
            case .oneStandardError:
                candidates.indices.first { quality($0) >= quality(best) - error } ?? best
            }
        self.candidates = candidates
        self.rule = rule
        self.isComplete = isComplete
    }

    /// The candidate that the rule chose.
    public var chosen: Candidate { candidates[chosenIndex] }
}

extension SelectionResults: CustomStringConvertible {
    /// A row a candidate; the chosen one is marked.
    public var description: String {
        let scoring = candidates.first.map { "\($0.scores.scoring)" } ?? ""
        let rows = candidates.enumerated().map { index, candidate in
            [
                (index == chosenIndex ? "* " : "  ") + candidate.name,
                TableText.fixed(candidate.scores.mean, decimals: 4),
                TableText.fixed(candidate.scores.standardError, decimals: 4),
            ]
        }
        return TableText.aligned([["  candidate", scoring, "std. error"]] + rows)
    }
}

/// What a search over classifiers ends with: the chosen recipe fitted on all examples, and how it was chosen.
public struct SelectedClassifier<Label: Hashable & Sendable & Codable>: FittedClassifier {
    /// The chosen recipe.
    public let recipe: any Classifier
    /// The recipe fitted on all examples.
    public let model: any FittedClassifier<Label>
    /// All candidates and how they did.
    public let results: SelectionResults

    /// The classes, in order.
    public var classes: LabelSet<Label> { model.classes }
    /// Number of features that the model was fitted on.
    public var featureCount: Int { model.featureCount }

    /// The model's decision values.
    public func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        try model.decisionValues(of: features)
    }

    /// The model's predictions.
    public func predict(_ features: some FeatureMatrix) throws -> [Label] { try model.predict(features) }
}

/// What a search over regressions ends with: the chosen recipe fitted on all examples, and how it was chosen.
public struct SelectedRegressor: FittedRegressor {
    /// The chosen recipe.
    public let recipe: any Regressor
    /// The recipe fitted on all examples.
    public let model: any FittedRegressor
    /// All candidates and how they did.
    public let results: SelectionResults

    /// Number of features that the model was fitted on.
    public var featureCount: Int { model.featureCount }

    /// The model's predictions.
    public func predict(_ features: some FeatureMatrix) throws -> [Double] { try model.predict(features) }
}
