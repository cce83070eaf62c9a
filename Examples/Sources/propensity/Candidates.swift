import ArgumentParser
import MarketingML

/// The kinds of model that the example knows.
enum ModelKind: String, CaseIterable, ExpressibleByArgument {
    case ridge
    case logistic
    case linearSVM = "linear-svm"
    case rbfSVM = "rbf-svm"

    /// The recipe with its usual options.
    var recipe: any Classifier { recipes[recipes.count / 2] }

    /// The recipes that are compared, from the simplest on.
    var recipes: [any Classifier] {
        switch self {
        case .ridge: [1000, 100, 10].map { RidgeClassifier(lambda: $0) }
        case .logistic: [0.01, 1, 100].map { LogisticRegression(.l2(c: $0)) }
        case .linearSVM: [0.001, 0.01, 0.1].map { LinearSupportVectorClassifier(c: $0) }
        case .rbfSVM:
            [0.3, 1, 3].map {
                Subsampled(SupportVectorClassifier(kernel: .rbf(gamma: .scale), c: $0), count: 6000)
            }
        }
    }
}

/// A recipe fitted on a random part of many examples: for what takes too long on all of them.
struct Subsampled: Classifier {
    let base: any Classifier
    let count: Int

    init(_ base: any Classifier, count: Int) {
        self.base = base
        self.count = count
    }

    var name: String { "\(base.name), at most \(count) rows" }

    func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label> {
        guard labels.count > count else {
            return try base.fitClassifier(features, labels, weights: weights, progress: progress)
        }
        var random = SeededGenerator(seed: 1)
        let rows = random.permutation(labels.count).prefix(count).sorted()
        return try base.fitClassifier(
            features.features.rows(rows), rows.map { labels[$0] },
            weights: weights.map { all in rows.map { all[$0] } },
            progress: progress)
    }
}
