/// How the next token is drawn from a model's scores.
///
/// The scores of a row pass through the steps below in this order, which is that of transformers' `generate`; the
/// token is then drawn from their softmax:
///
/// 1. `repetitionPenalty` r: scores of tokens that the row holds, prompt included, are divided by r if positive and
///    multiplied by it if negative;
/// 2. `frequencyPenalty`, `presencePenalty`: subtracted for each time, and once, that the token was generated (transformers
///    has neither; they stand where vLLM has them, and like there the prompt does not count);
/// 3. `noRepeatNGram` n: tokens that would complete n tokens which the row already holds in that order are refused;
/// 4. constraints, if any, refuse tokens;
/// 5. `temperature`: scores are divided by it;
/// 6. `topK`: scores below the k-th largest are refused, equal ones stay;
/// 7. `topP`: the least likely tokens are refused as long as their sum is at most 1 - p, so the token that crosses p stays;
/// 8. `minP`: tokens less likely than p times the likeliest are refused.
///
/// With `temperature` 0 the token with the highest score after step 4 is taken, the lower id of equal ones.
///
/// References: Holtzman et al., arXiv:1904.09751 (top p); Keskar et al., arXiv:1909.05858 (repetition penalty); Nguyen et al.,
/// arXiv:2407.01082 (min p).
public struct Sampling: Sendable, Codable, Equatable {
    /// What scores are divided by, from 0 on; 0 takes the likeliest token.
    public var temperature: Double
    /// How many of the likeliest tokens stay, from 1 on; nil: all.
    public var topK: Int?
    /// The probability that the likeliest tokens must reach together, in (0, 1]; nil: 1.
    public var topP: Double?
    /// The least probability relative to the likeliest token's, in [0, 1]; nil: 0.
    public var minP: Double?
    /// Above 1 makes tokens of prompt and text less likely, below 1 more likely; above 0.
    public var repetitionPenalty: Double
    /// Subtracted from the scores of tokens that were generated before.
    public var presencePenalty: Double
    /// Subtracted from a token's score for each time that it was generated.
    public var frequencyPenalty: Double
    /// No sequence of this many tokens occurs twice, from 1 on; nil: any may.
    ///
    /// Where that and the constraints leave no token, this rule is the one that yields.
    public var noRepeatNGram: Int?
    /// What the draws depend on. Each candidate of each prompt draws from a sequence of its own, so that a text does
    /// not depend on how many others are written beside it.
    public var seed: UInt64

    /// Creates a way of sampling; the default draws from the model's own distribution.
    public init(
        temperature: Double = 1, topK: Int? = nil, topP: Double? = nil, minP: Double? = nil,
        repetitionPenalty: Double = 1, presencePenalty: Double = 0, frequencyPenalty: Double = 0,
        noRepeatNGram: Int? = nil, seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.presencePenalty = presencePenalty
        self.frequencyPenalty = frequencyPenalty
        self.noRepeatNGram = noRepeatNGram
        self.seed = seed
    }

    /// The likeliest token, always.
    public static let greedy = Sampling(temperature: 0)

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate() throws {
        try requireOption(temperature >= 0 && temperature.isFinite, "temperature", "at least 0", temperature)
        try requireOption(topK.map { $0 >= 1 } ?? true, "topK", "at least 1", topK ?? 0)
        try requireOption(topP.map { $0 > 0 && $0 <= 1 } ?? true, "topP", "in (0, 1]", topP ?? 0)
        try requireOption(minP.map { 0...1 ~= $0 } ?? true, "minP", "in [0, 1]", minP ?? 0)
        try requireOption(
            repetitionPenalty > 0 && repetitionPenalty.isFinite, "repetitionPenalty", "above 0",
            repetitionPenalty)
        try requireOption(presencePenalty.isFinite, "presencePenalty", "finite", presencePenalty)
        try requireOption(frequencyPenalty.isFinite, "frequencyPenalty", "finite", frequencyPenalty)
        try requireOption(
            noRepeatNGram.map { $0 >= 1 } ?? true, "noRepeatNGram", "at least 1", noRepeatNGram ?? 0)
    }
}

extension Sampling {
    /// The scores from whose softmax the next token is drawn; minus infinity for tokens that are refused.
    ///
    /// - Parameters:
    ///   - scores: The model's V scores.
    ///   - prompt: The tokens of the prompt.
    ///   - generated: The tokens generated since.
    /// - Throws: `.invalidOption`.
    public func process(
        _ scores: [Float], prompt: [Int32], generated: [Int32] = []
    ) throws -> [Float] {
        try validate()
        var scores = scores
        var history = TokenHistory(prompt: prompt)
        for token in generated { history.append(token) }
        scores.withUnsafeMutableBufferPointer { scores in
            penalize(scores, history)
            if temperature > 0 { filter(scores) }
        }
        return scores
    }
}

/// The tokens of a row, with what the penalties need to know of them.
struct TokenHistory: Sendable {
    private(set) var tokens: [Int32]
    let promptLength: Int
    private(set) var seen: Set<Int32>
    /// How often each token was generated.
    private(set) var counts: [Int32: Int] = [:]

    init(prompt: [Int32]) {
        tokens = prompt
        promptLength = prompt.count
        seen = Set(prompt)
    }

    var generated: ArraySlice<Int32> { tokens[promptLength...] }

    mutating func append(_ token: Int32) {
        tokens.append(token)
        seen.insert(token)
        counts[token, default: 0] += 1
    }

    /// The tokens that would complete a sequence of `length` tokens that is there already.
    func completions(ofRepeated length: Int) -> Set<Int32> {
        guard tokens.count + 1 >= length else { return [] }
        let tail = tokens.suffix(length - 1)
        var result: Set<Int32> = []
        for end in stride(from: length - 1, to: tokens.count, by: 1)
        where tokens[(end - length + 1)..<end] == tail {
            result.insert(tokens[end])
        }
        return result
    }
}
