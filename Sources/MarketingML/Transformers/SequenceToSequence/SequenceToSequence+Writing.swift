import Foundation

extension SequenceToSequence {
    /// The likeliest target of each source, found by beam search.
    ///
    /// - Parameters:
    ///   - texts: The sources; what is longer than the model was trained for is cut.
    ///   - beams: Width of the search, from 1 on; 1 takes the likeliest token every time.
    ///   - lengthPenalty: Exponent of the length that scores are divided by; above 0 prefers longer texts.
    ///   - maxLength: The most tokens of a target; nil: what the model was trained for.
    ///   - progress: Told how many texts are done.
    /// - Throws: `.invalidOption`; `.notFinite` for a broken model; `CancellationError`.
    public func translate(
        _ texts: [String], beams: Int = 4, lengthPenalty: Double = 1, maxLength: Int? = nil,
        progress: ProgressHandler? = nil
    ) throws -> [String] {
        try candidates(
            for: texts, search: BeamSearch(beams: beams, lengthPenalty: lengthPenalty), maxLength: maxLength,
            progress: progress
        ).map { $0.first?.text ?? "" }
    }

    /// The likeliest targets of each source, the best first, found by beam search.
    ///
    /// - Parameter search: How to search; the model's own end token and length are added to it.
    /// - Throws: See ``translate(_:beams:lengthPenalty:maxLength:progress:)``.
    public func candidates(
        for texts: [String], search: BeamSearch, maxLength: Int? = nil, progress: ProgressHandler? = nil
    ) throws -> [[GeneratedText]] {
        var search = search
        search.stopTokens.insert(marks.end)
        search.maxNewTokens = try mostNewTokens(maxLength)
        return try inBatches(texts, progress) { decoder, prompts in
            try decoder.beamSearch(prompts, search)
        }
    }

    /// Targets of each source drawn at random, or the likeliest token by token: as `options` says.
    ///
    /// - Parameter options: How to write; the model's own end token and length are added to it.
    /// - Throws: See ``translate(_:beams:lengthPenalty:maxLength:progress:)``.
    public func candidates(
        for texts: [String], options: GenerationOptions, maxLength: Int? = nil,
        progress: ProgressHandler? = nil
    ) throws -> [[GeneratedText]] {
        var options = options
        options.stopTokens.insert(marks.end)
        options.maxNewTokens = try mostNewTokens(maxLength)
        return try inBatches(texts, progress) { decoder, prompts in
            try decoder.generate(prompts, options: options)
        }
    }

    private func mostNewTokens(_ maxLength: Int?) throws -> Int {
        let most = model.configuration.maximumPositions - 1
        let length = maxLength ?? min(most, card.options?.maxLength ?? most)
        try requireOption(1...most ~= length, "maxLength", "from 1 to \(most)", length)
        return length
    }

    /// Source tokens that are decoded at a time.
    private static let tokensAtATime = 512

    private func inBatches(
        _ texts: [String], _ progress: ProgressHandler?,
        _ decode: (BoundDecoder, [[Int32]]) throws -> [[GeneratedText]]
    ) throws -> [[GeneratedText]] {
        let rows = TokenBatch(rows: texts.lazy.map { sourceRow($0, maxLength: maxSourceLength) })
        var results = [[GeneratedText]](repeating: [], count: texts.count)
        // Rows of about one length end at about the same step.
        let order = texts.indices.sorted { (rows.length(ofRow: $0), $0) < (rows.length(ofRow: $1), $1) }
        let sorted = rows.select(rows: order)
        for range in sorted.rowRanges(tokensAtATime: Self.tokensAtATime) {
            try Task.checkCancellation()
            let decoder = try BoundDecoder(model, sources: sorted.select(rows: range))
            let written = try decode(decoder, range.map { _ in [marks.start] })
            for (row, candidates) in zip(range, written) {
                results[order[row]] = candidates.map { finished($0) }
            }
            let event = ProgressEvent(
                phase: .other("writing"), step: range.upperBound, total: texts.count, rateUnit: "texts")
            if let progress, progress(event) == .stop { break }
        }
        return results
    }

    /// A candidate with its text, without the token that ends it.
    private func finished(_ candidate: GeneratedText) -> GeneratedText {
        var candidate = candidate
        candidate.text = targetTokenizer.decode(candidate.tokens, skipSpecialTokens: true)
        return candidate
    }
}
