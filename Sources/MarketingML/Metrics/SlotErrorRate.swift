import Tensor

/// How many facts of their briefs texts leave out, and how many they make up.
///
/// A text tells a fact if one of its wordings occurs, case aside, between other than letters and digits. Of wordings that
/// overlap, of the same or of another value ("family friendly" in "not family friendly"), the longest counts.
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
        for (text, brief) in zip(texts, briefs) {
            let text = Self.words(of: text)
            facts += brief.attributes.count
            for (name, values) in wordings {
                let told = Self.told(values, in: text)
                let wanted = Set(brief.attributes.filter { $0.name == name }.map(\.value))
                added += told.subtracting(wanted).count
                missing += wanted.filter { values[$0] != nil && !told.contains($0) }.count
            }
            for attribute in brief.attributes where wordings[attribute.name]?[attribute.value] == nil {
                let value = [attribute.value: [attribute.value]]
                if Self.told(value, in: text).isEmpty { missing += 1 }
            }
        }
    }

    /// The values of which a wording occurs.
    private static func told(_ values: [String: [String]], in text: [String]) -> Set<String> {
        var found: [(value: String, range: Range<Int>)] = []
        for (value, wordings) in values {
            for wording in wordings.map(words(of:)) where !wording.isEmpty && wording.count <= text.count {
                for start in 0...text.count - wording.count
                where text[start..<start + wording.count] == wording[...] {
                    found.append((value, start..<start + wording.count))
                }
            }
        }
        let longest = found.filter { match in
            !found.contains { $0.range.count > match.range.count && $0.range.overlaps(match.range) }
        }
        return Set(longest.map(\.value))
    }

    /// Words and other characters in lower case: "£20-25" is £, 20, -, 25.
    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var isOpen = false
        for character in text.lowercased() {
            let isWord = character.isLetter || character.isNumber
            if isWord, isOpen, let last = words.indices.last {
                words[last].append(character)
            } else if !character.isWhitespace {
                words.append(String(character))
            }
            isOpen = isWord
        }
        return words
    }
}
