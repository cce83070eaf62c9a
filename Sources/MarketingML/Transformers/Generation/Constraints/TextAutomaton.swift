/// All constraints but the length as one deterministic automaton over classes of characters: the product of an automaton
/// for each, with the shortest way from every state to one in which the text may end.
struct TextAutomaton: Sendable {
    /// More states are not built.
    static let mostStates = 200_000

    /// A part of the product.
    fileprivate enum Part {
        case forbidden(PhraseTracker)
        case required(PhraseTracker)
        case numbers(ClosedNumberTracker)
        case claims(ClosedClaimTracker)
    }

    /// A part's own state.
    fileprivate enum PartState: Hashable {
        case phrases(PhraseTracker.State)
        case met
        case numbers(ClosedNumberTracker.State)
        case claims(ClosedClaimTracker.State)
    }

    /// A part, the constraint it comes from and its states so far.
    fileprivate struct Component {
        var part: Part
        var constraint: Int
        var states: [PartState] = []
        var numbers: [PartState: Int32] = [:]
        /// The next state's number by state and class: -1 refuses, -2 is not known yet.
        var transitions: [[Int32]] = []
        var canEnd: [Bool] = []
    }

    let classes: CharacterClasses
    /// The next state by state and class, or -1 - the constraint that refuses.
    private(set) var transitions: [Int32] = []
    /// For each state the constraint that refuses an end; -1 if the text may end.
    private(set) var refusedEnd: [Int32] = []
    /// How many characters are needed at least until the text may end.
    private(set) var distance: [Int32] = []
    /// The class of the first of them.
    private(set) var nextClass: [Int32] = []

    var stateCount: Int { refusedEnd.count }
    static let start = 0

    /// - Parameter stops: Strings that end the text before them: they may begin only where it may end.
    /// - Throws: `.tooLarge` when the automaton would be.
    init(_ constraints: [TextConstraint], stops: [String]) throws {
        var named = stops
        var components: [Component] = []
        for (index, constraint) in constraints.enumerated() {
            switch constraint {
            case .forbidden(let phrases, let ignoringCase, let wholeWords):
                named += phrases
                let tracker = PhraseTracker(
                    phrases, ignoringCase: ignoringCase, wholeWords: wholeWords, flexibleSpaces: true)
                components.append(Component(part: .forbidden(tracker), constraint: index))
            case .required(let phrases, let ignoringCase, let wholeWords):
                named += phrases
                components += phrases.map { phrase in
                    let tracker = PhraseTracker(
                        [phrase], ignoringCase: ignoringCase, wholeWords: wholeWords, completeCharacters: true
                    )
                    return Component(part: .required(tracker), constraint: index)
                }
            case .closedNumbers(let values):
                named += values
                components.append(Component(part: .numbers(ClosedNumberTracker(values)), constraint: index))
            case .closedClaims(let claims, let words):
                named += claims + words
                let tracker = ClosedClaimTracker(claims, about: words)
                components.append(Component(part: .claims(tracker), constraint: index))
            case .maximumCharacters: break
            }
        }
        classes = CharacterClasses(naming: named.flatMap { PhraseTracker.forms(of: $0) })
        try build(&components, stops: PhraseTracker(stops, canonicalForms: false))
        findWays()
    }

    /// The next state; -1 - the constraint that refuses.
    func next(_ state: Int32, scalar: UInt32) -> Int32 {
        transitions[Int(state) * classes.classes.count + classes.index(of: scalar)]
    }

    // MARK: - Building

    private struct ProductState: Hashable {
        var parts: [Int32]
        var stops = PhraseTracker.State()
        /// A stop string is complete: what follows in its token is cut off.
        var hasEnded = false
    }

    private mutating func build(_ components: inout [Component], stops: PhraseTracker) throws {
        var states = [ProductState(parts: components.indices.map { components[$0].start() })]
        var numbers = [states[0]: Int32(0)]
        var index = 0
        while index < states.count {
            try Task.checkCancellation()
            let state = states[index]
            let blocking = zip(components, state.parts).first { !$0.canEnd[Int($1)] }?.0.constraint
            refusedEnd.append(state.hasEnded ? -1 : Int32(blocking ?? -1))
            for (position, character) in classes.classes.enumerated() {
                if state.hasEnded {
                    transitions.append(Int32(index))
                    continue
                }
                var next = state
                var refusal: Int?
                let (stopState, stop) = stops.next(state.stops, character) { _ in blocking == nil }
                next.stops = stopState
                if let stop {
                    if stop.flag {
                        next = ProductState(parts: [], hasEnded: true)
                    } else {
                        refusal = blocking ?? 0
                    }
                }
                if !next.hasEnded {
                    for part in components.indices {
                        next.parts[part] = components[part].next(state.parts[part], position, character)
                        if next.parts[part] < 0 { refusal = refusal ?? components[part].constraint }
                    }
                }
                if let refusal {
                    transitions.append(-1 - Int32(refusal))
                    continue
                }
                if let number = numbers[next] {
                    transitions.append(number)
                } else {
                    guard states.count < Self.mostStates else {
                        throw MarketingMLError(
                            .tooLarge,
                            "the constraints need more than \(Self.mostStates) states together; fewer required phrases help most",
                            at: .init(name: "constraints"))
                    }
                    numbers[next] = Int32(states.count)
                    transitions.append(Int32(states.count))
                    states.append(next)
                }
            }
            index += 1
        }
    }

