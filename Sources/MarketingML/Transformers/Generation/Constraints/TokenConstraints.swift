import Foundation

/// Constraints compiled for a vocabulary: which tokens each state of a text refuses.
struct TokenConstraints: Sendable {
    /// Causes that are no constraint.
    private enum Cause {
        static let none: UInt8 = 0xFF
        /// A text is well-formed UTF-8 and made of tokens that stand for text.
        static let notText: UInt8 = 0xFE
    }

    /// Where a text stands.
    struct Place: Hashable, Sendable {
        var state = Int32(TextAutomaton.start)
        var utf8 = UTF8Progress()
    }

    private struct MaskKey: Hashable {
        var place: Place
        var stopTokens: Set<Int32>
    }

    private let constraints: [TextConstraint]
    private let automaton: TextAutomaton
    private let vocabulary: TokenVocabulary
    private let tree: TokenVocabulary.Tree
    private let maximumCharacters: (count: Int, constraint: Int)?
    /// No way from any state to an end has more characters.
    private let longestWay: Int
    private var masks: [MaskKey: TokenMask] = [:]
    private var plans: [Place: Int?] = [:]

    /// - Throws: `.invalidOption` for constraints that no text satisfies, and why; `.tooLarge`.
    init(_ constraints: [TextConstraint], vocabulary: TokenVocabulary, stopStrings: [String]) throws {
        try requireOption(
            constraints.count < Int(Cause.notText), "constraints", "fewer than 254", constraints.count)
        for constraint in constraints { try constraint.validate() }
        self.constraints = constraints
        self.vocabulary = vocabulary
        tree = vocabulary.tree
        automaton = try TextAutomaton(constraints, stops: stopStrings)
        longestWay = Int(automaton.distance.max() ?? 0)
        maximumCharacters = constraints.enumerated().compactMap { index, constraint in
            if case .maximumCharacters(let count) = constraint { (count, index) } else { nil }
        }.min { $0.0 < $1.0 }
        let needed = Int(automaton.distance[TextAutomaton.start])
        guard needed >= 0 else {
            throw Self.impossible(try Self.conflict(in: constraints, stops: stopStrings))
        }
        if let maximumCharacters, needed > maximumCharacters.count {
            throw Self.impossible(
                "what is required takes at least \(needed) characters, the maximum is \(maximumCharacters.count)"
            )
        }
    }

    private static func impossible(_ reason: String) -> MarketingMLError {
        MarketingMLError(
            .invalidOption, "the constraints cannot be met: \(reason)", at: .init(name: "constraints"))
    }

    /// The smallest part of the constraints that no text satisfies, in words.
    private static func conflict(in constraints: [TextConstraint], stops: [String]) throws -> String {
        func isPossible(_ part: [TextConstraint]) throws -> Bool {
            try TextAutomaton(part, stops: stops).distance[TextAutomaton.start] >= 0
        }
        // Phrase by phrase, so that the reason names the two that clash.
        let parts = constraints.flatMap(\.parts)
        for part in parts where try !isPossible([part]) { return "no text is \(part)" }
        for (index, first) in parts.enumerated() {
            for second in parts[(index + 1)...] where try !isPossible([first, second]) {
                return "no text is \(first) and \(second)"
            }
        }
        return "no text is \(constraints.map(\.description).joined(separator: " and "))"
    }

    // MARK: - A text's progress

    /// Begins a text.
    ///
    /// - Throws: `.invalidOption` if its constraints cannot be met with that many tokens of the vocabulary.
    mutating func begin(_ progress: inout ConstraintProgress, tokensLeft: Int) throws {
        progress.effects = constraints.map { ConstraintEffect(constraint: $0.description) }
        progress.tokensLeft = tokensLeft
        guard let needed = tokensNeeded(from: progress.place) else {
            throw Self.impossible("the vocabulary has no tokens for a text that is required")
        }
        guard needed <= tokensLeft else {
            throw Self.impossible(
                "what is required takes at least \(needed) tokens, there is room for \(tokensLeft)")
        }
    }

