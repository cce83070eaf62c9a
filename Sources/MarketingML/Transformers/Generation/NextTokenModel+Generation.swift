extension NextTokenModel {
    /// Continues prompts of any lengths in one batch.
    ///
    /// ```swift
    /// let texts = try model.generate([prompt], options: .init(maxNewTokens: 40, stopTokens: [eos]))
    /// ```
    ///
    /// - Parameters:
    ///   - prompts: Tokens, at least one in each.
    ///   - options: Without a tokenizer there can be no stop strings.
    ///   - progress: Told how many tokens each row has.
    /// - Returns: For each prompt its candidates; their `text` is empty.
    /// - Throws: `.tooLarge` and `.emptyData` for prompts, `.invalidOption`, `.notFinite` for the model's scores; what the
    ///   model throws; `CancellationError`.
    public func generate(
        _ prompts: [[Int32]], options: GenerationOptions = GenerationOptions(),
        progress: ProgressHandler? = nil
    ) throws -> [[GeneratedText]] {
        var run = try DecodingRun(self, prompts, options: options)
        return try run.finish(candidates: options.candidates, total: options.maxNewTokens, progress)
    }
}

extension DecodingRun {
    /// Runs to the end of all rows.
    mutating func finish(
        candidates: Int, total: Int, _ progress: ProgressHandler?
    ) throws -> [[GeneratedText]] {
        var step = 0
        while !isFinished {
            try self.step()
            step += 1
            let event = ProgressEvent(phase: .other("writing"), step: step, total: total)
            if let progress, progress(event) == .stop { break }
        }
        return rows.indices.map { text(of: $0) }.chunked(by: candidates)
    }
}
