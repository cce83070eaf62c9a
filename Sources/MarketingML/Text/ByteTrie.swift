/// A set of byte strings in which all that begin a text are found in one walk.
struct ByteTrie: Sendable {
    private struct Slot {
        /// The node, shifted by 8, and the byte that leads on; -1 if the slot is free.
        var edge: Int64 = -1
        var child: Int32 = 0
    }

    /// Open addressing over the edges, at most half of which are taken.
    private var slots = [Slot](repeating: Slot(), count: 64)
    /// The value of the string that ends at each node; -1 if none does.
    private var values: [Int32] = [-1]

    /// Adds a string with a value from 0 on; of equal strings the last one counts.
    mutating func insert(_ string: some Sequence<UInt8>, value: Int32) {
        var node: Int32 = 0
        for byte in string {
            let edge = Self.edge(node, byte)
            let place = place(edge)
            if slots[place].edge < 0 {
                slots[place] = Slot(edge: edge, child: Int32(values.count))
                values.append(-1)
                node = Int32(values.count - 1)
                if 2 * values.count > slots.count { enlarge() }
            } else {
                node = slots[place].child
            }
        }
        values[Int(node)] = value
    }

    /// Calls `body` with the length and the value of each string that begins `text`, the shortest first.
    func forEachPrefix(of text: UnsafeBufferPointer<UInt8>, _ body: (Int, Int32) -> Void) {
        var node: Int32 = 0
        for (index, byte) in text.enumerated() {
            let slot = slots[place(Self.edge(node, byte))]
            if slot.edge < 0 { return }
            node = slot.child
            let value = values[Int(node)]
            if value >= 0 { body(index + 1, value) }
        }
    }

    private static func edge(_ node: Int32, _ byte: UInt8) -> Int64 { Int64(node) << 8 | Int64(byte) }

    /// The slot of an edge, or the free one where it belongs.
    private func place(_ edge: Int64) -> Int {
        let hash = UInt64(bitPattern: edge) &* 0x9E37_79B9_7F4A_7C15 >> 32
        var place = Int(hash) & (slots.count - 1)
        while slots[place].edge >= 0, slots[place].edge != edge { place = (place + 1) & (slots.count - 1) }
        return place
    }

    private mutating func enlarge() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: 2 * old.count)
        for slot in old where slot.edge >= 0 { slots[place(slot.edge)] = slot }
    }
}
