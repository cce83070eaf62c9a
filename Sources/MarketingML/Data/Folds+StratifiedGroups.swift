import Tensor

extension Folds {
    /// Folds that never divide a group (a customer, a household) between training and test, in which each label has about the share
    /// that it has in the whole: scikit-learn's `StratifiedGroupKFold`.
    ///
    /// Groups come in a random order, those whose labels are least even first. Each goes to the fold where it leaves the labels'
    /// shares most alike over the folds.
    ///
    /// - Parameters:
    ///   - labels: The label of each example.
    ///   - groups: The group of each example.
    /// - Throws: `.invalidOption` for fewer than 2 folds; `.shapeMismatch` for another number of groups than of labels; `.emptyData`
    ///   if there are fewer groups, or a label occurs in fewer groups, than there are folds.
    /// - Complexity: O(N + G K² C) for G groups, K folds and C labels.
    public static func stratified<Label: Hashable, Group: Hashable>(
        _ labels: [Label], groups: [Group], count: Int, seed: UInt64
    ) throws(MarketingMLError) -> Folds {
        guard labels.count == groups.count else {
            throw MarketingMLError(
                .shapeMismatch,
                "\(groups.count) groups for \(labels.count) labels: there must be one an example")
        }
        var members = rowsByValue(groups).map(\.rows)
        try check(count, of: members.count, "groups")
        var classes = [Int](repeating: 0, count: labels.count)
        let byLabel = rowsByValue(labels)
        for (index, (label, rows)) in byLabel.enumerated() {
            let spread = Set(rows.map { groups[$0] }).count
            guard spread >= count else {
                throw MarketingMLError(
                    .emptyData,
                    "label \(label) occurs in \(spread) groups, fewer than the \(count) folds: it would be missing from a fold"
                )
            }
            for row in rows { classes[row] = index }
        }
        var generator = SeededGenerator(seed: seed)
        generator.shuffle(&members)
        let assigned = assignment(
            of: members, classes: classes, classCount: byLabel.count, count: count)
        return Folds(assigned: assigned, count: count)
    }

    /// The fold of each row, for groups of rows in this order.
    static func assignment(of groups: [[Int]], classes: [Int], classCount: Int, count: Int) -> [Int] {
        var totals = [Double](repeating: 0, count: classCount)
        let counts = groups.map { rows in
            var counts = [Double](repeating: 0, count: classCount)
            for row in rows { counts[classes[row]] += 1 }
            for index in counts.indices { totals[index] += counts[index] }
            return counts
        }
        let unevenness = counts.map { standardDeviation($0) }
        let order = groups.indices.sorted { (unevenness[$1], $0) < (unevenness[$0], $1) }
        var inFold = [[Double]](repeating: totals.map { _ in 0 }, count: count)
        var sizes = [Int](repeating: 0, count: count)
        var assigned = [Int](repeating: 0, count: classes.count)
        for group in order {
            var best = (fold: 0, spread: Double.infinity, size: Int.max)
            for fold in 0..<count {
                // How much the labels' shares differ between the folds with the group in this one.
                var spread = 0.0
                for label in 0..<classCount {
                    let shares = (0..<count).map {
                        (inFold[$0][label] + ($0 == fold ? counts[group][label] : 0)) / totals[label]
                    }
                    spread += standardDeviation(shares)
                }
                spread /= Double(classCount)
                let isTie = abs(spread - best.spread) <= 1e-8 + 1e-5 * best.spread
                if spread < best.spread || (isTie && sizes[fold] < best.size) {
                    best = (fold, spread, sizes[fold])
                }
            }
            for label in 0..<classCount { inFold[best.fold][label] += counts[group][label] }
            sizes[best.fold] += groups[group].count
            for row in groups[group] { assigned[row] = best.fold }
        }
        return assigned
    }

    private static func standardDeviation(_ values: [Double]) -> Double {
        let mean = values.reduce(0, +) / Double(values.count)
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    }
}
