import Tensor

/// Solves one ridge problem: chooses the solver, and falls back to a safer one where a first result cannot be trusted.
struct RidgeFit {
    /// Of one target after the other: [T · D].
    private(set) var coefficients: [Double] = []
    /// [T].
    private(set) var intercepts: [Double] = []
    private(set) var report = SolverReport(
        solver: "", stopReason: .exact, iterations: 0, objective: 0, violation: 0)
    /// The moments of the data and the factor of the normal matrix, where that was the way and it has full rank.
    private(set) var normal: (moments: CenteredMoments, factor: CholeskyFactor)?

    private let data: RegressionData
    private let recipe: RidgeRegression

    init(_ data: RegressionData, _ recipe: RidgeRegression, _ progress: ProgressHandler?) throws {
        self.data = data
        self.recipe = recipe
        switch RidgeFit.solver(data, recipe) {
        case .svd: try solveBySingularValues()
        case .conjugateGradient:
            try solveByConjugateGradients(progress)
            let isTooSlow = report.stopReason == .iterationLimit || report.stopReason == .noFurtherProgress
            if recipe.solver == .automatic, isTooSlow, data.featureCount <= RidgeFit.largestOrder {
                try solveByCholesky()
            }
        default:
            if data.exampleCount < data.featureCount, case .sparse = data.features {
                try solveByCholesky()
            } else if data.exampleCount < data.featureCount {
                try solveDual()
            } else {
                try solveByCholesky()
            }
        }
        try Task.checkCancellation()
    }

    /// The largest normal matrix that is formed unasked (512 MB).
    private static let largestOrder = 8192

    private static func solver(_ data: RegressionData, _ recipe: RidgeRegression) -> RidgeRegression.Solver {
        guard recipe.solver == .automatic else { return recipe.solver }
        let (count, width) = (data.exampleCount, data.featureCount)
        if case .sparse(let matrix) = data.features {
            // The normal matrix takes about the square of a row's elements for each row.
            let stored = Double(matrix.storedCount)
            let isCheap = width <= 2048 && stored * stored <= 4e9 * Double(max(1, count))
            return isCheap ? .cholesky : .conjugateGradient
        }
        if count < width {
            if recipe.lambda == 0 { return .svd }
            return count <= largestOrder ? .cholesky : .conjugateGradient
        }
        if width > largestOrder { return .conjugateGradient }
        // A pass over the features costs as much as 1/25 of a column of the normal matrix; some 20 passes are enough. In
        // single precision they are the more accurate way as well.
        if case .float = data.features, recipe.lambda > 0, width >= 512, count >= 32 * width {
            return .conjugateGradient
        }
        return .cholesky
    }

    // MARK: Normal equations

    private mutating func solveByCholesky() throws {
        let width = data.featureCount
        var isSingle = false
        if case .float = data.features, recipe.lambda > 0 { isSingle = true }
        // Standard errors want the normal matrix in double precision.
        var moments = try CenteredMoments(
            data, intercept: recipe.hasIntercept, precision: isSingle ? .own : .double)
        var factor = RidgeFit.factor(moments, recipe.lambda)
        if isSingle, (factor?.reciprocalCondition ?? 0) < 1e-6 {
            isSingle = false
            moments = try CenteredMoments(data, intercept: recipe.hasIntercept, precision: .double)
            factor = RidgeFit.factor(moments, recipe.lambda)
        }
        // Where the squared condition number leaves too few digits the singular values still have them.
        guard let factor, factor.reciprocalCondition > (recipe.lambda == 0 ? 1e-12 : 1e-14),
            recipe.lambda > 0 || moments.dependentFeatures.isEmpty
        else { return try solveBySingularValues() }
        var solution = factor.solve(moments.cross, count: moments.targetCount)
        normal = (moments, factor)
        var objective = 0.0
        if isSingle, case .float(let matrix) = data.features {
            (solution, intercepts, objective) = refine(solution, matrix, moments, factor)
            coefficients = solution
        } else {
            finish(solution, featureMeans: moments.featureMeans, targetMeans: moments.targetMeans)
            for target in 0..<moments.targetCount {
                let own = Array(solution[target * width..<(target + 1) * width])
                objective += moments.loss(of: own, target: target) + recipe.lambda * dot(own, own)
            }
        }
        report = SolverReport(
            solver: isSingle ? "cholesky, refined" : "cholesky", stopReason: .exact, iterations: 0,
            objective: objective, violation: 0)
    }

    private static func factor(_ moments: CenteredMoments, _ lambda: Double) -> CholeskyFactor? {
        var matrix = moments.gram
        for index in 0..<moments.featureCount { matrix[index * moments.featureCount + index] += 2 * lambda }
        return CholeskyFactor(matrix, order: moments.featureCount)
    }

