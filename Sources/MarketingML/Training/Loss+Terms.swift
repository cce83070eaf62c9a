import Foundation

// The losses of one example and their derivatives, in Double.

/// What Keras keeps probabilities away from 0 and 1 by.
private let probabilityMargin = 1e-7

extension Loss {
    /// The loss of outputs `y` for a class.
    func classLoss(_ y: [Double], target: Int, logits: Bool, _ slopes: inout [Double]) -> Double {
        switch kind {
        case .focal(let gamma, _): return classFocal(y, target, logits: logits, gamma, &slopes)
        case .crossEntropy(let smoothing):
            var distribution = [Double](repeating: 0, count: y.count)
            distribution[target] = 1
            return categorical(y, distribution, logits: logits, smoothing, &slopes)
        default: preconditionFailure("classes are targets of cross-entropy and focal loss")
        }
    }

    /// The loss of outputs `y` for targets `t` of the same number.
    func valueLoss(_ y: [Double], _ t: [Double], logits: Bool, _ slopes: inout [Double]) -> Double {
        func mean(_ term: (_ y: Double, _ t: Double) -> (value: Double, slope: Double)) -> Double {
            var sum = 0.0
            for index in y.indices {
                let (value, slope) = term(y[index], t[index])
                sum += value
                slopes[index] = slope / Double(y.count)
            }
            return sum / Double(y.count)
        }
        switch kind {
        case .binaryCrossEntropy(let smoothing):
            return mean { y, t in
                let target = t * (1 - smoothing) + smoothing / 2
                return logits ? binaryFromLogit(y, target) : binaryFromProbability(y, target)
            }
        case .crossEntropy(let smoothing): return categorical(y, t, logits: logits, smoothing, &slopes)
        case .meanSquaredError: return mean { y, t in ((y - t) * (y - t), 2 * (y - t)) }
        case .meanAbsoluteError: return mean { y, t in (abs(y - t), y > t ? 1 : y < t ? -1 : y - t) }
        case .huber(let delta):
            return mean { y, t in
                let error = y - t
                if abs(error) > delta {
                    return (delta * (abs(error) - delta / 2), error > 0 ? delta : -delta)
                }
                return (error * error / 2, error)
            }
        case .hinge:
            return mean { y, t in
                let sign = t == 0 ? -1 : t
                let margin = 1 - sign * y
                return margin < 0 ? (0, 0) : (margin, margin > 0 ? -sign : margin)
            }
        case .focal(let gamma, let alpha): return mean { binaryFocal($0, $1, logits: logits, gamma, alpha) }
        }
    }
}

/// max(z, 0) - z t + ln(1 + e^-|z|), and its slope σ(z) - t.
private func binaryFromLogit(_ z: Double, _ t: Double) -> (value: Double, slope: Double) {
    (max(z, 0) - z * t + log1p(exp(-abs(z))), sigmoid(z) - t)
}

/// Where the clip holds a probability, the slope is 0.
private func binaryFromProbability(_ p: Double, _ t: Double) -> (value: Double, slope: Double) {
    let kept = clipped(p)
    return (-(t * log(kept) + (1 - t) * log(1 - kept)), kept == p ? (p - t) / (p * (1 - p)) : 0 * p)
}

/// BCE · (1 - p_t)^γ · α_t, with p_t the probability given to the target; only BCE clips it, as in Keras.
private func binaryFocal(_ y: Double, _ t: Double, logits: Bool, _ gamma: Double, _ alpha: Double?) -> (
    value: Double, slope: Double
) {
    let p = logits ? sigmoid(y) : y
    let (entropy, entropySlope) = logits ? binaryFromLogit(y, t) : binaryFromProbability(y, t)
    let missed = 1 - (t * p + (1 - t) * (1 - p))
    let factor = pow(missed, gamma)
    let inner = logits ? p * (1 - p) : 1
    let factorSlope = gamma == 0 ? 0 : gamma * pow(missed, gamma - 1) * (1 - 2 * t) * inner
    let weight = alpha.map { t * $0 + (1 - t) * (1 - $0) } ?? 1
    return (weight * factor * entropy, weight * (factorSlope * entropy + factor * entropySlope))
}

/// -Σ t ln p. Probabilities are divided by their sum first, as in Keras.
private func categorical(
    _ y: [Double], _ distribution: [Double], logits: Bool, _ smoothing: Double, _ slopes: inout [Double]
) -> Double {
    let count = Double(y.count)
    let t = distribution.map { $0 * (1 - smoothing) + smoothing / count }
    let mass = t.reduce(0, +)
    if logits {
        let (p, logSum) = softmax(y)
        var value = 0.0
        for index in y.indices {
            // 0 · -∞ would be no number.
            if t[index] != 0 { value += t[index] * (logSum - y[index]) }
            slopes[index] = mass * p[index] - t[index]
        }
        return value
    }
    let sum = y.reduce(0, +)
    var value = 0.0
    var pulled = 0.0
    for index in y.indices {
        let p = y[index] / sum
        let kept = clipped(p)
        value -= t[index] * log(kept)
        slopes[index] = kept == p ? -t[index] / p : 0 * p
        pulled += slopes[index] * p
    }
    for index in y.indices { slopes[index] = (slopes[index] - pulled) / sum }
    return value
}

/// -(1 - p)^γ ln p of the target's class.
private func classFocal(
    _ y: [Double], _ target: Int, logits: Bool, _ gamma: Double, _ slopes: inout [Double]
) -> Double {
    let (p, logP): (Double, Double)
    var probabilities: [Double] = []
    if logits {
        let logSum: Double
        (probabilities, logSum) = softmax(y)
        (p, logP) = (probabilities[target], y[target] - logSum)
    } else {
        p = clipped(y[target])
        logP = log(p)
    }
    let factor = pow(1 - p, gamma)
    // p times the slope by p: the form that softmax wants.
    let slope = (gamma == 0 ? 0 : gamma * pow(1 - p, gamma - 1) * p * logP) - factor
    for index in y.indices {
        if logits {
            slopes[index] = slope * ((index == target ? 1 : 0) - probabilities[index])
        } else {
            slopes[index] = index == target && p == y[target] ? slope / p : 0
        }
    }
    return -factor * logP
}

private func clipped(_ p: Double) -> Double {
    p < probabilityMargin ? probabilityMargin : p > 1 - probabilityMargin ? 1 - probabilityMargin : p
}

private func sigmoid(_ z: Double) -> Double {
    z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z))
}

private func softmax(_ z: [Double]) -> (probabilities: [Double], logSum: Double) {
    let top = z.max() ?? 0
    let powers = z.map { exp($0 - top) }
    let sum = powers.reduce(0, +)
    return (powers.map { $0 / sum }, top + log(sum))
}
