import Tensor

/// Learns the merges of a byte-pair encoding: over and over, the most frequent pair of neighbouring tokens becomes one.
///
/// Of equally frequent pairs the one of the smallest ids goes first, so the result depends on the counts of words alone.
/// The order is that of the reference (Hugging Face's `BpeTrainer`), which takes pairs from a heap in which a pair may stand
/// more than once, each time with the words in which it newly appeared: a pair that two different merges bring about is
/// merged in two steps.
///
/// - Complexity: a merge takes time in proportion to the words that contain its pair.
struct BytePairTrainer {
    /// The vocabulary so far; tokens are numbers in it.
    private(set) var tokens: ByteTable
    /// The pairs that were joined, in order. One that was joined twice stands where it was last.
    var merges: [(left: Int32, right: Int32)] {
        var seen: Set<UInt64> = []
        return joined.reversed().filter { seen.insert($0).inserted }.reversed().map(Self.halves)
    }

    /// Left out of the second half of a pair: `##` of a WordPiece vocabulary.
    private let continuingPrefix: [UInt8]
    /// The words' tokens, one word after the other; a word shrinks at its end.
    private var symbols: [Int32]
    private var words: [Word] = []
    private var pairs = PairCounts()
    private var queue = Queue()
    private var joined: [UInt64] = []
    /// The words in which the pairs of one step newly appear.
    private var appearances: [[Int32]] = []
    private var touched: [Int32] = []

    private struct Word {
        var start: Int
        var count: Int
        var frequency: Int
    }

    /// Creates a trainer of words that are spelled in tokens.
    ///
    /// - Parameters:
    ///   - tokens: The vocabulary to begin with.
    ///   - words: The words, their frequencies, and a function that appends the tokens of a word.
    init(
        tokens: ByteTable, words counts: WordCounts, continuingPrefix: [UInt8] = [],
        spell: (ArraySlice<UInt8>, inout [Int32]) -> Void
    ) {
        self.tokens = tokens
        self.continuingPrefix = continuingPrefix
        symbols = []
        for (index, frequency) in counts.counts.enumerated() {
            let start = symbols.count
            spell(counts.words[index], &symbols)
            words.append(Word(start: start, count: symbols.count - start, frequency: frequency))
        }
        for (index, word) in words.enumerated() where word.count > 1 {
            for position in word.start..<word.start + word.count - 1 {
                change(symbols[position], symbols[position + 1], by: word.frequency, in: Int32(index))
            }
        }
        enqueueAppearances()
    }

    /// Learns merges until the vocabulary has a size, or no pair is frequent enough.
    ///
    /// - Throws: `CancellationError`.
    mutating func learn(vocabularySize: Int, minimumFrequency: Int, progress: ProgressHandler?) throws {
        let first = tokens.count
        var steps = 0
        while tokens.count < vocabularySize, merge(minimumFrequency: minimumFrequency) {
            steps += 1
            if steps % 256 != 0 { continue }
            try Task.checkCancellation()
            let event = ProgressEvent(
                phase: .training(epoch: 1, of: 1), step: tokens.count - first, total: vocabularySize - first)
            if progress?(event) == .stop { return }
        }
    }

    /// Joins the most frequent pair; false if none is frequent enough.
    private mutating func merge(minimumFrequency: Int) -> Bool {
        while var entry = queue.pop() {
            let count = pairs.counts[Int(pairs.index(entry.pair))]
            if count != entry.count {
                entry.count = count
                if count > 0 { queue.push(entry) } else { _ = queue.takeWords(entry) }
                continue
            }
            guard count >= max(1, minimumFrequency) else { return false }
            join(entry.pair, in: queue.takeWords(entry))
            return true
        }
        return false
    }

    private mutating func join(_ pair: UInt64, in wordIndices: [Int32]) {
        let (left, right) = Self.halves(pair)
        var second = tokens[Int(right)]
        if !continuingPrefix.isEmpty, second.starts(with: continuingPrefix) {
            second = second.dropFirst(continuingPrefix.count)
        }
        let token = Array(tokens[Int(left)] + second)
        let id = token.withUnsafeBufferPointer { tokens.insert($0) }
        joined.append(pair)
        for index in wordIndices { join(left, right, as: id, in: index) }
        enqueueAppearances()
    }

