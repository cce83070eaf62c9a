import Tensor

/// A recipe for elastic nets of many penalties, from the largest to the smallest, each starting from the one before.
public struct ElasticNetPath: Sendable, Equatable {
    /// The weights λ of the penalty.
    public var lambdas: LambdaSequence
    /// The part ρ of the penalty that is absolute, 0...1.
    public var ratio: Double
    /// Everything else.
    public var options: ElasticNet.Options

    /// Creates a recipe.
    public init(lambdas: LambdaSequence, ratio: Double, options: ElasticNet.Options = .init()) {
        self.lambdas = lambdas
        self.ratio = ratio
        self.options = options
    }

    /// Fits the models and, with folds, judges each by examples left out.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - targets: One number an example.
    ///   - weights: How much each example counts, in fitting and in the errors; nil counts all the same.
    ///   - folds: Into how many folds the examples are dealt; nil leaves none out.
    ///   - seed: Of the dealing.
    ///   - progress: Called for every model; may stop, and then the models so far are the path.
    /// - Throws: as ``ElasticNet/fit(_:_:weights:progress:)``.
    public func fit(
        _ features: some FeatureMatrix, _ targets: some RegressionTargets, weights: [Double]? = nil,
        folds: Int? = nil, seed: UInt64 = 0, progress: ProgressHandler? = nil
    ) throws -> RegressionPath<ElasticNetModel> {
        let data = try RegressionData(features, targets, weights)
        guard data.targetCount == 1 else {
            throw MarketingMLError(.unsupported, "an elastic net is of one target, found \(data.targetCount)")
        }
        try check(data)
        let dealt = try folds.map { try Folds.plain(count: data.exampleCount, folds: $0, seed: seed) }
        let (lambdas, models, validation) =
            try usesMoments(data)
            ? fitByMoments(data, dealt, progress) : fitByResiduals(data, dealt, progress)
        return RegressionPath(lambdas: lambdas, models: models, validation: validation)
    }

    private func check(_ data: RegressionData) throws(MarketingMLError) {
        guard (0...1).contains(ratio) else {
            throw MarketingMLError(.invalidOption, "ratio must be 0...1, found \(ratio)")
        }
        try LeastSquaresOptions.check(tolerance: options.tolerance, iterationLimit: options.iterationLimit)
        guard let factors = options.penaltyFactors else { return }
        guard factors.count == data.featureCount, factors.allSatisfy({ $0 >= 0 && $0 < .infinity }) else {
            throw MarketingMLError(
                .invalidOption,
                "expected a finite penalty factor of at least 0 for each of \(data.featureCount) features, found "
                    + "\(factors.count)\(factors.first { !($0 >= 0 && $0 < .infinity) }.map { " with \($0)" } ?? "")"
            )
        }
    }

    /// Whether the normal matrix is formed: with more examples than features, and not too many features, it is much cheaper than
    /// going through the examples again and again.
    private func usesMoments(_ data: RegressionData) -> Bool {
        guard data.featureCount <= 4096 else { return false }
        guard case .sparse(let matrix) = data.features else { return data.exampleCount >= data.featureCount }
        let stored = Double(matrix.storedCount)
        return stored * stored <= 4e9 * Double(data.exampleCount) && data.exampleCount >= data.featureCount
    }

    private typealias Fitted = ([Double], [ElasticNetModel], ValidationErrors?)

    private func fitByMoments(_ data: RegressionData, _ folds: Folds?, _ progress: ProgressHandler?) throws
        -> Fitted
    {
        let parts = try folds.map { try FoldMoments(data, $0, intercept: options.hasIntercept) }
        let moments =
            try parts.map { CenteredMoments(merging: $0.folds) }
            ?? CenteredMoments(data, intercept: options.hasIntercept, precision: .double)
        let (lambdas, solutions) = try path(
            MomentsProblem(moments), moments.featureMeans, moments.targetMeans[0], nil, progress)
        let validation = try parts.map { parts in
            let sums = try parts.folds.indices.map { fold in
                let others = parts.outside(fold)
                return try path(
                    MomentsProblem(others), others.featureMeans, others.targetMeans[0], lambdas, nil
                ).solutions.map { parts.folds[fold].squaredError(of: $0.theta, intercept: $0.intercept) }
            }
            return ValidationErrors(sums: sums, weights: parts.folds.map(\.weightSum))
        }
        return (lambdas, models(lambdas, solutions), validation)
    }

