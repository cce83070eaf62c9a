import Tensor

/// The kernel over the examples of a fit: checked features, and the function with its numbers.
struct TrainingKernel {
    /// The features as they were given.
    let features: Features
    /// nil for precomputed values.
    let function: KernelFunction?

    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.invalidOption`.
    init(_ kernel: SupportVectorKernel, _ features: Features) throws(MarketingMLError) {
        try features.checkShape()
        try features.checkFinite()
        if kernel == .precomputed, features.exampleCount != features.featureCount {
            throw MarketingMLError(
                .shapeMismatch,
                "a precomputed kernel must be square, found [\(features.exampleCount), \(features.featureCount)]"
            )
        }
        self.features = features
        function = try kernel.function(for: features)
    }

    /// Solves a problem over the examples at these indices; nil for all.
    ///
    /// - Throws: `.tooLarge` if kernel values overflow; `CancellationError`.
    func solve(
        _ problem: DualProblem, examples: [Int]?, _ options: KernelSolverOptions,
        _ report: ((_ steps: Int, _ objective: Double) -> ProgressResponse)?
    ) throws -> DualSolution {
        guard let function else { return try solveTable(problem, examples, options, report) }
        let points = (examples.map { features.rows($0) } ?? features).forKernels
        let center = function.isTranslationInvariant ? points.center : nil
        let single = points.points(Float.self, center: center)
        let count = Double(single.count)
        let needsDouble = try KernelPrecision.needsDouble(
            function, largestSquare: single.squares.max() ?? 0,
            work: count * count * Double(points.featureCount),
            smallWork: 0x1p26, accuracy: 0.01 * options.tolerance)
        return needsDouble
            ? try solve(
                problem, KernelMatrix(function, points.points(Double.self, center: center)), options, report)
            : try solve(problem, KernelMatrix(function, single), options, report)
    }

    private func solve<Scalar>(
        _ problem: DualProblem, _ matrix: KernelMatrix<Scalar>, _ options: KernelSolverOptions,
        _ report: ((_ steps: Int, _ objective: Double) -> ProgressResponse)?
    ) throws -> DualSolution {
        let cache = KernelRowCache(
            matrix, bytes: options.cacheMegabytes * 1_000_000, minimumRows: min(64, matrix.points.count))
        var solver = DecompositionSolver(problem, cache, options)
        return try solver.solve(report)
    }

    private func solveTable(
        _ problem: DualProblem, _ examples: [Int]?, _ options: KernelSolverOptions,
        _ report: ((_ steps: Int, _ objective: Double) -> ProgressResponse)?
    ) throws -> DualSolution {
        func solve<Scalar: TensorFloatingPoint>(_ matrix: Tensor<Scalar>) throws -> DualSolution {
            var table = matrix
            if let examples {
                table = matrix.withUnsafeElements { elements in
                    let count = examples.count
                    var part = Tensor<Scalar>.zeros([count, count])
                    part.withUnsafeMutableElements { target in
                        for (row, example) in examples.enumerated() {
                            for (column, other) in examples.enumerated() {
                                target[row * count + column] = elements[example * matrix.shape[1] + other]
                            }
                        }
                    }
                    return part
                }
            }
            var solver = DecompositionSolver(problem, KernelTable(table), options)
            return try solver.solve(report)
        }
        switch features {
        case .float(let matrix): return try solve(matrix)
        case .double(let matrix): return try solve(matrix)
        case .sparse(let matrix): return try solve(matrix.dense)
        }
    }
}

/// What a fit of a kernel machine tells its progress handler: which of its problems runs, how many steps it has made.
struct KernelFitProgress {
    let handler: ProgressHandler?
    let problems: Int
    /// Whether the handler asked to stop.
    private(set) var isStopped = false

    init(_ handler: ProgressHandler?, problems: Int) {
        self.handler = handler
        self.problems = problems
    }

    mutating func solve(
        _ kernel: TrainingKernel, _ problem: DualProblem, examples: [Int]? = nil, number: Int = 1,
        _ options: KernelSolverOptions
    ) throws -> DualSolution {
        guard let handler else { return try kernel.solve(problem, examples: examples, options, nil) }
        let problems = self.problems
        // Once stopped, the problems that are left end where they start.
        let wasStopped = isStopped
        let solution = try kernel.solve(problem, examples: examples, options) { steps, objective in
            wasStopped
                ? .stop
                : handler(
                    ProgressEvent(
                        phase: .training(epoch: number, of: problems), step: steps, loss: objective,
                        rateUnit: "steps"))
        }
        isStopped = isStopped || solution.report.stopReason == .stopped
        return solution
    }
}

/// Checks of what stands beside the features of each example.
enum ExampleValues {
    /// A factor an example: `weights`, or 1.
    ///
    /// - Throws: `.shapeMismatch`; `.invalidOption` for weights that are negative or not finite, or all 0.
    static func weights(_ weights: [Double]?, count: Int) throws(MarketingMLError) -> [Double] {
        guard let weights else { return [Double](repeating: 1, count: count) }
        guard weights.count == count else {
            throw MarketingMLError(.shapeMismatch, "there are \(count) examples and \(weights.count) weights")
        }
        if let bad = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
            throw MarketingMLError(
                .invalidOption,
                "the weight of example \(bad) is \(weights[bad]); all must be at least 0 and finite")
        }
        guard weights.contains(where: { $0 > 0 }) else {
            throw MarketingMLError(.invalidOption, "all weights are 0")
        }
        return weights
    }

    /// - Throws: `.shapeMismatch`, `.notFinite`.
    static func checkTargets(_ targets: [Double], count: Int) throws(MarketingMLError) {
        guard targets.count == count else {
            throw MarketingMLError(.shapeMismatch, "there are \(count) examples and \(targets.count) targets")
        }
        if let bad = targets.firstIndex(where: { !$0.isFinite }) {
            throw MarketingMLError(
                .notFinite, "the target of example \(bad) is \(targets[bad]); all must be finite")
        }
    }
}
