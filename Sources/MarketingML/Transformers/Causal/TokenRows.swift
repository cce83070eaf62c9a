/// Rows of token ids to learn from or to measure on, and which of their tokens count.
public struct TokenRows: Sendable, Equatable {
    /// The ids of each row, in order.
    public var ids: [[Int32]]
    /// For each row and token, whether it is to be predicted: false for what is given, as the attributes that a text
    /// is written for. nil: all are. A row's first token is never predicted.
    public var counted: [[Bool]]?

    /// Creates rows.
    public init(_ ids: [[Int32]], counted: [[Bool]]? = nil) {
        self.ids = ids
        self.counted = counted
    }

    /// Texts as rows, each between the given tokens: usually the model's start and end tokens.
    public init(texts: [String], tokenizer: any TextTokenizer, start: Int32? = nil, end: Int32? = nil) {
        let (head, tail) = (start.map { [$0] } ?? [], end.map { [$0] } ?? [])
        self.init(
            parallelMap(texts.count) { head + tokenizer.ids(of: texts[$0]) + tail })
    }
}

/// Token rows cut to the context: what goes in, and the token that follows each, -1 where it does not count.
struct NextTokenBatch {
    var inputs = TokenBatch()
    var targets: [Int32] = []

    /// A row longer than the context is cut into pieces, so that each of its tokens is predicted once.
    ///
    /// - Throws: `.shapeMismatch` for masks that do not fit; `.invalidOption` for an id outside the vocabulary;
    ///   `.emptyData` when nothing is left to predict.
    init(_ rows: TokenRows, configuration: CausalConfiguration, what: String) throws {
        let limit = Int32(clamping: configuration.vocabularySize)
        if let counted = rows.counted, counted.map(\.count) != rows.ids.map(\.count) {
            throw MarketingMLError(
                .shapeMismatch, "\(what): expected a mark for each token of each row",
                at: .init(name: "counted"))
        }
        for (index, ids) in rows.ids.enumerated() {
            if let bad = ids.first(where: { $0 < 0 || $0 >= limit }) {
                throw MarketingMLError(
                    .invalidOption, "\(what): the token id \(bad) is outside of 0 ..< \(limit)",
                    at: .init(row: index + 1, name: "tokens"))
            }
            var next = ids.dropFirst().map { $0 }
            if let counted = rows.counted?[index] {
                for place in next.indices where !counted[place + 1] { next[place] = -1 }
            }
            for start in stride(from: 0, to: next.count, by: configuration.contextLength) {
                let end = min(next.count, start + configuration.contextLength)
                guard next[start..<end].contains(where: { $0 >= 0 }) else { continue }
                inputs.append(Array(ids[start..<end]))
                targets += next[start..<end]
            }
        }
        guard inputs.rowCount > 0 else {
            throw MarketingMLError(.emptyData, "\(what): expected rows with a token to predict, found none")
        }
    }

    /// The targets of some rows, one behind the other.
    func targets(ofRows rows: some Sequence<Int>) -> [Int32] {
        rows.flatMap { targets[inputs.rowOffsets[$0]..<inputs.rowOffsets[$0 + 1]] }
    }
}