    private func fitByResiduals(_ data: RegressionData, _ folds: Folds?, _ progress: ProgressHandler?) throws
        -> Fitted
    {
        let (lambdas, solutions) = try path(data, nil, progress)
        let validation = try folds.map { folds in
            var weights: [Double] = []
            let sums = try folds.folds.map(\.test).map { members in
                let left = data.rows(members)
                let inside = Set(members)
                let others = data.rows((0..<data.exampleCount).filter { !inside.contains($0) })
                weights.append(left.weights.map { $0.reduce(0, +) } ?? Double(members.count))
                return try path(others, lambdas, nil).solutions.map { solution in
                    let predictor = LinearPredictor(
                        coefficients: Tensor(solution.theta), intercepts: [solution.intercept])
                    let values = try predictor.values(of: left.features)
                    return members.indices.reduce(0) { sum, row in
                        let error = left.targets[row, 0] - values[row, 0]
                        return sum + (left.weights?[row] ?? 1) * error * error
                    }
                }
            }
            return ValidationErrors(sums: sums, weights: weights)
        }
        return (lambdas, models(lambdas, solutions), validation)
    }

    private typealias Solution = (theta: [Double], intercept: Double, report: SolverReport)

    /// The path by residuals.
    private func path(_ data: RegressionData, _ lambdas: [Double]?, _ progress: ProgressHandler?) throws -> (
        lambdas: [Double], solutions: [Solution]
    ) {
        let system = RidgeSystem(data, intercept: options.hasIntercept)
        try system.checkFinite(data)
        if case .sparse(let matrix) = data.features {
            let problem = SparseResidualProblem(matrix, data, system)
            return try path(problem, system.featureMeans, system.targetMeans[0], lambdas, progress)
        }
        let problem = DenseResidualProblem(data, system)
        return try path(problem, system.featureMeans, system.targetMeans[0], lambdas, progress)
    }

    private func path<Problem: CoordinateProblem>(
        _ problem: Problem, _ featureMeans: [Double], _ targetMean: Double, _ given: [Double]?,
        _ progress: ProgressHandler?
    ) throws -> (lambdas: [Double], solutions: [Solution]) {
        var descent = CoordinateDescent(problem, ratio: ratio, options: options)
        let lambdas = try given ?? self.lambdas.resolved(largest: try descent.largestLambda())
        var solutions: [Solution] = []
        for (index, lambda) in lambdas.enumerated() {
            let report = try descent.solve(lambda: lambda, lambdas.count == 1 ? progress : nil)
            let intercept = options.hasIntercept ? targetMean - dot(descent.theta, featureMeans) : 0
            solutions.append((descent.theta, intercept, report))
            if report.stopReason == .stopped { break }
            guard let progress, lambdas.count > 1 else { continue }
            let event = ProgressEvent(
                phase: .other("path"), step: index + 1, total: lambdas.count, loss: report.objective,
                rateUnit: "models")
            if progress(event) == .stop { break }
        }
        return (Array(lambdas.prefix(solutions.count)), solutions)
    }

    private func models(_ lambdas: [Double], _ solutions: [Solution]) -> [ElasticNetModel] {
        zip(lambdas, solutions).map { lambda, solution in
            ElasticNetModel(
                LinearPredictor(coefficients: Tensor(solution.theta), intercepts: [solution.intercept]),
                lambda: lambda, ratio: ratio, report: solution.report)
        }
    }
}
