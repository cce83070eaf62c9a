import Foundation

/// Search for likely continuations: the best `beams` unfinished ones are continued in each step.
///
/// The conventions are those of transformers' `generate(num_beams:)`, to the score. Of the (1 + stop tokens, at least 2) ·
/// `beams` best continuations of all beams, those that end and are among the first `beams` are finished, with the score
///
///     Σ ln p / lengthᵖ,    p = lengthPenalty, length = number of new tokens, the stop token included;
///
/// the best `beams` finished ones are kept, and the best `beams` of the others are continued. A stop string ends a text as a
/// stop token does. Constraints refuse continuations and leave the ln p of the others as they are.
///
/// Reference: Graves, arXiv:1211.3711, section 2; length penalty as in transformers 5.
public struct BeamSearch: Sendable, Codable, Equatable {
    /// When a search ends, once as many texts are finished as there are beams.
    public enum EarlyStopping: String, Sendable, Codable {
        /// At once (`early_stopping=True`).
        case whenFull
        /// When the best beam at its present length would not beat the worst finished one (`early_stopping=False`).
        case heuristic
        /// When no beam can beat the worst finished one at any length (`early_stopping="never"`).
        case never
    }

    /// Number of beams, from 1 on.
    public var beams: Int
    /// How many texts are returned for a prompt, from 1 to `beams`.
    public var returned: Int
    /// The exponent p of the length: 0 for none, above 0 for longer texts, below 0 for shorter ones.
    public var lengthPenalty: Double
    /// When a search ends.
    public var earlyStopping: EarlyStopping
    /// The most tokens that are generated, from 1 on; the end of the model's context counts as this limit too.
    public var maxNewTokens: Int
    /// Tokens that end a text.
    public var stopTokens: Set<Int32>
    /// Texts that end a text, wherever tokens begin and end; they are not part of it.
    public var stopStrings: [String]
    /// As in ``Sampling``, on ln p.
    public var repetitionPenalty: Double
    /// As in ``Sampling``.
    public var noRepeatNGram: Int?

    /// Creates a search.
    public init(
        beams: Int = 4, returned: Int = 1, lengthPenalty: Double = 1,
        earlyStopping: EarlyStopping = .heuristic,
        maxNewTokens: Int = 64, stopTokens: Set<Int32> = [], stopStrings: [String] = [],
        repetitionPenalty: Double = 1, noRepeatNGram: Int? = nil
    ) {
        self.beams = beams
        self.returned = returned
        self.lengthPenalty = lengthPenalty
        self.earlyStopping = earlyStopping
        self.maxNewTokens = maxNewTokens
        self.stopTokens = stopTokens
        self.stopStrings = stopStrings
        self.repetitionPenalty = repetitionPenalty
        self.noRepeatNGram = noRepeatNGram
    }

    /// The penalties, which apply to ln p.
    var penalties: Sampling {
        Sampling(temperature: 0, repetitionPenalty: repetitionPenalty, noRepeatNGram: noRepeatNGram)
    }

    /// - Throws: `.invalidOption`.
    func validate() throws {
        try requireCount(beams, "beams", 1...4096)
        try requireOption(1...max(1, beams) ~= returned, "returned", "from 1 to the \(beams) beams", returned)
        try requireOption(lengthPenalty.isFinite, "lengthPenalty", "finite", lengthPenalty)
        try requireOption(maxNewTokens >= 1, "maxNewTokens", "at least 1", maxNewTokens)
        try requireOption(
            stopStrings.allSatisfy { !$0.isEmpty }, "stopStrings", "texts that are not empty", "\"\"")
        try penalties.validate()
    }
}

extension NextTokenModel {
    /// The best continuations of prompts, found by beam search; all prompts' beams are one batch.
    ///
    /// - Returns: For each prompt up to `search.returned` texts, the best first; their `text` is empty.
    /// - Throws: `.invalidOption`, `.emptyData`, `.tooLarge` for a prompt that leaves no room, `.notFinite`; what the model
    ///   throws; `CancellationError`.
    public func beamSearch(
        _ prompts: [[Int32]], _ search: BeamSearch = BeamSearch(), progress: ProgressHandler? = nil
    ) throws -> [[GeneratedText]] {
        try requireOption(
            search.stopStrings.isEmpty, "stopStrings", "none without a tokenizer", search.stopStrings)
        return try beamSearch(prompts, search, tokenizer: nil, constraints: nil, progress)
    }

    /// - Parameter tokenizer: Says which text tokens are; without one there are no texts.
    func beamSearch(
        _ prompts: [[Int32]], _ search: BeamSearch, tokenizer: (any TextTokenizer)?,
        constraints: TokenConstraints?, _ progress: ProgressHandler?
    ) throws -> [[GeneratedText]] {
        try search.validate()
        guard !prompts.isEmpty else { return [] }
        let options = GenerationOptions(maxNewTokens: search.maxNewTokens)
        let prompts = try prompts.enumerated().map {
            try options.fitted($1, row: $0, contextLength: contextLength)
        }
        // The masks that are computed for one beam serve all.
        var constraints = constraints
        var searches = try prompts.map {
            try BeamSearchRun(
                search, prompt: $0, contextLength: contextLength, tokenizer: tokenizer,
                constraints: &constraints)
        }
        var (state, scores) = try read(prompts)
        var open = Array(prompts.indices)
        var step = 0
        while true {
            try Task.checkCancellation()
            var firstRow = 0
            var parents: [Int] = []
            var tokens: [Int32] = []
            for index in open {
                let width = searches[index].beams.count
                let next = try searches[index].step(scores, firstRow: firstRow, constraints: &constraints)
                parents += next.map { firstRow + $0.parent }
                tokens += next.map(\.token)
                firstRow += width
            }
            open.removeAll { searches[$0].isFinished }
            step += 1
            let event = ProgressEvent(phase: .other("searching"), step: step, total: search.maxNewTokens)
            if open.isEmpty || progress.map({ $0(event) == .stop }) ?? false { break }
            state.select(rows: parents)
            scores = try advance(&state, by: tokens)
        }
        return searches.map(\.results)
    }
}

extension TextGenerator {
    /// The best continuations of a text, found by beam search.
    ///
    /// - Throws: `.invalidOption` for constraints that cannot be met; see ``NextTokenModel/beamSearch(_:_:progress:)``.
    public func beamSearch(
        _ prompt: String, _ search: BeamSearch = BeamSearch(), constraints: [TextConstraint] = [],
        progress: ProgressHandler? = nil
    ) throws -> [GeneratedText] {
        try beamSearch(
            [tokenizer.ids(of: prompt)], search, constraints: constraints, progress: progress
        ).flatMap { $0 }
    }

    /// The best continuations of tokenized texts; all prompts' beams are one batch.
    ///
    /// - Throws: `.invalidOption` for constraints that cannot be met; see ``NextTokenModel/beamSearch(_:_:progress:)``.
    public func beamSearch(
        _ prompts: [[Int32]], _ search: BeamSearch = BeamSearch(), constraints: [TextConstraint] = [],
        progress: ProgressHandler? = nil
    ) throws -> [[GeneratedText]] {
        try search.validate()
        return try model.beamSearch(
            prompts, search, tokenizer: tokenizer,
            constraints: compiled(constraints, stopStrings: search.stopStrings), progress)
    }
}
