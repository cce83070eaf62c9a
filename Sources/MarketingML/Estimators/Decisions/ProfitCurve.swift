import Tensor

/// The sum of payoffs of judging the best-scored examples positive, for every share of them.
public struct ProfitCurve: Sendable, Equatable, Codable {
    /// A point: a threshold that occurs.
    public struct Point: Sendable, Equatable, Codable {
        /// Scores of at least this are judged positive; nil: none are.
        public let threshold: Double?
        /// The share of the examples judged positive.
        public let share: Double
        /// The sum of the payoffs.
        public let profit: Double
    }

    /// What the outcomes are worth.
    public let payoffs: Payoffs
    /// From nobody to all, one point a score that occurs.
    public let points: [Point]

    /// The point with the largest profit, of equal ones that with the smallest share.
    public var best: Point { points.reduce(points[0]) { $1.profit > $0.profit ? $1 : $0 } }
    /// The profit of judging everybody positive.
    public var profitOfAll: Double { points[points.count - 1].profit }

    /// The profit at a share, between two points in proportion.
    public func profit(at share: Double) -> Double {
        let above = points.partitionIndex { $0.share >= share }
        guard above > 0 else { return points[0].profit }
        guard above < points.count else { return profitOfAll }
        let (a, b) = (points[above - 1], points[above])
        return a.profit + (share - a.share) / (b.share - a.share) * (b.profit - a.profit)
    }
}

extension BinaryEvaluation {
    /// The profit for every share of the best-scored examples.
    ///
    /// - Throws: `.invalidOption` for payoffs that are not finite.
    public func profitCurve(_ payoffs: Payoffs) throws(MarketingMLError) -> ProfitCurve {
        try payoffs.check()
        func total(_ caught: Double, _ wrong: Double) -> Double {
            payoffs.total(
                truePositives: caught, falsePositives: wrong, positives: counts.allPositives,
                negatives: counts.allNegatives)
        }
        let nobody = ProfitCurve.Point(threshold: nil, share: 0, profit: total(0, 0))
        return ProfitCurve(
            payoffs: payoffs,
            points: [nobody]
                + counts.thresholds.indices.map { group in
                    let (caught, wrong) = (counts.positives[group], counts.negatives[group])
                    return ProfitCurve.Point(
                        threshold: counts.thresholds[group], share: (caught + wrong) / self.total,
                        profit: total(caught, wrong))
                })
    }
}

extension ProfitCurve: CustomStringConvertible {
    /// The profit at each tenth, the best point and that of everybody.
    public var description: String {
        let rows = (0...10).map { step in
            let share = Double(step) / 10
            return ["\(10 * step) %", TableText.fixed(profit(at: share), decimals: 0)]
        }
        let best = best
        return TableText.aligned([["judged positive", "profit"]] + rows) + "\nbest "
            + TableText.fixed(best.profit, decimals: 0) + " at "
            + TableText.fixed(100 * best.share, decimals: 1) + " %"
            + (best.threshold.map { ", scores from " + TableText.fixed($0, decimals: 4) + " on" } ?? "")
    }
}
