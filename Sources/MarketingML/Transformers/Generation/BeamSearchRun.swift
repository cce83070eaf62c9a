import Foundation

/// The beams of one prompt.
struct BeamSearchRun: Sendable {
    /// A continuation that is not finished.
    struct Beam: Sendable {
        var history: TokenHistory
        var output: OutputText
        var progress = ConstraintProgress()
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
    private let tokenizer: (any TextTokenizer)?
    private var length = 0

    /// - Throws: `.invalidOption` if the constraints cannot be met in the tokens that there is room for.
    init(
        _ search: BeamSearch, prompt: [Int32], contextLength: Int, tokenizer: (any TextTokenizer)?,
        constraints: inout TokenConstraints?
    ) throws {
        self.search = search
        self.tokenizer = tokenizer
        limit = min(search.maxNewTokens, contextLength - prompt.count)
        var beam = Beam(
            history: TokenHistory(prompt: prompt), output: OutputText(stopStrings: search.stopStrings))
        try constraints?.begin(&beam.progress, tokensLeft: limit)
        beams = [beam]
    }

    /// The best finished texts.
    var results: [GeneratedText] { finished.prefix(search.returned).map(\.text) }

    /// Continues the beams by one token; `scores` has a row for each from `firstRow` on.
    ///
    /// - Returns: For each beam of the next step its parent's position and its token; none when the search is over.
    mutating func step(
        _ scores: Tensor<Float>, firstRow: Int, constraints: inout TokenConstraints?
    ) throws -> [(parent: Int, token: Int32)] {
        var masks: [TokenMask?] = []
        for beam in beams {
            masks.append(constraints?.mask(for: beam.progress, stopTokens: search.stopTokens))
        }
        // A beam whose constraints leave nothing to say has ended.
        var ended = zip(beams, masks).filter { $1?.allowsNothing ?? false }.map {
            finishedText($0.0, .constraints)
        }
        // Enough that `beams` remain even if each beam's stop tokens are among them.
        let steps = try bestSteps(
            max(2, 1 + search.stopTokens.count) * search.beams, scores, firstRow: firstRow, masks)
        length += 1
        var next: [(step: Step, beam: Beam)] = []
        for (rank, step) in steps.enumerated() where next.count < search.beams {
            var beam = beams[step.beam]
            if let reason = extend(&beam, by: step, &constraints) {
                if rank < search.beams { ended.append(finishedText(beam, reason)) }
            } else {
                next.append((step, beam))
            }
        }
        finished = Array((finished + ended).sorted { $0.score > $1.score }.prefix(search.beams))
        beams = next.map(\.beam)
        isFinished = beams.isEmpty || !canImprove
        return isFinished ? [] : next.map { ($0.step.beam, $0.step.token) }
    }

    /// Takes a token into a beam; the reason why the text ends with it, if it does.
    private func extend(
        _ beam: inout Beam, by step: Step, _ constraints: inout TokenConstraints?
    ) -> FinishReason? {
        beam.history.append(step.token)
        beam.logProbabilities.append(step.logProbability)
        beam.score = step.score
        if search.stopTokens.contains(step.token) { return .stopToken(step.token) }
        if let tokenizer {
            let bytes = tokenizer.bytes(of: step.token)
            if !beam.output.append(bytes), let stop = beam.output.stop { return .stopString(stop) }
            constraints?.advance(
                &beam.progress, by: bytes, text: beam.output.bytes, tokensLeft: limit - length)
        }
        guard length >= limit else { return nil }
        return limit < search.maxNewTokens ? .contextFull : .maxNewTokens
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

    private func finishedText(_ beam: Beam, _ reason: FinishReason) -> (score: Float, text: GeneratedText) {
        let tokens = Array(beam.history.generated)
        let score = beam.score / power(tokens.count)
        let text = GeneratedText(
            text: beam.output.text, tokens: tokens, logProbabilities: beam.logProbabilities,
            score: Double(score), finishReason: reason, constraints: beam.progress.effects)
        return (score, text)
    }

    /// The best continuations of all beams, the first of equally good ones.
    private mutating func bestSteps(
        _ count: Int, _ scores: Tensor<Float>, firstRow: Int, _ masks: [TokenMask?]
    ) throws -> [Step] {
        var best: [Step] = []
        for index in beams.indices where masks[index]?.allowsNothing != true {
            var row = scores.rowElements(firstRow + index)
            guard let top = row.withUnsafeMutableBufferPointer({ Sampling.likeliest($0) }) else {
                throw MarketingMLError(.notFinite, "the model's scores are not finite")
            }
            let likelihood = tokenLogLikelihoods(scores, rows: [firstRow + index], tokens: [top])[0]
            guard !likelihood.isNaN else {
                throw MarketingMLError(.notFinite, "the model's scores are not finite")
            }
            let logSum = row[Int(top)] - likelihood
            let mask = masks[index]
            if let mask, mask.refusesAnything { beams[index].progress.note(mask, row, logSum: logSum) }
            for token in row.indices { row[token] -= logSum }
            let raw = row
            row.withUnsafeMutableBufferPointer { row in
                mask?.apply(to: row)
                search.penalties.penalize(row, beams[index].history)
            }
            for token in row.indices where row[token] > -.infinity {
                let score = row[token] + beams[index].score
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
