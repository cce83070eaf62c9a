import Foundation

/// How the learning rate moves over a run, after a linear warm-up from 0.
public enum LearningRateSchedule: String, Sendable, Codable {
    /// Falls linearly to 0.
    case linear
    /// Falls to 0 along half a cosine wave.
    case cosine
    /// Stays.
    case constant

    /// The factor on the learning rate for update `step` (from 0) of `total`, the first `warmup` of which rise.
    public func factor(step: Int, total: Int, warmup: Int) -> Double {
        if step < warmup { return Double(step) / Double(max(1, warmup)) }
        let progress = Double(step - warmup) / Double(max(1, total - warmup))
        switch self {
        case .linear: return max(0, 1 - progress)
        case .cosine: return max(0, 0.5 * (1 + cos(Double.pi * progress)))
        case .constant: return 1
        }
    }
}
