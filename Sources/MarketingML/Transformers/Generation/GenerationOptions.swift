import Foundation

/// How much is generated, from what, and where it ends.
public struct GenerationOptions: Sendable, Codable, Equatable {
    /// What happens to a row that fills the model's context.
    public enum ContextPolicy: String, Sendable, Codable {
        /// Prompt and `maxNewTokens` must fit the context: else `.tooLarge` is thrown before anything is generated.
        case fail
        /// The row ends, with the reason `contextFull`. A prompt that fills the context alone throws `.tooLarge`.
        case stop
        /// The row forgets its beginning: its latest tokens are read again, half of the context or as many as leave
        /// room for all that may still come. A prompt that is too long is cut in the same way.
        case keepLatest
    }

    /// The most tokens that are generated for a prompt, from 1 on; the stop token is one of them.
    public var maxNewTokens: Int
    /// Tokens that end a text, such as the model's end of text. They are no part of the text.
    public var stopTokens: Set<Int32>
    /// Strings that end a text, compared by their bytes, wherever tokens begin and end; the text is cut before the first
    /// one that is complete.
    public var stopStrings: [String]
    /// What happens to a row that fills the context.
    public var contextPolicy: ContextPolicy
    /// How many texts are written for each prompt, in one batch that reads the prompt once; from 1 on.
    public var candidates: Int
    /// How tokens are drawn.
    public var sampling: Sampling

    /// Creates options; the defaults take the likeliest token 64 times.
    public init(
        maxNewTokens: Int = 64, stopTokens: Set<Int32> = [], stopStrings: [String] = [],
        contextPolicy: ContextPolicy = .stop, candidates: Int = 1, sampling: Sampling = .greedy
    ) {
        self.maxNewTokens = maxNewTokens
        self.stopTokens = stopTokens
        self.stopStrings = stopStrings
        self.contextPolicy = contextPolicy
        self.candidates = candidates
        self.sampling = sampling
    }

    /// - Throws: `.invalidOption`.
    func validate() throws {
        try requireOption(maxNewTokens >= 1, "maxNewTokens", "at least 1", maxNewTokens)
        try requireCount(candidates, "candidates", 1...65_536)
        try requireOption(stopStrings.allSatisfy { !$0.isEmpty }, "stopStrings", "not empty", "\"\"")
        try sampling.validate()
    }

    /// A prompt as it is read, under the policy for the context.
    ///
    /// - Throws: `.tooLarge`, `.emptyData`, naming the prompt by its row, counted from 1.
    func fitted(_ prompt: [Int32], row: Int, contextLength: Int) throws -> [Int32] {
        guard !prompt.isEmpty else {
            throw MarketingMLError(
                .emptyData, "the prompt has no tokens", at: .init(row: row + 1, name: "prompt"))
        }
        let following = contextPolicy == .fail ? maxNewTokens : 1
        if following <= contextLength - prompt.count { return prompt }
        guard contextPolicy == .keepLatest else {
            throw MarketingMLError(
                .tooLarge,
                "the prompt has \(prompt.count) tokens and \(following) more are to follow, the model's context "
                    + "holds \(contextLength)",
                at: .init(row: row + 1, name: "prompt"))
        }
        return Array(prompt.suffix(keptTokens(left: maxNewTokens, contextLength: contextLength)))
    }

    /// How many of the latest tokens stay when the context is full and `left` may still come.
    func keptTokens(left: Int, contextLength: Int) -> Int {
        max(1, contextLength / 2, contextLength - left)
    }
}

/// Why a text ends.
public enum FinishReason: Sendable, Equatable, Codable {
    /// The model chose this stop token.
    case stopToken(Int32)
    /// This stop string came up.
    case stopString(String)
    /// `maxNewTokens` are generated.
    case maxNewTokens
    /// The model's context is full.
    case contextFull
    /// The constraints are met and allow no further token.
    case constraints
    /// The receiver of the progress events said so.
    case stopped
}

/// A text that a model has written, with how likely it was to the model.
public struct GeneratedText: Sendable, Equatable, Codable {
    /// The text: complete characters up to the stop token or string; empty where there is no tokenizer.
    public var text: String
    /// The tokens generated, a stop token at the end included.
    public var tokens: [Int32]
    /// ln p of each token in the model's own distribution, before penalties, temperature and constraints.
    public var logProbabilities: [Float]
    /// What candidates are ordered by where one says so: Σ ln p; for beams Σ ln p / lengthᵖ.
    public var score: Double
    /// Why it ends.
    public var finishReason: FinishReason
    /// What each constraint did to the text, in the order of the constraints.
    public var constraints: [ConstraintEffect]

    /// Creates a text.
    public init(
        text: String, tokens: [Int32], logProbabilities: [Float], score: Double, finishReason: FinishReason,
        constraints: [ConstraintEffect] = []
    ) {
        self.text = text
        self.tokens = tokens
        self.logProbabilities = logProbabilities
        self.score = score
        self.finishReason = finishReason
        self.constraints = constraints
    }

    /// exp of minus the mean of ln p.
    public var perplexity: Double {
        let sum = logProbabilities.reduce(0) { $0 + Double($1) }
        return Foundation.exp(-sum / Double(max(1, logProbabilities.count)))
    }
}

/// What a constraint did while a text was written.
public struct ConstraintEffect: Sendable, Equatable, Codable {
    /// The constraint, in words.
    public var constraint: String
    /// At how many positions it refused the token that the model held to be the likeliest.
    public var redirections: Int
    /// The probability that the model gave to tokens which the constraint refused, summed over the positions.
    public var refusedProbability: Double

    /// Creates an effect.
    public init(constraint: String, redirections: Int = 0, refusedProbability: Double = 0) {
        self.constraint = constraint
        self.redirections = redirections
        self.refusedProbability = refusedProbability
    }
}
