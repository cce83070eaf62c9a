import Foundation

/// Rows of a model that are continued side by side until each has its reason to end.
///
/// Rows that end leave the batch. A row that fills the context under `keepLatest` is read again and goes on in a group
/// of its own, so that what it writes does not depend on its neighbours.
struct DecodingRun<Model: NextTokenModel>: Sendable {
    /// One text in the making.
    struct Row: Sendable {
        var history: TokenHistory
        var random: SeededGenerator
        var output: OutputText
        var logProbabilities: [Float] = []
        var progress = ConstraintProgress()
        var finishReason: FinishReason?
    }

    /// Rows that share a state of the model.
    private struct Group: Sendable {
        var state: Model.State
        /// The scores of the next tokens, a row for each of the state's.
        var scores: Tensor<Float>
        /// The rows, each with its row in the state; a prompt's candidates share one until their first token is drawn.
        var members: [(row: Int, place: Int)]
    }

    private let model: Model
    private let options: GenerationOptions
    private let tokenizer: (any TextTokenizer)?
    private var constraints: TokenConstraints?
    private(set) var rows: [Row] = []
    private var groups: [Group] = []

    /// Reads the prompts.
    ///
    /// - Throws: What the options, the constraints and the model object to.
    init(
        _ model: Model, _ prompts: [[Int32]], options: GenerationOptions,
        tokenizer: (any TextTokenizer)? = nil,
        constraints: TokenConstraints? = nil
    ) throws {
        try options.validate()
        guard options.stopStrings.isEmpty || tokenizer != nil else {
            throw MarketingMLError(
                .invalidOption, "stop strings need a tokenizer that says which text tokens are",
                at: .init(name: "stopStrings"))
        }
        self.model = model
        self.options = options
        self.tokenizer = tokenizer
        self.constraints = constraints
        guard !prompts.isEmpty else { return }
        let prompts = try prompts.enumerated().map { row, prompt in
            try options.fitted(prompt, row: row, contextLength: model.contextLength)
        }
        for (index, prompt) in prompts.enumerated() {
            for candidate in 0..<options.candidates {
                let stream = UInt64(index) << 32 | UInt64(candidate)
                rows.append(
                    Row(
                        history: TokenHistory(prompt: prompt),
                        random: SeededGenerator(seed: options.sampling.seed, stream: stream),
                        output: OutputText(stopStrings: options.stopStrings)))
            }
        }
        for index in rows.indices {
            let left = tokensLeft(rows[index])
            try self.constraints?.begin(&rows[index].progress, tokensLeft: left)
        }
        let (state, scores) = try model.read(prompts)
        groups = [
            Group(
                state: state, scores: scores,
                members: rows.indices.map { (row: $0, place: $0 / options.candidates) })
        ]
    }

    /// Whether all rows have ended.
    var isFinished: Bool { groups.isEmpty }

    /// Continues every row by one token.
    ///
    /// - Throws: `.notFinite` when the model's scores are; `CancellationError`.
    mutating func step() throws {
        // Each group is moved, not copied: a state that is held twice would copy its cache.
        var pending = groups
        groups = []
        var next: [Group] = []
        while !pending.isEmpty {
            try Task.checkCancellation()
            next += try advance(pending.removeFirst())
        }
        groups = next
    }

    /// The text of a row as far as it is.
    func text(of row: Int) -> GeneratedText {
        let row = rows[row]
        return GeneratedText(
            text: row.output.text, tokens: Array(row.history.generated),
            logProbabilities: row.logProbabilities,
            score: row.logProbabilities.reduce(0) { $0 + Double($1) },
            finishReason: row.finishReason ?? .stopped,
            constraints: row.progress.effects)
    }

    /// The characters of a row that are new since the last call.
    mutating func nextPiece(of row: Int) -> String {
        rows[row].output.nextPiece(isLast: rows[row].finishReason != nil)
    }

    /// How many tokens may still follow in a row.
    private func tokensLeft(_ row: Row) -> Int {
        let left = options.maxNewTokens - row.history.generated.count
        return options.contextPolicy == .keepLatest
            ? left : min(left, model.contextLength - row.history.tokens.count)
    }

    // MARK: - One step of one group

    /// The group after one more token, and rows that left it to be read again.
    private mutating func advance(_ group: consuming Group) throws -> [Group] {
        guard group.scores.rank == 2, group.scores.shape[1] == model.vocabularySize else {
            throw MarketingMLError(
                .shapeMismatch,
                "the model gave scores \(group.scores.shape), expected [rows, \(model.vocabularySize)]")
        }
        group.members = try choose(group)
        guard !group.members.isEmpty else { return [] }
        // A state's row holds at most the context; what is full goes its own way.
        let full = group.members.filter { group.state.length(ofRow: $0.place) >= model.contextLength }
        group.members.removeAll { member in full.contains { $0.row == member.row } }
        var result: [Group] = []
        if !group.members.isEmpty {
            let places = group.members.map(\.place)
            if places != Array(0..<group.state.rowCount) { group.state.select(rows: places) }
            group.members = group.members.enumerated().map { (row: $1.row, place: $0) }
            group.scores = try model.advance(&group.state, by: group.members.map { lastToken(of: $0.row) })
            result.append(group)
        }
        if !full.isEmpty { result.append(try readAgain(full.map(\.row))) }
        return result
    }

