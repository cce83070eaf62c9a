import Foundation

/// How the learning rate moves over a run, after a linear warm-up from 0.
public enum LearningRateSchedule: Sendable, Equatable {
    /// Falls linearly to 0.
    case linear
    /// Falls to 0 along half a cosine wave.
    case cosine
    /// Falls with the root of the number of updates: √(warmup / step), in "Attention is all you need" (arXiv:1706.03762).
    case inverseSquareRoot
    /// Stays.
    case constant
    /// Is multiplied by `factor` after every `updates` updates.
    case step(updates: Int, factor: Double)
    /// Is multiplied by `factor` after every update.
    case exponential(factor: Double)
    /// Is multiplied by `factor` when the validation loss (without validation data the training loss) has not fallen for
    /// `patience` epochs.
    case reduceOnPlateau(factor: Double = 0.1, patience: Int = 10)

    /// The factor on the learning rate for update `step` (from 0) of `total`, the first `warmup` of which rise.
    ///
    /// - Parameter epochLosses: The losses of the epochs so far, for `reduceOnPlateau`.
    public func factor(step: Int, total: Int, warmup: Int, epochLosses: [Double] = []) -> Double {
        if step < warmup { return Double(step) / Double(max(1, warmup)) }
        let progress = Double(step - warmup) / Double(max(1, total - warmup))
        switch self {
        case .linear: return max(0, 1 - progress)
        case .cosine: return max(0, 0.5 * (1 + cos(Double.pi * progress)))
        case .inverseSquareRoot:
            return (Double(max(1, warmup)) / Double(max(1, max(step, warmup)))).squareRoot()
        case .constant: return 1
        case .step(let updates, let factor): return pow(factor, Double((step - warmup) / max(1, updates)))
        case .exponential(let factor): return pow(factor, Double(step - warmup))
        case .reduceOnPlateau(let factor, let patience):
            var (best, waited, scale) = (Double.infinity, 0, 1.0)
            for loss in epochLosses {
                waited = loss < best ? 0 : waited + 1
                best = min(best, loss)
                if waited > patience {
                    scale *= factor
                    waited = 0
                }
            }
            return scale
        }
    }

    /// Whether it needs to know how many updates there will be.
    var needsTotal: Bool { self == .linear || self == .cosine }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate() throws {
        switch self {
        case .step(let updates, let factor):
            try requireOption(updates >= 1, "schedule.updates", "at least 1", updates)
            try requireOption(0 < factor && factor <= 1, "schedule.factor", "in (0, 1]", factor)
        case .exponential(let factor):
            try requireOption(0 < factor && factor <= 1, "schedule.factor", "in (0, 1]", factor)
        case .reduceOnPlateau(let factor, let patience):
            try requireOption(0 < factor && factor <= 1, "schedule.factor", "in (0, 1]", factor)
            try requireOption(patience >= 0, "schedule.patience", "at least 0", patience)
        default: break
        }
    }
}

/// As its name: "linear"; with numbers as "step(30,0.1)".
extension LearningRateSchedule: Codable {
    /// Reads what `encode` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        let parts = text.split(whereSeparator: { "(,)".contains($0) }).map(String.init)
        let numbers = parts.dropFirst().compactMap(Double.init)
        switch (parts.first, numbers.count) {
        case ("linear", 0): self = .linear
        case ("cosine", 0): self = .cosine
        case ("inverseSquareRoot", 0): self = .inverseSquareRoot
        case ("constant", 0): self = .constant
        case ("step", 2) where Int(exactly: numbers[0]) != nil:
            self = .step(updates: Int(numbers[0]), factor: numbers[1])
        case ("exponential", 1): self = .exponential(factor: numbers[0])
        case ("reduceOnPlateau", 2) where Int(exactly: numbers[1]) != nil:
            self = .reduceOnPlateau(factor: numbers[0], patience: Int(numbers[1]))
        default:
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(text) is no learning rate schedule")
        }
    }

    /// Writes its name and numbers.
    public func encode(to encoder: any Encoder) throws {
        let text =
            switch self {
            case .linear: "linear"
            case .cosine: "cosine"
            case .inverseSquareRoot: "inverseSquareRoot"
            case .constant: "constant"
            case .step(let updates, let factor): "step(\(updates),\(factor))"
            case .exponential(let factor): "exponential(\(factor))"
            case .reduceOnPlateau(let factor, let patience): "reduceOnPlateau(\(factor),\(patience))"
            }
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
