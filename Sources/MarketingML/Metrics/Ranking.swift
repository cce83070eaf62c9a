import Tensor

/// Examples in the order of their scores, the highest first, in groups of equal scores.
struct Ranking: Sendable {
    /// Indices of examples.
    let order: [Int32]
    /// Where each group ends in `order`; the last one at its end.
    let groupEnds: [Int]
    /// The score of each group, decreasing.
    let thresholds: [Double]

    /// - Throws: `.notFinite` naming the first score that is NaN or infinite, counted from 0.
    init(_ scores: [Double]) throws(MarketingMLError) {
        var order = try scores.withUnsafeBufferPointer { (scores) throws(MarketingMLError) in
            try ScoreOrder.ascending(scores)
        }
        order.reverse()
        var ends: [Int] = []
        var thresholds: [Double] = []
        scores.withUnsafeBufferPointer { scores in
            for place in order.indices {
                let score = scores[Int(order[place])]
                if place == 0 || score != thresholds[thresholds.count - 1] {
                    if place > 0 { ends.append(place) }
                    thresholds.append(score)
                }
            }
        }
        if !order.isEmpty { ends.append(order.count) }
        self.order = order
        groupEnds = ends
        self.thresholds = thresholds
    }

    /// How many positives and negatives have at least the score of each group.
    func counts(isPositive: [Bool], weights: [Double]? = nil) -> RankedCounts {
        var positives: [Double] = []
        var negatives: [Double] = []
        positives.reserveCapacity(groupEnds.count)
        negatives.reserveCapacity(groupEnds.count)
        var (positive, negative) = (0.0, 0.0)
        var place = 0
        for end in groupEnds {
            while place < end {
                let example = Int(order[place])
                let weight = weights?[example] ?? 1
                if isPositive[example] { positive += weight } else { negative += weight }
                place += 1
            }
            positives.append(positive)
            negatives.append(negative)
        }
        return RankedCounts(thresholds: thresholds, positives: positives, negatives: negatives)
    }
}

/// What is caught by judging all examples from a score on upwards as positive, for each score that occurs.
///
/// Everything that depends on the order of the scores alone follows from it.
struct RankedCounts: Sendable {
    /// The scores that occur, decreasing.
    let thresholds: [Double]
    /// The weight of the positives from that score on upwards; without weights their number.
    let positives: [Double]
    /// The weight of the negatives from that score on upwards.
    let negatives: [Double]

    /// The weight of all positives.
    var allPositives: Double { positives.last ?? 0 }
    /// The weight of all negatives.
    var allNegatives: Double { negatives.last ?? 0 }
    /// Whether there are both.
    var hasBothKinds: Bool { allPositives > 0 && allNegatives > 0 }

    /// The area under the ROC curve; nil without both kinds. Exact for whole weights: halves and sums below 2⁵³.
    var rocArea: Double? {
        guard hasBothKinds else { return nil }
        var pairs = 0.0
        forEachGroup { positive, negative, _, negativesAbove in
            pairs += positive * (allNegatives - negativesAbove - negative + negative / 2)
        }
        return pairs / (allPositives * allNegatives)
    }

    /// Average precision: the sum over thresholds of precision times the gain in recall. Nil without positives.
    var averagePrecision: Double? {
        guard allPositives > 0 else { return nil }
        var sum = 0.0
        forEachGroup { positive, negative, positivesAbove, negativesAbove in
            guard positive > 0 else { return }
            let caught = positivesAbove + positive
            sum += positive * (caught / (caught + negativesAbove + negative))
        }
        return sum / allPositives
    }

    /// The largest distance between the shares of positives and of negatives above a score (Kolmogorov, Smirnov).
    var kolmogorovSmirnov: Double? {
        guard hasBothKinds else { return nil }
        return positives.indices.reduce(0) {
            max($0, abs(positives[$1] / allPositives - negatives[$1] / allNegatives))
        }
    }

    /// The share of the positives among the highest-scored share of all; of a group of equal scores that the border cuts, the
    /// expected part. Nil without positives.
    func gain(at share: Double) -> Double? {
        guard allPositives > 0 else { return nil }
        let wanted = share * (allPositives + allNegatives)
        var caught: Double?
        forEachGroup { positive, negative, positivesAbove, negativesAbove in
            let above = positivesAbove + negativesAbove
            guard caught == nil, above + positive + negative >= wanted else { return }
            let size = positive + negative
            caught = positivesAbove + (size > 0 ? positive * (wanted - above) / size : 0)
        }
        return (caught ?? allPositives) / allPositives
    }

    /// Calls `body` with each group's own weights and those above it.
    private func forEachGroup(
        _ body: (
            _ positive: Double, _ negative: Double, _ positivesAbove: Double, _ negativesAbove: Double
        ) -> Void
    ) {
        var (positivesAbove, negativesAbove) = (0.0, 0.0)
        for group in thresholds.indices {
            body(
                positives[group] - positivesAbove, negatives[group] - negativesAbove, positivesAbove,
                negativesAbove)
            positivesAbove = positives[group]
            negativesAbove = negatives[group]
        }
    }
}
