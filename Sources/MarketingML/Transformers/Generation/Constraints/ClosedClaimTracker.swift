/// Follows how a text can be read as free characters and quotations of given claims, so that no watched word stands in free text.
struct ClosedClaimTracker: Sendable {
    /// One way to read the text so far.
    struct Reading: Hashable, Comparable, Sendable {
        /// The claim that is being quoted; -1 in free text.
        var claim: Int32 = -1
        /// How much of it, in scalars.
        var matched: Int32 = 0
        /// Whether a claim ended just here: its last character may not be changed by a mark, its last word may not go on.
        var isBehindClaim = false
        /// The watched words that may be under way; the flag says that one began within the claim.
        var words = PhraseTracker.State()

        static func < (a: Reading, b: Reading) -> Bool {
            let (first, second) = (
                (a.claim, a.matched, a.isBehindClaim ? 1 : 0), (b.claim, b.matched, b.isBehindClaim ? 1 : 0)
            )
            if first != second { return first < second }
            return a.words.positions.lexicographicallyPrecedes(b.words.positions)
        }
    }

    /// All readings of a text, in order.
    typealias State = [Reading]

    static let start: State = [Reading()]
    private let claims: [[Unicode.Scalar]]
    private let words: PhraseTracker

    init(_ claims: [String], about words: [String]) {
        var forms: [[Unicode.Scalar]] = []
        for form in claims.flatMap({ PhraseTracker.forms(of: $0) }).map({ Array($0.unicodeScalars) })
        where !forms.contains(form) {
            forms.append(form)
        }
        self.claims = forms
        self.words = PhraseTracker(words, ignoringCase: true, wholeWords: true, flexibleSpaces: true)
    }

    /// The readings after one more character; none when there is no way to read the text.
    func next(_ state: State, _ character: CharacterClasses.Class) -> State {
        var readings: Set<Reading> = []
        for reading in state {
            if reading.claim >= 0 {
                go(on: reading, character, &readings)
                continue
            }
            if reading.isBehindClaim,
                character.kind == .mark || character.kind.isWord && reading.words.previousIsWord
            {
                continue
            }
            if let words = followed(reading.words, character, isQuoted: false) {
                readings.insert(Reading(words: words))
            }
            for (index, claim) in claims.enumerated()
            where !(reading.words.previousIsWord && CharacterClasses.Kind(claim[0]).isWord) {
                var start = reading
                (start.claim, start.matched, start.isBehindClaim) = (Int32(index), 0, false)
                go(on: start, character, &readings)
            }
        }
        return readings.sorted()
    }

    func canEnd(_ state: State) -> Bool {
        state.contains { reading in
            reading.claim < 0
                && !reading.words.positions.contains { !$0.flag && words.isComplete($0) }
        }
    }

    private func go(on reading: Reading, _ character: CharacterClasses.Class, _ readings: inout Set<Reading>)
    {
        let claim = claims[Int(reading.claim)]
        guard character.isNamed, character.scalar == claim[Int(reading.matched)],
            var words = followed(reading.words, character, isQuoted: true)
        else { return }
        var next = reading
        next.matched += 1
        if Int(next.matched) == claim.count {
            next = Reading(isBehindClaim: true)
            // What goes on behind the claim is not quoted; what is complete with it is.
            for index in words.positions.indices where !self.words.isComplete(words.positions[index]) {
                words.positions[index].flag = false
            }
        }
        next.words = words
        readings.insert(next)
    }

    /// The watched words after one more character; nil when one is complete that did not begin within the claim.
    private func followed(
        _ state: PhraseTracker.State, _ character: CharacterClasses.Class, isQuoted: Bool
    ) -> PhraseTracker.State? {
        let (next, completed) = words.next(state, character) { _ in isQuoted }
        return completed.map { $0.flag } ?? true ? next : nil
    }
}
