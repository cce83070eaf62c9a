import Tensor

extension FeatureEncoder {
    /// A column that an automatic recipe leaves out, and why.
    public struct Omission: Sendable, Equatable, CustomStringConvertible {
        /// The column's name.
        public let column: String
        /// Why it is left out.
        public let reason: String

        /// The column and the reason.
        public var description: String { "\(column): \(reason)" }
    }

    /// A recipe by the kinds of a table's columns.
    ///
    /// Numbers are standardised, missing ones replaced and indicated. Texts of at most 100 levels are one-hot; of more levels: TF-IDF of one
    /// and two words if they have three words or more on average, the target's mean (one-hot from 20 rows on without a target) if
    /// levels occur three times or more on average. Left out, with the reason: the target, `excluding`, columns of one value, whole
    /// numbers that grow from row to row (they number the rows), and texts that hardly repeat (names).
    ///
    /// - Parameters:
    ///   - table: The training rows.
    ///   - target: The column to predict, which must be in the table; nil if the table has none.
    ///   - excluding: Columns to leave out.
    ///   - missing: What is done about missing numbers.
    ///   - dropsFirst: See ``FeatureEncoder/dropsFirst``.
    /// - Throws: `.missingColumn`; `.emptyData` if no column is left.
    public static func automatic(
        _ table: Table, target: String?, excluding: [String] = [], missing: MissingNumbers = .mean(),
        dropsFirst: Bool = false
    ) throws(MarketingMLError) -> (recipe: FeatureEncoder, omitted: [Omission]) {
        if let target { _ = try table[target] }
        for name in excluding { _ = try table[name] }
        var terms: [FeatureTerm] = []
        var omitted: [Omission] = []
        for column in table.columns {
            let reason: String?
            if column.name == target {
                reason = "the target"
            } else if excluding.contains(column.name) {
                reason = "excluded"
            } else {
                switch column.kind {
                case .numeric: reason = try numericTerm(column, missing, &terms)
                case .text: reason = textTerm(column, hasTarget: target != nil, &terms)
                }
            }
            if let reason { omitted.append(Omission(column: column.name, reason: reason)) }
        }
        guard !terms.isEmpty else {
            throw MarketingMLError(
                .emptyData,
                "no column is left to encode: \(omitted.map(\.description).joined(separator: "; "))")
        }
        return (FeatureEncoder(terms, dropsFirst: dropsFirst), omitted)
    }

    /// Adds a term, or says why there is none.
    private static func numericTerm(
        _ column: Table.Column, _ missing: MissingNumbers, _ terms: inout [FeatureTerm]
    ) throws(MarketingMLError) -> String? {
        let numbers = try column.numbers()
        let present = numbers.filter { !$0.isNaN }
        guard let first = present.first else { return "all values are missing" }
        let isConstant = present.allSatisfy { $0 == first }
        if isConstant, present.count == numbers.count { return "one value only" }
        if numbers.count >= 20, present.count == numbers.count,
            numbers.allSatisfy({ $0 == $0.rounded() }),
            zip(numbers, numbers.dropFirst()).allSatisfy({ $0 < $1 })
        {
            return "numbers the rows"
        }
        terms.append(.numeric(column.name, missing: missing))
        return nil
    }

    private static func textTerm(
        _ column: Table.Column, hasTarget: Bool, _ terms: inout [FeatureTerm]
    ) -> String? {
        let levels = LevelTable.counts(of: column)
        let present = column.count - column.missingCount
        guard present > 0 else { return "all values are missing" }
        if levels.count == 1, present == column.count { return "one value only" }
        let words = levels.reduce(0) { total, level in
            total + level.level.split(whereSeparator: \.isWhitespace).count * level.count
        }
        let isText = words >= 3 * present
        let repeats = present >= 3 * levels.count
        if levels.count <= 100 && (repeats || !isText) && !(levels.count == present && present > 20) {
            terms.append(.oneHot(column.name))
        } else if isText {
            let minimum = present >= 1000 ? 2 : 1
            terms.append(
                .text(column.name, TextEncoding(range: 1...2, minimumTexts: minimum, sublinear: true)))
        } else if repeats {
            terms.append(
                hasTarget
                    ? .target(column.name, standardised: true) : .oneHot(column.name, minimumCount: 20))
        } else {
            return "\(levels.count) different values in \(present) rows"
        }
        return nil
    }
}
