import Tensor

/// A recipe for classification by a support vector machine (C-SVC). For each pair of classes, with y = ±1 for the second and the
/// first of them, it minimises
///
///     ½ ‖w‖² + Σ C uᵢ max(0, 1 − yᵢ (w·φ(xᵢ) + b)),
///
/// where k(x, z) = φ(x)·φ(z) is the kernel and uᵢ is the weight of an example times that of its class.
///
/// ```swift
/// let model = try SupportVectorClassifier(kernel: .rbf(gamma: .scale), c: 1).fit(features, labels)
/// let answers = try model.predict(newFeatures)
/// ```
///
/// Standardise the features first: a kernel sees nothing of a column that is small beside the others. Time grows between N² and N³;
/// for many examples see ``NystroemFeatures``.
///
/// Reference: Chang, Lin: LIBSVM: A Library for Support Vector Machines, doi:10.1145/1961189.1961199.
public struct SupportVectorClassifier: Classifier, Sendable, Equatable {
    /// How alike two examples are.
    public var kernel: SupportVectorKernel
    /// What an error costs (C); above 0.
    public var c: Double
    /// What multiplies C for each class.
    public var classWeights: ClassWeights
    /// When the solver stops, and its memory.
    public var solver: KernelSolverOptions

    /// Creates a recipe.
    public init(
        kernel: SupportVectorKernel = .rbf(gamma: .scale), c: Double = 1,
        classWeights: ClassWeights = .uniform,
        solver: KernelSolverOptions = .init()
    ) {
        self.kernel = kernel
        self.c = c
        self.classWeights = classWeights
        self.solver = solver
    }

    /// The kind of machine with its kernel and C.
    public var name: String { "SVC \(kernel.name), C = \(c)" }

    /// Fits the machine to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D], dense or sparse; kernel values [N, N] if they are precomputed.
    ///   - labels: The class of each example; at least two.
    ///   - weights: What multiplies C for each example, at least 0.
    ///   - progress: Called between the solver's rounds; may stop it.
    /// - Throws: `.shapeMismatch`, `.emptyData` (also for a single class), `.notFinite`, `.invalidOption`, `.tooLarge` if kernel
    ///   values overflow; `CancellationError`.
    /// - Complexity: O(N² D) for the kernel values, some of them more than once when they do not fit into the solver's memory.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> SupportVectorModel<Label> {
        guard c > 0, c.isFinite else { throw invalid("c", "above 0 and finite", c) }
        return try PairwiseFit(
            kernel: kernel, features: features.features, labels: labels, weights: weights,
            classWeights: classWeights,
            solver: solver
        ).fit(progress) { signs, weights in
            .classification(signs: signs, bounds: weights.map { c * $0 })
        }
    }

    /// As `fit`.
    public func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label> {
        try fit(features, labels, weights: weights, progress: progress)
    }
}

/// A recipe for classification by a support vector machine (ν-SVC) whose ν is at most the share of support vectors among the
/// examples and at least the share of those on the wrong side of their margin.
///
/// Reference: Schölkopf, Smola, Williamson, Bartlett: New Support Vector Algorithms, Neural Computation 12 (2000),
/// doi:10.1162/089976600300015565.
public struct NuSupportVectorClassifier: Classifier, Sendable, Equatable {
    /// How alike two examples are.
    public var kernel: SupportVectorKernel
    /// ν, above 0 and at most 1; at most 2 min(N₁, N₂) / (N₁ + N₂) for classes of N₁ and N₂ examples (the sums of their weights).
    public var nu: Double
    /// What multiplies the weights of each class.
    public var classWeights: ClassWeights
    /// When the solver stops, and its memory.
    public var solver: KernelSolverOptions

    /// Creates a recipe.
    public init(
        kernel: SupportVectorKernel = .rbf(gamma: .scale), nu: Double = 0.5,
        classWeights: ClassWeights = .uniform,
        solver: KernelSolverOptions = .init()
    ) {
        self.kernel = kernel
        self.nu = nu
        self.classWeights = classWeights
        self.solver = solver
    }

    /// The kind of machine with its kernel and ν.
    public var name: String { "ν-SVC \(kernel.name), ν = \(nu)" }

