import Foundation
import Tensor

/// The distribution of a target around its mean, which a generalised linear model with a logarithmic link
/// assumes.
public enum GeneralizedLinearFamily: Sendable, Equatable, Codable {
    /// Counts: variance μ.
    case poisson
    /// Positive amounts with a constant coefficient of variation: variance φ μ².
    case gamma
    /// Variance φ μ^p; for p between 1 and 2 a sum of gamma amounts in Poisson number, with a mass at 0.
    case tweedie(power: Double)

    /// The power p of the mean to which the variance is proportional.
    public var variancePower: Double {
        switch self {
        case .poisson: 1
        case .gamma: 2
        case .tweedie(let power): power
        }
    }

    /// - Throws: `.invalidOption`.
    func check() throws(MarketingMLError) {
        guard variancePower >= 1, variancePower.isFinite else {
            throw MarketingMLError(
                .invalidOption,
                "the power of a Tweedie distribution must be at least 1 here, found \(variancePower)")
        }
    }

    var loss: SingleMarginLoss.Kind {
        switch variancePower {
        case 1: .poisson
        case 2: .gamma
        default: .tweedie(power: variancePower)
        }
    }

    /// The name for reports.
    var name: String {
        switch self {
        case .poisson: "Poisson"
        case .gamma: "gamma"
        case .tweedie(let power): "Tweedie \(power)"
        }
    }

    /// - Throws: `.invalidOption` for a target that the distribution cannot have, with its place.
    func checkTargets(_ targets: [Double]) throws(MarketingMLError) {
        let positive = variancePower >= 2
        if let place = targets.firstIndex(where: { positive ? !($0 > 0) : !($0 >= 0) }) {
            throw MarketingMLError(
                .invalidOption,
                "\(name) regression needs targets \(positive ? "above" : "of at least") 0, that of example "
                    + "\(place) is "
                    + "\(targets[place])")
        }
        guard targets.contains(where: { $0 > 0 }) else {
            throw MarketingMLError(.emptyData, "all targets are 0: the logarithm of their mean is not finite")
        }
    }

    /// Twice the log likelihood that a target loses against a mean that is the target itself.
    func deviance(_ y: Double, mean: Double) -> Double {
        switch variancePower {
        case 1:
            let own: Double = y > 0 ? y * log(y / mean) : 0
            return 2 * (own - y + mean)
        case 2: return 2 * ((y - mean) / mean - log(y / mean))
        default:
            let a = 1 - variancePower
            let b = 2 - variancePower
            let own: Double = y > 0 ? pow(y, b) / (a * b) : 0
            let rest: Double = pow(mean, b) / b - y * pow(mean, a) / a
            return 2 * (own + rest)
        }
    }

    /// The log likelihood of a target; nil for Tweedie's distributions, which have no closed form.
    func logLikelihood(_ y: Double, mean: Double, dispersion: Double) -> Double? {
        switch variancePower {
        case 1: return y * log(mean) - mean - lgamma(y + 1)
        case 2:
            let shape = 1 / dispersion
            let ratio = shape * y / mean
            return shape * log(ratio) - ratio - log(y) - lgamma(shape)
        default: return nil
        }
    }
}
