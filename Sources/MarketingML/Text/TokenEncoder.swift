/// Turns texts into tokens: the working state of one encoding, or of a batch.
protocol TokenEncoder: ~Copyable {
    /// The tokens so far.
    var tokens: TokenBuffer { get set }
    /// Appends the tokens of a text, without special tokens around it; may stop once `limit` tokens are reached.
    mutating func encode(_ text: UnsafeBufferPointer<UInt8>, limit: Int)
}

extension SequenceTemplate {
    /// Appends a text with its special tokens, cut to the limit, and returns the positions of its own tokens.
    func append<Encoder: TokenEncoder & ~Copyable>(
        _ text: UnsafeBufferPointer<UInt8>, _ truncation: Truncation?, addSpecialTokens: Bool,
        to encoder: inout Encoder, types: inout [Int32]
    ) -> Range<Int> {
        let added = addSpecialTokens ? Self.addedCount(single) : 0
        let limit = truncation.map { $0.room(added: added) } ?? .max
        var own = 0..<0
        for piece in single {
            let start = encoder.tokens.count
            let pieceType: Int32
            switch piece {
            case .special(let ids, let type):
                guard addSpecialTokens else { continue }
                for id in ids { encoder.tokens.append(id, 0, 0) }
                pieceType = type
            case .sequence(_, let type):
                encoder.encode(text, limit: limit)
                if encoder.tokens.count - start > limit { encoder.tokens.removeAll(from: start + limit) }
                own = start..<encoder.tokens.count
                pieceType = type
            }
            types.append(contentsOf: repeatElement(pieceType, count: encoder.tokens.count - start))
        }
        return own
    }

    /// The tokens of a text, with special tokens around it.
    func encode<Encoder: TokenEncoder & ~Copyable>(
        _ text: UnsafeBufferPointer<UInt8>, _ truncation: Truncation?, addSpecialTokens: Bool,
        with encoder: consuming Encoder
    ) -> Encoding {
        var types: [Int32] = []
        let own = append(text, truncation, addSpecialTokens: addSpecialTokens, to: &encoder, types: &types)
        return Encoding(
            ids: Array(encoder.tokens.idBuffer), typeIDs: types, offsets: Array(encoder.tokens.offsetBuffer),
            first: own)
    }

    /// The tokens of a pair of texts, with special tokens around them.
    func encodePair<Encoder: TokenEncoder & ~Copyable>(
        _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>, _ truncation: Truncation?,
        addSpecialTokens: Bool, with makeEncoder: (_ capacity: Int) -> Encoder
    ) -> Encoding {
        let added = addSpecialTokens ? Self.addedCount(pair) : 0
        // The split of the room between two long texts depends on their whole lengths.
        var firstEncoder = makeEncoder(first.count / 3 + 8)
        var secondEncoder = makeEncoder(second.count / 3 + 8)
        firstEncoder.encode(first, limit: .max)
        secondEncoder.encode(second, limit: .max)
        if let truncation {
            let lengths = truncation.lengths(
                firstEncoder.tokens.count, secondEncoder.tokens.count, added: added)
            firstEncoder.tokens.removeAll(from: lengths.0)
            secondEncoder.tokens.removeAll(from: lengths.1)
        }
        var result = Encoding(ids: [], typeIDs: [], offsets: [])
        for piece in pair {
            switch piece {
            case .special(let ids, let type):
                guard addSpecialTokens else { continue }
                result.ids += ids
                result.offsets += repeatElement(ByteRange(start: 0, end: 0), count: ids.count)
                result.typeIDs += repeatElement(type, count: ids.count)
            case .sequence(0, let type): result.first = result.append(firstEncoder.tokens, type: type)
            case .sequence(_, let type): result.second = result.append(secondEncoder.tokens, type: type)
            }
        }
        return result
    }
}

extension Encoding {
    /// Appends the tokens of a text and returns their positions.
    fileprivate mutating func append(_ tokens: borrowing TokenBuffer, type: Int32) -> Range<Int> {
        let start = ids.count
        ids.append(contentsOf: tokens.idBuffer)
        offsets.append(contentsOf: tokens.offsetBuffer)
        typeIDs.append(contentsOf: repeatElement(type, count: tokens.count))
        return start..<ids.count
    }
}
