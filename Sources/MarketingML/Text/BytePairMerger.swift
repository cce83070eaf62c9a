/// Applies the rules of a byte-pair encoding to one word after the other: always the pair of the smallest rank, of equal
/// ones the leftmost, until no rule fits.
///
/// It owns its memory, which is reused from word to word.
struct BytePairMerger: ~Copyable {
    /// A token of the word.
    struct Symbol {
        var id: Int32
        /// The first of its bytes in the word.
        var start: Int32
        /// The rule of this token with the next.
        var rule = BytePairMerges.Rule.none
        /// The neighbours, where the word is long; -1 at its edges.
        var previous: Int32 = -1
        var next: Int32 = -1
    }

    private var symbols: UnsafeMutablePointer<Symbol>
    private var capacity: Int
    /// The number of tokens that the word has, or is left with after `merge`.
    private(set) var count = 0
    private var queue = PairQueue()

    /// Above this number of tokens, searching all of them for the best pair costs more than keeping a heap.
    private static let shortWord = 48

    init() {
        capacity = 64
        symbols = .allocate(capacity: capacity)
    }

    deinit { symbols.deallocate() }

    /// Begins a new word.
    mutating func removeAll() { count = 0 }

    /// Appends a token of the word; `start` is its first byte.
    @inline(__always)
    mutating func append(_ id: Int32, at start: Int) {
        if count == capacity { grow() }
        symbols[count] = Symbol(id: id, start: Int32(truncatingIfNeeded: start))
        count &+= 1
    }

    /// A token of the word.
    @inline(__always)
    subscript(index: Int) -> Symbol {
        precondition(index < count)
        return symbols[index]
    }

    /// Merges until no rule fits.
    ///
    /// - Complexity: n² steps of a nanosecond for short words, n log n for long ones.
    mutating func merge(_ rules: BytePairMerges.Table) {
        guard count > 1 else { return }
        for index in 0..<count - 1 {
            symbols[index].rule = rules.rule(symbols[index].id, symbols[index + 1].id)
        }
        if count <= Self.shortWord { mergeShort(rules) } else { mergeLong(rules) }
    }

    private mutating func mergeShort(_ rules: BytePairMerges.Table) {
        while count > 1 {
            var best = 0
            var rank = symbols[0].rule.rank
            for index in 1..<count where symbols[index].rule.rank < rank {
                (best, rank) = (index, symbols[index].rule.rank)
            }
            if rank == .max { return }
            symbols[best].id = symbols[best].rule.id
            let following = count - best - 2
            if following > 0 {
                (symbols + best + 1).update(from: symbols + best + 2, count: following)
            }
            count -= 1
            symbols[best].rule = best + 1 < count ? rules.rule(symbols[best].id, symbols[best + 1].id) : .none
            if best > 0 { symbols[best - 1].rule = rules.rule(symbols[best - 1].id, symbols[best].id) }
        }
    }

    private mutating func mergeLong(_ rules: BytePairMerges.Table) {
        queue.removeAll()
        for index in 0..<count {
            symbols[index].previous = Int32(index) - 1
            symbols[index].next = index + 1 < count ? Int32(index) + 1 : -1
            queue.append(rank: symbols[index].rule.rank, position: index)
        }
        queue.order()
        while let (rank, position) = queue.pop() {
            // An entry whose token is gone, or has another rule by now, is out of date.
            let rule = symbols[position].rule
            guard rule.rank == rank, symbols[position].id >= 0 else { continue }
            let right = Int(symbols[position].next)
            let next = Int(symbols[right].next)
            symbols[position].id = rule.id
            symbols[position].next = Int32(next)
            symbols[right].id = -1
            if next >= 0 { symbols[next].previous = Int32(position) }
            let previous = Int(symbols[position].previous)
            if previous >= 0 { pair(previous, position, rules) }
            if next >= 0 { pair(position, next, rules) } else { symbols[position].rule = .none }
        }
        var kept = 0
        for index in 0..<count where symbols[index].id >= 0 {
            symbols[kept] = symbols[index]
            kept += 1
        }
        count = kept
    }

    /// Looks up the rule of two neighbours anew.
    private mutating func pair(_ left: Int, _ right: Int, _ rules: BytePairMerges.Table) {
        let rule = rules.rule(symbols[left].id, symbols[right].id)
        symbols[left].rule = rule
        if rule.rank < .max { queue.push(rank: rule.rank, position: left) }
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<Symbol>.allocate(capacity: 2 * capacity)
        larger.update(from: symbols, count: count)
        symbols.deallocate()
        (symbols, capacity) = (larger, 2 * capacity)
    }
}

/// A binary heap of places in a word: the smallest rank first, of equal ones the leftmost.
private struct PairQueue {
    /// Rank and position in one integer, which orders them.
    private var entries: [UInt64] = []

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    /// Adds an entry at the end; `order` follows.
    mutating func append(rank: Int32, position: Int) {
        if rank < .max { entries.append(Self.entry(rank, position)) }
    }

    /// Makes a heap of entries in any order.
    mutating func order() { entries.sort() }

    mutating func push(rank: Int32, position: Int) {
        let entry = Self.entry(rank, position)
        entries.append(entry)
        var child = entries.count - 1
        while child > 0, entry < entries[(child - 1) / 2] {
            entries[child] = entries[(child - 1) / 2]
            child = (child - 1) / 2
        }
        entries[child] = entry
    }

    mutating func pop() -> (rank: Int32, position: Int)? {
        guard let top = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty {
            var parent = 0
            while 2 * parent + 1 < entries.count {
                var child = 2 * parent + 1
                if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
                if last <= entries[child] { break }
                entries[parent] = entries[child]
                parent = child
            }
            entries[parent] = last
        }
        return (Int32(truncatingIfNeeded: top >> 32), Int(top & 0xFFFF_FFFF))
    }

    private static func entry(_ rank: Int32, _ position: Int) -> UInt64 {
        UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(truncatingIfNeeded: position))
    }
}
