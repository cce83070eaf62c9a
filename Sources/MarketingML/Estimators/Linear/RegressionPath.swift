import Tensor

/// The models for a sequence of penalties, and how well each predicted examples that it was not fitted on.
public struct RegressionPath<Model: FittedRegressor>: Sendable {
    /// The weights of the penalty, from the largest to the smallest.
    public let lambdas: [Double]
    /// The model for each of them, fitted on all examples.
    public let models: [Model]
    /// The mean squared error for each of them on examples left out; nil when none were.
    public let errors: [Double]?
    /// The standard errors of `errors`: of the means over the folds, or over the examples left out one at a time.
    public let standardErrors: [Double]?

    /// Where the error is smallest; the largest such λ. Without errors that of the last model.
    public var lambdaMin: Double { lambdas[bestIndex] }
    /// The largest λ whose error is within one standard error of the smallest: the simplest model that is about as good (Breiman,
    /// Friedman, Olshen, Stone, 1984). Without errors that of the last model.
    public var lambdaOneStandardError: Double { lambdas[simplestIndex] }
    /// The model at ``lambdaMin``.
    public var best: Model { models[bestIndex] }
    /// The model at ``lambdaOneStandardError``.
    public var simplest: Model { models[simplestIndex] }

    init(lambdas: [Double], models: [Model], validation: ValidationErrors?) {
        self.lambdas = lambdas
        self.models = models
        errors = validation?.means
        standardErrors = validation?.standardErrors
    }

    private var bestIndex: Int {
        guard let errors else { return lambdas.count - 1 }
        return errors.indices.reduce(0) { errors[$1] < errors[$0] ? $1 : $0 }
    }

    private var simplestIndex: Int {
        guard let errors, let standardErrors else { return lambdas.count - 1 }
        let limit = errors[bestIndex] + standardErrors[bestIndex]
        return errors.firstIndex { $0 <= limit } ?? bestIndex
    }
}

/// Mean squared errors on examples left out, for each of several models.
struct ValidationErrors {
    let means: [Double]
    let standardErrors: [Double]

    /// From the sums of squared errors of each fold ([folds][models]) and the folds' weights.
    init(sums: [[Double]], weights: [Double]) {
        let total = weights.reduce(0, +)
        let folds = sums.indices.filter { weights[$0] > 0 }
        let count = Double(folds.count)
        let models = (sums.first ?? []).indices
        let means = models.map { model in folds.reduce(0) { $0 + sums[$1][model] } / total }
        standardErrors = models.map { model in
            let spread = folds.reduce(0) {
                let difference = sums[$1][model] / weights[$1] - means[model]
                return $0 + weights[$1] * difference * difference
            }
            return (spread / total / max(1, count - 1)).squareRoot()
        }
        self.means = means
    }
}

/// Examples dealt at random into folds of equal size, or one larger.
struct Folds {
    /// The examples of each fold, in increasing order.
    let members: [[Int]]

    /// - Throws: `.invalidOption` unless there are 2 to `exampleCount` folds.
    init(exampleCount: Int, count: Int, seed: UInt64) throws(MarketingMLError) {
        guard count >= 2, count <= exampleCount else {
            throw MarketingMLError(
                .invalidOption, "expected 2 to \(exampleCount) folds for as many examples, found \(count)")
        }
        var random = SeededGenerator(seed: seed)
        var order = Array(0..<exampleCount)
        for last in stride(from: exampleCount - 1, to: 0, by: -1) {
            order.swapAt(last, random.next(below: last + 1))
        }
        members = (0..<count).map { fold in
            order[exampleCount * fold / count..<exampleCount * (fold + 1) / count].sorted()
        }
    }
}

/// The moments of the examples of each fold, from which those of the others together follow without another pass.
struct FoldMoments {
    let folds: [CenteredMoments]

    init(_ data: RegressionData, _ folds: Folds, intercept: Bool) throws {
        self.folds = try folds.members.map { members in
            try Task.checkCancellation()
            return try CenteredMoments(data.rows(members), intercept: intercept, precision: .double)
        }
    }

    /// The moments of all examples outside of a fold.
    func outside(_ fold: Int) -> CenteredMoments {
        CenteredMoments(merging: folds.indices.filter { $0 != fold }.map { folds[$0] })
    }
}

extension CenteredMoments {
    /// Those of several sets of examples together.
    init(merging parts: [CenteredMoments]) {
        let (width, targets) = (parts[0].featureCount, parts[0].targetCount)
        let total = parts.reduce(0) { $0 + $1.weightSum }
        func mean(_ of: (CenteredMoments) -> Double) -> Double {
            parts.reduce(0) { $0 + $1.weightSum * of($1) } / max(total, .leastNormalMagnitude)
        }
        let featureMeans = (0..<width).map { index in mean { $0.featureMeans[index] } }
        let targetMeans = (0..<targets).map { index in mean { $0.targetMeans[index] } }
        var gram = [Double](repeating: 0, count: width * width)
        var cross = [Double](repeating: 0, count: targets * width)
        var squares = [Double](repeating: 0, count: targets)
        for part in parts {
            let moved = (0..<width).map { part.featureMeans[$0] - featureMeans[$0] }
            for row in 0..<width {
                let scale = part.weightSum * moved[row]
                for column in 0..<width {
                    gram[row * width + column] += part.gram[row * width + column] + scale * moved[column]
                }
            }
            for target in 0..<targets {
                let difference = part.targetMeans[target] - targetMeans[target]
                squares[target] += part.targetSquares[target] + part.weightSum * difference * difference
                for column in 0..<width {
                    cross[target * width + column] +=
                        part.cross[target * width + column] + part.weightSum * difference * moved[column]
                }
            }
        }
        self.init(
            featureCount: width, targetCount: targets, weightSum: total, featureMeans: featureMeans,
            targetMeans: targetMeans, gram: gram, cross: cross, targetSquares: squares)
    }

    /// Σ w (y − θᵀx − b)² of the first target for a model that was fitted on other examples.
    func squaredError(of theta: [Double], intercept: Double) -> Double {
        let difference = targetMeans[0] - dot(theta, featureMeans) - intercept
        return 2 * loss(of: theta, target: 0) + weightSum * difference * difference
    }
}
