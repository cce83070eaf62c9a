import Foundation
import Tensor

extension RecommenderModel {
    /// Judges the model's recommendations on interactions that it has not learned from.
    ///
    /// - Parameters:
    ///   - test: What users did afterwards; each interaction makes an item relevant.
    ///   - ks: The lengths of lists, each at least 1.
    ///   - foldIn: What is known of users whom the model has not learned from (see `Interactions.splitUsers`); they are judged by
    ///     their folded-in recommendations.
    ///   - includingAUC: Whether the area under the ROC curve is computed, which needs all scores of each user.
    /// - Throws: `.emptyData` without a test interaction; `.invalidOption` for a k below 1; what `foldIn` throws.
    public func evaluate(
        on test: Interactions<User, Item>, at ks: [Int] = [10],
        foldIn: Interactions<User, Item>? = nil, includingAUC: Bool = true
    ) throws -> RankingReport {
        let ks = Set(ks).sorted()
        guard let longest = ks.last, ks.allSatisfy({ $0 >= 1 }) else {
            throw MarketingMLError(
                .invalidOption, "needs lengths of at least 1, found \(ks)", at: .init(name: "ks"))
        }
        guard test.count > 0 else { throw MarketingMLError(.emptyData, "there are no test interactions") }
        let rows = test.users.indices.filter { !test.matrix.range($0).isEmpty }
        let judged = try parallelMap(rows.count) { place in
            Result { try judge(test, rows[place], longest, foldIn, includingAUC) }
        }.map { try $0.get() }

        var values: [RankingMetric: [[Double]]] = [:]
        for metric in RankingMetric.allCases {
            values[metric] = ks.map { k in
                judged.map { metric.value(hits: $0.hits, relevant: $0.relevant, at: k) }
            }
        }
        return RankingReport(
            ks: ks, userCount: judged.count, values: values, areas: includingAUC ? judged.map(\.area) : [],
            lists: catalogue.figures(of: judged.map(\.list)))
    }

    private func judge(
        _ test: Interactions<User, Item>, _ row: Int, _ count: Int, _ foldIn: Interactions<User, Item>?,
        _ includingAUC: Bool
    ) throws -> JudgedUser {
        let user = test.users[row]
        let places = test.matrix.range(row)
        let relevant = Set(
            places.compactMap { catalogue.itemIndex[test.items[Int(test.matrix.columnIndices[$0])]] })
        let history: History
        let scores: [Float]?
        if let index = catalogue.userIndex[user] {
            history = catalogue.history(ofUserAt: index)
            scores = self.scores(ofUserAt: index)
        } else {
            let told = foldIn.flatMap { known in
                known.userIndex[user].map { row in
                    known.matrix.range(row).map {
                        (
                            item: known.items[Int(known.matrix.columnIndices[$0])],
                            value: Double(known.matrix.values[$0])
                        )
                    }
                }
            }
            history = try catalogue.history(told ?? [])
            scores = try self.scores(ofHistory: history)
        }
        guard let candidates = scores?.leavingOut(history.items, nil) else {
            return JudgedUser(
                list: [], hits: [], relevant: places.count, area: relevant.isEmpty ? .nan : 0.5)
        }
        let list = TopScores.of(candidates, count: count).indices
        return JudgedUser(
            list: list, hits: list.map { relevant.contains(Int($0)) }, relevant: places.count,
            area: includingAUC ? rankingArea(candidates, relevant) : .nan)
    }
}

/// What became of one user.
private struct JudgedUser {
    var list: [Int32]
    var hits: [Bool]
    var relevant: Int
    var area: Double
}

/// The share of pairs of a relevant and another candidate in which the relevant one has the higher score.
private func rankingArea(_ scores: [Float], _ relevant: Set<Int>) -> Double {
    let positives = relevant.filter { scores[$0] > -.infinity }.map { scores[$0] }.sorted()
    guard !positives.isEmpty else { return .nan }
    // Twice the number of positives above each negative, ties once: from where it would stand among the positives.
    var (pairs, negatives) = (0, 0)
    for (item, score) in scores.enumerated() where score > -.infinity && !relevant.contains(item) {
        negatives += 1
        pairs += positives.count { $0 > score } + positives.count { $0 >= score }
    }
    guard negatives > 0 else { return .nan }
    return Double(pairs) / 2 / Double(negatives) / Double(positives.count)
}

extension Catalogue {
    /// What lists of items look like as a whole.
    fileprivate func figures(of lists: [[Int32]]) -> ListFigures {
        let counts = history.columnCounts
        let recommended = lists.flatMap { $0 }
        let users = Double(max(1, self.users.count))
        let novelty = recommended.reduce(0) { $0 - log2(Double(max(1, counts[Int($1)])) / users) }
        let popularity =
            recommended.reduce(0) { $0 + Double(counts[Int($1)]) } / Double(max(1, recommended.count))
        let usual =
            counts.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(1, history.storedCount))
        let takers = history.flipped
        let step = max(1, lists.count / 1000)
        let sample = stride(from: 0, to: lists.count, by: step).map { lists[$0] }.filter { $0.count > 1 }
        let distances = parallelMap(sample.count) { index in
            let list = sample[index]
            var total = 0.0
            for i in list.indices {
                for j in list[..<i].indices { total += 1 - takers.cosineOfSets(Int(list[i]), Int(list[j])) }
            }
            return total / Double(list.count * (list.count - 1) / 2)
        }
        return ListFigures(
            coverage: Double(Set(recommended).count) / Double(max(1, items.count)),
            novelty: recommended.isEmpty ? .nan : novelty / Double(recommended.count),
            popularityBias: recommended.isEmpty ? .nan : popularity / usual,
            diversity: distances.isEmpty ? .nan : distances.reduce(0, +) / Double(distances.count))
    }
}

extension SparseMatrix {
    /// |A ∩ B| / √(|A| |B|) for the sets of columns of two rows.
    func cosineOfSets(_ a: Int, _ b: Int) -> Double {
        var (i, j, common) = (rowOffsets[a], rowOffsets[b], 0)
        while i < rowOffsets[a + 1], j < rowOffsets[b + 1] {
            let (left, right) = (columnIndices[i], columnIndices[j])
            if left == right { common += 1 }
            if left <= right { i += 1 }
            if right <= left { j += 1 }
        }
        let sizes = Double(range(a).count) * Double(range(b).count)
        return sizes > 0 ? Double(common) / sizes.squareRoot() : 0
    }
}
