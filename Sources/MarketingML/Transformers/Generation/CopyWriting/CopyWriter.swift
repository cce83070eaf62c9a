import Foundation

/// Writes short texts from briefs, in the manner of the examples that it was trained on.
///
/// ```swift
/// let writer = try CopyWriter.train(on: examples, tokenizer: .bytePairEncoding(vocabularySize: 2_000), configuration: .small)
/// let ads = try writer.write(
///     ["name": "Alimentum", "food": "French"], count: 5, sampling: .init(temperature: 0.8, topP: 0.95, seed: 3),
///     constraints: [.required(["Alimentum"]), .forbidden(["cheap"]), .maximumCharacters(90), .closedNumbers([])])
/// for try await piece in writer.stream(brief) { print(piece, terminator: "") }
/// ```
///
/// A causal language model reads the brief and continues with the text. Values of attributes that are to be copied (names of
/// products, say) never pass through its vocabulary: it learns where they stand, and writes them letter by letter as given.
public struct CopyWriter: Sendable {
    /// The language model.
    public let model: CausalLanguageModel
    /// The attributes whose values are copied into texts as they are.
    public var copiedAttributes: [String] { format.copied }

    let tokenizer: ByteLevelBPETokenizer
    let format: CopyFormat

    init(model: CausalLanguageModel, tokenizer: ByteLevelBPETokenizer, format: CopyFormat) throws {
        let missing = format.specialTokens.first { tokenizer.id(of: $0) == nil }
        if let missing {
            throw MarketingMLError(
                .malformedFile, "the tokenizer does not know the token \(missing)", at: .init(name: missing))
        }
        self.model = model
        self.tokenizer = tokenizer
        self.format = format
    }

    /// Texts for a brief, written side by side.
    ///
    /// - Parameters:
    ///   - brief: What they are about.
    ///   - count: How many, from 1 on.
    ///   - sampling: How tokens are drawn.
    ///   - constraints: What each text must and must not contain.
    ///   - maxNewTokens: The most tokens of a text, from 1 on; a text that is cut says so in its `finishReason`.
    /// - Returns: `count` texts, each with ln p of its tokens and what the constraints did.
    /// - Throws: `.invalidOption` for options and for constraints that cannot be met, with the reason; `.emptyData` for an
    ///   empty brief, `.tooLarge` for one beyond the model's context; `CancellationError`.
    public func write(
        _ brief: Brief, count: Int = 1, sampling: Sampling = Sampling(temperature: 0.8, topP: 0.95),
        constraints: [TextConstraint] = [], maxNewTokens: Int = 96, progress: ProgressHandler? = nil
    ) throws -> [GeneratedText] {
        let request = try request(brief, count, sampling, maxNewTokens)
        return try request.generator.generate(
            [request.prompt], options: request.options, constraints: constraints, progress: progress
        ).flatMap { $0 }
    }

    /// One text for a brief, piece by piece; see ``TextGenerator/stream(_:options:constraints:)``.
    public func stream(
        _ brief: Brief, sampling: Sampling = Sampling(temperature: 0.8, topP: 0.95),
        constraints: [TextConstraint] = [], maxNewTokens: Int = 96
    ) -> AsyncThrowingStream<String, any Error> {
        do {
            let request = try request(brief, 1, sampling, maxNewTokens)
            return request.generator.stream(
                request.prompt, options: request.options, constraints: constraints)
        } catch {
            return AsyncThrowingStream { $0.finish(throwing: error) }
        }
    }

    /// Several texts for a brief, as they come into being side by side.
    public func candidates(
        _ brief: Brief, count: Int, sampling: Sampling = Sampling(temperature: 0.8, topP: 0.95),
        constraints: [TextConstraint] = [], maxNewTokens: Int = 96
    ) -> AsyncThrowingStream<GenerationEvent, any Error> {
        do {
            let request = try request(brief, count, sampling, maxNewTokens)
            return request.generator.candidates(
                request.prompt, options: request.options, constraints: constraints)
        } catch {
            return AsyncThrowingStream { $0.finish(throwing: error) }
        }
    }

    /// The best text for each brief, found by beam search over all of them in batches: of those that leave out and make up
    /// the fewest facts the likeliest.
    ///
    /// - Parameters:
    ///   - wordings: For each attribute its values, each with the ways to say it, as ``SlotErrorRate`` takes them. Without them
    ///     the likeliest text is taken, whatever it tells.
    /// - Throws: As ``write(_:count:sampling:constraints:maxNewTokens:progress:)``.
    public func write(
        _ briefs: [Brief], beams: Int, wordings: [String: [String: [String]]] = [:],
        lengthPenalty: Double = 1,
        maxNewTokens: Int = 96, batchSize: Int = 16, progress: ProgressHandler? = nil
    ) throws -> [GeneratedText] {
        try requireCount(batchSize, "batchSize")
        let search = BeamSearch(
            beams: beams, returned: beams, lengthPenalty: lengthPenalty, maxNewTokens: maxNewTokens,
            stopTokens: [end])
        let known = wordings.isEmpty ? nil : Wordings(wordings)
        var texts: [GeneratedText] = []
        for batch in briefs.chunked(by: batchSize) {
            let found = try model.beamSearch(batch.map { try format.prompt($0, tokenizer) }, search)
            for (brief, candidates) in zip(batch, found) {
                func wrong(_ text: GeneratedText) -> Int {
                    guard let errors = known?.errors(of: text.text, for: brief) else { return 0 }
                    return errors.missing + errors.added
                }
                // The first of the least wrong is the likeliest of them.
                let best = readable(candidates, BriefTokenizer(tokenizer, format, brief)).min {
                    wrong($0) < wrong($1)
                }
                texts.append(
                    best
                        ?? GeneratedText(
                            text: "", tokens: [], logProbabilities: [], score: 0, finishReason: .stopped))
            }
            let event = ProgressEvent(
                phase: .other("writing"), step: texts.count, total: briefs.count, rateUnit: "texts")
            if let progress, progress(event) == .stop { break }
        }
        return texts
    }

    /// The candidates as text, the likeliest first; none that names an attribute which the brief does not have, unless all do.
    private func readable(_ candidates: [GeneratedText], _ tokenizer: BriefTokenizer) -> [GeneratedText] {
        let complete = candidates.filter { candidate in
            candidate.tokens.allSatisfy { $0 == end || !tokenizer.bytes(of: $0).isEmpty }
        }
        return (complete.isEmpty ? candidates : complete).map { candidate in
            var candidate = candidate
            candidate.text = String(
                decoding: candidate.tokens.flatMap { $0 == end ? [] : tokenizer.bytes(of: $0) }, as: UTF8.self
            )
            return candidate
        }
    }

    private var end: Int32 { tokenizer.id(of: CopyFormat.end) ?? 0 }

    private func request(
        _ brief: Brief, _ count: Int, _ sampling: Sampling, _ maxNewTokens: Int
    ) throws -> (generator: TextGenerator<CausalLanguageModel>, prompt: [Int32], options: GenerationOptions) {
        let prompt = try format.prompt(brief, tokenizer)
        // Placeholders of attributes that the brief lacks have no bytes: constraints, were they none, keep them out.
        let generator = TextGenerator(
            model, tokenizer: BriefTokenizer(tokenizer, format, brief), alwaysConstrained: true)
        let options = GenerationOptions(
            maxNewTokens: maxNewTokens, stopTokens: [end], candidates: count, sampling: sampling)
        return (generator, prompt, options)
    }
}
