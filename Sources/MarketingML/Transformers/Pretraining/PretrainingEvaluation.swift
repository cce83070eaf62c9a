import Foundation

/// How well a pre-trained model knows a text that it has not learned from.
public struct PretrainingEvaluation: Sendable, Codable, Equatable {
    /// Hidden tokens that were asked for.
    public var tokens: Int
    /// Their mean cross-entropy in nats.
    public var loss: Double
    /// Share of them that had the highest score.
    public var accuracy: Double
    /// Share of pairs of passages judged rightly; nil without the next-sentence objective.
    public var nextSentenceAccuracy: Double?

    /// e to the mean cross-entropy of hidden tokens: among how many equally likely ones the model still wavers.
    public var perplexity: Double { exp(loss) }
}

extension BERTPretrainingModel {
    /// Judges the model on all batches.
    func evaluation(of next: () throws -> PretrainingBatch?) throws -> PretrainingEvaluation {
        var (tokens, loss, hits, pairs, pairHits) = (0, 0.0, 0, 0, 0)
        while let batch = try next() {
            try Task.checkCancellation()
            var none: DropoutStreams?
            let hidden = encoder(batch.tokens, dropout: &none)
            if !batch.positions.isEmpty {
                let scores = tokenScores(hidden.rows(at: batch.positions))
                loss += Double(crossEntropy(scores, batch.targets).item) * Double(batch.positions.count)
                hits += scores.countOfRows(whereLargestIs: batch.targets)
                tokens += batch.positions.count
            }
            if let scores = pairScores(hidden, batch) {
                pairHits += scores.countOfRows(whereLargestIs: batch.pairTargets)
                pairs += batch.pairs.count
            }
        }
        return PretrainingEvaluation(
            tokens: tokens, loss: loss / Double(max(1, tokens)),
            accuracy: Double(hits) / Double(max(1, tokens)),
            nextSentenceAccuracy: pairs == 0 ? nil : Double(pairHits) / Double(pairs))
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The column of each row's largest element, of equal ones the first.
    func columnsOfLargest() -> [Int32] {
        let columns = columnCount
        guard columns > 0 else { return [] }
        return withUnsafeElements { elements in
            (0..<rowCount).map { row in
                var best = row * columns
                for index in best..<best + columns where elements[index] > elements[best] { best = index }
                return Int32(best - row * columns)
            }
        }
    }

    /// In how many rows the largest element stands at the target.
    func countOfRows(whereLargestIs targets: [Int32]) -> Int {
        zip(columnsOfLargest(), targets).count { $0 == $1 }
    }
}
