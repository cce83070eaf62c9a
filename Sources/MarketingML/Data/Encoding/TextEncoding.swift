/// How a text becomes features: which terms it is made of, and how they are weighted.
///
/// The defaults and the values are those of scikit-learn's `TfidfVectorizer` (and, with `buckets`, of its `HashingVectorizer`).
public struct TextEncoding: Sendable, Equatable, Codable {
    /// What terms consist of.
    public enum Unit: String, Sendable, Codable {
        /// Words: letters, digits and underscores, two or more in a row.
        case words
        /// Any characters; two white spaces in a row count as one.
        case characters
        /// Characters inside words, a space before and after each word.
        case charactersInWords
    }

    /// What terms consist of.
    public var unit: Unit
    /// The least and the greatest number of words or characters in a term.
    public var range: ClosedRange<Int>
    /// Whether upper and lower case are the same.
    public var lowercased: Bool
    /// In how many training texts a term must occur to be a feature.
    public var minimumTexts: Int
    /// In which share of them a term may occur at most.
    public var maximumShare: Double
    /// How many terms there are at most: the most frequent ones.
    public var maximumTerms: Int?
    /// Whether a term's count c becomes 1 + ln c.
    public var sublinear: Bool
    /// Whether a term is weighted by ln((1 + N) / (1 + n)) + 1, where n of the N training texts have it.
    public var inverseFrequencies: Bool
    /// Whether a text's features are divided by their Euclidean norm.
    public var normalised: Bool
    /// If given, terms are not learned but fall into that many features by their hash (MurmurHash3, 32 bits, seed 0: feature |h| mod
    /// buckets, sign that of h), without inverse frequencies.
    public var buckets: Int?

    /// Creates an encoding.
    public init(
        unit: Unit = .words, range: ClosedRange<Int> = 1...1, lowercased: Bool = true, minimumTexts: Int = 1,
        maximumShare: Double = 1, maximumTerms: Int? = nil, sublinear: Bool = false,
        inverseFrequencies: Bool = true, normalised: Bool = true, buckets: Int? = nil
    ) {
        self.unit = unit
        self.range = range
        self.lowercased = lowercased
        self.minimumTexts = minimumTexts
        self.maximumShare = maximumShare
        self.maximumTerms = maximumTerms
        self.sublinear = sublinear
        self.inverseFrequencies = inverseFrequencies
        self.normalised = normalised
        self.buckets = buckets
    }

    var isValid: Bool {
        range.lowerBound >= 1 && range.upperBound <= 100 && minimumTexts >= 1 && maximumShare > 0
            && maximumShare <= 1 && (maximumTerms ?? 1) >= 1 && (1...Int(Int32.max)).contains(buckets ?? 1)
    }
}

extension TextEncoding: CustomStringConvertible {
    /// The terms and their weights.
    public var description: String {
        let terms =
            switch unit {
            case .words: "words"
            case .characters: "characters"
            case .charactersInWords: "characters in words"
            }
        let sizes =
            range.lowerBound == range.upperBound
            ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        let weights = buckets.map { "hashed into \($0)" } ?? (inverseFrequencies ? "TF-IDF" : "counts")
        return "\(weights) of \(sizes) \(terms)"
    }
}
