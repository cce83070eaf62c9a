import Tensor

/// The rows of one round of cross-validation: what is fitted on and what is judged on, each in ascending order.
public struct Fold: Sendable, Equatable {
    /// The rows to fit on.
    public let train: [Int]
    /// The rows to judge on.
    public let test: [Int]

    /// Creates a fold from its rows.
    public init(train: [Int], test: [Int]) {
        self.train = train
        self.test = test
    }
}

/// The rounds of a cross-validation of N examples, as row indices from 0 on.
///
/// ```swift
/// for fold in try Folds.stratified(labels, count: 5, seed: 1).folds {
///     let model = try recipe.fit(features.rows(fold.train), fold.train.map { labels[$0] })
/// }
/// ```
///
/// The same arguments give the same folds on every platform. In all but `byTime`, each row is in exactly one test part and
/// in the training parts of all other folds.
public struct Folds: Sendable, Equatable {
    /// The rounds.
    public let folds: [Fold]

    /// Creates rounds from rows chosen by the caller.
    public init(_ folds: [Fold]) { self.folds = folds }

    /// How many rounds there are.
    public var count: Int { folds.count }

    /// - Throws: `.invalidOption` without rounds, or for a row that is not one of `count`.
    func check(count n: Int) throws(MarketingMLError) {
        guard !folds.isEmpty else {
            throw MarketingMLError(.invalidOption, "there must be one at least", at: .init(name: "folds"))
        }
        for (index, fold) in folds.enumerated() {
            if let row = (fold.train + fold.test).first(where: { !(0..<n ~= $0) }) {
                throw MarketingMLError(
                    .invalidOption, "fold \(index) has row \(row) of \(n) examples", at: .init(name: "folds"))
            }
        }
    }

    /// Folds of equal size (to within one row) in a random order.
    ///
    /// - Parameters:
    ///   - n: The number of examples.
    ///   - folds: The number of folds, 2 to `n`.
    /// - Throws: `.invalidOption` for fewer than 2 folds, `.emptyData` for fewer examples than folds.
    public static func plain(count n: Int, folds: Int, seed: UInt64) throws(MarketingMLError) -> Folds {
        try check(folds, of: n, "examples")
        var generator = SeededGenerator(seed: seed)
        var assigned = [Int](repeating: 0, count: n)
        for (place, row) in generator.permutation(n).enumerated() { assigned[row] = place % folds }
        return Folds(assigned: assigned, count: folds)
    }

    /// Folds in which each label has, to within one example, the share that it has in the whole.
    ///
    /// - Throws: `.invalidOption` for fewer than 2 folds; `.emptyData` if a label has fewer examples than there are folds: it
    ///   would be missing from a test part.
    public static func stratified<Label: Hashable>(
        _ labels: [Label], count: Int, seed: UInt64
    ) throws(MarketingMLError) -> Folds {
        try check(count, of: labels.count, "examples")
        var generator = SeededGenerator(seed: seed)
        var assigned = [Int](repeating: 0, count: labels.count)
        // Labels are dealt out one after the other without starting again at the first fold, so that folds are of
        // equal size as well.
        var next = 0
        for (label, members) in rowsByValue(labels) {
            guard members.count >= count else {
                throw MarketingMLError(
                    .emptyData,
                    "label \(label) has \(members.count) examples, fewer than the \(count) folds: it would be missing "
                        + "from a fold")
            }
            var members = members
            generator.shuffle(&members)
            for row in members {
                assigned[row] = next
                next = (next + 1) % count
            }
        }
        return Folds(assigned: assigned, count: count)
    }

