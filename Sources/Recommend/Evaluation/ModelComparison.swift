import Tensor

/// Several models judged on the same test interactions, side by side.
public struct ModelComparison: Sendable, CustomStringConvertible {
    /// The models' names and reports, in the order given.
    public let reports: [(name: String, report: RankingReport)]
    private let k: Int

    /// Compares reports at one length of lists.
    ///
    /// - Throws: `.emptyData` without a report; `.shapeMismatch` unless all are of the same users; `.invalidOption` if one does not
    ///   have lists of that length.
    public init(_ reports: [(name: String, report: RankingReport)], at k: Int) throws(MarketingMLError) {
        guard let first = reports.first else { throw MarketingMLError(.emptyData, "there are no reports") }
        for (name, report) in reports {
            guard report.userCount == first.report.userCount else {
                throw MarketingMLError(
                    .shapeMismatch,
                    "\(name) was judged on \(report.userCount) users, \(first.name) on "
                        + "\(first.report.userCount)")
            }
            guard report.ks.contains(k) else {
                throw MarketingMLError(
                    .invalidOption, "the report of \(name) has lists of \(report.ks), not \(k)",
                    at: .init(name: "k"))
            }
        }
        self.reports = reports
        self.k = k
    }

    /// The differences in a metric of each model to the first.
    public func differences(_ metric: RankingMetric) throws(MarketingMLError) -> [PairedDifference] {
        var result: [PairedDifference] = []
        for (_, report) in reports.dropFirst() {
            result.append(try report.difference(to: reports[0].report, metric, at: k))
        }
        return result
    }

    /// A row a model: metrics, the 95 % interval of NDCG, and the p-value of its difference to the first model's.
    public var description: String {
        let metrics = RankingMetric.allCases
        var rows = [
            ["at \(k)"] + metrics.map(\.rawValue)
                + ["NDCG 95 %", "p to first", "coverage", "novelty", "pop. bias", "diversity"]
        ]
        for (name, report) in reports {
            let interval = UserBootstrap.interval(report.perUser(.ndcg, at: k))
            let difference = try? report.difference(to: reports[0].report, .ndcg, at: k)
            rows.append(
                [name] + metrics.map { TextTable.fixed(report.mean($0, at: k), 4) } + [
                    "\(TextTable.fixed(interval.lowerBound, 4))-\(TextTable.fixed(interval.upperBound, 4))",
                    name == reports[0].name ? "" : TextTable.fixed(difference?.pValue ?? .nan, 3),
                    TextTable.fixed(report.lists.coverage, 3), TextTable.fixed(report.lists.novelty, 2),
                    TextTable.fixed(report.lists.popularityBias, 2),
                    TextTable.fixed(report.lists.diversity, 3),
                ])
        }
        return TextTable.text(rows)
    }
}
