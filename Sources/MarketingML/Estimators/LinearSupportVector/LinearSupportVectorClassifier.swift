import Tensor

/// Linear support vector machine for classification: the recipe.
///
/// For two classes, y = 1 for the second and −1 for the first, a fit minimises
///
///     ½‖w‖² + C Σᵢ rᵢ loss(yᵢ, w·xᵢ + b),     loss = max(0, 1 − y z)² or max(0, 1 − y z)
///
/// where rᵢ is the example's weight times that of its class; for K classes it does so once a class, that class against all
/// others, or once for all classes after Crammer and Singer. `features` may be dense or sparse; dense ones are held once more
/// without their zeros.
///
/// ```swift
/// let model = try LinearSupportVectorClassifier(c: 1, loss: .squaredHinge).fit(features, labels)
/// model.predict(newFeatures)
/// ```
///
/// A fit stops when (objective − optimum) / objective is at most `tolerance`: dual coordinate descent proves it by the duality
/// gap, Newton's method estimates it by its decrement. The C of LIBLINEAR and scikit-learn's `LinearSVC` is the same. Their
/// intercept is ``LinearIntercept/penalized(scale:)``.
///
/// References: Fan, Chang, Hsieh, Wang and Lin: LIBLINEAR, JMLR 9 (2008).
public struct LinearSupportVectorClassifier: Sendable, Equatable {
    /// What an example on the wrong side of its margin costs.
    public enum Loss: String, Sendable, Codable, CaseIterable {
        /// max(0, 1 − y z), the L1 loss: fewer support vectors.
        case hinge
        /// max(0, 1 − y z)², the L2 loss: smooth, sooner solved.
        case squaredHinge
    }

    /// How more than two classes are told apart.
    public enum Multiclass: String, Sendable, Codable, CaseIterable {
        /// One machine a class, each against all other classes.
        case oneVersusRest
        /// All at once: ½ Σₖ ‖wₖ‖² + C Σᵢ rᵢ max(0, maxₖ≠ᵧ 1 + zₖ − zᵧ), with one set of coefficients a class even for two
        /// classes (Crammer and Singer, JMLR 2 (2001)). The loss is the hinge.
        case crammerSinger
    }

    /// The weight of the losses beside the penalty: above 0.
    public var c: Double
    /// The loss.
    public var loss: Loss
    /// How more than two classes are told apart.
    public var multiclass: Multiclass
    /// How much the classes count.
    public var classWeights: ClassWeights
    /// The intercept.
    public var intercept: LinearIntercept
    /// The method.
    public var solver: LinearSolver
    /// The relative suboptimality to reach: above 0.
    public var tolerance: Double
    /// The number of iterations (passes of coordinate descent, Newton steps) after which a fit gives up: above 0.
    public var maximumIterations: Int
    /// Seed of the order in which coordinate descent visits examples.
    public var seed: UInt64

    /// Creates a recipe.
    public init(
        c: Double = 1, loss: Loss = .squaredHinge, multiclass: Multiclass = .oneVersusRest,
        classWeights: ClassWeights = .uniform, intercept: LinearIntercept = .free,
        solver: LinearSolver = .automatic, tolerance: Double = 1e-4, maximumIterations: Int = 1000,
        seed: UInt64 = 0
    ) {
        self.c = c
        self.loss = loss
        self.multiclass = multiclass
        self.classWeights = classWeights
        self.intercept = intercept
        self.solver = solver
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
        self.seed = seed
    }

