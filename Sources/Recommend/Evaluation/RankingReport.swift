import Foundation
import Tensor

/// How good a model's recommendations are on test interactions, always over the full catalogue.
///
/// Each user with at least one test interaction counts once. Candidates are all items that the model knows but those of the user's
/// training history; test items that the model does not know count as relevant and are never hit. Of equal scores the item that
/// appeared first in the training data comes first.
public struct RankingReport: Sendable {
    /// The lengths of lists, in increasing order.
    public let ks: [Int]
    /// How many users were judged.
    public let userCount: Int
    /// For each user the value of each metric, [metric][place of k][user].
    let values: [RankingMetric: [[Double]]]
    /// For each user the area under the ROC curve of the candidates; NaN for a user none of whose test items the model knows.
    let areas: [Double]
    /// What the lists of the largest k look like as a whole.
    public let lists: ListFigures

    /// The mean of a metric over the users.
    public func mean(_ metric: RankingMetric, at k: Int) -> Double {
        mean(perUser(metric, at: k))
    }

    /// The probability that a relevant candidate is ranked above another one, as a mean over the users; equal scores count half.
    /// NaN if it was not asked for.
    public var auc: Double { mean(areas.filter { !$0.isNaN }) }

    /// The values of the users, in the order of `Interactions.users` of the test part (those with interactions). `k` must be one of
    /// `ks`.
    public func perUser(_ metric: RankingMetric, at k: Int) -> [Double] {
        guard let place = ks.firstIndex(of: k), let values = values[metric] else {
            preconditionFailure("the report has the lengths \(ks), not \(k)")
        }
        return values[place]
    }

    /// The interval in which the mean over all such users lies with 95 % confidence: percentiles of resamples of the users.
    ///
    /// - Throws: `.invalidOption` for a `k` that is not one of `ks`, or resamples other than 10 to a million.
    public func interval(
        _ metric: RankingMetric, at k: Int, resamples: Int = 1000, seed: UInt64 = 1
    ) throws(MarketingMLError) -> ClosedRange<Double> {
        try check(k, resamples)
        return UserBootstrap.interval(perUser(metric, at: k), resamples: resamples, seed: seed)
    }

    /// Whether this model is better than another on the same test interactions: the mean difference, user by user.
    public func difference(
        to other: RankingReport, _ metric: RankingMetric, at k: Int, resamples: Int = 1000, seed: UInt64 = 1
    ) throws(MarketingMLError) -> PairedDifference {
        guard other.userCount == userCount else {
            throw MarketingMLError(
                .shapeMismatch,
                "the reports are of \(userCount) and \(other.userCount) users: they cannot be paired")
        }
        try check(k, resamples)
        try other.check(k, resamples)
        let differences = zip(perUser(metric, at: k), other.perUser(metric, at: k)).map { $0 - $1 }
        return PairedDifference(differences, resamples: resamples, seed: seed)
    }

    private func check(_ k: Int, _ resamples: Int) throws(MarketingMLError) {
        guard ks.contains(k) else {
            throw MarketingMLError(
                .invalidOption, "the report has lists of the lengths \(ks), not \(k)", at: .init(name: "k"))
        }
        guard 10...1_000_000 ~= resamples else {
            throw MarketingMLError(
                .invalidOption, "must be from 10 to 1000000, is \(resamples)", at: .init(name: "resamples"))
        }
    }

    private func mean(_ values: [Double]) -> Double {
        values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
    }
}

/// What recommended lists look like as a whole.
public struct ListFigures: Sendable, Equatable, Codable {
    /// The share of the catalogue that occurs in at least one list.
    public var coverage: Double
    /// The mean of −log₂(share of training users who took the item): the rarer, the newer.
    public var novelty: Double
    /// The mean number of training users of a recommended item over that of the training interactions' items: above 1, the model
    /// prefers what is popular even more than its users do.
    public var popularityBias: Double
    /// The mean of 1 − cosine over pairs of items in a list, by the sets of their training users; over at most 1,000 lists.
    public var diversity: Double
}

/// The mean difference between two models over the same users.
public struct PairedDifference: Sendable, Equatable {
    /// The first model's mean less the second's.
    public let mean: Double
    /// Where it lies with 95 % confidence (bootstrap over users).
    public let interval: ClosedRange<Double>
    /// How often differences at least as large occur if each user's had a random sign; two-sided.
    public let pValue: Double

    init(_ differences: [Double], resamples: Int, seed: UInt64) {
        let total = differences.reduce(0, +)
        let count = Double(max(1, differences.count))
        mean = total / count
        interval = UserBootstrap.interval(differences, resamples: resamples, seed: seed)
        let extreme = parallelMap(resamples) { resample -> Int in
            var random = SeededGenerator(seed: seed, stream: UInt64(resample) + 1 << 32)
            var (sum, bits) = (0.0, UInt64(0))
            for (index, difference) in differences.enumerated() {
                if index % 64 == 0 { bits = random.next() }
                sum += bits & 1 == 1 ? difference : -difference
                bits >>= 1
            }
            return abs(sum) >= abs(total) * (1 - 1e-12) ? 1 : 0
        }
        pValue = Double(extreme.reduce(1, +)) / Double(resamples + 1)
    }
}

/// Resampling of users with replacement.
enum UserBootstrap {
    /// The 2.5 and 97.5 % percentiles of the mean.
    static func interval(
        _ values: [Double], resamples: Int = 1000, seed: UInt64 = 1
    ) -> ClosedRange<Double> {
        guard !values.isEmpty else { return 0...0 }
        let means = parallelMap(resamples) { resample -> Double in
            var random = SeededGenerator(seed: seed, stream: UInt64(resample))
            var sum = 0.0
            for _ in values.indices { sum += values[random.next(below: values.count)] }
            return sum / Double(values.count)
        }.sorted()
        let tail = 0.025 * Double(resamples - 1)
        return means[Int(tail.rounded())]...means[resamples - 1 - Int(tail.rounded())]
    }
}

extension RankingReport: CustomStringConvertible {
    /// A table: a row for each k.
    public var description: String {
        let metrics = RankingMetric.allCases
        var rows = [["k"] + metrics.map(\.rawValue)]
        for k in ks { rows.append(["\(k)"] + metrics.map { TextTable.fixed(mean($0, at: k), 4) }) }
        let figures = [
            areas.isEmpty ? nil : "AUC \(TextTable.fixed(auc, 4))",
            "coverage \(TextTable.fixed(lists.coverage, 3))",
            "novelty \(TextTable.fixed(lists.novelty, 2)) bits",
            "popularity bias \(TextTable.fixed(lists.popularityBias, 2))",
            "diversity \(TextTable.fixed(lists.diversity, 3))",
        ]
        return TextTable.text(rows) + "\n\(userCount) users; "
            + figures.compactMap { $0 }.joined(separator: ", ")
    }
}

/// Tables in plain text.
enum TextTable {
    static func fixed(_ value: Double, _ digits: Int) -> String {
        value.isNaN ? "-" : String(format: "%.\(digits)f", value)
    }

    /// The first column to the left, the others to the right.
    static func text(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, text in
                let padding = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + padding : padding + text
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
