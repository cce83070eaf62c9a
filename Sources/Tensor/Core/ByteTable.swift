/// Numbers distinct strings of bytes in order of first appearance.
///
/// Keys are compared byte by byte: two spellings of one character are two keys, as they are two texts in a file, which Swift's
/// `String` would call equal.
package struct ByteTable: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var slots: [Slot]

    private struct Slot {
        var hash: UInt32 = 0
        /// The key's number plus one; 0 in a free slot.
        var number: Int32 = 0
    }

    /// An empty table.
    package init() { slots = [Slot](repeating: Slot(), count: 16) }

    /// How many keys there are.
    package var count: Int { ends.count }

    /// The number of a key, which is added if it is new.
    package mutating func insert(_ key: UnsafeBufferPointer<UInt8>) -> Int32 {
        let hash = Self.hash(key)
        let place = place(of: key, hash)
        if slots[place].number != 0 { return slots[place].number - 1 }
        precondition(ends.count < Int32.max - 1, "more than \(Int32.max) distinct keys")
        bytes.append(contentsOf: key)
        ends.append(bytes.count)
        slots[place] = Slot(hash: hash, number: Int32(ends.count))
        if 4 * ends.count > 3 * slots.count { enlarge() }
        return Int32(ends.count - 1)
    }

    /// The number of a key, nil if it is not in the table.
    package func find(_ key: UnsafeBufferPointer<UInt8>) -> Int32? {
        let number = slots[place(of: key, Self.hash(key))].number
        return number == 0 ? nil : number - 1
    }

    /// The number of a text, nil if it is not in the table.
    package func find(_ text: String) -> Int32? {
        var text = text
        return text.withUTF8 { find($0) }
    }

    /// The number of a text, which is added if it is new.
    package mutating func insert(_ text: String) -> Int32 {
        var text = text
        return text.withUTF8 { insert($0) }
    }

    /// The bytes of a key.
    package subscript(number: Int) -> ArraySlice<UInt8> {
        bytes[(number == 0 ? 0 : ends[number - 1])..<ends[number]]
    }

    /// A key as text.
    package func text(_ number: Int) -> String { String(decoding: self[number], as: UTF8.self) }

    /// All keys as texts, in order.
    package var texts: [String] { ends.indices.map { text($0) } }

    private func place(of key: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> Int {
        let mask = slots.count - 1
        var place = Int(hash) & mask
        while slots[place].number != 0 {
            if slots[place].hash == hash, isEqual(Int(slots[place].number) - 1, key) { return place }
            place = (place + 1) & mask
        }
        return place
    }

    private func isEqual(_ number: Int, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = number == 0 ? 0 : ends[number - 1]
        guard ends[number] - start == key.count else { return false }
        return bytes.withUnsafeBufferPointer { bytes in
            for index in key.indices where bytes[start + index] != key[index] { return false }
            return true
        }
    }

    private mutating func enlarge() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: 2 * old.count)
        let mask = slots.count - 1
        for slot in old where slot.number != 0 {
            var place = Int(slot.hash) & mask
            while slots[place].number != 0 { place = (place + 1) & mask }
            slots[place] = slot
        }
    }

    /// Eight bytes at a time through a multiplication whose halves are folded.
    private static func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let raw = UnsafeRawBufferPointer(key)
        var state = UInt64(key.count) &* 0x9E37_79B9_7F4A_7C15
        var index = 0
        func mix(_ word: UInt64) {
            let product = (state ^ word).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
            state = product.high ^ product.low
        }
        while index + 8 <= raw.count {
            mix(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
            index += 8
        }
        var last: UInt64 = 0x1000
        while index < raw.count {
            last = last << 8 | UInt64(raw[index])
            index += 1
        }
        mix(last)
        mix(0xE703_7ED1_A0B4_28DB)
        return UInt32(truncatingIfNeeded: state >> 32)
    }
}
