/// What a causal language model has read: tokens, keys and values of every row. A copy shares them until one of the
/// two goes on.
public struct CausalState: DecodingState {
    var tokens: [[Int32]]
    var caches: [AttentionCache<Float>]

    /// Number of rows.
    public var rowCount: Int { tokens.count }

    /// Number of tokens that a row holds.
    public func length(ofRow row: Int) -> Int { caches[row].count }

    /// Rows in a new order: a row named twice is continued twice, one not named is dropped.
    public mutating func select(rows: [Int]) {
        tokens = rows.map { tokens[$0] }
        caches = rows.map { caches[$0] }
    }
}

extension CausalLanguageModel: NextTokenModel {
    /// Number of tokens V that the model scores.
    public var vocabularySize: Int { configuration.vocabularySize }
    /// The most tokens that a row can hold, its prompt included.
    public var contextLength: Int { configuration.contextLength }

    /// Reads prompts of any lengths in one pass.
    ///
    /// - Returns: The state of all rows and the scores (logits) [rows, V] of each row's next token.
    /// - Throws: `.emptyData` for an empty prompt; `.tooLarge` for one beyond the context, unless the policy is to
    ///   slide: then its last tokens are read; `.invalidOption` for an id outside the vocabulary.
    public func read(_ prompts: [[Int32]]) throws -> (state: CausalState, scores: Tensor<Float>) {
        var rows = prompts
        for (index, prompt) in prompts.enumerated() {
            try check(prompt, row: index)
            guard !prompt.isEmpty else {
                throw MarketingMLError(
                    .emptyData, "expected a prompt of at least one token", at: .init(row: index + 1))
            }
            if prompt.count > contextLength { rows[index] = try lastTokens(of: prompt, row: index) }
        }
        let (caches, scores) = prefilled(rows)
        return (CausalState(tokens: rows, caches: caches), scores)
    }

    /// Appends one token to each row and returns the scores [rows, V] of the next ones.
    ///
    /// - Throws: `.tooLarge` for a row that fills the context already, unless the policy is to slide; `.invalidOption`
    ///   for an id outside the vocabulary; `.shapeMismatch` unless there is a token for each row. The state is then what it was.
    public func advance(_ state: inout CausalState, by tokens: [Int32]) throws -> Tensor<Float> {
        guard tokens.count == state.rowCount else {
            throw MarketingMLError(.shapeMismatch, "\(tokens.count) tokens for \(state.rowCount) rows")
        }
        try check(tokens, row: nil)
        for row in tokens.indices where state.caches[row].count >= contextLength {
            let kept = try lastTokens(of: state.tokens[row], row: row)
            state.tokens[row] = kept
            state.caches[row] = prefilled([kept]).caches[0]
        }
        let places = state.caches.map { Int32($0.count) }
        for row in tokens.indices {
            state.tokens[row].append(tokens[row])
            state.caches[row].extend(by: 1)
        }
        let offsets = Array(0...tokens.count)
        var dropout: DropoutStreams?
        var hidden = decoder.embedded(tokens, positions: places, dropout: &dropout)
        for (index, layer) in decoder.layers.enumerated() {
            hidden = layer(hidden, dropout: &dropout) { rows, _ in
                let rows = decoder.turned(rows, positions: places)
                rows.storeKeysAndValues(
                    layer: index, heads: configuration.heads, offsets: offsets, in: state.caches)
                return rows.attentionStep(layer: index, heads: configuration.heads, over: state.caches)
            }
        }
        return decoder.scores(of: decoder.norm(hidden))
    }

    /// Caches of rows read in one pass, and the scores behind the last token of each.
    private func prefilled(_ rows: [[Int32]]) -> (caches: [AttentionCache<Float>], scores: Tensor<Float>) {
        let batch = TokenBatch(rows: rows)
        let positions = batch.positions
        let caches = rows.map { row in
            var cache = AttentionCache<Float>(
                layers: configuration.layers, heads: configuration.keyValueHeads,
                headSize: configuration.headSize)
            cache.extend(by: row.count)
            return cache
        }
        let last = batch.rowOffsets.dropFirst().map { $0 - 1 }
        var dropout: DropoutStreams?
        var hidden = decoder.embedded(batch.ids, positions: positions, dropout: &dropout)
        for (index, layer) in decoder.layers.enumerated() {
            // Behind the last layer's keys and values only the last tokens matter.
            let kept = index == decoder.layers.count - 1 ? last : nil
            hidden = layer(hidden, keeping: kept, dropout: &dropout) { rows, _ in
                let rows = decoder.turned(rows, positions: positions)
                rows.storeKeysAndValues(
                    layer: index, heads: configuration.heads, offsets: batch.rowOffsets, in: caches)
                return rows.selfAttention(
                    heads: configuration.heads, keyValueHeads: configuration.keyValueHeads,
                    offsets: batch.rowOffsets, causal: true)
            }
        }
        return (caches, decoder.scores(of: decoder.norm(hidden)))
    }

    /// What is left of a row that is too long.
    private func lastTokens(of tokens: [Int32], row: Int) throws -> [Int32] {
        guard case .slide(let kept) = contextPolicy else {
            throw MarketingMLError(
                .tooLarge,
                "the model's context holds \(contextLength) tokens, the row would have more; shorten it, or choose the policy to slide",
                at: .init(row: row + 1))
        }
        return Array(tokens.suffix(kept))
    }

    private func check(_ tokens: [Int32], row: Int?) throws {
        let limit = Int32(clamping: vocabularySize)
        guard let place = tokens.firstIndex(where: { $0 < 0 || $0 >= limit }) else { return }
        throw MarketingMLError(
            .invalidOption, "the token id \(tokens[place]) is outside of 0 ..< \(limit)",
            at: .init(row: row.map { $0 + 1 } ?? place + 1, name: "tokens"))
    }
}
