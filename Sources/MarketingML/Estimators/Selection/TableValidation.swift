import Tensor

/// Judges a classifier's recipe together with the encoding of a table by cross-validation: in each fold the encoder learns from
/// the training rows alone.
///
/// As `crossValidate(_:_:_:folds:scoring:weights:progress:)`; also throws what the encoder throws.
public func crossValidate<Label: Hashable & Sendable & Codable>(
    _ recipe: any Classifier, _ table: Table, encoder: FeatureEncoder, _ labels: [Label], folds: Folds,
    scoring: [Scoring] = [.rocAUC], weights: [Double]? = nil, progress: ProgressHandler? = nil
) throws -> ClassifierValidation<Label> {
    try table.checkCounts(labels.count, weights)
    let runner = FoldRunner(
        folds: folds, features: { try encoder.part($0, of: table, labels) }, progress: progress)
    return try runner.validate([recipe], labels, scoring, weights)[0]
}

extension GridSearch where Recipe == any Classifier {
    /// Judges the candidates on the rows of a table, the encoder fitted anew in each fold, and fits encoder and chosen candidate
    /// on all rows.
    ///
    /// As `fit(_:_:weights:folds:progress:)`; also throws what the encoder throws.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ table: Table, encoder: FeatureEncoder, _ labels: [Label], weights: [Double]? = nil,
        folds: Folds? = nil, progress: ProgressHandler? = nil
    ) throws -> (selected: SelectedClassifier<Label>, encoder: FittedFeatureEncoder) {
        try table.checkCounts(labels.count, weights)
        let (fitted, features) = try encoder.fitTransform(
            table, labels: labels, seed: seed, progress: progress)
        let selected = try fit(
            { try encoder.part($0, of: table, labels) }, all: { features.features }, labels,
            weights: weights, folds: folds, progress: progress)
        return (selected, fitted)
    }
}

extension FeatureEncoder {
    /// The features of a fold, by an encoder that has seen its training rows alone.
    fileprivate func part<Label: Hashable & Sendable & Codable>(
        _ fold: Fold, of table: Table, _ labels: [Label]
    ) throws -> (train: Features, test: Features) {
        let (fitted, train) = try fitTransform(
            table[rows: fold.train], labels: fold.train.map { labels[$0] })
        return (train.features, try fitted.transform(table[rows: fold.test]).features)
    }
}

extension Table {
    /// - Throws: `.shapeMismatch`, `.invalidOption` for bad weights.
    fileprivate func checkCounts(_ count: Int, _ weights: [Double]?) throws(MarketingMLError) {
        guard rowCount == count else {
            throw MarketingMLError(.shapeMismatch, "\(rowCount) rows, \(count) labels")
        }
        try checkWeights(weights, count: count)
    }
}