    private mutating func join(_ left: Int32, _ right: Int32, as id: Int32, in index: Int32) {
        let word = words[Int(index)]
        var read = word.start
        var write = word.start
        let end = word.start + word.count
        while read < end {
            guard symbols[read] == left, read + 1 < end, symbols[read + 1] == right else {
                symbols[write] = symbols[read]
                (read, write) = (read + 1, write + 1)
                continue
            }
            if write > word.start {
                change(symbols[write - 1], left, by: -word.frequency, in: index)
                change(symbols[write - 1], id, by: word.frequency, in: index)
            }
            if read + 2 < end {
                change(right, symbols[read + 2], by: -word.frequency, in: index)
                change(id, symbols[read + 2], by: word.frequency, in: index)
            }
            symbols[write] = id
            (read, write) = (read + 2, write + 1)
        }
        words[Int(index)].count = write - word.start
    }

    /// Counts a pair that appears in a word, or disappears from it.
    @inline(__always)
    private mutating func change(_ left: Int32, _ right: Int32, by frequency: Int, in word: Int32) {
        let index = Int(pairs.index(Self.pair(left, right)))
        pairs.counts[index] += frequency
        if frequency <= 0 { return }
        if index >= appearances.count {
            appearances += repeatElement([], count: index + 1 - appearances.count)
        }
        if appearances[index].isEmpty { touched.append(Int32(truncatingIfNeeded: index)) }
        if appearances[index].last != word { appearances[index].append(word) }
    }

    private mutating func enqueueAppearances() {
        for index in touched {
            var words: [Int32] = []
            swap(&words, &appearances[Int(index)])
            let count = pairs.counts[Int(index)]
            if count > 0 { queue.push(count: count, pair: pairs.keys[Int(index)], words: words) }
        }
        touched.removeAll(keepingCapacity: true)
    }

    private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    private static func halves(_ pair: UInt64) -> (left: Int32, right: Int32) {
        (Int32(truncatingIfNeeded: pair >> 32), Int32(truncatingIfNeeded: pair))
    }
}

/// Numbers pairs in the order of their first appearance, and counts them.
private struct PairCounts {
    private(set) var keys: [UInt64] = []
    var counts: [Int] = []
    private var slots = [Int32](repeating: -1, count: 1 << 12)

    /// The number of a pair, which is added if it is new.
    @inline(__always)
    mutating func index(_ pair: UInt64) -> Int32 {
        var place = Self.hash(pair) & (slots.count - 1)
        while slots[place] >= 0 {
            if keys[Int(slots[place])] == pair { return slots[place] }
            place = (place + 1) & (slots.count - 1)
        }
        slots[place] = Int32(keys.count)
        keys.append(pair)
        counts.append(0)
        if 2 * keys.count > slots.count { enlarge() }
        return Int32(keys.count - 1)
    }

    private mutating func enlarge() {
        slots = [Int32](repeating: -1, count: 4 * slots.count)
        for (index, key) in keys.enumerated() {
            var place = Self.hash(key) & (slots.count - 1)
            while slots[place] >= 0 { place = (place + 1) & (slots.count - 1) }
            slots[place] = Int32(index)
        }
    }

    private static func hash(_ pair: UInt64) -> Int {
        Int(truncatingIfNeeded: (pair &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }
}

/// A binary heap of pairs with the words to join them in: the most frequent first, of those the one with the smallest
/// ids, of those the oldest.
private struct Queue {
    struct Entry {
        var count: Int
        var pair: UInt64
        fileprivate var serial: Int
        fileprivate var place: Int

        fileprivate static func < (a: Entry, b: Entry) -> Bool {
            if a.count != b.count { return a.count > b.count }
            return a.pair != b.pair ? a.pair < b.pair : a.serial < b.serial
        }
    }

    private var entries: [Entry] = []
    /// The words of each entry, and which of these places are free.
    private var words: [[Int32]] = []
    private var free: [Int] = []
    private var serial = 0

    mutating func push(count: Int, pair: UInt64, words: [Int32]) {
        let place = free.popLast() ?? self.words.count
        if place == self.words.count { self.words.append(words) } else { self.words[place] = words }
        serial += 1
        push(Entry(count: count, pair: pair, serial: serial, place: place))
    }

    /// Puts back an entry that was taken.
    mutating func push(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0, entry < entries[(child - 1) / 2] {
            entries[child] = entries[(child - 1) / 2]
            child = (child - 1) / 2
        }
        entries[child] = entry
    }

    mutating func pop() -> Entry? {
        guard let top = entries.first, let last = entries.popLast() else { return nil }
        if entries.isEmpty { return top }
        var parent = 0
        while 2 * parent + 1 < entries.count {
            var child = 2 * parent + 1
            if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
            if !(entries[child] < last) { break }
            entries[parent] = entries[child]
            parent = child
        }
        entries[parent] = last
        return top
    }

    /// The words of an entry that was taken, which is then forgotten.
    mutating func takeWords(_ entry: Entry) -> [Int32] {
        var taken: [Int32] = []
        swap(&taken, &words[entry.place])
        free.append(entry.place)
        return taken
    }
}
