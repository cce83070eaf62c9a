import Tensor

/// What SentencePiece-style tokenizers do to a text before they look for tokens: spaces become letters of the
/// vocabulary, usually `▁`, and one is put in front.
struct SentencePieceText: Sendable {
    /// A step of the normaliser.
    enum Step: Sendable {
        case prepend([UInt8])
        case replace([UInt8], by: [UInt8])
    }

    /// When the pre-tokenizer puts a space in front of a text.
    enum Prefix: String, Sendable {
        case always, never
        /// Only where the text begins, not behind added tokens.
        case first
    }

    /// The pre-tokenizer.
    struct Metaspace: Sendable {
        var space: [UInt8]
        var prefix: Prefix
        /// Whether words are split, each with the space in front of it.
        var splits: Bool
    }

    var steps: [Step] = []
    var metaspace: Metaspace?

    /// The text of a range of the original.
    func normalized(_ text: UnsafePointer<UInt8>, _ range: Range<Int>) -> NormalizedText {
        var result = NormalizedText()
        var position = range.lowerBound
        while position < range.upperBound {
            let (scalar, length) = decodeScalar(text, at: position, end: range.upperBound)
            result.append(scalar, from: position..<position + length)
            position += length
        }
        for step in steps {
            switch step {
            case .prepend(let bytes): result = result.prepending(bytes)
            case .replace(let pattern, let bytes): result = result.replacing(pattern, by: bytes)
            }
        }
        return result
    }

    /// The bytes of a token's text after normalisation.
    func normalized(_ text: String) -> [UInt8] {
        Array(text.utf8).withUnsafeBufferPointer { text in
            text.baseAddress.map { normalized($0, 0..<text.count).bytes } ?? []
        }
    }

    /// Calls `body` with the words of normalised text: the text, and where the word stands in it.
    func forEachWord(in text: NormalizedText, _ body: (NormalizedText, Range<Int>) -> Bool) -> Bool {
        guard let metaspace, !text.bytes.isEmpty else {
            return text.bytes.isEmpty || body(text, text.bytes.indices)
        }
        var text = text.replacing([UInt8(ascii: " ")], by: metaspace.space)
        let begins = metaspace.prefix == .always || metaspace.prefix == .first && text.starts.first == 0
        if begins, !text.bytes.starts(with: metaspace.space) { text = text.prepending(metaspace.space) }
        guard metaspace.splits else { return body(text, text.bytes.indices) }
        var start = 0
        for position in text.bytes.indices.dropFirst()
        where text.bytes[position...].starts(with: metaspace.space) {
            if !body(text, start..<position) { return false }
            start = position
        }
        return body(text, start..<text.bytes.count)
    }
}

extension NormalizedText {
    /// The text with bytes in front that stand where its first character stands; empty text stays empty.
    fileprivate func prepending(_ prefix: [UInt8]) -> NormalizedText {
        guard let start = starts.first, let end = ends.first else { return self }
        return NormalizedText(
            bytes: prefix + bytes, starts: [Int](repeating: start, count: prefix.count) + starts,
            ends: [Int](repeating: end, count: prefix.count) + ends)
    }

    /// The text with every occurrence of a pattern replaced.
    fileprivate func replacing(_ pattern: [UInt8], by replacement: [UInt8]) -> NormalizedText {
        guard let first = pattern.first, bytes.contains(first) else { return self }
        var result = NormalizedText()
        var position = 0
        while position < bytes.count {
            if bytes[position] == first, bytes[position...].starts(with: pattern) {
                let end = position + pattern.count
                result.bytes += replacement
                result.starts += repeatElement(starts[position], count: replacement.count)
                result.ends += repeatElement(ends[end - 1], count: replacement.count)
                position = end
            } else {
                result.bytes.append(bytes[position])
                result.starts.append(starts[position])
                result.ends.append(ends[position])
                position += 1
            }
        }
        return result
    }
}
