/// What a generated text must or must not contain: promises, not preferences.
///
/// Constraints are compiled to one automaton over characters, and at each position every token is refused that would
/// break one, or after which it could no longer be kept in the tokens and characters that remain. They hold for the text
/// that is generated, whatever ends it; the prompt does not count.
public enum TextConstraint: Sendable, Codable, Equatable {
    /// None of the phrases occurs, wherever tokens begin and end, and the text does not break off within a word of one.
    ///
    /// A run of white space in a phrase stands for any run; a phrase is refused in its composed and its decomposed form.
    /// `ignoringCase` compares after full case folding (ß is ss); with `wholeWords`, "art" is fine in "cartoon".
    case forbidden([String], ignoringCase: Bool = true, wholeWords: Bool = false)
    /// Each of the phrases occurs at least once. The text cannot end before, and is led to the phrases that are missing
    /// when room runs out.
    case required([String], ignoringCase: Bool = false, wholeWords: Bool = false)
    /// The text has at most this many characters as readers count them (grapheme clusters), from 1 on.
    ///
    /// Near the limit a token's Unicode scalars are counted instead, which are at least as many.
    case maximumCharacters(Int)
    /// Whatever looks like a number or a price is one of these values, quoted exactly.
    ///
    /// Digits and number signs of any script, currency signs, percent and per mille signs may stand only within a value;
    /// a value may hold other text, such as "from $5". No letter, digit, sign or numeral may touch it on either side, nor
    /// a digit beyond one of . , ' ’ : / - – − +, so that "$5" is found in "$5!" and in "Only $5.", but not in "$5k", "$5.99",
    /// "-$5" or "US$5". Numbers in words are not numbers here.
    case closedNumbers([String])
    /// What is said about some things is one of these claims, quoted exactly: wherever one of the words `about` stands, in any case and
    /// as a whole word, it stands within a claim.
    ///
    /// With `closedClaims(["certified organic", "100% organic cotton"], about: ["organic"])` a text cannot make up another claim with
    /// "Organic" in it. No letter or digit may touch a claim that begins or ends in one; claims that share words are read one after the
    /// other, not across. Without claims the words are forbidden.
    case closedClaims([String], about: [String])

    /// - Throws: `.invalidOption`.
    func validate() throws {
        func check(_ strings: [String], _ name: String) throws {
            try requireOption(strings.allSatisfy { !$0.isEmpty }, name, "phrases that are not empty", "\"\"")
            try requireOption(
                strings.allSatisfy { $0.unicodeScalars.count <= PhraseTracker.longest }, name,
                "phrases of at most \(PhraseTracker.longest) characters", "a longer one")
        }
        switch self {
        case .forbidden(let phrases, _, _): try check(phrases, "forbidden")
        case .required(let phrases, _, _): try check(phrases, "required")
        case .maximumCharacters(let count):
            try requireOption(count >= 1, "maximumCharacters", "at least 1", count)
        case .closedNumbers(let values): try check(values, "closedNumbers")
        case .closedClaims(let claims, let words):
            try check(claims, "closedClaims")
            try check(words, "about")
            try requireOption(!words.isEmpty, "about", "the words that only the claims may use", words)
        }
    }
}

extension TextConstraint: CustomStringConvertible {
    /// The constraint in words.
    public var description: String {
        func list(_ phrases: [String]) -> String {
            let shown = phrases.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
            return phrases.count > 3 ? "\(shown) and \(phrases.count - 3) more" : shown
        }
        return switch self {
        case .forbidden(let phrases, _, _): "without \(list(phrases))"
        case .required(let phrases, _, _): "with \(list(phrases))"
        case .maximumCharacters(let count): "at most \(count) characters"
        case .closedNumbers(let values):
            values.isEmpty ? "no numbers" : "no numbers but \(list(values))"
        case .closedClaims(let claims, let words):
            claims.isEmpty
                ? "without \(list(words))" : "with \(list(words)) only as in \(list(claims))"
        }
    }
}