    /// Fits the machine to N examples. As ``SupportVectorClassifier/fit(_:_:weights:progress:)``.
    ///
    /// - Throws: `.invalidOption` also for a ν that is too large for the classes' sizes.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> SupportVectorModel<Label> {
        guard nu > 0, nu <= 1 else { throw invalid("nu", "above 0 and at most 1", nu) }
        return try PairwiseFit(
            kernel: kernel, features: features.features, labels: labels, weights: weights,
            classWeights: classWeights,
            solver: solver, isScaledByWidth: true
        ).fit(progress) { signs, weights in
            var sums = (positive: 0.0, negative: 0.0)
            for (sign, weight) in zip(signs, weights) {
                if sign > 0 { sums.positive += weight } else { sums.negative += weight }
            }
            let total = nu * (sums.positive + sums.negative)
            guard total / 2 <= min(sums.positive, sums.negative) else {
                throw MarketingMLError(
                    .invalidOption,
                    "must be at most \(2 * min(sums.positive, sums.negative) / (sums.positive + sums.negative)) for classes "
                        + "of weight \(sums.negative) and \(sums.positive), found \(nu)",
                    at: .init(name: "nu"))
            }
            return .nuClassification(signs: signs, bounds: weights, total: total)
        }
    }

    /// As `fit`.
    public func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label> {
        try fit(features, labels, weights: weights, progress: progress)
    }
}

/// One machine for each pair of classes.
struct PairwiseFit<Label: Hashable & Sendable & Codable> {
    private let kernel: TrainingKernel
    private let classes: LabelSet<Label>
    /// The examples of each class.
    private let members: [[Int]]
    private let weights: [Double]
    private let solver: KernelSolverOptions
    /// Whether a solution is divided by its width, as for ν-SVC.
    private let isScaledByWidth: Bool

    init(
        kernel: SupportVectorKernel, features: Features, labels: [Label], weights: [Double]?,
        classWeights: ClassWeights, solver: KernelSolverOptions, isScaledByWidth: Bool = false
    ) throws {
        try solver.check()
        self.kernel = try TrainingKernel(kernel, features)
        let count = features.exampleCount
        guard labels.count == count else {
            throw MarketingMLError(.shapeMismatch, "there are \(count) examples and \(labels.count) labels")
        }
        classes = try LabelSet(labels)
        guard classes.count > 1 else {
            throw MarketingMLError(
                .emptyData, "all examples have the label \"\(classes.texts[0])\", expected two or more")
        }
        let targets = try classes.indices(of: labels)
        var members = [[Int]](repeating: [], count: classes.count)
        for (example, target) in targets.enumerated() { members[target].append(example) }
        self.members = members
        var factors = try ExampleValues.weights(weights, count: count)
        if let byClass = try classWeights.values(for: targets.map { Int32($0) }, classes: classes.count) {
            for (example, target) in targets.enumerated() { factors[example] *= byClass[target] }
        }
        self.weights = factors
        self.solver = solver
        self.isScaledByWidth = isScaledByWidth
    }

    /// - Parameter problem: The problem of a pair, from the examples' signs (1 for the second class) and weights.
    func fit(
        _ handler: ProgressHandler?, _ problem: (_ signs: [Double], _ weights: [Double]) throws -> DualProblem
    ) throws -> SupportVectorModel<Label> {
        let count = classes.count
        var progress = KernelFitProgress(handler, problems: count * (count - 1) / 2)
        var coefficients = [[Double]](
            repeating: [Double](repeating: 0, count: kernel.features.exampleCount), count: count - 1)
        var intercepts: [Double] = []
        var reports: [SolverReport] = []
        for first in 0..<count {
            for second in first + 1..<count {
                // In their own order: with two classes these are all examples.
                let examples = (members[first] + members[second]).sorted()
                let isSecond = Set(members[second])
                let solution = try progress.solve(
                    kernel,
                    problem(examples.map { isSecond.contains($0) ? 1 : -1 }, examples.map { weights[$0] }),
                    examples: count == 2 ? nil : examples, number: reports.count + 1, solver)
                let scale = isScaledByWidth && solution.width > 0 ? 1 / solution.width : 1
                for (place, example) in examples.enumerated() {
                    let row = isSecond.contains(example) ? first : second - 1
                    coefficients[row][example] = scale * solution.coefficients[place]
                }
                intercepts.append(scale * solution.intercept)
                reports.append(solution.report)
            }
        }
        return SupportVectorModel(
            classes: classes,
            expansion: try SupportVectorExpansion(kernel, coefficients: coefficients, classes: members),
            intercepts: intercepts, reports: reports)
    }
}
