/// A model and its tokenizer: writes text after text.
///
/// ```swift
/// let writer = TextGenerator(model, tokenizer: tokenizer)
/// let options = GenerationOptions(maxNewTokens: 40, stopStrings: ["\n"], sampling: .init(topP: 0.9, seed: 1))
/// for try await piece in writer.stream("Once upon a time", options: options) { print(piece, terminator: "") }
/// ```
public struct TextGenerator<Model: NextTokenModel>: Sendable {
    /// The model.
    public let model: Model
    /// Its tokenizer.
    public let tokenizer: any TextTokenizer
    private let vocabulary: TokenVocabulary
    private let alwaysConstrained: Bool

    /// Pairs a model with its tokenizer.
    public init(_ model: Model, tokenizer: any TextTokenizer) {
        self.init(model, tokenizer: tokenizer, alwaysConstrained: false)
    }

    /// - Parameter alwaysConstrained: Whether tokens that stand for no text are refused even without constraints.
    init(_ model: Model, tokenizer: any TextTokenizer, alwaysConstrained: Bool) {
        self.alwaysConstrained = alwaysConstrained
        self.model = model
        self.tokenizer = tokenizer
        vocabulary = TokenVocabulary(tokenizer, size: model.vocabularySize)
    }

    /// Continues a text.
    ///
    /// - Returns: As many texts as `options.candidates` says; without the prompt.
    /// - Throws: See ``generate(_:options:constraints:progress:)``.
    public func generate(
        _ prompt: String, options: GenerationOptions = GenerationOptions(),
        constraints: [TextConstraint] = [],
        progress: ProgressHandler? = nil
    ) throws -> [GeneratedText] {
        try generate(
            [tokenizer.ids(of: prompt)], options: options, constraints: constraints, progress: progress
        )
        .flatMap { $0 }
    }

    /// Continues tokenized texts of any lengths in one batch.
    ///
    /// - Returns: For each prompt its candidates; without the prompt.
    /// - Throws: `.tooLarge` and `.emptyData` for prompts, `.invalidOption` for options and for constraints that cannot be
    ///   met, `.notFinite` for the model's scores; what the model throws; `CancellationError`.
    public func generate(
        _ prompts: [[Int32]], options: GenerationOptions = GenerationOptions(),
        constraints: [TextConstraint] = [],
        progress: ProgressHandler? = nil
    ) throws -> [[GeneratedText]] {
        var run = try run(prompts, options, constraints)
        return try run.finish(candidates: options.candidates, total: options.maxNewTokens, progress)
    }

    /// Continues a text, piece by piece.
    ///
    /// A piece is one or more complete characters (grapheme clusters), in order; joined they are the text that
    /// `generate` returns first. Ending the iteration, or cancelling its task, ends the generation.
    public func stream(
        _ prompt: String, options: GenerationOptions = GenerationOptions(), constraints: [TextConstraint] = []
    ) -> AsyncThrowingStream<String, any Error> {
        stream(tokenizer.ids(of: prompt), options: options, constraints: constraints)
    }

    /// Continues a tokenized text, piece by piece.
    public func stream(
        _ prompt: [Int32], options: GenerationOptions = GenerationOptions(),
        constraints: [TextConstraint] = []
    ) -> AsyncThrowingStream<String, any Error> {
        var options = options
        options.candidates = 1
        return events(prompt, options: options, constraints: constraints) { event in
            if case .piece(_, let text) = event { text } else { nil }
        }
    }

    /// Continues a text several times side by side, and says for each candidate what is new, and when it is finished.
    public func candidates(
        _ prompt: String, options: GenerationOptions = GenerationOptions(), constraints: [TextConstraint] = []
    ) -> AsyncThrowingStream<GenerationEvent, any Error> {
        candidates(tokenizer.ids(of: prompt), options: options, constraints: constraints)
    }

    /// Continues a tokenized text several times side by side.
    public func candidates(
        _ prompt: [Int32], options: GenerationOptions = GenerationOptions(),
        constraints: [TextConstraint] = []
    ) -> AsyncThrowingStream<GenerationEvent, any Error> {
        events(prompt, options: options, constraints: constraints) { $0 }
    }

    func run(
        _ prompts: [[Int32]], _ options: GenerationOptions, _ constraints: [TextConstraint]
    ) throws -> DecodingRun<Model> {
        try options.validate()
        return try DecodingRun(
            model, prompts, options: options, tokenizer: tokenizer,
            constraints: compiled(constraints, stopStrings: options.stopStrings))
    }

    /// The constraints for this vocabulary; nil if nothing is refused.
    func compiled(_ constraints: [TextConstraint], stopStrings: [String]) throws -> TokenConstraints? {
        guard !constraints.isEmpty || alwaysConstrained else { return nil }
        return try TokenConstraints(constraints, vocabulary: vocabulary, stopStrings: stopStrings)
    }

    private func events<Element: Sendable>(
        _ prompt: [Int32], options: GenerationOptions, constraints: [TextConstraint],
        _ transform: @escaping @Sendable (GenerationEvent) -> Element?
    ) -> AsyncThrowingStream<Element, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    var run = try run([prompt], options, constraints)
                    var open = Array(run.rows.indices)
                    while !open.isEmpty {
                        try run.step()
                        for row in open {
                            let piece = run.nextPiece(of: row)
                            if !piece.isEmpty, let element = transform(.piece(candidate: row, piece)) {
                                continuation.yield(element)
                            }
                            if run.rows[row].finishReason != nil,
                                let element = transform(.finished(candidate: row, run.text(of: row)))
                            {
                                continuation.yield(element)
                            }
                        }
                        open.removeAll { run.rows[$0].finishReason != nil }
                        await Task.yield()
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}

/// What happens while candidates are written side by side.
public enum GenerationEvent: Sendable, Equatable {
    /// One or more characters more.
    case piece(candidate: Int, String)
    /// The candidate has ended.
    case finished(candidate: Int, GeneratedText)
}
