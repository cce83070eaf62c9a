import Tensor

/// The metrics by which models are compared and chosen.
///
/// Of two classes the second is the positive one. For more classes, precision, recall, F1 and the areas are the mean of each
/// class against the rest.
public enum Scoring: Sendable, Hashable, Codable {
    /// The share of the examples that were judged right.
    case accuracy
    /// The mean of the classes' recalls; classes without examples are left out.
    case balancedAccuracy
    /// The share of those judged positive that are; 0 if none are.
    case precision
    /// The share of the positives that were judged positive.
    case recall
    /// The harmonic mean of precision and recall.
    case f1
    /// The area under the ROC curve.
    case rocAUC
    /// The area under the precision-recall curve, in steps (average precision).
    case averagePrecision
    /// The mean of -log(probability of the true class), in nats; probabilities are kept 2⁻⁵² away from 0 and 1.
    case logLoss
    /// The mean squared distance of the probability of the positive class and the truth; for more than two classes the sum
    /// over the classes, in 0...2.
    case brierScore
    /// The expected calibration error over bins of equal width; for more than two classes that of the largest probability.
    case expectedCalibrationError(bins: Int = 10)
    /// The share of the positives in the best-scored share of the examples, which lies in (0, 1]; two classes.
    case gain(at: Double)
    /// How many times more positives the best-scored share holds than as many random examples; two classes.
    case lift(at: Double)
    /// The largest distance between the score distributions of positives and negatives; two classes.
    case kolmogorovSmirnov
    /// The share of the targets' variance that a regression explains; 1 is perfect, 0 as good as the mean. For targets that
    /// are all the same: 1 if they are met, else 0.
    case rSquared
    /// A regression's mean squared error.
    case meanSquaredError
    /// The root of a regression's mean squared error.
    case rootMeanSquaredError
    /// A regression's mean absolute error.
    case meanAbsoluteError

    /// Whether larger is better.
    public var prefersLarger: Bool {
        switch self {
        case .logLoss, .brierScore, .expectedCalibrationError, .meanSquaredError, .rootMeanSquaredError,
            .meanAbsoluteError:
            false
        default: true
        }
    }

    /// Whether it judges regressions; the others judge classifiers.
    public var isForRegression: Bool {
        switch self {
        case .rSquared, .meanSquaredError, .rootMeanSquaredError, .meanAbsoluteError: true
        default: false
        }
    }

    /// Whether it needs probabilities.
    public var needsProbabilities: Bool {
        switch self {
        case .logLoss, .brierScore, .expectedCalibrationError: true
        default: false
        }
    }
}

extension Scoring: CustomStringConvertible {
    /// What tables call it.
    public var description: String {
        switch self {
        case .accuracy: "accuracy"
        case .balancedAccuracy: "balanced accuracy"
        case .precision: "precision"
        case .recall: "recall"
        case .f1: "F1"
        case .rocAUC: "ROC AUC"
        case .averagePrecision: "average precision"
        case .logLoss: "log loss"
        case .brierScore: "Brier score"
        case .expectedCalibrationError(let bins): bins == 10 ? "ECE" : "ECE of \(bins) bins"
        case .gain(let share): "gain at \(share)"
        case .lift(let share): "lift at \(share)"
        case .kolmogorovSmirnov: "KS"
        case .rSquared: "R²"
        case .meanSquaredError: "MSE"
        case .rootMeanSquaredError: "RMSE"
        case .meanAbsoluteError: "MAE"
        }
    }
}