    /// A Newton step with the gradient in double precision, which one pass gives, takes off what single precision has put into the
    /// normal matrix: the coefficients then are as good as if all had been in double. Two steps where the condition number is large.
    private func refine(
        _ start: [Double], _ matrix: Tensor<Float>, _ moments: CenteredMoments, _ factor: CholeskyFactor
    ) -> (coefficients: [Double], intercepts: [Double], objective: Double) {
        let (products, width) = (RowProducts(matrix), data.featureCount)
        let means = moments.featureMeans
        let weightSum = data.weights.map { $0.reduce(0, +) } ?? Double(data.exampleCount)
        var (coefficients, intercepts, objective) = ([Double](), [Double](), 0.0)
        for target in 0..<data.targetCount {
            var theta = Array(start[target * width..<(target + 1) * width])
            var intercept = recipe.hasIntercept ? moments.targetMeans[target] - dot(theta, means) : 0
            var reached = 0.0
            for _ in 0..<(factor.reciprocalCondition < 1e-3 ? 2 : 1) {
                var (gradient, total, square) = data.withTarget(target) {
                    products.normalTimes(theta, offset: -intercept, targets: $0, weights: data.weights)
                }
                if recipe.hasIntercept {
                    intercept -= total / weightSum
                    square -= total * total / weightSum
                    for column in gradient.indices { gradient[column] -= total * means[column] }
                }
                for column in gradient.indices { gradient[column] += 2 * recipe.lambda * theta[column] }
                let step = factor.solve(gradient)
                reached = square / 2 + recipe.lambda * dot(theta, theta) - dot(gradient, step) / 2
                for column in theta.indices { theta[column] -= step[column] }
                if recipe.hasIntercept { intercept += dot(step, means) }
            }
            coefficients += theta
            intercepts.append(intercept)
            objective += reached
        }
        return (coefficients, intercepts, objective)
    }

    /// θ = Xᵀα with (XXᵀ + 2λI) α = y: as many equations as examples.
    private mutating func solveDual() throws {
        let system = RidgeSystem(data, intercept: recipe.hasIntercept)
        try system.checkFinite(data)
        let count = data.exampleCount
        let scale = data.weights.map { $0.map { $0.squareRoot() } } ?? [Double](repeating: 1, count: count)
        var kernel: [Double]
        switch data.features {
        case .float(let matrix):
            kernel = gramMatrix(ColumnsAsRows(matrix, shift: system.featureMeans, scale: scale))
        case .double(let matrix):
            kernel = gramMatrix(ColumnsAsRows(matrix, shift: system.featureMeans, scale: scale))
        case .sparse: return try solveByCholesky()
        }
        for index in 0..<count { kernel[index * count + index] += 2 * recipe.lambda }
        guard let factor = CholeskyFactor(kernel, order: count), factor.reciprocalCondition > 1e-14 else {
            return try solveBySingularValues()
        }
        var right: [Double] = []
        for target in 0..<data.targetCount {
            let centered = system.centeredTarget(target)
            right += (0..<count).map { scale[$0] * centered[$0] }
        }
        let alpha = factor.solve(right, count: data.targetCount)
        var solution: [Double] = []
        var objective = 0.0
        for target in 0..<data.targetCount {
            let own = (0..<count).map { scale[$0] * alpha[target * count + $0] }
            let total = own.reduce(0, +)
            var theta = system.products.transposedTimes(own)
            for index in theta.indices { theta[index] -= total * system.featureMeans[index] }
            solution += theta
            objective += system.objective(theta, target: target, lambda: recipe.lambda)
        }
        finish(solution, featureMeans: system.featureMeans, targetMeans: system.targetMeans)
        report = SolverReport(
            solver: "dual cholesky", stopReason: .exact, iterations: 0, objective: objective, violation: 0)
    }

    // MARK: Others

    private mutating func solveBySingularValues() throws {
        let reduced = try ReducedRows(data, intercept: recipe.hasIntercept)
        let (solution, objective) = try reduced.solve(lambda: recipe.lambda)
        finish(solution, featureMeans: reduced.featureMeans, targetMeans: reduced.targetMeans)
        report = SolverReport(
            solver: "svd", stopReason: .exact, iterations: 0, objective: objective, violation: 0)
    }

    private mutating func solveByConjugateGradients(_ progress: ProgressHandler?) throws {
        let system = RidgeSystem(data, intercept: recipe.hasIntercept)
        try system.checkFinite(data)
        var solution: [Double] = []
        var reports: [SolverReport] = []
        for target in 0..<data.targetCount {
            var solver = RidgeConjugateGradients(
                system, data, lambda: recipe.lambda, tolerance: recipe.tolerance,
                iterationLimit: recipe.iterationLimit)
            let (theta, report) = try solver.solve(target: target, progress)
            solution += theta
            reports.append(report)
            if report.stopReason == .stopped {
                solution += [Double](
                    repeating: 0, count: (data.targetCount - target - 1) * data.featureCount)
                break
            }
        }
        finish(solution, featureMeans: system.featureMeans, targetMeans: system.targetMeans)
        let worst = reports.first { !$0.isConverged } ?? reports[0]
        report = SolverReport(
            solver: worst.solver, stopReason: worst.stopReason,
            iterations: reports.reduce(0) { $0 + $1.iterations },
            objective: reports.reduce(0) { $0 + $1.objective },
            violation: reports.map(\.violation).max() ?? 0)
    }

    private mutating func finish(_ solution: [Double], featureMeans: [Double], targetMeans: [Double]) {
        let width = data.featureCount
        coefficients = solution
        intercepts = targetMeans.indices.map { target in
            recipe.hasIntercept
                ? targetMeans[target]
                    - dot(Array(solution[target * width..<(target + 1) * width]), featureMeans)
                : 0
        }
    }
}

extension CenteredMoments {
    /// ½ Σ w (y − θᵀx − b)² with the best intercept.
    func loss(of theta: [Double], target: Int) -> Double {
        var sum = targetSquares[target]
        for row in 0..<featureCount where theta[row] != 0 {
            var product = -2 * cross[target * featureCount + row]
            for column in 0..<featureCount { product += gram[row * featureCount + column] * theta[column] }
            sum += theta[row] * product
        }
        return max(0, sum) / 2
    }

    /// Features that are constant or a linear combination of others (of the second moments, so to half of the digits).
    var dependentFeatures: [Int] {
        RankDeficiency.dependentColumns(gram, order: featureCount, tolerance: 1e-12)
    }
}
