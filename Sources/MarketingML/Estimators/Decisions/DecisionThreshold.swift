import Tensor

/// By what a threshold is chosen.
public enum ThresholdRule: Sendable, Equatable, Codable {
    /// The largest sum of payoffs.
    case payoffs(Payoffs)
    /// The largest F1.
    case f1
    /// The share of all examples judged positive is the largest that does not exceed this one: a campaign's budget.
    case positiveShare(Double)
    /// The highest threshold that finds at least this share of the positives.
    case recall(Double)
    /// The most positives found while at least this share of those judged positive are.
    case precision(Double)
}

/// A threshold and what comes of judging examples from it upwards as positive. Of equally good ones it is the highest.
public struct DecisionThreshold: Sendable, Equatable, Codable {
    /// Scores of at least this are positive.
    public let threshold: Double
    /// Positives judged positive, by weight; without weights their number.
    public let truePositives: Double
    /// Negatives judged positive.
    public let falsePositives: Double
    /// Negatives judged negative.
    public let trueNegatives: Double
    /// Positives judged negative.
    public let falseNegatives: Double

    /// The share of all examples judged positive.
    public var positiveShare: Double {
        (truePositives + falsePositives)
            / (truePositives + falsePositives + trueNegatives + falseNegatives)
    }
    /// The share of those judged positive that are; 0 if none is judged so.
    public var precision: Double {
        truePositives + falsePositives > 0 ? truePositives / (truePositives + falsePositives) : 0
    }
    /// The share of the positives judged positive.
    public var recall: Double { truePositives / (truePositives + falseNegatives) }
    /// The harmonic mean of precision and recall.
    public var f1: Double { 2 * truePositives / (2 * truePositives + falsePositives + falseNegatives) }
    /// The share of the examples judged right.
    public var accuracy: Double {
        (truePositives + trueNegatives)
            / (truePositives + falsePositives + trueNegatives + falseNegatives)
    }

    /// The sum of the payoffs.
    public func profit(_ payoffs: Payoffs) -> Double {
        payoffs.total(
            truePositives: truePositives, falsePositives: falsePositives,
            positives: truePositives + falseNegatives, negatives: falsePositives + trueNegatives)
    }
}

extension BinaryEvaluation {
    /// What comes of judging scores of at least `threshold` as positive.
    public func decision(at threshold: Double) -> DecisionThreshold {
        let above = counts.thresholds.partitionIndex { $0 < threshold }
        return decision(threshold, group: above - 1)
    }

    /// The best threshold by a rule. Choose it on validation data or out-of-fold predictions, and judge it on others.
    ///
    /// - Throws: `.invalidOption` for a share outside (0, 1], a payoff that is not finite, or a precision that no threshold
    ///   reaches.
    public func threshold(_ rule: ThresholdRule) throws(MarketingMLError) -> DecisionThreshold {
        // -1: nobody.
        let groups = -1..<counts.thresholds.count
        func check(_ share: Double) throws(MarketingMLError) {
            guard 0 < share, share <= 1 else {
                throw MarketingMLError(.invalidOption, "a share lies in (0, 1], it is \(share)")
            }
        }
        func best(_ quality: (DecisionThreshold) -> Double) -> DecisionThreshold {
            var best = decision(group: -1)
            for group in groups.dropFirst() {
                let next = decision(group: group)
                if quality(next) > quality(best) { best = next }
            }
            return best
        }
        switch rule {
        case .payoffs(let payoffs):
            try payoffs.check()
            return best { $0.profit(payoffs) }
        case .f1: return best(\.f1)
        case .positiveShare(let share):
            try check(share)
            return decision(group: groups.last { decision(group: $0).positiveShare <= share } ?? -1)
        case .recall(let share):
            try check(share)
            return decision(
                group: groups.first { decision(group: $0).recall >= share } ?? groups.upperBound - 1)
        case .precision(let share):
            try check(share)
            guard let group = groups.last(where: { decision(group: $0).precision >= share }) else {
                throw MarketingMLError(.invalidOption, "no threshold has a precision of \(share)")
            }
            return decision(group: group)
        }
    }

    /// The threshold at a group of equal scores; for nobody, just above the highest.
    private func decision(group: Int) -> DecisionThreshold {
        decision(group < 0 ? counts.thresholds[0].nextUp : counts.thresholds[group], group: group)
    }

    private func decision(_ threshold: Double, group: Int) -> DecisionThreshold {
        let caught = group < 0 ? 0 : counts.positives[group]
        let wrong = group < 0 ? 0 : counts.negatives[group]
        return DecisionThreshold(
            threshold: threshold, truePositives: caught, falsePositives: wrong,
            trueNegatives: counts.allNegatives - wrong, falseNegatives: counts.allPositives - caught)
    }
}

extension Payoffs {
    /// - Throws: `.invalidOption`.
    func check() throws(MarketingMLError) {
        guard [truePositive, falsePositive, trueNegative, falseNegative].allSatisfy(\.isFinite) else {
            throw MarketingMLError(.invalidOption, "payoffs must be finite: \(self)")
        }
    }
}

extension DecisionThreshold: CustomStringConvertible {
    /// `from 0.2310 on: 12.4 % of all, precision 0.4120, recall 0.5531, F1 0.4722`.
    public var description: String {
        func fixed(_ value: Double) -> String { TableText.fixed(value, decimals: 4) }
        return "from \(fixed(threshold)) on: \(TableText.fixed(100 * positiveShare, decimals: 1)) % of all, "
            + "precision \(fixed(precision)), recall \(fixed(recall)), F1 \(fixed(f1))"
    }
}
