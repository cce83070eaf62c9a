import Tensor

#if canImport(Darwin)
    import func Darwin.exp
    import func Darwin.log
#elseif canImport(Musl)
    import func Musl.exp
    import func Musl.log
#else
    import func Glibc.exp
    import func Glibc.log
#endif

/// Draws recipes at random and chooses the best by cross-validation: for many options, better than a grid of the same size.
///
/// ```swift
/// let search = RandomSearch(draws: 30, scoring: .rocAUC, seed: 1) { random in
///     SupportVectorClassifier(kernel: .rbf(gamma: .value(random.nextLogUniform(in: 1e-3...1))), c: random.nextLogUniform(in: 0.1...100))
/// }
/// let best = try search.fit(features, labels)
/// ```
///
/// Bergstra, Bengio: Random Search for Hyper-Parameter Optimization, JMLR 13, 2012.
public struct RandomSearch<Recipe: Sendable>: Sendable {
    /// The search over what was drawn.
    public let drawn: GridSearch<Recipe>
}

extension RandomSearch where Recipe == any Classifier {
    /// Draws classifiers.
    public init(
        draws: Int, folds: Int = 5, scoring: Scoring = .rocAUC, seed: UInt64 = 1,
        _ draw: (inout SeededGenerator) -> any Classifier
    ) {
        var random = SeededGenerator(seed: seed, stream: 1)
        drawn = GridSearch(
            over: (0..<max(0, draws)).map { _ in draw(&random) }, folds: folds, scoring: scoring, seed: seed)
    }

    /// As `GridSearch.fit`.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil, folds: Folds? = nil,
        progress: ProgressHandler? = nil
    ) throws -> SelectedClassifier<Label> {
        try drawn.fit(features, labels, weights: weights, folds: folds, progress: progress)
    }
}

extension RandomSearch where Recipe == any Regressor {
    /// Draws regressions.
    public init(
        draws: Int, folds: Int = 5, scoring: Scoring = .rSquared, seed: UInt64 = 1,
        _ draw: (inout SeededGenerator) -> any Regressor
    ) {
        var random = SeededGenerator(seed: seed, stream: 1)
        drawn = GridSearch(
            over: (0..<max(0, draws)).map { _ in draw(&random) }, folds: folds, scoring: scoring, seed: seed)
    }

    /// As `GridSearch.fit`.
    public func fit(
        _ features: some FeatureMatrix, _ targets: [Double], weights: [Double]? = nil, folds: Folds? = nil,
        progress: ProgressHandler? = nil
    ) throws -> SelectedRegressor {
        try drawn.fit(features, targets, weights: weights, folds: folds, progress: progress)
    }
}

extension SeededGenerator {
    /// A number in a range of positive ones whose logarithm is uniform: for options whose order of magnitude is unknown.
    public mutating func nextLogUniform(in range: ClosedRange<Double>) -> Double {
        precondition(range.lowerBound > 0, "a logarithmic range must be positive, it is \(range)")
        let (low, high) = (log(range.lowerBound), log(range.upperBound))
        return min(max(exp(low + (high - low) * nextUniform()), range.lowerBound), range.upperBound)
    }
}