    /// Distances to an end, backwards from the states that are one; transitions to states without a way are refused.
    private mutating func findWays() {
        let width = classes.classes.count
        distance = [Int32](repeating: -1, count: stateCount)
        nextClass = distance
        var sources = [[(state: Int32, character: Int32)]](repeating: [], count: stateCount)
        for state in 0..<stateCount {
            for character in 0..<width {
                let next = transitions[state * width + character]
                // The first class of several that lead to the same state is enough.
                if next >= 0, sources[Int(next)].last.map({ $0.state != Int32(state) }) ?? true {
                    sources[Int(next)].append((Int32(state), Int32(character)))
                }
            }
        }
        var queue = (0..<stateCount).filter { refusedEnd[$0] < 0 }
        for state in queue { distance[state] = 0 }
        var position = 0
        while position < queue.count {
            let state = queue[position]
            for source in sources[state] where distance[Int(source.state)] < 0 {
                distance[Int(source.state)] = distance[state] + 1
                nextClass[Int(source.state)] = source.character
                queue.append(Int(source.state))
            }
            position += 1
        }
        for index in transitions.indices {
            let next = transitions[index]
            if next >= 0, distance[Int(next)] < 0 { transitions[index] = -1 - max(0, refusedEnd[Int(next)]) }
        }
    }
}

extension TextAutomaton.Component {
    fileprivate mutating func start() -> Int32 {
        switch part {
        case .forbidden, .required: number(of: .phrases(PhraseTracker.State()))
        case .numbers: number(of: .numbers(ClosedNumberTracker.start))
        case .claims: number(of: .claims(ClosedClaimTracker.start))
        }
    }

    /// The next state's number; -1 where the part refuses the character.
    fileprivate mutating func next(_ state: Int32, _ index: Int, _ character: CharacterClasses.Class) -> Int32
    {
        let state = Int(state)
        if transitions[state].count <= index {
            transitions[state] += repeatElement(-2, count: index + 1 - transitions[state].count)
        }
        let known = transitions[state][index]
        if known != -2 { return known }
        let next = step(states[state], character).map { number(of: $0) } ?? -1
        transitions[state][index] = next
        return next
    }

    private func step(
        _ state: TextAutomaton.PartState, _ character: CharacterClasses.Class
    ) -> TextAutomaton.PartState? {
        switch (part, state) {
        case (.forbidden(let tracker), .phrases(let state)):
            let (next, completed) = tracker.next(state, character) { !$0 }
            return completed == nil ? .phrases(next) : nil
        case (.required(let tracker), .phrases(let state)):
            let (next, completed) = tracker.next(state, character) { _ in false }
            return completed == nil ? .phrases(next) : .met
        case (.numbers(let tracker), .numbers(let state)):
            let next = tracker.next(state, character)
            return next.isEmpty ? nil : .numbers(next)
        case (.claims(let tracker), .claims(let state)):
            let next = tracker.next(state, character)
            return next.isEmpty ? nil : .claims(next)
        default: return state
        }
    }

    private mutating func number(of state: TextAutomaton.PartState) -> Int32 {
        if let number = numbers[state] { return number }
        let number = Int32(states.count)
        numbers[state] = number
        states.append(state)
        transitions.append([])
        canEnd.append(allowsEnd(state))
        return number
    }

    private func allowsEnd(_ state: TextAutomaton.PartState) -> Bool {
        switch (part, state) {
        case (.forbidden(let tracker), .phrases(let state)):
            !tracker.isComplete(atEnd: state) && !tracker.breaksWord(atEnd: state)
        case (.required(let tracker), .phrases(let state)): tracker.isComplete(atEnd: state)
        case (.numbers(let tracker), .numbers(let state)): tracker.canEnd(state)
        case (.claims(let tracker), .claims(let state)): tracker.canEnd(state)
        default: true
        }
    }
}
