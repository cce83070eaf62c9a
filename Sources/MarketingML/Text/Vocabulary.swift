import Tensor

/// The tokens of a model, by id and by their UTF-8.
///
/// Nearly every token is at most 16 bytes long, so keys are compared as two integers; longer ones as bytes. A
/// WordPiece model's pieces that continue a word are stored a second time without their prefix, so that looking for
/// them builds no string.
struct Vocabulary: Sendable {
    /// Up to 16 bytes of a piece, the first one lowest, zero beyond the length.
    struct Key {
        var low: UInt64
        var high: UInt64
        var length: Int

        /// The first `length` bytes of the key.
        @inline(__always)
        func prefix(_ length: Int) -> Key {
            if length >= 16 { return self }
            if length > 8 {
                return Key(low: low, high: high & (1 << UInt64(8 * (length - 8)) &- 1), length: length)
            }
            let mask: UInt64 = length == 8 ? .max : 1 << UInt64(8 * length) &- 1
            return Key(low: low & mask, high: 0, length: length)
        }

        /// The key without its first `count` bytes.
        @inline(__always)
        func dropFirst(_ count: Int) -> Key {
            if count >= 8 {
                return Key(low: high >> UInt64(8 * (count - 8)), high: 0, length: length - count)
            }
            if count == 0 { return self }
            let shift = UInt64(8 * count)
            return Key(low: low >> shift | high << (64 - shift), high: high >> shift, length: length - count)
        }

        /// Loads `length` bytes; the 16 bytes at `bytes` must be readable.
        @inline(__always)
        init(loading bytes: UnsafePointer<UInt8>, length: Int) {
            let raw = UnsafeRawPointer(bytes)
            low = UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self))
            high = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            self.length = 16
            self = prefix(length)
            self.length = length
        }

        @inline(__always)
        init(low: UInt64, high: UInt64, length: Int) {
            (self.low, self.high, self.length) = (low, high, length)
        }
    }

    struct Slot {
        fileprivate var low: UInt64 = 0
        fileprivate var high: UInt64 = 0
        fileprivate var id: Int32 = -1
        /// Twice the length, plus one for a continuing piece; 0 if the slot is free.
        fileprivate var shape: UInt32 = 0
    }

    /// The hash table as the inner loop sees it. Valid only inside `withTable`.
    struct Table {
        fileprivate let slots: UnsafePointer<Slot>
        fileprivate let filter: UnsafePointer<UInt64>
        fileprivate let mask: Int
        fileprivate let bytes: UnsafePointer<UInt8>
        /// The length in bytes of the longest piece that begins a word, and of the longest that continues one.
        let longestInitial: Int
        let longestContinuing: Int
    }

    /// The number of different tokens.
    private(set) var count = 0
    /// One more than the greatest id.
    let idBound: Int
    /// The length in bytes of the longest piece that begins a word, and of the longest that continues one.
    private var longestInitial = 0
    private var longestContinuing = 0

    private let bytes: [UInt8]
    /// The place of each id's token in `bytes`; empty with a negative start where there is none.
    private var spans: [Span]
    private var slots: [Slot]
    /// One bit for each piece, at a place that its hash gives: tells most absent pieces without a look at the slots.
    private var filter = [UInt64](repeating: 0, count: filterSize)
    private static let filterSize = 1 << 13
    private let mask: Int

    private struct Span {
        var start: Int32
        var length: Int32
    }

    /// A list of tokens with their ids, in the order of the file.
    struct List {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        var ids: [Int32] = []
    }

    /// Builds the tables of a list from a file.
    ///
    /// - Throws: `malformedFile` if the ids are so sparse that the file must be damaged.
    init(_ list: List, continuingPrefix: [UInt8]?, file: String?) throws {
        let idBound = 1 + Int(list.ids.max() ?? -1)
        guard idBound <= 4 * list.ids.count + 1_024, list.bytes.count < Int32.max else {
            throw MarketingMLError(
                .malformedFile, "a vocabulary of \(list.ids.count) tokens has an id of \(idBound - 1)",
                at: .init(file: file))
        }
        self.init(list, continuingPrefix: continuingPrefix)
    }

    /// Builds the tables; of equal tokens the last one counts. Without a prefix no piece continues a word.
    init(_ list: List, continuingPrefix: [UInt8]?) {
        idBound = 1 + Int(list.ids.max() ?? -1)
        bytes = list.bytes + [UInt8](repeating: 0, count: 16)  // keys are loaded 16 bytes at a time
        spans = [Span](repeating: Span(start: -1, length: 0), count: idBound)
        let prefixCount = continuingPrefix?.count ?? 0
        var continues: [Bool] = []
        continues.reserveCapacity(list.ids.count)
        var pieceCount = list.ids.count
        var start = 0
        for end in list.ends {
            let isContinuing =
                continuingPrefix.map { end - start > prefixCount && list.bytes[start..<end].starts(with: $0) }
                ?? false
            continues.append(isContinuing)
            if isContinuing { pieceCount += 1 }
            start = end
        }
        var size = 64
        while size * 2 < pieceCount * 3 { size *= 2 }
        slots = [Slot](repeating: Slot(), count: size)
        mask = size - 1

        start = 0
        for (index, id) in list.ids.enumerated() {
            let end = list.ends[index]
            let replaced = insert(start..<end, id: id, continuing: false)
            if replaced < 0 { count += 1 } else { spans[Int(replaced)] = Span(start: -1, length: 0) }
            spans[Int(id)] = Span(start: Int32(start), length: Int32(end - start))
            if continues[index] { _ = insert(start + prefixCount..<end, id: id, continuing: true) }
            start = end
        }
    }

    /// The token's text; nil if no token has that id.
    func token(_ id: Int) -> String? {
        guard spans.indices.contains(id), spans[id].start >= 0 else { return nil }
        let start = Int(spans[id].start)
        return String(decoding: bytes[start..<start + Int(spans[id].length)], as: UTF8.self)
    }

    /// The id of a token, or nil.
    func id(of token: some Sequence<UInt8>) -> Int32? {
        var padded = Array(token)
        let length = padded.count
        padded += repeatElement(0, count: 16)
        let id = padded.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.flatMap { token in
                withTable { $0.find(token, length: length, continuing: false) }
            } ?? -1
        }
        return id < 0 ? nil : id
    }

    /// Calls `body` with the table.
    func withTable<Result>(_ body: (Table) -> Result) -> Result? {
        slots.withUnsafeBufferPointer { slots in
            filter.withUnsafeBufferPointer { filter in
                bytes.withUnsafeBufferPointer { bytes in
                    guard let slots = slots.baseAddress, let filter = filter.baseAddress,
                        let bytes = bytes.baseAddress
                    else { return nil }
                    return body(
                        Table(
                            slots: slots, filter: filter, mask: mask, bytes: bytes,
                            longestInitial: longestInitial, longestContinuing: longestContinuing))
                }
            }
        }
    }
}

