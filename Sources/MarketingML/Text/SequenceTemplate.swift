/// How special tokens are put around a text, or around a pair of texts.
struct SequenceTemplate: Sendable, Equatable {
    enum Piece: Sendable, Equatable {
        /// Special tokens.
        case special(ids: [Int32], type: Int32)
        /// The text, or of a pair the first (0) or second (1).
        case sequence(Int, type: Int32)
    }

    var single: [Piece] = [.sequence(0, type: 0)]
    var pair: [Piece] = [.sequence(0, type: 0), .sequence(1, type: 1)]

    /// The template of BERT: `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`.
    static func bert(cls: Int32, sep: Int32) -> SequenceTemplate {
        let first: [Piece] = [
            .special(ids: [cls], type: 0), .sequence(0, type: 0), .special(ids: [sep], type: 0),
        ]
        return SequenceTemplate(
            single: first, pair: first + [.sequence(1, type: 1), .special(ids: [sep], type: 1)])
    }

    /// The template of RoBERTa: `<s> A </s>` and `<s> A </s></s> B </s>`, all of segment 0.
    static func roberta(cls: Int32, sep: Int32) -> SequenceTemplate {
        let first: [Piece] = [
            .special(ids: [cls], type: 0), .sequence(0, type: 0), .special(ids: [sep], type: 0),
        ]
        let second: [Piece] = [
            .special(ids: [sep], type: 0), .sequence(1, type: 0), .special(ids: [sep], type: 0),
        ]
        return SequenceTemplate(single: first, pair: first + second)
    }

    /// The greatest id of a special token; -1 if there are none.
    var greatestID: Int32 {
        (single + pair).reduce(-1) { greatest, piece in
            if case .special(let ids, _) = piece { ids.reduce(greatest, max) } else { greatest }
        }
    }

    /// The greatest segment in one of the two lists.
    static func greatestType(_ pieces: [Piece]) -> Int32 {
        pieces.reduce(0) { greatest, piece in
            switch piece {
            case .special(_, let type), .sequence(_, let type): max(greatest, type)
            }
        }
    }

    /// The number of special tokens in one of the two lists.
    static func addedCount(_ pieces: [Piece]) -> Int {
        pieces.reduce(0) { count, piece in
            if case .special(let ids, _) = piece { count + ids.count } else { count }
        }
    }
}

/// How much of a text that is too long is kept. The end is cut off.
public struct Truncation: Sendable, Equatable {
    /// Which text of a pair is shortened.
    public enum Strategy: String, Sendable {
        /// The longer one until both are equally long, then both.
        case longestFirst = "LongestFirst"
        /// The first one.
        case onlyFirst = "OnlyFirst"
        /// The second one.
        case onlySecond = "OnlySecond"
    }

    /// The greatest number of tokens, special tokens included.
    public var maxLength: Int
    /// Which text of a pair is shortened. Where that text alone is too short, or there is only one text, it is
    /// `longestFirst` that is applied.
    public var strategy: Strategy

    /// Creates a limit.
    public init(maxLength: Int, strategy: Strategy = .longestFirst) {
        self.maxLength = maxLength
        self.strategy = strategy
    }

    /// The number of tokens to keep beside `added` special tokens.
    func room(added: Int) -> Int { max(0, max(0, maxLength) - added) }

    /// The numbers of tokens to keep of a pair's texts beside `added` special tokens.
    func lengths(_ first: Int, _ second: Int, added: Int) -> (Int, Int) {
        let limit = room(added: added)
        let excess = first + second - limit
        if excess <= 0 { return (first, second) }
        switch strategy {
        case .onlyFirst where first > excess: return (first - excess, second)
        case .onlySecond where second > excess: return (first, second - excess)
        default: break
        }
        var shorter = min(first, second)
        var longer = shorter > limit ? shorter : max(shorter, limit - shorter)
        if shorter + longer > limit {
            shorter = limit / 2
            longer = shorter + limit % 2
        }
        return first > second ? (longer, shorter) : (shorter, longer)
    }
}
