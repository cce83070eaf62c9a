/// How well answers agree with the true ones, as SQuAD v2's official script judges them (arXiv:1806.03822).
public struct AnswerAgreement: Sendable, Equatable {
    /// How many questions were judged.
    public let count: Int
    /// The share of the answers that are exactly right, apart from case, punctuation and articles.
    public let exactMatch: Double
    /// The mean F1 of the answers' words.
    public let f1: Double

    /// Judges one answer a question; an empty one stands for "no answer".
    ///
    /// - Parameter truth: The acceptable answers of each question, of which the best counts; none where there is no answer.
    /// - Throws: `.emptyData`, `.shapeMismatch`.
    public init(truth: [[String]], predicted: [String]) throws(MarketingMLError) {
        guard !truth.isEmpty else { throw MarketingMLError(.emptyData, "there are no questions to judge") }
        guard truth.count == predicted.count else {
            throw MarketingMLError(.shapeMismatch, "\(truth.count) questions have \(predicted.count) answers")
        }
        var (exact, overlap) = (0.0, 0.0)
        for (truth, answer) in zip(truth, predicted) {
            let accepted = truth.filter { !Self.words($0).isEmpty }
            let choices = accepted.isEmpty ? [""] : accepted
            exact += choices.map { Self.isExact($0, answer) ? 1 : 0 }.max() ?? 0
            overlap += choices.map { Self.f1($0, answer) }.max() ?? 0
        }
        count = truth.count
        exactMatch = exact / Double(count)
        f1 = overlap / Double(count)
    }

    /// Whether both are the same words.
    static func isExact(_ truth: String, _ answer: String) -> Bool { words(truth) == words(answer) }

    /// The harmonic mean of the shares of each one's words that the other has; 1 or 0 if one of them is empty.
    static func f1(_ truth: String, _ answer: String) -> Double {
        let (truth, answer) = (words(truth), words(answer))
        if truth.isEmpty || answer.isEmpty { return truth == answer ? 1 : 0 }
        var rest: [String: Int] = [:]
        for word in truth { rest[word, default: 0] += 1 }
        var common = 0
        for word in answer where rest[word, default: 0] > 0 {
            rest[word, default: 0] -= 1
            common += 1
        }
        guard common > 0 else { return 0 }
        let (precision, recall) = (
            Double(common) / Double(answer.count), Double(common) / Double(truth.count)
        )
        return 2 * precision * recall / (precision + recall)
    }

    private static let punctuation = Set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".unicodeScalars)

    /// Lower-cased words without ASCII punctuation and articles.
    static func words(_ text: String) -> [String] {
        let kept = text.lowercased().unicodeScalars.filter { !punctuation.contains($0) }
        return String(String.UnicodeScalarView(kept)).split(whereSeparator: \.isWhitespace).map(String.init)
            .filter { !["a", "an", "the"].contains($0) }
    }
}
