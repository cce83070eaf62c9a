import Tensor

/// A token that is recognised in text as a whole, before words are split: `[SEP]`, `[MASK]`, a user's own.
struct AddedToken: Sendable, Equatable {
    var id: Int32 = 0
    var content = ""
    /// Not shown when ids are decoded.
    var isSpecial = false
    /// Matches only where no letter or digit touches it.
    var singleWord = false
    /// Takes the white space on its left along.
    var stripsLeft = false
    /// Takes the white space on its right along.
    var stripsRight = false
    /// Matches in normalised text instead of the original.
    var isNormalized = false
}

/// Finds added tokens in text: the leftmost one, of those the longest.
struct AddedTokenMatcher: Sendable {
    /// An added token in a text.
    struct Match {
        var token: AddedToken
        /// Its bytes, with the white space it strips.
        var range: Range<Int>
    }

    private let tokens: [AddedToken]
    /// A trie over the tokens' bytes: from a node (shifted by 8) and a byte to a node.
    private var transitions: [Int: Int] = [:]
    /// For each node the index of the token that ends there, or -1.
    private var tokenAtNode = [-1]
    /// The bytes that begin a token.
    private var isFirstByte = [Bool](repeating: false, count: 256)
    /// The only byte that begins a token, if there is only one: the usual `[`.
    private var onlyFirstByte: UInt8?

    /// Creates a matcher of tokens by the texts under which they are found; nil if there are none.
    ///
    /// - Throws: `malformedFile` if two tokens have the same text, or one has none.
    init?(_ tokens: [(pattern: [UInt8], token: AddedToken)], file: String?) throws {
        guard !tokens.isEmpty else { return nil }
        self.tokens = tokens.map(\.token)
        for (index, (pattern, token)) in tokens.enumerated() {
            var node = 0
            for byte in pattern {
                let edge = node << 8 | Int(byte)
                if transitions[edge] == nil {
                    transitions[edge] = tokenAtNode.count
                    tokenAtNode.append(-1)
                }
                node = transitions[edge] ?? 0
            }
            guard let first = pattern.first, tokenAtNode[node] < 0 else {
                throw MarketingMLError(
                    .malformedFile,
                    "the added token \"\(token.content)\" is empty or the same as another one",
                    at: .init(file: file, name: "added_tokens"))
            }
            tokenAtNode[node] = index
            isFirstByte[Int(first)] = true
        }
        let firsts = isFirstByte.indices.filter { isFirstByte[$0] }
        onlyFirstByte = firsts.count == 1 ? UInt8(firsts[0]) : nil
    }

    /// Calls `body` with the matches in order, and with the stretches of text between them as ranges.
    ///
    /// `body` returns false to end the search.
    func split(
        _ text: UnsafeBufferPointer<UInt8>, _ body: (_ plain: Range<Int>, _ match: Match?) -> Bool
    ) {
        guard let bytes = text.baseAddress else { return }
        var covered = 0
        var position = 0
        while let (start, end, index) = nextMatch(bytes, from: position, end: text.count) {
            position = end
            // The spaces behind the last token may have been this one.
            guard end > covered else { continue }
            let token = tokens[index]
            if token.singleWord,
                endsWithWord(bytes, at: start) || startsWithWord(bytes, at: end, end: text.count)
            {
                continue
            }
            var range = start..<end
            if token.stripsLeft { range = max(covered, skipSpace(bytes, before: start))..<end }
            if token.stripsRight {
                range = range.lowerBound..<skipSpace(bytes, after: end, end: text.count)
            }
            let plain = covered..<max(covered, range.lowerBound)
            covered = range.upperBound
            guard body(plain, Match(token: token, range: range)) else { return }
        }
        if covered < text.count { _ = body(covered..<text.count, nil) }
    }

    private func nextMatch(
        _ bytes: UnsafePointer<UInt8>, from start: Int, end: Int
    ) -> (start: Int, end: Int, token: Int)? {
        var position = start
        while position < end {
            if let onlyFirstByte {
                position = find(onlyFirstByte, in: bytes, from: position, end: end)
            } else {
                while position < end, !isFirstByte[Int(bytes[position])] { position += 1 }
            }
            var node = 0
            var found: (Int, Int, Int)?
            var next = position
            while next < end, let child = transitions[node << 8 | Int(bytes[next])] {
                (node, next) = (child, next + 1)
                if tokenAtNode[node] >= 0 { found = (position, next, tokenAtNode[node]) }
            }
            if let found { return found }
            position += 1
        }
        return nil
    }

    /// The first place of a byte, eight at a time; `end` if there is none.
    private func find(_ byte: UInt8, in bytes: UnsafePointer<UInt8>, from start: Int, end: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let pattern = ones &* UInt64(byte)
        let raw = UnsafeRawPointer(bytes)
        var position = start
        while position + 8 <= end {
            let difference =
                UInt64(
                    littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ pattern
            let zeros = (difference &- ones) & ~difference & (ones << 7)
            if zeros != 0 { return position + zeros.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < end, bytes[position] != byte { position += 1 }
        return position
    }
}

// MARK: - Neighbours

extension AddedTokenMatcher {
    private func endsWithWord(_ bytes: UnsafePointer<UInt8>, at position: Int) -> Bool {
        guard let previous = scalar(bytes, before: position) else { return false }
        return UnicodeProperties.isWordCharacter(previous.scalar)
    }

    private func startsWithWord(_ bytes: UnsafePointer<UInt8>, at position: Int, end: Int) -> Bool {
        position < end
            && UnicodeProperties.isWordCharacter(decodeScalar(bytes, at: position, end: end).scalar)
    }

    private func skipSpace(_ bytes: UnsafePointer<UInt8>, before position: Int) -> Int {
        var position = position
        while let previous = scalar(bytes, before: position),
            UnicodeProperties.shared.entry(previous.scalar).isWhitespace
        {
            position -= previous.length
        }
        return position
    }

    private func skipSpace(_ bytes: UnsafePointer<UInt8>, after position: Int, end: Int) -> Int {
        var position = position
        while position < end {
            let (scalar, length) = decodeScalar(bytes, at: position, end: end)
            guard UnicodeProperties.shared.entry(scalar).isWhitespace else { break }
            position += length
        }
        return position
    }

    /// The scalar that ends at `position`; nil at the beginning of the text.
    private func scalar(
        _ bytes: UnsafePointer<UInt8>, before position: Int
    ) -> (scalar: UInt32, length: Int)? {
        guard position > 0 else { return nil }
        for length in stride(from: min(4, position), to: 1, by: -1) {
            let decoded = decodeScalar(bytes, at: position - length, end: position)
            if decoded.length == length { return decoded }
        }
        return decodeScalar(bytes, at: position - 1, end: position)
    }
}
