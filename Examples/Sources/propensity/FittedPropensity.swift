import Foundation
import MarketingML

/// The chosen recipe fitted on all training rows, with probabilities.
struct FittedPropensity {
    let name: String
    let encoder: FittedFeatureEncoder
    let train: Features
    let test: Features
    let model: any ProbabilisticClassifier<Bool>
    /// The probability of each training row by a model that has not seen it.
    let outOfFoldProbabilities: [Double]

    /// Fits the recipe; one without probabilities is calibrated by a sigmoid on the folds' predictions.
    init(_ recipe: any Classifier, _ data: PropensityData, seed: UInt64) throws {
        let (encoder, features) = try data.recipe.fitTransform(data.train, labels: data.trainLabels)
        self.encoder = encoder
        train = features.features
        test = try encoder.transform(data.test).features
        let folds = try Folds.stratified(data.trainLabels, count: 5, seed: seed)
        let isProbabilistic = recipe is LogisticRegression
        let judged = try crossValidate(
            recipe, data.train, encoder: data.recipe, data.trainLabels, folds: folds,
            scoring: isProbabilistic ? [.logLoss] : [])
        let fitted = try recipe.fitClassifier(train, data.trainLabels, weights: nil, progress: nil)
        if let probabilistic = fitted as? any ProbabilisticClassifier<Bool>,
            let probabilities = judged.outOfFold.probabilities
        {
            name = recipe.name
            model = probabilistic
            outOfFoldProbabilities = Self.positives(probabilities)
        } else {
            name = "\(recipe.name), calibrated by a sigmoid"
            let calibrator = try Calibrator(.platt, judged.outOfFold)
            model = try Self.calibrated(fitted, calibrator)
            outOfFoldProbabilities = Self.positives(
                calibrator.probabilities(of: judged.outOfFold.decisionValues))
        }
    }

    private static func positives(_ rows: [Double]) -> [Double] {
        stride(from: 1, to: rows.count, by: 2).map { rows[$0] }
    }

    private static func calibrated(
        _ model: some FittedClassifier<Bool>, _ calibrator: Calibrator
    ) throws -> any ProbabilisticClassifier<Bool> {
        try CalibratedModel(base: model, calibrator: calibrator)
    }

    /// The columns that matter most on the test rows, and how.
    func topFeatures(_ data: PropensityData, count: Int, seed: UInt64) throws -> [PropensityFigures.Feature] {
        // Kernel machines take their time: two thousand rows tell enough.
        var random = SeededGenerator(seed: seed)
        let rows = random.permutation(test.exampleCount).prefix(2000).sorted()
        let (part, labels) = (test.rows(rows), rows.map { data.testLabels[$0] })
        let names = encoder.featureNames
        let groups = encoder.columns.map { column in
            FeatureGroup(name: column, columns: names.indices.filter { names[$0].columns.contains(column) })
        }
        let importances = try model.permutationImportance(
            part, labels, scoring: .rocAUC, groups: groups, repeats: 3, resamples: 50, seed: seed)
        let dense: Tensor<Float> =
            switch part {
            case .float(let matrix): matrix
            case .double(let matrix): Tensor(shape: matrix.shape, matrix.elements.map { Float($0) })
            case .sparse(let matrix): matrix.dense
            }
        return try importances.prefix(count).map { importance in
            // The commonest levels: those of a few rows have effects that nobody sees.
            let columns = importance.group.columns.filter { column in
                !names[column].kind.isIndicator
                    || (0..<dense.shape[0]).count { dense[$0, column] != 0 } >= dense.shape[0] / 50
            }
            let effects = try columns.prefix(20).map {
                try Effect(of: $0, named: names[$0], siblings: importance.group.columns, in: dense, model)
            }
            return PropensityFigures.Feature(
                column: importance.group.name, loss: importance.importance,
                effects: Array(effects.sorted { abs($0.points) > abs($1.points) }.prefix(2)))
        }
    }

    /// Writes the model, and the encoder beside it.
    func save(to url: URL) throws {
        guard let savable = model as? any SavableModel else {
            throw MarketingMLError(.unsupported, "\(name) cannot be saved")
        }
        try savable.save(to: url)
        try encoder.save(to: URL(fileURLWithPath: url.path + ".encoder"))
    }
}

extension FeatureName.Kind {
    fileprivate var isIndicator: Bool { self != .numeric && self != .targetMean }
}
