/// The tokens of words that were split before, for texts long enough to repeat them.
///
/// A word has one place; a new word takes it over. What the cache holds never changes a result.
struct WordCache: ~Copyable {
    /// The tokens of a word; with the key one cache line.
    struct Entry {
        fileprivate var low: UInt64 = 0
        fileprivate var high: UInt64 = 0
        fileprivate var length: UInt32 = 0
        private(set) var count: UInt32 = 0
        private var ids: (Int32, Int32, Int32, Int32, Int32, Int32, Int32, Int32, Int32, Int32) =
            (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

        /// The most tokens that an entry holds.
        static let capacity = 10

        fileprivate init() {}

        fileprivate init(_ key: Vocabulary.Key, _ merger: borrowing BytePairMerger) {
            (low, high, length) = (key.low, key.high, UInt32(key.length))
            count = UInt32(merger.count)
            withUnsafeMutableBytes(of: &ids) { ids in
                let ids = ids.assumingMemoryBound(to: Int32.self)
                for index in 0..<min(merger.count, Self.capacity) { ids[index] = merger[index].id }
            }
        }

        /// Calls `body` with each token.
        @inline(__always)
        func forEach(_ body: (Int32) -> Void) {
            withUnsafeBytes(of: ids) { ids in
                let ids = ids.assumingMemoryBound(to: Int32.self)
                for index in 0..<min(Int(count), Self.capacity) { body(ids[index]) }
            }
        }
    }

    private let entries: UnsafeMutablePointer<Entry>
    private static let size = 1 << 13

    init() {
        entries = .allocate(capacity: Self.size)
        entries.initialize(repeating: Entry(), count: Self.size)
    }

    deinit { entries.deallocate() }

    /// The tokens of a word; nil if it is not here.
    @inline(__always)
    func entry(_ key: Vocabulary.Key) -> Entry? {
        let entry = entries + Self.place(key)
        guard entry.pointee.low == key.low, entry.pointee.high == key.high,
            entry.pointee.length == UInt32(truncatingIfNeeded: key.length)
        else { return nil }
        return entry.pointee
    }

    /// Keeps the tokens of a word, unless they are too many.
    func insert(_ key: Vocabulary.Key, _ merger: borrowing BytePairMerger) {
        if merger.count <= Entry.capacity { entries[Self.place(key)] = Entry(key, merger) }
    }

    @inline(__always)
    private static func place(_ key: Vocabulary.Key) -> Int {
        Vocabulary.hash(key) & (size - 1)
    }
}