    /// Takes a token's bytes in; `text` ends with them.
    mutating func advance(
        _ progress: inout ConstraintProgress, by bytes: [UInt8], text: [UInt8], tokensLeft: Int
    ) {
        for byte in bytes {
            guard case .scalar(let scalar) = progress.place.utf8.feed(byte) else { continue }
            progress.place.state = max(0, automaton.next(progress.place.state, scalar: scalar))
        }
        progress.tokensLeft = tokensLeft
        if maximumCharacters != nil {
            let complete = text[..<text[...].completeUTF8End]
            progress.characters =
                String(decoding: complete, as: UTF8.self).count + (complete.count < text.count ? 1 : 0)
        }
    }

    // MARK: - Masks

    /// What may follow. Masks are kept by state; near a limit they are computed anew, since they depend on what is left.
    mutating func mask(for progress: ConstraintProgress, stopTokens: Set<Int32>) -> TokenMask {
        // A way has at most four bytes a character and the rest of one, a token at least a byte.
        let isNearEnd = progress.tokensLeft - 1 <= 4 * longestWay + 3
        let isNearMaximum =
            maximumCharacters.map { progress.characters + tree.depth + longestWay > $0.count } ?? false
        if isNearEnd || isNearMaximum { return computeMask(progress, stopTokens, limited: true) }
        let key = MaskKey(place: progress.place, stopTokens: stopTokens)
        if let mask = masks[key] { return mask }
        let mask = computeMask(progress, stopTokens, limited: false)
        // Some hundred states recur; should a text run through many more, memory stays bounded.
        if masks.count * vocabulary.size > 64 << 20 { masks = [:] }
        masks[key] = mask
        return mask
    }

    private mutating func computeMask(
        _ progress: ConstraintProgress, _ stopTokens: Set<Int32>, limited: Bool
    ) -> TokenMask {
        var causes = [UInt8](repeating: Cause.notText, count: vocabulary.size)
        /// The place and the number of scalars begun after each byte on the way to a node.
        var way = [(place: progress.place, begun: 0)]
        way.reserveCapacity(tree.depth + 1)
        let tokens = tree.tokens
        var index = 0
        while index < tree.nodes.count {
            let node = tree.nodes[index]
            way.removeLast(way.count - Int(node.depth))
            var (place, begun) = way[way.count - 1]
            if place.utf8.missing == 0 { begun += 1 }
            var refusal: UInt8?
            switch place.utf8.feed(node.byte) {
            case .pending: break
            case .malformed: refusal = Cause.notText
            case .scalar(let scalar):
                let next = automaton.next(place.state, scalar: scalar)
                if next < 0 { refusal = UInt8(-1 - next) } else { place.state = next }
            }
            if let refusal {
                for token in tree.tokens(from: index) { causes[Int(token)] = refusal }
                index = Int(node.skip)
                continue
            }
            way.append((place, begun))
            if node.tokenCount > 0 {
                let cause =
                    limited ? limit(progress, place, begun) : endless(place) ? Cause.notText : Cause.none
                let first = Int(node.firstToken)
                for token in tokens[first..<first + Int(node.tokenCount)] { causes[Int(token)] = cause }
            }
            index += 1
        }
        let refusedEnd = automaton.refusedEnd[Int(progress.place.state)]
        for token in stopTokens where causes.indices.contains(Int(token)) {
            causes[Int(token)] =
                progress.place.utf8.missing > 0
                ? Cause.notText : refusedEnd < 0 ? Cause.none : UInt8(refusedEnd)
        }
        return TokenMask(causes: causes)
    }

    /// Whether the text could not be brought to an end: a scalar that is not complete cannot become one that is allowed,
    /// or the vocabulary lacks what the way to the end is spelled with.
    private mutating func endless(_ place: Place) -> Bool { tokensNeeded(from: place) == nil }

    /// What refuses a token that leads to `place`, with what is left of tokens and characters.
    private mutating func limit(_ progress: ConstraintProgress, _ place: Place, _ begun: Int) -> UInt8 {
        guard let needed = tokensNeeded(from: place) else { return Cause.notText }
        if let maximumCharacters,
            progress.characters + begun + Int(automaton.distance[Int(stateAfterScalar(place) ?? 0)])
                > maximumCharacters.count
        {
            return UInt8(maximumCharacters.constraint)
        }
        if needed <= progress.tokensLeft - 1 { return Cause.none }
        let refusedEnd = automaton.refusedEnd[Int(place.state)]
        return refusedEnd < 0 ? Cause.notText : UInt8(refusedEnd)
    }