// MARK: - Searching

extension Vocabulary.Table {
    /// The id of a piece of up to 16 bytes that is likely to exist; -1 if there is none.
    @inline(__always)
    func find(_ key: Vocabulary.Key, continuing: Bool) -> Int32 {
        let shape = Vocabulary.shape(key.length, continuing)
        return find(key, shape, hash: Vocabulary.hash(key.low, key.high, shape))
    }

    /// The id of a piece of up to 16 bytes that is likely not to exist; -1 if there is none.
    @inline(__always)
    func findRare(_ key: Vocabulary.Key, continuing: Bool) -> Int32 {
        let shape = Vocabulary.shape(key.length, continuing)
        let hash = Vocabulary.hash(key.low, key.high, shape)
        let (word, bit) = Vocabulary.filterPlace(hash)
        if filter[word] & bit == 0 { return -1 }
        return find(key, shape, hash: hash)
    }

    @inline(__always)
    private func find(_ key: Vocabulary.Key, _ shape: UInt32, hash: Int) -> Int32 {
        var index = hash & mask
        // At most two thirds of the slots are taken, so a free one ends every search.
        while true {
            let slot = slots + index
            if slot.pointee.low == key.low, slot.pointee.high == key.high, slot.pointee.shape == shape {
                return slot.pointee.id
            }
            if slot.pointee.shape == 0 { return -1 }
            index = (index + 1) & mask
        }
    }

