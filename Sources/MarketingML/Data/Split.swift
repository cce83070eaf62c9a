import Tensor

/// The rows for training, validation and test, as indices from 0 on in ascending order; together every row once.
///
/// ```swift
/// let split = try Split.stratified(labels, validation: 0.1, test: 0.2, seed: 7)
/// let training = table[rows: split.train]
/// ```
///
/// The same arguments give the same parts on every platform. A part has its share of the rows, rounded (whole groups and times
/// as far as they allow).
public struct Split: Sendable, Equatable {
    /// The rows to fit on.
    public let train: [Int]
    /// The rows to choose options on; empty unless a share for them was given.
    public let validation: [Int]
    /// The rows to judge on.
    public let test: [Int]

    /// Creates a split from its rows.
    public init(train: [Int], validation: [Int] = [], test: [Int]) {
        self.train = train
        self.validation = validation
        self.test = test
    }

    /// Divides `count` rows at random.
    ///
    /// - Parameters:
    ///   - validation: The share of the rows for validation, 0 or more.
    ///   - test: The share for test, 0 or more; the two must sum to less than 1.
    /// - Throws: `.invalidOption`.
    public static func plain(
        count: Int, validation: Double = 0, test: Double, seed: UInt64
    ) throws(MarketingMLError) -> Split {
        try check(validation, test)
        var generator = SeededGenerator(seed: seed)
        return divide([generator.permutation(count)], validation, test)
    }

    /// Divides rows at random so that each label has in each part, to within one example, the share that it has in the whole.
    ///
    /// - Parameters: As for `plain`; `labels` is the label of each row.
    /// - Throws: `.invalidOption`.
    public static func stratified<Label: Hashable>(
        _ labels: [Label], validation: Double = 0, test: Double, seed: UInt64
    ) throws(MarketingMLError) -> Split {
        try check(validation, test)
        return divideStratified(labels, validation, test, seed: seed)
    }

    /// Divides whole groups (a customer, a household) at random, so that none is in two parts.
    ///
    /// - Parameters: As for `plain`; `groups` is the group of each row.
    /// - Throws: `.invalidOption`; `.emptyData` if a part with a share above 0 would be empty.
    public static func grouped<Group: Hashable>(
        _ groups: [Group], validation: Double = 0, test: Double, seed: UInt64
    ) throws(MarketingMLError) -> Split {
        try check(validation, test)
        var members = rowsByValue(groups).map(\.rows)
        var generator = SeededGenerator(seed: seed)
        generator.shuffle(&members)
        let count = Double(groups.count)
        var parts: (train: [Int], validation: [Int], test: [Int]) = ([], [], [])
        // A group goes to a part that has not reached its share with half of it.
        for rows in members {
            let half = Double(rows.count) / 2
            if Double(parts.test.count) + half <= test * count, test > 0 {
                parts.test += rows
            } else if Double(parts.validation.count) + half <= validation * count, validation > 0 {
                parts.validation += rows
            } else {
                parts.train += rows
            }
        }
        guard !parts.train.isEmpty, validation == 0 || !parts.validation.isEmpty,
            test == 0 || !parts.test.isEmpty
        else {
            throw MarketingMLError(
                .emptyData, "\(members.count) groups are too few for the shares \(validation) and \(test)")
        }
        return Split(
            train: parts.train.sorted(), validation: parts.validation.sorted(), test: parts.test.sorted())
    }

    /// Divides rows by time: the earliest for training, the latest for test. Rows of one time stay together.
    ///
    /// - Parameters: As for `plain`; `times` is the time of each row, in any unit.
    /// - Throws: `.invalidOption`; `.notFinite`; `.emptyData` if a part with a share above 0 would be empty.
    public static func byTime(
        _ times: [Double], validation: Double = 0, test: Double
    ) throws(MarketingMLError) -> Split {
        try check(validation, test)
        let order = try rowsInOrder(of: times)
        let count = Double(times.count)
        let validationStart = endOfTime(
            times, order, at: Int(((1 - validation - test) * count).rounded()))
        let testStart = max(validationStart, endOfTime(times, order, at: Int(((1 - test) * count).rounded())))
        let split = Split(
            train: order[..<validationStart].sorted(),
            validation: order[validationStart..<testStart].sorted(), test: order[testStart...].sorted())
        guard !split.train.isEmpty, validation == 0 || !split.validation.isEmpty,
            test == 0 || !split.test.isEmpty
        else {
            throw MarketingMLError(
                .emptyData,
                "\(times.count) examples at \(Set(times).count) times are too few for the shares \(validation) and \(test)"
            )
        }
        return split
    }

    private static func check(_ validation: Double, _ test: Double) throws(MarketingMLError) {
        guard validation >= 0, test >= 0, validation + test < 1 else {
            throw MarketingMLError(
                .invalidOption,
                "the shares must be 0 or more and sum to less than 1: validation \(validation), test \(test)")
        }
    }

    /// `stratified` for shares that have been checked.
    static func divideStratified<Label: Hashable>(
        _ labels: [Label], _ validation: Double, _ test: Double, seed: UInt64
    ) -> Split {
        var generator = SeededGenerator(seed: seed)
        return divide(
            rowsByValue(labels).map { _, rows in
                var rows = rows
                generator.shuffle(&rows)
                return rows
            }, validation, test)
    }

    /// Gives each list's first rows to test, the next ones to validation.
    private static func divide(_ lists: [[Int]], _ validation: Double, _ test: Double) -> Split {
        var parts: (train: [Int], validation: [Int], test: [Int]) = ([], [], [])
        // Rounding the running totals, not each list's share, keeps the errors from adding up.
        var seen = 0
        for rows in lists {
            seen += rows.count
            let forTest = min(rows.count, wanted(test) - parts.test.count)
            let forValidation = max(
                0, min(rows.count - forTest, wanted(validation) - parts.validation.count))
            parts.test += rows[..<forTest]
            parts.validation += rows[forTest..<forTest + forValidation]
            parts.train += rows[(forTest + forValidation)...]
        }
        func wanted(_ share: Double) -> Int { Int((share * Double(seen)).rounded()) }
        return Split(
            train: parts.train.sorted(), validation: parts.validation.sorted(), test: parts.test.sorted())
    }
}
