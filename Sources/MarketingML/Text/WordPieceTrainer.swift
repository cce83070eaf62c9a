import Tensor

extension WordPieceTokenizer {
    /// Learns a vocabulary from texts: BERT's special tokens, all characters that occur, then pieces.
    ///
    /// From single characters on, the most frequent pair of neighbouring pieces becomes a piece of its own until the
    /// vocabulary is full or no pair occurs twice (byte-pair merging, as the reference library trains WordPiece).
    /// Ties go to the pair that comes first in the alphabet, so the result depends on the texts alone.
    ///
    /// - Parameters:
    ///   - texts: The corpus.
    ///   - vocabularySize: The most tokens that the vocabulary may have, special ones included.
    ///   - lowercase: Whether capitals and accents are dropped.
    /// - Throws: `.emptyData` if the texts hold no word; `.invalidOption` if the characters alone do not fit.
    /// - Complexity: O(merges · distinct words): for corpora of up to some ten thousand distinct words.
    public static func train(
        on texts: some Sequence<String>, vocabularySize: Int, lowercase: Bool = true
    ) throws -> WordPieceTokenizer {
        var counts: [String: Int] = [:]
        let normalizer = BertNormalizer(lowercase: lowercase)
        for text in texts {
            for word in words(in: String(decoding: normalizer.normalize(text), as: UTF8.self)) { counts[word, default: 0] += 1 }
        }
        guard !counts.isEmpty else { throw MarketingMLError(.emptyData, "the texts hold no words to learn a vocabulary from") }
        var corpus = counts.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { word, count in
            (pieces: word.unicodeScalars.enumerated().map { Piece(text: String($1), continues: $0 > 0) }, count: count)
        }
        var vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        vocabulary += Set(corpus.flatMap(\.pieces)).map(\.token).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        guard vocabulary.count <= vocabularySize else {
            throw MarketingMLError(
                .invalidOption, "must be at least \(vocabulary.count) to hold all characters, is \(vocabularySize)",
                at: .init(name: "vocabularySize"))
        }
        while vocabulary.count < vocabularySize {
            var pairs: [Pair: Int] = [:]
            for word in corpus {
                for (left, right) in zip(word.pieces, word.pieces.dropFirst()) {
                    pairs[Pair(left: left, right: right), default: 0] += word.count
                }
            }
            guard let best = pairs.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }), best.value > 1 else { break }
            let merged = best.key.merged
            vocabulary.append(merged.token)
            for index in corpus.indices { corpus[index].pieces.merge(best.key, into: merged) }
        }
        return try WordPieceTokenizer(vocabulary: vocabulary, lowercase: lowercase)
    }

    /// Words and punctuation characters of normalised text.
    private static func words(in text: String) -> [String] {
        let properties = UnicodeProperties.shared
        var words: [String] = []
        var word = String.UnicodeScalarView()
        func finish() {
            if !word.isEmpty { words.append(String(word)) }
            word = String.UnicodeScalarView()
        }
        for scalar in text.unicodeScalars {
            let entry = properties.entry(scalar.value)
            if entry.isWhitespace || entry.isPunctuation {
                finish()
                if entry.isPunctuation { words.append(String(scalar)) }
            } else {
                word.append(scalar)
            }
        }
        finish()
        return words
    }
}

/// Part of a word; `continues` when something stands before it.
private struct Piece: Hashable {
    var text: String
    var continues: Bool

    var token: String { continues ? "##" + text : text }
}

private struct Pair: Hashable, Comparable {
    let left: Piece
    let right: Piece

    var merged: Piece { Piece(text: left.text + right.text, continues: left.continues) }

    static func < (a: Pair, b: Pair) -> Bool { (a.left.token, a.right.token) < (b.left.token, b.right.token) }
}

extension [Piece] {
    /// Replaces every occurrence of the pair, from the left.
    fileprivate mutating func merge(_ pair: Pair, into merged: Piece) {
        var index = 0
        while index + 1 < count {
            if self[index] == pair.left && self[index + 1] == pair.right {
                self[index] = merged
                remove(at: index + 1)
            }
            index += 1
        }
    }
}
