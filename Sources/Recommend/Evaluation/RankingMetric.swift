import Foundation

/// What a list of the best k items is worth to a user, given the test items that are relevant to him.
public enum RankingMetric: String, Sendable, Hashable, Codable, CaseIterable {
    /// Hits among the k, over k.
    case precision
    /// Hits among the k, over the number of relevant items.
    case recall
    /// Σ over hits of 1 / log₂(rank + 1), over the largest such sum: that of min(k, relevant) hits in front.
    ///
    /// Järvelin, Kekäläinen: ACM TOIS 20, 2002, doi:10.1145/582415.582418; binary gains.
    case ndcg = "NDCG"
    /// Σ over hits of the precision at their ranks, over min(k, relevant).
    case map = "MAP"
    /// 1 / rank of the first hit; 0 without one.
    case mrr = "MRR"
    /// 1 if there is a hit, else 0.
    case hitRate = "hit rate"

    /// The value for one user.
    ///
    /// - Parameters:
    ///   - hits: Whether the item at each rank is relevant, best first; those beyond the list's end are misses.
    ///   - relevant: How many items are relevant.
    /// - Returns: NaN if nothing is relevant or `k` is below 1.
    public func value(hits: [Bool], relevant: Int, at k: Int) -> Double {
        guard relevant > 0, k > 0 else { return .nan }
        let ranks = hits.prefix(k).indices.filter { hits[$0] }.map { $0 + 1 }
        switch self {
        case .precision: return Double(ranks.count) / Double(k)
        case .recall: return Double(ranks.count) / Double(relevant)
        case .ndcg:
            let ideal = (1...min(k, relevant)).reduce(0) { $0 + 1 / log2(Double($1) + 1) }
            return ranks.reduce(0) { $0 + 1 / log2(Double($1) + 1) } / ideal
        case .map:
            let sum = ranks.enumerated().reduce(0) { $0 + Double($1.offset + 1) / Double($1.element) }
            return sum / Double(min(k, relevant))
        case .mrr: return ranks.first.map { 1 / Double($0) } ?? 0
        case .hitRate: return ranks.isEmpty ? 0 : 1
        }
    }
}
