import Tensor

/// How interactions are dealt to a training and a test part.
public enum InteractionSplit: Sendable, Equatable {
    /// Each interaction is a test one with this probability, in (0, 1).
    case random(testFraction: Double, seed: UInt64 = 1)
    /// The last `count` of each user who has more than that, by time; of equal times the item that appeared later in the data.
    case lastPerUser(count: Int)
    /// All from this time on.
    case from(time: Int64)
    /// The latest share of all, in (0, 1): all from the time of the first of them on.
    case latest(fraction: Double)
}

extension Interactions {
    /// Deals the interactions to two parts.
    ///
    /// - Throws: `.invalidOption` for a fraction outside (0, 1) or a count below 1, and where times are needed and not known.
    public func split(
        _ split: InteractionSplit
    ) throws(MarketingMLError) -> (train: Interactions, test: Interactions) {
        var isTest = [Bool](repeating: false, count: count)
        switch split {
        case .random(let fraction, let seed):
            try Self.check(fraction, "testFraction")
            var random = SeededGenerator(seed: seed)
            for place in isTest.indices { isTest[place] = random.nextUniform() < fraction }
        case .lastPerUser(let wanted):
            guard wanted >= 1 else {
                throw MarketingMLError(
                    .invalidOption, "must be at least 1, is \(wanted)", at: .init(name: "count"))
            }
            let times = try neededTimes
            for row in users.indices where matrix.range(row).count > wanted {
                let latest = matrix.range(row).sorted { (times[$0], $0) > (times[$1], $1) }
                for place in latest.prefix(wanted) { isTest[place] = true }
            }
        case .from(let time):
            for (place, moment) in try neededTimes.enumerated() { isTest[place] = moment >= time }
        case .latest(let fraction):
            try Self.check(fraction, "fraction")
            let times = try neededTimes
            guard !times.isEmpty else { break }
            let start = times.sorted()[min(times.count - 1, Int(Double(times.count) * (1 - fraction)))]
            for (place, moment) in times.enumerated() { isTest[place] = moment >= start }
        }
        return (filtered { !isTest[$1] }, filtered { isTest[$1] })
    }

    /// Holds out whole users: the model learns from the others, is told a part of each held-out user's interactions (`foldIn`),
    /// and is judged on the rest (`test`).
    ///
    /// - Parameters:
    ///   - fraction: The share of users held out, in (0, 1).
    ///   - foldIn: The share of their interactions that the model is told, in (0, 1); at least one, and at least one is kept
    ///     from it. Users with a single interaction are not held out.
    public func splitUsers(
        fraction: Double, foldIn share: Double = 0.8, seed: UInt64 = 1
    ) throws(MarketingMLError) -> (train: Interactions, foldIn: Interactions, test: Interactions) {
        try Self.check(fraction, "fraction")
        try Self.check(share, "foldIn")
        var random = SeededGenerator(seed: seed)
        var parts = [UserSplitPart](repeating: .train, count: count)
        for row in users.indices {
            let isHeldOut = random.nextUniform() < fraction
            let places = matrix.range(row)
            guard isHeldOut, places.count > 1 else { continue }
            let told = min(places.count - 1, max(1, Int((Double(places.count) * share).rounded())))
            for (turn, offset) in random.permutation(places.count).enumerated() {
                parts[places.lowerBound + offset] = turn < told ? .foldIn : .test
            }
        }
        return (
            filtered { parts[$1] == .train }, filtered { parts[$1] == .foldIn },
            filtered { parts[$1] == .test }
        )
    }

    private var neededTimes: [Int64] {
        get throws(MarketingMLError) {
            guard let elementTimes else {
                throw MarketingMLError(
                    .invalidOption, "this split needs the times of the interactions, which are not known",
                    at: .init(name: "split"))
            }
            return elementTimes
        }
    }

    private static func check(_ fraction: Double, _ name: String) throws(MarketingMLError) {
        guard fraction > 0, fraction < 1 else {
            throw MarketingMLError(
                .invalidOption, "must be above 0 and below 1, is \(fraction)", at: .init(name: name))
        }
    }
}

/// Where an interaction goes when users are held out.
private enum UserSplitPart { case train, foldIn, test }