    /// Fits the machine to N examples.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - labels: The class of each example.
    ///   - weights: How much each example counts, at least 0; nil counts all the same.
    ///   - progress: Called once an iteration (for more than two classes against the rest: once a class); may stop it.
    /// - Throws: `.shapeMismatch`, `.emptyData` (also for one class only), `.notFinite`, `.invalidOption`, `.unknownLabel`;
    ///   `CancellationError`. Not reaching the tolerance is no error: see the model's `reports`.
    /// - Complexity: O(stored elements) a pass.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil,
        progress: ProgressHandler? = nil
    ) throws -> LinearSupportVectorModel<Label> {
        try check()
        let features = features.features
        try features.checkExamples(weights: weights)
        let labels = try ClassLabels(labels, exampleCount: features.exampleCount)
        let factors = try classWeights.exampleWeights(labels, weights)
        let costs = factors.map { $0.map { $0 * c } } ?? [Double](repeating: c, count: labels.indices.count)
        let limits = LinearSolverLimits(
            tolerance: tolerance, iterations: maximumIterations, seed: seed, progress: progress)
        let solutions =
            switch features {
            case .sparse(let matrix): try solve(matrix, labels.indices, labels.classes.count, costs, limits)
            case .float(let matrix):
                try solve(matrix.sparse, labels.indices, labels.classes.count, costs, limits)
            case .double(let matrix):
                try solve(matrix.sparse, labels.indices, labels.classes.count, costs, limits)
            }
        return LinearSupportVectorModel(
            classes: labels.classes, featureCount: features.featureCount,
            coefficients: solutions.flatMap(\.weights), intercepts: solutions.map(\.intercept),
            reports: solutions.map(\.report))
    }

    private func solve<Scalar: TensorFloatingPoint>(
        _ matrix: SparseMatrix<Scalar>, _ classes: [Int32], _ classCount: Int, _ costs: [Double],
        _ limits: LinearSolverLimits
    ) throws -> [LinearSolution] {
        if multiclass == .crammerSinger {
            let problem = CrammerSingerProblem(
                matrix, classes: classes, classCount: classCount, costs: costs, intercept: intercept)
            return try problem.solve(limits: limits)
        }
        func targets(_ positive: Int) -> [Double] { classes.map { $0 == positive ? 1 : -1 } }
        let first = LinearProblem(
            matrix, targets: targets(classCount == 2 ? 1 : 0), costs: costs,
            loss: loss == .hinge ? .hinge : .squaredHinge, intercept: intercept)
        guard classCount > 2 else { return [try first.solve(solver, limits: limits)] }

        // Classes side by side: what one solver leaves serial keeps the other threads busy.
        var solutions: [LinearSolution] = []
        var quiet = limits
        quiet.progress = nil
        while solutions.count < classCount {
            let start = solutions.count
            var event = limits
            event.iterations = classCount
            guard try event.goOn(start, loss: nil) else {
                quiet.iterations = 0
                solutions += try (start..<classCount).map {
                    var stopped = try LinearProblem(first, targets: targets($0), costs: costs)
                        .dualCoordinateDescent(limits: quiet)
                    stopped.report = stopped.report.stopped
                    return stopped
                }
                break
            }
            let wave = min(classCount - start, max(1, ThreadPool.threadCount))
            let limits = quiet
            solutions += try parallelResults(wave) { offset in
                try LinearProblem(first, targets: targets(start + offset), costs: costs)
                    .solve(solver, limits: limits)
            }
        }
        return solutions
    }

    private func check() throws(MarketingMLError) {
        try LinearOptions.check(c: c, tolerance: tolerance, maximumIterations: maximumIterations)
        try intercept.check()
        guard solver != .newton || (loss == .squaredHinge && multiclass == .oneVersusRest) else {
            throw MarketingMLError(
                .invalidOption, "Newton's method needs the squared hinge loss and one class against the rest")
        }
        guard multiclass == .oneVersusRest || loss == .hinge else {
            throw MarketingMLError(
                .invalidOption, "the loss of Crammer and Singer's machine is the hinge, found \(loss)")
        }
    }
}

extension LinearSupportVectorClassifier: Classifier {
    /// `linear SVM (C 1.0, squaredHinge)`.
    public var name: String {
        "linear SVM (C \(c), \(multiclass == .crammerSinger ? multiclass.rawValue : loss.rawValue))"
    }

    /// As ``fit(_:_:weights:progress:)``.
    public func fitClassifier<Label: Hashable & Sendable & Codable>(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]?, progress: ProgressHandler?
    ) throws -> any FittedClassifier<Label> {
        try fit(features, labels, weights: weights, progress: progress)
    }
}

/// Checks that the linear recipes share.
enum LinearOptions {
    static func check(c: Double, tolerance: Double, maximumIterations: Int) throws(MarketingMLError) {
        guard c > 0, c.isFinite else {
            throw MarketingMLError(.invalidOption, "C must be above 0 and finite, found \(c)")
        }
        guard tolerance > 0, tolerance.isFinite else {
            throw MarketingMLError(.invalidOption, "the tolerance must be above 0, found \(tolerance)")
        }
        guard maximumIterations > 0 else {
            throw MarketingMLError(
                .invalidOption, "the number of iterations must be above 0, found \(maximumIterations)")
        }
    }
}

extension Features {
    /// Throws unless the features, and weights if there are any, allow a fit.
    func checkExamples(weights: [Double]?) throws(MarketingMLError) {
        try checkShape()
        try ExampleNumbers.checkWeights(weights, exampleCount: exampleCount)
        try checkFinite()
    }
}

extension SolverReport {
    /// The same, stopped by the progress handler.
    var stopped: SolverReport {
        SolverReport(
            solver: solver, stopReason: .stopped, iterations: iterations, objective: objective,
            violation: violation)
    }
}

/// The results of `body` for `0 ..< count`, in order, computed on the pool; the first error of those thrown.
private func parallelResults<Value: Sendable>(_ count: Int, _ body: (Int) throws -> Value) throws -> [Value] {
    var results = [Result<Value, any Error>?](repeating: nil, count: count)
    results.withUnsafeMutableBufferPointer { results in
        let results = results
        parallel(count) { index in results[index] = Result { try body(index) } }
    }
    return try results.compactMap { try $0?.get() }
}
