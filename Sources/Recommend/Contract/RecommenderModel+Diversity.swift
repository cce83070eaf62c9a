import Tensor

extension RecommenderModel {
    /// The best items for a user, chosen one after the other so that they differ: each maximises
    ///
    ///     (1 − diversity) · score  −  diversity · (the largest resemblance to an item already chosen)
    ///
    /// with scores mapped to 0…1 over the candidates, the best `5 count` items.
    ///
    /// Carbonell, Goldstein: The Use of MMR, SIGIR 1998, doi:10.1145/290941.291025.
    ///
    /// - Parameter diversity: 0 (the usual list) to 1.
    /// - Returns: Items with their own scores, in the order in which they were chosen.
    /// - Throws: `.invalidOption` for a diversity outside 0…1.
    public func recommend(
        for user: User, count: Int, diversity: Double, filter: RecommendationFilter<Item> = .unseen
    ) throws(MarketingMLError) -> [(item: Item, score: Double)] {
        try require(0...1 ~= diversity, "diversity", "0 to 1", "\(diversity)")
        let wanted = min(max(0, count), catalogue.items.count)
        var candidates = recommend(for: user, count: 5 * wanted, filter: filter)
        guard let best = candidates.first?.score, let worst = candidates.last?.score else { return [] }
        let range = best > worst ? best - worst : 1
        // The largest resemblance of each item of the catalogue to one that was chosen; none counts as 0.
        var closest = [Float](repeating: 0, count: catalogue.items.count)
        var chosen: [(item: Item, score: Double)] = []
        while chosen.count < wanted, !candidates.isEmpty {
            let gains = candidates.map { candidate in
                let likeness = catalogue.itemIndex[candidate.item].map { Double(closest[$0]) } ?? 0
                return (1 - diversity) * (candidate.score - worst) / range - diversity * likeness
            }
            let place = gains.indices.max { (gains[$0], $1) < (gains[$1], $0) } ?? 0
            let next = candidates.remove(at: place)
            chosen.append(next)
            guard let index = catalogue.itemIndex[next.item] else { continue }
            for (item, likeness) in similarities(ofItemAt: index).enumerated() where likeness > closest[item]
            {
                closest[item] = likeness
            }
        }
        return chosen
    }
}
