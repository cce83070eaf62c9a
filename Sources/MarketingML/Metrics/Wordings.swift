/// The ways to say each value of each attribute, to be found in texts.
///
/// Of wordings that overlap, of whatever value ("family friendly" in "not family friendly", "Indian" in the name "Raja Indian
/// Cuisine" of the brief), the longest counts. A wording that several values share tells the one that the brief holds.
struct Wordings {
    private struct Wording {
        let words: [String]
        let attribute: String
        let value: String
    }

    /// A place in a text where a wording stands.
    private struct Match: Hashable {
        let range: Range<Int>
        let attribute: String
    }

    private let values: [String: Set<String>]
    /// By their first word.
    private let wordings: [String: [Wording]]

    /// - Parameter table: For each attribute its values, each with the ways to say it.
    init(_ table: [String: [String: [String]]]) {
        values = table.mapValues { Set($0.keys) }
        wordings = Self.byFirstWord(
            table.flatMap { attribute, values in
                values.flatMap { value, phrases in
                    phrases.map { Wording(words: Self.words(of: $0), attribute: attribute, value: value) }
                }
            })
    }

    /// How many facts of its brief a text leaves out, and how many it makes up.
    func errors(of text: String, for brief: Brief) -> (missing: Int, added: Int) {
        let text = Self.words(of: text)
        let plain = brief.attributes.filter { values[$0.name]?.contains($0.value) != true }
        let own = Self.byFirstWord(
            plain.map { Wording(words: Self.words(of: $0.value), attribute: $0.name, value: $0.value) })
        var told: [Match: Set<String>] = [:]
        for start in text.indices {
            for wording in (wordings[text[start]] ?? []) + (own[text[start]] ?? [])
            where text[start...].starts(with: wording.words) {
                let match = Match(range: start..<start + wording.words.count, attribute: wording.attribute)
                told[match, default: []].insert(wording.value)
            }
        }
        let longest = told.filter { match, _ in
            !told.keys.contains { $0.range.count > match.range.count && $0.range.overlaps(match.range) }
        }
        let missing = brief.attributes.filter { attribute in
            !longest.contains { $0.attribute == attribute.name && $1.contains(attribute.value) }
        }
        let wanted = Dictionary(grouping: brief.attributes, by: \.name).mapValues { Set($0.map(\.value)) }
        let added = values.keys.map { attribute in
            let foreign = longest.filter {
                $0.key.attribute == attribute && $0.value.isDisjoint(with: wanted[attribute] ?? [])
            }
            return Set(foreign.values).count
        }
        return (missing.count, added.reduce(0, +))
    }

    private static func byFirstWord(_ wordings: [Wording]) -> [String: [Wording]] {
        Dictionary(grouping: wordings.filter { !$0.words.isEmpty }, by: { $0.words[0] })
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
