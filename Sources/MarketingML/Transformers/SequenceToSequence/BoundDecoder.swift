/// A decoder bound to encoded sources: it continues one target for each, token by token.
///
/// The keys and values of the sources are computed once, here. Row r of what ``read(_:)`` gives is bound to source r, and
/// stays so in every copy that decoding makes of it.
public struct BoundDecoder: NextTokenModel {
    private let model: EncoderDecoder<Float>
    /// For each layer [N, 2 D].
    private let sources: [Tensor<Float>]
    private let sourceRows: [Range<Int>]

    /// Encodes sources.
    ///
    /// - Throws: `.emptyData` for none or an empty one, `.tooLarge` for one beyond the model's positions, `.invalidOption`
    ///   for ids outside the vocabulary.
    public init(_ model: EncoderDecoder<Float>, sources batch: TokenBatch) throws {
        let configuration = model.configuration
        try batch.check(
            "source", vocabularySize: configuration.sourceVocabularySize,
            longest: configuration.maximumPositions)
        var none: DropoutStreams?
        let encoded = model.encoded(batch, dropout: &none)
        self.model = model
        sources = model.decoder.map { $0.crossKeyValue(encoded) }
        sourceRows = batch.rowRanges
    }

    /// Number of sources, and of the rows to begin with.
    public var sourceCount: Int { sourceRows.count }
    /// Number of tokens V that are scored.
    public var vocabularySize: Int { model.configuration.targetVocabularySize }
    /// The most tokens of a target, the one that starts it included.
    public var contextLength: Int { model.configuration.maximumPositions }

    /// Reads the beginning of each source's target, at least the token that starts it.
    ///
    /// - Throws: `.shapeMismatch` unless there is one for each source; `.emptyData`, `.tooLarge`, `.invalidOption`.
    public func read(_ prompts: [[Int32]]) throws -> (state: State, scores: Tensor<Float>) {
        guard prompts.count == sourceCount else {
            throw MarketingMLError(
                .shapeMismatch, "expected the beginnings of \(sourceCount) targets, found \(prompts.count)")
        }
        let batch = TokenBatch(rows: prompts)
        try batch.check("target", vocabularySize: vocabularySize, longest: contextLength)
        let heads = model.configuration.heads
        let state = State(
            sources: Array(0..<sourceCount),
            caches: batch.lengths.map {
                var cache = AttentionCache<Float>(
                    layers: model.decoder.count, heads: heads,
                    headSize: model.configuration.hiddenSize / heads)
                cache.extend(by: $0)
                return cache
            })
        let hidden = hidden(batch.ids, batch.positions, batch.rowOffsets, state) { queryKeyValue, _ in
            queryKeyValue.selfAttention(heads: heads, offsets: batch.rowOffsets, causal: true)
        }
        return (state, model.scores(hidden.rows(at: batch.rowRanges.map { $0.upperBound - 1 })))
    }

    /// Appends one token to each row and returns the scores [rows, V] of the next ones.
    ///
    /// - Throws: `.tooLarge` for a full row, `.invalidOption` for ids outside the vocabulary, `.shapeMismatch`.
    public func advance(_ state: inout State, by tokens: [Int32]) throws -> Tensor<Float> {
        guard tokens.count == state.rowCount else {
            throw MarketingMLError(
                .shapeMismatch, "expected one token for each of \(state.rowCount) rows, found \(tokens.count)"
            )
        }
        try TokenBatch(rows: tokens.map { [$0] })
            .check("target", vocabularySize: vocabularySize, longest: contextLength)
        guard state.caches.allSatisfy({ $0.count < contextLength }) else {
            throw MarketingMLError(.tooLarge, "a target is full: it holds \(contextLength) tokens")
        }
        let positions = state.caches.map { Int32($0.count) }
        for row in state.caches.indices { state.caches[row].extend(by: 1) }
        let caches = state.caches
        let hidden = hidden(tokens, positions, Array(0...tokens.count), state) { queryKeyValue, layer in
            queryKeyValue.attentionStep(layer: layer, heads: model.configuration.heads, over: caches)
        }
        return model.scores(hidden)
    }

    /// The last hidden states of new tokens, whose keys and values are stored in the caches.
    private func hidden(
        _ ids: [Int32], _ positions: [Int32], _ offsets: [Int], _ state: State,
        attend: (_ queryKeyValue: Tensor<Float>, _ layer: Int) -> Tensor<Float>
    ) -> Tensor<Float> {
        var none: DropoutStreams?
        var hidden = model.embedded(ids, positions: positions, dropout: &none)
        let keys = state.sources.map { sourceRows[$0] }
        let queries = zip(offsets, offsets.dropFirst()).map { $0..<$1 }
        for (index, layer) in model.decoder.enumerated() {
            hidden = layer(
                hidden, source: sources[index], queries: queries, keys: keys, model.configuration,
                dropout: &none
            ) { queryKeyValue, _ in
                queryKeyValue.storeKeysAndValues(
                    layer: index, heads: model.configuration.heads, offsets: offsets, in: state.caches)
                return attend(queryKeyValue, index)
            }
        }
        return model.decoderNorm?(hidden) ?? hidden
    }

    /// Targets as far as they are written.
    public struct State: DecodingState {
        /// The source of each row.
        fileprivate(set) var sources: [Int]
        fileprivate var caches: [AttentionCache<Float>]

        /// Number of rows.
        public var rowCount: Int { sources.count }
        /// Number of tokens that a row holds.
        public func length(ofRow row: Int) -> Int { caches[row].count }
        /// Rows in a new order, each still bound to its source.
        public mutating func select(rows: [Int]) {
            caches = rows.map { caches[$0] }
            sources = rows.map { sources[$0] }
        }
    }
}

extension TokenBatch {
    /// - Throws: `.emptyData` for no row or an empty one, `.tooLarge`, `.invalidOption` for ids outside the vocabulary.
    func check(_ what: String, vocabularySize: Int, longest: Int) throws {
        guard rowCount > 0, lengths.allSatisfy({ $0 > 0 }) else {
            throw MarketingMLError(.emptyData, "there is no \(what), or an empty one")
        }
        if let length = lengths.first(where: { $0 > longest }) {
            throw MarketingMLError(.tooLarge, "a \(what) has \(length) tokens, the model takes \(longest)")
        }
        if let id = ids.first(where: { $0 < 0 || Int($0) >= vocabularySize }) {
            throw MarketingMLError(
                .invalidOption, "the id \(id) of a \(what) is outside the vocabulary of \(vocabularySize)")
        }
    }
}