    /// The id of a piece of any length; the 16 bytes at `piece` must be readable. -1 if there is none.
    func find(_ piece: UnsafePointer<UInt8>, length: Int, continuing: Bool) -> Int32 {
        if length <= 16 {
            return findRare(Vocabulary.Key(loading: piece, length: length), continuing: continuing)
        }
        let slot = slots[index(of: piece, length: length, continuing: continuing)]
        return slot.shape == 0 ? -1 : slot.id
    }

    /// The slot that holds a piece, or the free one where it belongs.
    fileprivate func index(of piece: UnsafePointer<UInt8>, length: Int, continuing: Bool) -> Int {
        let (low, high, hash, shape) = Vocabulary.place(piece, length, continuing)
        var index = hash & mask
        while slots[index].shape != 0 {
            let slot = slots[index]
            if slot.shape == shape, slot.low == low {
                if length <= 16 {
                    if slot.high == high { return index }
                } else {
                    let start = bytes + Int(slot.high)
                    if (0..<length).allSatisfy({ start[$0] == piece[$0] }) { return index }
                }
            }
            index = (index + 1) & mask
        }
        return index
    }
}

// MARK: - Table

extension Vocabulary {
    /// Adds a piece of `bytes` and returns the id that it had before, or -1.
    private mutating func insert(_ range: Range<Int>, id: Int32, continuing: Bool) -> Int32 {
        if continuing {
            longestContinuing = max(longestContinuing, range.count)
        } else {
            longestInitial = max(longestInitial, range.count)
        }
        guard
            let (place, index) = withTable({ table in
                let piece = table.bytes + range.lowerBound
                return (
                    Self.place(piece, range.count, continuing),
                    table.index(of: piece, length: range.count, continuing: continuing)
                )
            })
        else { return -1 }
        let replaced = slots[index].id
        let high = range.count <= 16 ? place.high : UInt64(range.lowerBound)
        slots[index] = Slot(low: place.low, high: high, id: id, shape: place.shape)
        let (word, bit) = Self.filterPlace(place.hash)
        filter[word] |= bit
        return replaced
    }

    @inline(__always)
    fileprivate static func shape(_ length: Int, _ continuing: Bool) -> UInt32 {
        // An empty token is never looked up as a piece; 1 << 31 keeps its shape different from a free slot's.
        length == 0 ? 1 << 31 : UInt32(truncatingIfNeeded: length << 1 | (continuing ? 1 : 0))
    }

    @inline(__always)
    fileprivate static func hash(_ low: UInt64, _ high: UInt64, _ shape: UInt32) -> Int {
        let product = (low ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(
            by: high ^ 0xD6E8_FEB8_6659_FD93 &+ UInt64(shape) &* 0xA076_1D64_78BD_642F)
        return Int(truncatingIfNeeded: product.high ^ product.low)
    }

    /// A hash of a piece of up to 16 bytes.
    @inline(__always)
    static func hash(_ key: Key) -> Int { hash(key.low, key.high, shape(key.length, false)) }

    /// A hash's bit in the filter, of bits that the slot's index does not use.
    @inline(__always)
    fileprivate static func filterPlace(_ hash: Int) -> (word: Int, bit: UInt64) {
        let high = UInt64(bitPattern: Int64(hash)) >> 40
        return (Int(high >> 6) & (filterSize - 1), 1 << (high & 63))
    }

    /// What identifies a piece: of a long one `low` is a hash.
    fileprivate static func place(
        _ piece: UnsafePointer<UInt8>, _ length: Int, _ continuing: Bool
    ) -> (low: UInt64, high: UInt64, hash: Int, shape: UInt32) {
        let key = Key(loading: piece, length: min(length, 16))
        let shape = shape(length, continuing)
        let low = length <= 16 ? key.low : hash(piece, length)
        let high = length <= 16 ? key.high : 0
        return (low, high, hash(low, high, shape), shape)
    }

    /// A hash of the bytes of a piece longer than 16.
    private static func hash(_ piece: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        var state: UInt64 = 0xE703_7ED1_A0B4_28DB ^ UInt64(length)
        var position = 0
        while position < length {
            let step = min(8, length - position)
            var chunk: UInt64 = 0
            for index in 0..<step { chunk |= UInt64(piece[position + index]) << UInt64(8 * index) }
            let product = (state ^ chunk).multipliedFullWidth(by: 0x9FB2_1C65_1E98_DF25)
            state = product.high ^ product.low
            position += step
        }
        return state
    }
}
