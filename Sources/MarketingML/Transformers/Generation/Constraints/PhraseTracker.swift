import Foundation

/// Follows all places at which one of some phrases may have begun: the states of an automaton that finds phrases.
struct PhraseTracker: Sendable {
    /// The most scalars of a phrase.
    static let longest = 1000

    /// Where a phrase has got to.
    struct Position: Hashable, Sendable, Comparable {
        var phrase: Int32
        var matched: Int32
        /// What was so where the phrase began.
        var flag: Bool

        static func < (a: Position, b: Position) -> Bool {
            (a.phrase, a.matched, a.flag ? 1 : 0) < (b.phrase, b.matched, b.flag ? 1 : 0)
        }
    }

    /// All positions after some text.
    struct State: Hashable, Sendable {
        var positions: [Position] = []
        var previousIsWord = false
    }

    let phrases: [[Unicode.Scalar]]
    let ignoringCase: Bool
    let wholeWords: Bool
    /// White space in a phrase stands for any run of it.
    let flexibleSpaces: Bool
    /// A phrase counts only if no combining mark follows.
    let completeCharacters: Bool
    /// The phrases by their first scalar, any white space counting as a space.
    private let starts: [Unicode.Scalar: [Int]]

    init(
        _ phrases: [String], ignoringCase: Bool = false, wholeWords: Bool = false,
        flexibleSpaces: Bool = false,
        completeCharacters: Bool = false, canonicalForms: Bool = true
    ) {
        var forms: [[Unicode.Scalar]] = []
        for phrase in phrases {
            for form in canonicalForms ? Self.forms(of: phrase) : [phrase] {
                let scalars = ignoringCase ? CaseFolding.fold(form) : Array(form.unicodeScalars)
                if !forms.contains(scalars) { forms.append(scalars) }
            }
        }
        self.phrases = forms
        starts = Dictionary(grouping: forms.indices) { Self.isSpace(forms[$0][0]) ? " " : forms[$0][0] }
        self.ignoringCase = ignoringCase
        self.wholeWords = wholeWords
        self.flexibleSpaces = flexibleSpaces
        self.completeCharacters = completeCharacters
    }

    /// A phrase as written, composed and decomposed.
    static func forms(of phrase: String) -> [String] {
        [phrase, phrase.precomposedStringWithCanonicalMapping, phrase.decomposedStringWithCanonicalMapping]
    }

    /// The state after one more character, and the phrase that is complete by now, the longest one.
    func next(
        _ state: State, _ character: CharacterClasses.Class, flag: (_ previousIsWord: Bool) -> Bool
    ) -> (state: State, completed: Position?) {
        var positions = state.positions
        var completed: Position?
        func complete(_ position: Position) {
            if completed.map({ length($0) < length(position) }) ?? true { completed = position }
        }
        let begun = flag(state.previousIsWord)
        // One by one: a phrase may begin or end within what a character folds to.
        for scalar in ignoringCase ? character.folded : [character.scalar] {
            let fresh = (starts[character.kind == .space ? " " : scalar] ?? []).map {
                Position(phrase: Int32($0), matched: 0, flag: begun)
            }
            var next: Set<Position> = []
            for position in positions + fresh {
                if isComplete(position) {  // waits for what follows
                    if allowsEnd(before: character) { complete(position) }
                } else if let moved = advanced(position, by: scalar, of: character, state) {
                    if isComplete(moved), !wholeWords, !completeCharacters {
                        complete(moved)
                    } else {
                        next.insert(moved)
                    }
                }
            }
            positions = Array(next)
        }
        let isWord = character.kind.isWord
        return (State(positions: positions.sorted(), previousIsWord: isWord), completed)
    }

    /// A position after one more scalar; nil if the phrase does not go on like that.
    private func advanced(
        _ position: Position, by scalar: Unicode.Scalar, of character: CharacterClasses.Class, _ state: State
    ) -> Position? {
        let phrase = phrases[Int(position.phrase)]
        let matched = Int(position.matched)
        var next = position
        if flexibleSpaces, character.kind == .space {
            if Self.isSpace(phrase[matched]) {
                next.matched += 1
            } else if matched == 0 || !Self.isSpace(phrase[matched - 1]) {
                return nil
            }
            return next
        }
        if matched == 0, wholeWords, state.previousIsWord, isWord(phrase[0]) { return nil }
        guard character.isNamed, phrase[matched] == scalar else { return nil }
        next.matched += 1
        return next
    }

    /// Whether a phrase is complete if the text ends here.
    func isComplete(atEnd state: State) -> Bool { state.positions.contains { isComplete($0) } }

    /// Whether a phrase is there to its end, and only what follows could make it another word.
    func isComplete(_ position: Position) -> Bool { Int(position.matched) == length(position) }

    /// Whether the text would break off within a word of a phrase that began with a word (`flag`).
    func breaksWord(atEnd state: State) -> Bool {
        state.positions.contains { position in
            let phrase = phrases[Int(position.phrase)]
            let matched = Int(position.matched)
            return position.flag && 0 < matched && matched < phrase.count && isWord(phrase[matched - 1])
                && isWord(phrase[matched])
        }
    }

    private func allowsEnd(before character: CharacterClasses.Class) -> Bool {
        wholeWords ? !character.kind.isWord : character.kind != .mark
    }

    private func length(_ position: Position) -> Int { phrases[Int(position.phrase)].count }
    private func isWord(_ scalar: Unicode.Scalar) -> Bool { CharacterClasses.Kind(scalar).isWord }
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }
}
