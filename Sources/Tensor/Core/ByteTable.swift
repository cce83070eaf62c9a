internal import CTensorKernels

/// Numbers distinct strings of bytes in order of first appearance.
///
/// Keys are compared byte by byte: two spellings of one character are two keys, as they are two texts in a file, which Swift's
/// `String` would call equal.
package struct ByteTable: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var slots: [mml_key_slot]

    /// An empty table.
    package init() { slots = [mml_key_slot](repeating: Self.free, count: 16) }

    private static var free: mml_key_slot { mml_key_slot(hash: 0, number: -1) }

    /// How many keys there are.
    package var count: Int { ends.count }

    /// The number of a key, which is added if it is new.
    package mutating func insert(_ key: UnsafeBufferPointer<UInt8>) -> Int32 {
        let hash = mml_key_hash(key.baseAddress, key.count)
        let place = place(of: key, hash)
        if slots[place].number >= 0 { return slots[place].number }
        precondition(ends.count < Int32.max - 1, "more than \(Int32.max) distinct keys")
        let number = Int32(ends.count)
        bytes.append(contentsOf: key)
        ends.append(bytes.count)
        slots[place] = mml_key_slot(hash: hash, number: number)
        if 4 * ends.count > 3 * slots.count { enlarge() }
        return number
    }

    /// The number of a key, nil if it is not in the table.
    package func find(_ key: UnsafeBufferPointer<UInt8>) -> Int32? {
        let number = slots[place(of: key, mml_key_hash(key.baseAddress, key.count))].number
        return number < 0 ? nil : number
    }

    /// The numbers of fields that stand `step` apart; returns how many of them, at the front, are in the table.
    func find(
        _ count: Int, of bytes: UnsafePointer<UInt8>, _ fields: UnsafePointer<mml_field>, step: Int,
        into numbers: UnsafeMutablePointer<Int32>
    ) -> Int {
        withTable { mml_find_fields(&$0, count, bytes, fields, step, numbers) }
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
        withTable { mml_key_place(&$0, key.baseAddress, key.count, hash) }
    }

    @inline(__always)
    private func withTable<Result>(_ body: (inout mml_key_table) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { bytes in
            ends.withUnsafeBufferPointer { ends in
                slots.withUnsafeBufferPointer { slots in
                    var table = mml_key_table(
                        bytes: bytes.baseAddress, ends: ends.baseAddress, slots: slots.baseAddress,
                        mask: slots.count - 1)
                    return body(&table)
                }
            }
        }
    }

    private mutating func enlarge() {
        let old = slots
        slots = [mml_key_slot](repeating: Self.free, count: 2 * old.count)
        let mask = slots.count - 1
        for slot in old where slot.number >= 0 {
            var place = Int(slot.hash) & mask
            while slots[place].number >= 0 { place = (place + 1) & mask }
            slots[place] = slot
        }
    }
}