    // MARK: - Ways to an end

    /// The fewest tokens that spell the shortest way to an end; nil if there is none.
    ///
    /// Ways are fixed: the first token of one leads to a place whose way is the rest, so that what was possible once
    /// stays possible.
    private mutating func tokensNeeded(from place: Place) -> Int? {
        if let known = plans[place] { return known }
        var bytes: [UInt8] = []
        var state: Int32? = place.state
        if place.utf8.missing > 0 {
            let scalar = completion(of: place)
            state = scalar.map { automaton.next(place.state, scalar: $0.value) }
            if let scalar { bytes += place.utf8.rest(of: scalar) }
        }
        guard var current = state else {
            plans[place] = .some(nil)
            return nil
        }
        while automaton.distance[Int(current)] > 0 {
            let character = automaton.nextClass[Int(current)]
            let scalar = automaton.classes.classes[Int(character)].scalar
            bytes += String(scalar).utf8
            current = automaton.next(current, scalar: scalar.value)
        }
        let needed = tree.fewestTokens(spelling: bytes)
        plans[place] = .some(needed)
        return needed
    }

    private func stateAfterScalar(_ place: Place) -> Int32? {
        place.utf8.missing == 0
            ? place.state : completion(of: place).map { automaton.next(place.state, scalar: $0.value) }
    }

    /// The scalar that a way makes of the bytes so far: the way's own next one if it begins like that, else the first
    /// that is allowed.
    private func completion(of place: Place) -> Unicode.Scalar? {
        guard let scalars = place.utf8.scalars else { return nil }
        if automaton.distance[Int(place.state)] > 0 {
            let next = automaton.classes.classes[Int(automaton.nextClass[Int(place.state)])].scalar
            if scalars.contains(next.value) { return next }
        }
        return scalars.prefix(512).lazy.compactMap { Unicode.Scalar($0) }.first {
            automaton.next(place.state, scalar: $0.value) >= 0
        }
    }
}

/// How far the constraints of a text are met.
struct ConstraintProgress: Sendable {
    fileprivate(set) var place = TokenConstraints.Place()
    /// Characters so far.
    fileprivate(set) var characters = 0
    /// Tokens that may still follow.
    fileprivate(set) var tokensLeft = Int.max
    /// What each constraint did.
    fileprivate(set) var effects: [ConstraintEffect] = []

    /// Records what a mask took from the model's distribution, whose ln Σ exp(score) is `logSum`.
    mutating func note(_ mask: TokenMask, _ scores: [Float], logSum: Float) {
        var likeliest = 0
        for (token, cause) in mask.causes.enumerated() {
            if scores[token] > scores[likeliest] { likeliest = token }
            // What is below a millionth is not worth its exponential.
            if effects.indices.contains(Int(cause)), scores[token] > logSum - 14 {
                effects[Int(cause)].refusedProbability += exp(Double(scores[token] - logSum))
            }
        }
        let cause = Int(mask.causes[likeliest])
        if effects.indices.contains(cause) { effects[cause].redirections += 1 }
    }
}

/// For each token the constraint that refuses it.
struct TokenMask: Sendable {
    /// The constraint's index; 0xFE for what is no text, 0xFF for what is allowed.
    let causes: [UInt8]
    let allowsNothing: Bool
    let refusesAnything: Bool

    init(causes: [UInt8]) {
        self.causes = causes
        allowsNothing = !causes.contains(0xFF)
        refusesAnything = causes.contains { $0 != 0xFF }
    }

    /// Refuses the tokens.
    func apply(to scores: UnsafeMutableBufferPointer<Float>) {
        for (token, cause) in causes.enumerated() where cause != 0xFF { scores[token] = -.infinity }
    }
}

extension TextConstraint {
    /// The constraint phrase by phrase.
    fileprivate var parts: [TextConstraint] {
        switch self {
        case .forbidden(let phrases, let ignoringCase, let wholeWords):
            phrases.map { .forbidden([$0], ignoringCase: ignoringCase, wholeWords: wholeWords) }
        case .required(let phrases, let ignoringCase, let wholeWords):
            phrases.map { .required([$0], ignoringCase: ignoringCase, wholeWords: wholeWords) }
        case .maximumCharacters, .closedNumbers, .closedClaims: [self]
        }
    }
}
