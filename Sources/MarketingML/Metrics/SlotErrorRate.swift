import Tensor

/// How many facts of their briefs texts leave out, and how many they make up.
///
/// A text tells a fact if one of its wordings occurs, case aside, between other than letters and digits. Of wordings that
/// overlap, of whatever value ("family friendly" in "not family friendly", "Indian" in a name that the brief gives), the longest
/// counts. A wording that several values share ("expensive") tells the one that the brief holds.
///
///     slot error rate = (missing + added) / facts
public struct SlotErrorRate: Sendable, Codable, Equatable {
    /// Facts of the briefs that the texts do not tell.
    public private(set) var missing = 0
    /// Values that the texts tell and the briefs do not hold.
    public private(set) var added = 0
    /// Facts of the briefs.
    public private(set) var facts = 0

    /// The share of errors; 0 without facts.
    public var value: Double { facts == 0 ? 0 : Double(missing + added) / Double(facts) }

    /// Judges texts by their briefs.
    ///
    /// - Parameters:
    ///   - texts: A text for each brief.
    ///   - wordings: For each attribute its values, each with the ways to say it. A brief's value that is not among them
    ///     stands for itself; only values that are can be found to be made up.
    /// - Throws: `.shapeMismatch`.
    public init(
        of texts: [String], for briefs: [Brief], wordings: [String: [String: [String]]] = [:]
    ) throws {
        guard texts.count == briefs.count else {
            throw MarketingMLError(
                .shapeMismatch, "expected texts for \(briefs.count) briefs, found \(texts.count)")
        }
        let wordings = Wordings(wordings)
        for (text, brief) in zip(texts, briefs) {
            let errors = wordings.errors(of: text, for: brief)
            missing += errors.missing
            added += errors.added
            facts += brief.attributes.count
        }
    }
}
