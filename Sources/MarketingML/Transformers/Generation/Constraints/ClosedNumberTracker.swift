/// Follows how a text can be read as free characters, none of them numeric, and quotations of given values.
struct ClosedNumberTracker: Sendable {
    /// One way to read the text so far.
    enum Reading: Hashable, Comparable, Sendable {
        /// Free text, and what the next character touches.
        case free(Touching)
        /// `matched` scalars of a value.
        case value(Int, matched: Int)
    }

    /// What a character that comes next would touch.
    enum Touching: Int, Hashable, Comparable, Sendable {
        /// Nothing that matters.
        case nothing
        /// A letter, a numeral or a joining sign of free text: a number would be part of something else.
        case text
        /// A value that ends in a number.
        case number
        /// A value that ends in a letter.
        case word
        /// A joining sign after a value: a digit would go on with it.
        case numberAndJoiner

        static func < (a: Touching, b: Touching) -> Bool { a.rawValue < b.rawValue }
    }

    /// All readings of a text, in order.
    typealias State = [Reading]

    let values: [[Unicode.Scalar]]
    static let start: State = [.free(.nothing)]

    init(_ values: [String]) {
        var forms: [[Unicode.Scalar]] = []
        for value in values.map({ Array($0.unicodeScalars) }) where !forms.contains(value) {
            forms.append(value)
        }
        self.values = forms
    }

    /// The readings after one more character; none when there is no way to read the text.
    func next(_ state: State, _ character: CharacterClasses.Class) -> State {
        var readings: Set<Reading> = []
        for reading in state {
            switch reading {
            case .free(let touching):
                if let next = free(character.kind, touching) { readings.insert(.free(next)) }
                for (index, value) in values.enumerated() where canBegin(value, touching) {
                    if matches(character, value[0]) { readings.insert(reached(index, 1)) }
                }
            case .value(let index, let matched):
                if matches(character, values[index][matched]) { readings.insert(reached(index, matched + 1)) }
            }
        }
        return readings.sorted()
    }

    func canEnd(_ state: State) -> Bool {
        state.contains { if case .free = $0 { true } else { false } }
    }

    private func matches(_ character: CharacterClasses.Class, _ scalar: Unicode.Scalar) -> Bool {
        character.isNamed && character.scalar == scalar
    }

    private func reached(_ index: Int, _ matched: Int) -> Reading {
        let value = values[index]
        guard matched == value.count else { return .value(index, matched: matched) }
        return switch CharacterClasses.Kind(value[matched - 1]) {
        case .numeric: .free(.number)
        case .letter: .free(.word)
        default: .free(.nothing)
        }
    }

    /// A value may not be the rest of a longer number or word.
    private func canBegin(_ value: [Unicode.Scalar], _ touching: Touching) -> Bool {
        switch CharacterClasses.Kind(value[0]) {
        case .numeric, .letter, .joiner, .ideographicNumeral: touching == .nothing
        default: touching == .nothing || touching == .text
        }
    }

    /// What a free character leads to; nil where it may not stand.
    private func free(_ kind: CharacterClasses.Kind, _ touching: Touching) -> Touching? {
        switch (kind, touching) {
        case (.numeric, _): nil
        case (.letter, .number), (.letter, .word), (.mark, .number), (.mark, .word): nil
        case (.ideographicNumeral, .number): nil
        case (.joiner, .number), (.joiner, .word): .numberAndJoiner
        case (.mark, _): touching
        case (.letter, _), (.joiner, _), (.ideographicNumeral, _): .text
        default: .nothing
        }
    }
}