    private func lastToken(of row: Int) -> Int32 { rows[row].history.tokens.last ?? 0 }

    private func readAgain(_ members: [Int]) throws -> Group {
        let prompts = members.map { member in
            let left = options.maxNewTokens - rows[member].history.generated.count
            return Array(
                rows[member].history.tokens.suffix(
                    options.keptTokens(left: left, contextLength: model.contextLength)))
        }
        let (state, scores) = try model.read(prompts)
        return Group(state: state, scores: scores, members: members.enumerated().map { (row: $1, place: $0) })
    }

    /// Draws a token for each row of a group; returns the rows that go on.
    private mutating func choose(_ group: Group) throws -> [(row: Int, place: Int)] {
        var masks: [TokenMask?] = []
        for member in group.members {
            let (progress, stopTokens) = (rows[member.row].progress, options.stopTokens)
            masks.append(constraints?.mask(for: progress, stopTokens: stopTokens))
        }
        // A row whose constraints leave nothing to say has ended.
        for (member, mask) in zip(group.members, masks) where mask?.allowsNothing ?? false {
            rows[member.row].finishReason = .constraints
        }
        let open = group.members.indices.filter { rows[group.members[$0].row].finishReason == nil }
        let chosen = draw(group, open.map { group.members[$0] }, open.map { masks[$0] })
        let tokens = chosen.map { $0.token ?? 0 }
        let places = open.map { group.members[$0].place }
        let likelihoods = tokenLogLikelihoods(group.scores, rows: places, tokens: tokens)
        for (index, position) in open.enumerated() {
            let row = group.members[position].row
            guard chosen[index].token != nil, !likelihoods[index].isNaN else {
                throw MarketingMLError(
                    .notFinite,
                    "the model's scores are not finite after token \(rows[row].history.tokens.count)")
            }
            if let mask = masks[position], mask.refusesAnything {
                let scores = group.scores.rowElements(places[index])
                rows[row].progress.note(
                    mask, scores, logSum: scores[Int(tokens[index])] - likelihoods[index])
            }
            rows[row].random = chosen[index].random
            try finishToken(row, tokens[index], likelihoods[index])
        }
        return open.map { group.members[$0] }.filter { rows[$0.row].finishReason == nil }
    }

    /// The draws, computed side by side: each row has scores, history and generator of its own.
    private func draw(
        _ group: Group, _ members: [(row: Int, place: Int)], _ masks: [TokenMask?]
    ) -> [(token: Int32?, random: SeededGenerator)] {
        let (rows, sampling) = (rows, options.sampling)
        return parallelMap(members.count) { index in
            let row = rows[members[index].row]
            var random = row.random
            var scores = group.scores.rowElements(members[index].place)
            let token = scores.withUnsafeMutableBufferPointer { scores in
                masks[index]?.apply(to: scores)
                return sampling.choose(scores, row.history, &random)
            }
            return (token, random)
        }
    }

    /// Takes a token into a row, and ends the row if it is the last.
    private mutating func finishToken(_ row: Int, _ token: Int32, _ likelihood: Float) throws {
        rows[row].history.append(token)
        rows[row].logProbabilities.append(likelihood)
        if options.stopTokens.contains(token) {
            rows[row].finishReason = .stopToken(token)
            return
        }
        if let tokenizer {
            let bytes = tokenizer.bytes(of: token)
            if !rows[row].output.append(bytes), let stop = rows[row].output.stop {
                rows[row].finishReason = .stopString(stop)
                return
            }
            let (text, left) = (rows[row].output.bytes, tokensLeft(rows[row]))
            constraints?.advance(&rows[row].progress, by: bytes, text: text, tokensLeft: left)
        }
        if rows[row].history.generated.count >= options.maxNewTokens {
            rows[row].finishReason = .maxNewTokens
        } else if options.contextPolicy != .keepLatest, rows[row].history.tokens.count >= model.contextLength
        {
            rows[row].finishReason = .contextFull
        }
    }
}

extension Tensor<Float> {
    /// A copy of a row of a matrix.
    func rowElements(_ row: Int) -> [Float] {
        let width = shape[1]
        return withUnsafeElements { Array($0[row * width..<(row + 1) * width]) }
    }
}
