import Foundation

extension Sampling {
    /// Steps 1 to 3 on a row of scores, in which constraints may have refused tokens already: refused ones stay refused
    /// whatever the order.
    func penalize(_ scores: UnsafeMutableBufferPointer<Float>, _ history: TokenHistory) {
        let known = scores.indices
        if repetitionPenalty != 1 {
            let penalty = Float(repetitionPenalty)
            for token in history.seen where known.contains(Int(token)) {
                let score = scores[Int(token)]
                scores[Int(token)] = score < 0 ? score * penalty : score / penalty
            }
        }
        if presencePenalty != 0 || frequencyPenalty != 0 {
            for (token, count) in history.counts where known.contains(Int(token)) {
                scores[Int(token)] -= Float(presencePenalty + frequencyPenalty * Double(count))
            }
        }
        if let length = noRepeatNGram {
            let repeated = history.completions(ofRepeated: length).filter { known.contains(Int($0)) }
            let others = known.contains { scores[$0] > -.infinity && !repeated.contains(Int32($0)) }
            if others {
                for token in repeated { scores[Int(token)] = -.infinity }
            }
        }
    }

    /// Steps 5 to 8 on a row of scores; `temperature` is above 0.
    func filter(_ scores: UnsafeMutableBufferPointer<Float>) {
        if temperature != 1 {
            let temperature = Float(temperature)
            for index in scores.indices { scores[index] /= temperature }
        }
        if let topK, topK < scores.count {
            let threshold = Self.largest(topK, of: scores)
            for index in scores.indices where scores[index] < threshold { scores[index] = -.infinity }
        }
        if let topP, topP < 1 { keepNucleus(scores, topP) }
        if let minP, minP > 0 {
            let (highest, _) = Self.partition(scores)
            for index in scores.indices where exp(Double(scores[index] - highest)) < minP {
                scores[index] = -.infinity
            }
        }
    }

    /// The likeliest tokens up to and with the one at which their probabilities cross `mass`.
    ///
    /// Tokens below (1 - p) / V are in what is refused whatever their order, since together they are below 1 - p: only
    /// the others are sorted. Of equal scores the higher ids stay, as a stable ascending sort has it.
    private func keepNucleus(_ scores: UnsafeMutableBufferPointer<Float>, _ mass: Double) {
        let (highest, sum) = Self.partition(scores)
        let bound = highest + Float(log((1 - mass) / Double(scores.count) * sum))
        var refused = 0.0
        var candidates: [(score: Float, index: Int)] = []
        for index in scores.indices where scores[index] > -.infinity {
            if scores[index] < bound {
                refused += exp(Double(scores[index] - highest)) / sum
                scores[index] = -.infinity
            } else {
                candidates.append((scores[index], index))
            }
        }
        candidates.sort { ($0.score, $0.index) < ($1.score, $1.index) }
        for candidate in candidates.dropLast() {
            refused += exp(Double(candidate.score - highest)) / sum
            // Compared in the precision of the scores, in which sums that are equal on paper are equal.
            guard Float(refused) <= Float(1 - mass) else { break }
            scores[candidate.index] = -.infinity
        }
    }

    /// The highest score and Σ exp(score - highest).
    static func partition(_ scores: UnsafeMutableBufferPointer<Float>) -> (highest: Float, sum: Double) {
        var highest = -Float.infinity
        for score in scores where score > highest { highest = score }
        var sum = 0.0
        for score in scores where score > -.infinity { sum += exp(Double(score - highest)) }
        return (highest, sum)
    }

    /// The `rank`-th largest score, counted from 1, by quickselect.
    static func largest(_ rank: Int, of scores: UnsafeMutableBufferPointer<Float>) -> Float {
        var values = Array(scores)
        var (low, high) = (0, values.count - 1)
        let target = rank - 1
        while low < high {
            let pivot = values[low + (high - low) / 2]
            var (left, right) = (low, high)
            while left <= right {
                while values[left] > pivot { left += 1 }
                while values[right] < pivot { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if target <= right { high = right } else if target >= left { low = left } else { break }
        }
        return values[target]
    }

    /// The token with the highest score, the lower id of equal ones; nil when all are refused.
    static func likeliest(_ scores: UnsafeMutableBufferPointer<Float>) -> Int32? {
        var best: Int?
        for index in scores.indices where scores[index] > (best.map { scores[$0] } ?? -.infinity) {
            best = index
        }
        return best.map(Int32.init)
    }

    /// A token from the softmax of the scores, by one number of the generator; nil when all are refused.
    static func draw(
        _ scores: UnsafeMutableBufferPointer<Float>, _ random: inout SeededGenerator
    ) -> Int32? {
        let (highest, sum) = partition(scores)
        guard highest > -.infinity else { return nil }
        var left = random.nextUniform() * sum
        var last: Int32?
        for index in scores.indices where scores[index] > -.infinity {
            last = Int32(index)
            left -= exp(Double(scores[index] - highest))
            if left < 0 { break }
        }
        return last
    }

    /// The next token of a row: steps 1 to 8, and the draw; nil when all tokens are refused.
    func choose(
        _ scores: UnsafeMutableBufferPointer<Float>, _ history: TokenHistory, _ random: inout SeededGenerator
    ) -> Int32? {
        penalize(scores, history)
        guard temperature > 0 else { return Self.likeliest(scores) }
        filter(scores)
        return Self.draw(scores, &random)
    }
}