    /// Folds that never divide a group (a customer, a household) between training and test, of sizes as equal as giving the
    /// largest group left to the smallest fold makes them.
    ///
    /// - Parameter groups: The group of each example.
    /// - Throws: `.invalidOption` for fewer than 2 folds, `.emptyData` for fewer groups than folds.
    public static func grouped<Group: Hashable>(
        _ groups: [Group], count: Int, seed: UInt64
    ) throws(MarketingMLError) -> Folds {
        var members = rowsByValue(groups).map(\.rows)
        try check(count, of: members.count, "groups")
        var generator = SeededGenerator(seed: seed)
        generator.shuffle(&members)
        // Groups of one size keep their random order, whatever sort the library uses.
        let order = members.indices.sorted {
            (members[$1].count, $0) < (members[$0].count, $1)
        }
        var assigned = [Int](repeating: 0, count: groups.count)
        var sizes = [Int](repeating: 0, count: count)
        for group in order {
            let fold = sizes.indices.reduce(0) { sizes[$1] < sizes[$0] ? $1 : $0 }
            sizes[fold] += members[group].count
            for row in members[group] { assigned[row] = fold }
        }
        return Folds(assigned: assigned, count: count)
    }

    /// Expanding windows: the examples in order of time are cut into `count + 1` blocks of equal size, and fold `k` judges on block
    /// `k + 1` what was fitted on all blocks before it. Examples of one time stay in one block, so that all training times
    /// are before all test times.
    ///
    /// - Parameter times: The time of each example, in any unit.
    /// - Throws: `.invalidOption` for fewer than 1 fold; `.emptyData` if there are too few examples or distinct times;
    ///   `.notFinite`.
    public static func byTime(_ times: [Double], count: Int) throws(MarketingMLError) -> Folds {
        guard 1...1_000_000 ~= count else {
            throw MarketingMLError(.invalidOption, "expected from 1 to 1000000 folds, found \(count)")
        }
        let order = try rowsInOrder(of: times)
        let cuts = (0...count + 1).map { block in
            endOfTime(times, order, at: order.count * block / (count + 1))
        }
        for (start, end) in zip(cuts, cuts.dropFirst()) where start >= end {
            throw MarketingMLError(
                .emptyData,
                "\(times.count) examples at \(Set(times).count) times cannot be cut into \(count + 1) blocks of time"
            )
        }
        return Folds(
            (1...count).map { block in
                Fold(
                    train: order[..<cuts[block]].sorted(), test: order[cuts[block]..<cuts[block + 1]].sorted()
                )
            })
    }

    init(assigned: [Int], count: Int) {
        var parts = [(train: [Int], test: [Int])](repeating: ([], []), count: count)
        for (row, fold) in assigned.enumerated() {
            for index in parts.indices where index != fold { parts[index].train.append(row) }
            parts[fold].test.append(row)
        }
        folds = parts.map { Fold(train: $0.train, test: $0.test) }
    }

    static func check(_ folds: Int, of count: Int, _ what: String) throws(MarketingMLError) {
        guard folds >= 2 else {
            throw MarketingMLError(.invalidOption, "expected 2 folds or more, found \(folds)")
        }
        guard count >= folds else {
            throw MarketingMLError(.emptyData, "\(count) \(what) cannot be divided into \(folds) folds")
        }
    }
}

/// The rows of each value, values in order of first appearance, so that any type of value will do.
func rowsByValue<Value: Hashable>(_ values: [Value]) -> [(value: Value, rows: [Int])] {
    var groups: [(value: Value, rows: [Int])] = []
    var group: [Value: Int] = [:]
    for (row, value) in values.enumerated() {
        if let known = group[value] {
            groups[known].rows.append(row)
        } else {
            group[value] = groups.count
            groups.append((value, [row]))
        }
    }
    return groups
}

/// The rows from the earliest to the latest, those of one time in their order.
func rowsInOrder(of times: [Double]) throws(MarketingMLError) -> [Int] {
    if let row = times.firstIndex(where: { !$0.isFinite }) {
        throw MarketingMLError(.notFinite, "the time of example \(row) is \(times[row])")
    }
    return times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
}

/// The first place at or after `place` where another time begins.
func endOfTime(_ times: [Double], _ order: [Int], at place: Int) -> Int {
    var place = place
    while 0 < place, place < order.count, times[order[place]] == times[order[place - 1]] { place += 1 }
    return place
}
