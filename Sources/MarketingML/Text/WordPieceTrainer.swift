import Tensor

extension WordPieceTokenizer {
    /// Learns a vocabulary from texts: BERT's special tokens, all characters that occur, then pieces.
    ///
    /// From single characters on, the most frequent pair of neighbouring pieces becomes a piece of its own until
    /// the vocabulary is full or no pair is frequent enough: byte-pair merging, as the reference library trains
    /// WordPiece. Ties go to the pair of the smallest ids, so the result depends on the texts alone.
    ///
    /// - Parameters:
    ///   - texts: The corpus.
    ///   - vocabularySize: The most tokens that the vocabulary may have, special ones included.
    ///   - lowercase: Whether capitals and accents are dropped.
    ///   - minimumFrequency: How often a pair must occur to become a piece.
    /// - Throws: `emptyData` if the texts hold no word; `invalidOption` if the characters alone do not fit.
    /// - Complexity: a merge takes time in proportion to the words that contain its pair.
    public static func train(
        on texts: some Sequence<String>, vocabularySize: Int, lowercase: Bool = true,
        minimumFrequency: Int = 2
    ) throws -> WordPieceTokenizer {
        let normalizer = BertNormalizer(lowercase: lowercase)
        var counts: [String: Int] = [:]
        for text in texts {
            let text = normalizer.normalizedText(of: text)
            text.forEachWord(in: text.bytes.indices) { bytes, range, _ in
                let word = UnsafeBufferPointer(start: bytes + range.lowerBound, count: range.count)
                counts[String(decoding: word, as: UTF8.self), default: 0] += 1
                return true
            }
        }
        guard !counts.isEmpty else {
            throw MarketingMLError(.emptyData, "the texts hold no words to learn a vocabulary from")
        }
        var trainer = WordPieceTrainer(counts, special: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
        guard trainer.tokens.count <= vocabularySize else {
            throw MarketingMLError(
                .invalidOption,
                "must be at least \(trainer.tokens.count) to hold all characters, is \(vocabularySize)",
                at: .init(name: "vocabularySize"))
        }
        while trainer.tokens.count < vocabularySize, trainer.merge(minimumFrequency: minimumFrequency) {}
        return try WordPieceTokenizer(vocabulary: trainer.tokens, lowercase: lowercase)
    }
}

/// The state of training: the corpus as words of pieces, and how often which pieces stand side by side.
private struct WordPieceTrainer {
    private struct Pair: Hashable {
        var left: Int
        var right: Int
    }

    /// The vocabulary so far; pieces are indices in it.
    private(set) var tokens: [String]
    private var ids: [String: Int]
    private var words: [(pieces: [Int], count: Int)] = []
    private var pairCounts: [Pair: Int] = [:]
    /// The words in which a pair has been seen; it may have left them since.
    private var occurrences: [Pair: Set<Int>] = [:]
    private var queue = Queue()

    init(_ counts: [String: Int], special: [String]) {
        tokens = special
        let sorted = counts.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        let characters = Set(sorted.flatMap(\.key.unicodeScalars)).sorted()
        let continuing = Set(sorted.flatMap { $0.key.unicodeScalars.dropFirst() }).sorted()
        tokens += characters.map { String($0) } + continuing.map { "##" + String($0) }
        ids = Dictionary(zip(tokens, tokens.indices), uniquingKeysWith: { first, _ in first })
        for (word, count) in sorted {
            let pieces = word.unicodeScalars.enumerated().compactMap { index, scalar in
                ids[index == 0 ? String(scalar) : "##" + String(scalar)]
            }
            words.append((pieces, count))
            addPairs(ofWord: words.count - 1, sign: 1)
        }
        for (pair, count) in pairCounts {
            queue.push(.init(count: count, left: pair.left, right: pair.right))
        }
    }

    /// Makes the most frequent pair a piece; false if none is frequent enough.
    mutating func merge(minimumFrequency: Int) -> Bool {
        while let top = queue.pop() {
            let pair = Pair(left: top.left, right: top.right)
            let count = pairCounts[pair] ?? 0
            guard count >= max(1, minimumFrequency) else { continue }
            if count < top.count {
                queue.push(.init(count: count, left: pair.left, right: pair.right))
                continue
            }
            merge(pair)
            return true
        }
        return false
    }

    private mutating func merge(_ pair: Pair) {
        let right = tokens[pair.right]
        let token = tokens[pair.left] + (right.hasPrefix("##") ? String(right.dropFirst(2)) : right)
        let id = ids[token] ?? tokens.count
        if id == tokens.count {
            tokens.append(token)
            ids[token] = id
        }
        var touched: Set<Pair> = []
        for word in occurrences.removeValue(forKey: pair) ?? [] {
            addPairs(ofWord: word, sign: -1)
            let old = words[word].pieces
            var new: [Int] = []
            var index = 0
            while index < old.count {
                if index + 1 < old.count, old[index] == pair.left, old[index + 1] == pair.right {
                    new.append(id)
                    index += 2
                } else {
                    new.append(old[index])
                    index += 1
                }
            }
            words[word].pieces = new
            addPairs(ofWord: word, sign: 1)
            for (left, right) in zip(new, new.dropFirst()) where left == id || right == id {
                touched.insert(Pair(left: left, right: right))
            }
        }
        for pair in touched {
            queue.push(.init(count: pairCounts[pair] ?? 0, left: pair.left, right: pair.right))
        }
    }

    private mutating func addPairs(ofWord word: Int, sign: Int) {
        let (pieces, count) = words[word]
        for (left, right) in zip(pieces, pieces.dropFirst()) {
            let pair = Pair(left: left, right: right)
            pairCounts[pair, default: 0] += sign * count
            if sign > 0 { occurrences[pair, default: []].insert(word) }
        }
    }
}

/// A binary heap of pairs, the most frequent first, of those the one with the smallest ids.
private struct Queue {
    struct Entry: Comparable {
        var count: Int
        var left: Int
        var right: Int

        static func < (a: Entry, b: Entry) -> Bool {
            (-a.count, a.left, a.right) < (-b.count, b.left, b.right)
        }
    }

    private var entries: [Entry] = []

    mutating func push(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0, entries[child] < entries[(child - 1) / 2] {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Entry? {
        guard let top = entries.first else { return nil }
        let last = entries.removeLast()
        if entries.isEmpty { return top }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child] < entries[least] { least = child }
            }
            if least == parent { return top }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
