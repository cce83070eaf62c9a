/// A growing list of token ids and their places in the text.
///
/// It owns its memory, so that the inner loop appends with one comparison and two stores.
struct TokenBuffer: ~Copyable {
    private(set) var count = 0
    private var capacity: Int
    private var ids: UnsafeMutablePointer<Int32>
    private var offsets: UnsafeMutablePointer<ByteRange>

    init(capacity: Int) {
        self.capacity = max(capacity, 16)
        ids = .allocate(capacity: self.capacity)
        offsets = .allocate(capacity: self.capacity)
    }

    deinit {
        ids.deallocate()
        offsets.deallocate()
    }

    /// The ids, to be copied at once.
    var idBuffer: UnsafeBufferPointer<Int32> { UnsafeBufferPointer(start: ids, count: count) }
    /// The places, to be copied at once.
    var offsetBuffer: UnsafeBufferPointer<ByteRange> { UnsafeBufferPointer(start: offsets, count: count) }

    /// Appends a token; positions beyond `Int32` stay at its greatest value.
    @inline(__always)
    mutating func append(_ id: Int32, _ start: Int, _ end: Int) {
        if count == capacity { grow() }
        ids[count] = id
        offsets[count] = Self.range(start, end)
        count &+= 1
    }

    /// The place of a token.
    func offset(_ index: Int) -> ByteRange {
        precondition(index < count)
        return offsets[index]
    }

    /// Changes the place of a token.
    mutating func setOffset(_ index: Int, _ start: Int, _ end: Int) {
        precondition(index < count)
        offsets[index] = Self.range(start, end)
    }

    /// Forgets the tokens from `index` on and keeps the room.
    mutating func removeAll(from index: Int = 0) {
        count = min(count, max(0, index))
    }

    @inline(__always)
    private static func range(_ start: Int, _ end: Int) -> ByteRange {
        ByteRange(
            start: Int32(truncatingIfNeeded: min(start, Int(Int32.max))),
            end: Int32(truncatingIfNeeded: min(end, Int(Int32.max))))
    }

    @inline(never)
    private mutating func grow() {
        let newIDs = UnsafeMutablePointer<Int32>.allocate(capacity: 2 * capacity)
        let newOffsets = UnsafeMutablePointer<ByteRange>.allocate(capacity: 2 * capacity)
        newIDs.update(from: ids, count: count)
        newOffsets.update(from: offsets, count: count)
        ids.deallocate()
        offsets.deallocate()
        (ids, offsets, capacity) = (newIDs, newOffsets, 2 * capacity)
    }
}
