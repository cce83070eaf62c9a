/// A point of the ROC curve.
public struct ROCPoint: Sendable, Equatable, Codable {
    /// Examples with this score or a higher one are judged positive; nil: none are.
    public let threshold: Double?
    /// The share of the negatives judged positive.
    public let falsePositiveRate: Double
    /// The share of the positives judged positive.
    public let truePositiveRate: Double
}

/// A point of the precision-recall curve.
public struct PrecisionRecallPoint: Sendable, Equatable, Codable {
    /// Examples with this score or a higher one are judged positive.
    public let threshold: Double
    /// The share of those judged positive that are.
    public let precision: Double
    /// The share of the positives judged positive.
    public let recall: Double
}

/// A point of the cumulative gain and lift curves.
public struct GainPoint: Sendable, Equatable, Codable {
    /// The best-scored share of the examples.
    public let share: Double
    /// The share of all positives in it.
    public let gain: Double
    /// How many times more positives it holds than as many random examples; 0 for no examples.
    public var lift: Double { share > 0 ? gain / share : 0 }
}

extension BinaryEvaluation {
    /// The ROC curve, from (0, 0) to (1, 1), one point a score that occurs.
    public var rocCurve: [ROCPoint] {
        [ROCPoint(threshold: nil, falsePositiveRate: 0, truePositiveRate: 0)]
            + counts.thresholds.indices.map { group in
                ROCPoint(
                    threshold: counts.thresholds[group],
                    falsePositiveRate: counts.negatives[group] / counts.allNegatives,
                    truePositiveRate: counts.positives[group] / counts.allPositives)
            }
    }

    /// The precision-recall curve, from the highest score to the lowest, one point a score that occurs. (Scores that only
    /// examples of weight 0 have are left out.)
    public var precisionRecallCurve: [PrecisionRecallPoint] {
        counts.thresholds.indices.compactMap { group in
            let (caught, wrong) = (counts.positives[group], counts.negatives[group])
            guard caught + wrong > 0 else { return nil }
            return PrecisionRecallPoint(
                threshold: counts.thresholds[group], precision: caught / (caught + wrong),
                recall: caught / counts.allPositives)
        }
    }

    /// The cumulative gain curve at `points` equal steps of the share, from 1/points to 1; empty without points.
    public func gainCurve(points: Int = 20) -> [GainPoint] {
        stride(from: 1, through: points, by: 1).map { step in
            let share = Double(step) / Double(points)
            return GainPoint(share: share, gain: gain(at: share))
        }
    }
}
