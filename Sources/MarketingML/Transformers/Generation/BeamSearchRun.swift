import Foundation

/// The beams of one prompt.
struct BeamSearchRun: Sendable {
    /// A continuation that is not finished.
    struct Beam: Sendable {
        var history: TokenHistory
        /// Σ ln p after penalties.
        var score: Float = 0
        var logProbabilities: [Float] = []
    }

    /// A continuation by one token: of which beam, by what, with which Σ ln p.
    private struct Step {
        var beam: Int
        var token: Int32
        var score: Float
        var logProbability: Float
    }

    private(set) var beams: [Beam]
    private(set) var isFinished = false
    private var finished: [(score: Float, text: GeneratedText)] = []
    private let search: BeamSearch
    private let limit: Int
    private var length = 0

    init(_ search: BeamSearch, prompt: [Int32], contextLength: Int) {
        self.search = search
        beams = [Beam(history: TokenHistory(prompt: prompt))]
        limit = min(search.maxNewTokens, contextLength - prompt.count)
    }

    /// The best finished texts.
    var results: [GeneratedText] { finished.prefix(search.returned).map(\.text) }

    /// Continues the beams by one token; `scores` has a row for each from `firstRow` on.
    ///
    /// - Returns: For each beam of the next step its parent's position and its token; none when the search is over.
    mutating func step(_ scores: Tensor<Float>, firstRow: Int) throws -> [(parent: Int, token: Int32)] {
        // Enough that `beams` remain even if each beam's stop tokens are among them.
        let steps = try bestSteps(
            max(2, 1 + search.stopTokens.count) * search.beams, scores, firstRow: firstRow)
        length += 1
        let atLimit = length >= limit
        let ends = steps.map { atLimit || search.stopTokens.contains($0.token) }
        let ended = zip(steps, ends).prefix(search.beams).filter(\.1).map { finishedText($0.0) }
        finished = Array((finished + ended).sorted { $0.score > $1.score }.prefix(search.beams))
        let next = zip(steps, ends).filter { !$0.1 }.prefix(search.beams).map(\.0)
        beams = next.map { step in
            var beam = beams[step.beam]
            beam.history.append(step.token)
            beam.logProbabilities.append(step.logProbability)
            beam.score = step.score
            return beam
        }
        isFinished = beams.isEmpty || !canImprove
        return isFinished ? [] : next.map { ($0.beam, $0.token) }
    }

    /// Whether the search goes on under its rule.
    private var canImprove: Bool {
        guard finished.count == search.beams, let worst = finished.last, let best = beams.first else {
            return true
        }
        let hypotheticalLength: Int
        switch search.earlyStopping {
        case .whenFull: return false
        case .heuristic: hypotheticalLength = length
        case .never: hypotheticalLength = search.lengthPenalty > 0 ? limit : length
        }
        return best.score / power(hypotheticalLength) > worst.score
    }

    private func power(_ length: Int) -> Float { Float(pow(Double(length), search.lengthPenalty)) }

    private func finishedText(_ step: Step) -> (score: Float, text: GeneratedText) {
        let beam = beams[step.beam]
        let score = step.score / power(length)
        let reason: FinishReason =
            search.stopTokens.contains(step.token)
            ? .stopToken(step.token) : limit < search.maxNewTokens ? .contextFull : .maxNewTokens
        let text = GeneratedText(
            text: "", tokens: beam.history.generated + [step.token],
            logProbabilities: beam.logProbabilities + [step.logProbability], score: Double(score),
            finishReason: reason)
        return (score, text)
    }

    /// The best continuations of all beams, the first of equally good ones.
    private func bestSteps(_ count: Int, _ scores: Tensor<Float>, firstRow: Int) throws -> [Step] {
        var best: [Step] = []
        for (index, beam) in beams.enumerated() {
            var row = scores.rowElements(firstRow + index)
            guard let top = row.withUnsafeMutableBufferPointer({ Sampling.likeliest($0) }) else {
                throw MarketingMLError(.notFinite, "the model's scores are not finite")
            }
            let likelihood = tokenLogLikelihoods(scores, rows: [firstRow + index], tokens: [top])[0]
            guard !likelihood.isNaN else {
                throw MarketingMLError(.notFinite, "the model's scores are not finite")
            }
            let logSum = row[Int(top)] - likelihood
            for token in row.indices { row[token] -= logSum }
            let raw = row
            row.withUnsafeMutableBufferPointer { search.penalties.penalize($0, beam.history) }
            for token in row.indices where row[token] > -.infinity {
                let score = row[token] + beam.score
                if best.count == count, score <= best[count - 1].score { continue }
                let position = best.firstIndex { $0.score < score } ?? best.count
                best.insert(
                    Step(beam: index, token: Int32(token), score: score, logProbability: raw[token]),
                    at: position)
                if best.count > count { best.removeLast() }
            }
        }
        return best
    }
}
