import Tensor

/// The tokens of a WordPiece model, by id and by their UTF-8.
///
/// Nearly every token is at most 16 bytes long, so keys are compared as two integers; longer ones as bytes. Pieces
/// that continue a word are stored a second time without their prefix, so that looking for them builds no string.
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
            if count >= 8 { return Key(low: high >> UInt64(8 * (count - 8)), high: 0, length: length - count) }
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

    private struct Slot {
        var low: UInt64 = 0
        var high: UInt64 = 0
        var id: Int32 = -1
        /// Twice the length, plus one for a continuing piece; 0 if the slot is free.
        var shape: UInt32 = 0
    }

    /// The number of different tokens.
    private(set) var count = 0
    /// One more than the greatest id.
    let idBound: Int
    /// The length in bytes of the longest piece that begins a word, and of the longest that continues one.
    private(set) var longestInitial = 0
    private(set) var longestContinuing = 0

    private let bytes: [UInt8]
    /// The place of each id's token in `bytes`; empty with a negative start where there is none.
    private var spans: [Span]
    private var slots: [Slot]
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

    /// Builds the tables; of equal tokens the last one counts.
    ///
    /// - Throws: `malformedFile` if the ids are so sparse that the file must be damaged.
    init(_ list: List, continuingPrefix: [UInt8], file: String?) throws {
        idBound = 1 + Int(list.ids.max() ?? -1)
        guard idBound <= 4 * list.ids.count + 1_024, list.bytes.count < Int32.max else {
            throw MarketingMLError(
                .malformedFile, "a vocabulary of \(list.ids.count) tokens has an id of \(idBound - 1)",
                at: .init(file: file))
        }
        bytes = list.bytes
        spans = [Span](repeating: Span(start: -1, length: 0), count: idBound)
        var starts: [Int] = [0]
        starts += list.ends.dropLast()
        let continuing = zip(starts, list.ends).count { list.bytes[$0..<$1].starts(with: continuingPrefix) }
        var size = 64
        while size * 2 < (list.ids.count + continuing) * 3 { size *= 2 }
        slots = [Slot](repeating: Slot(), count: size)
        mask = size - 1
        for ((start, end), id) in zip(zip(starts, list.ends), list.ids) {
            let replaced = insert(start..<end, id: id, continuing: false)
            if replaced < 0 { count += 1 } else { spans[Int(replaced)] = Span(start: -1, length: 0) }
            spans[Int(id)] = Span(start: Int32(start), length: Int32(end - start))
            if bytes[start..<end].starts(with: continuingPrefix) {
                _ = insert(start + continuingPrefix.count..<end, id: id, continuing: true)
            }
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
            buffer.baseAddress.map { find($0, length: length, continuing: false) } ?? -1
        }
        return id < 0 ? nil : id
    }

    /// The id of a piece of up to 16 bytes; -1 if there is none.
    @inline(__always)
    func find(_ key: Key, continuing: Bool) -> Int32 {
        let shape = Self.shape(key.length, continuing)
        var index = Self.hash(key.low, key.high, shape) & mask
        return slots.withUnsafeBufferPointer { slots in
            // At most two thirds of the slots are taken, so a free one ends every search.
            while true {
                let slot = slots[index]
                if slot.low == key.low, slot.high == key.high, slot.shape == shape { return slot.id }
                if slot.shape == 0 { return -1 }
                index = (index + 1) & mask
            }
        }
    }

    /// The id of a piece of any length; the 16 bytes at `piece` must be readable. -1 if there is none.
    func find(_ piece: UnsafePointer<UInt8>, length: Int, continuing: Bool) -> Int32 {
        if length <= 16 { return find(Key(loading: piece, length: length), continuing: continuing) }
        let slot = slots[index(of: piece, length: length, continuing: continuing)]
        return slot.shape == 0 ? -1 : slot.id
    }
}

// MARK: - Table

extension Vocabulary {
    /// Adds a piece and returns the id that it had before, or -1.
    private mutating func insert(_ range: Range<Int>, id: Int32, continuing: Bool) -> Int32 {
        if continuing {
            guard !range.isEmpty else { return -1 }
            longestContinuing = max(longestContinuing, range.count)
        } else {
            longestInitial = max(longestInitial, range.count)
        }
        var padded = Array(bytes[range])
        padded += repeatElement(0, count: 16)
        return padded.withUnsafeBufferPointer { buffer in
            guard let piece = buffer.baseAddress else { return -1 }
            let index = index(of: piece, length: range.count, continuing: continuing)
            let replaced = slots[index].id
            if range.count <= 16 {
                let key = Key(loading: piece, length: range.count)
                (slots[index].low, slots[index].high) = (key.low, key.high)
            } else {
                slots[index].low = Self.hash(piece, range.count)
                slots[index].high = UInt64(range.lowerBound)
            }
            slots[index].id = id
            slots[index].shape = Self.shape(range.count, continuing)
            return replaced
        }
    }

    /// The slot that holds a piece, or the free one where it belongs.
    private func index(of piece: UnsafePointer<UInt8>, length: Int, continuing: Bool) -> Int {
        let shape = Self.shape(length, continuing)
        let key = Key(loading: piece, length: min(length, 16))
        let isLong = length > 16
        let low = isLong ? Self.hash(piece, length) : key.low
        var index = Self.hash(low, isLong ? 0 : key.high, shape) & mask
        while slots[index].shape != 0 {
            let slot = slots[index]
            if slot.shape == shape, slot.low == low {
                if !isLong, slot.high == key.high { return index }
                if isLong, bytes[Int(slot.high)..<Int(slot.high) + length]
                    .elementsEqual(UnsafeBufferPointer(start: piece, count: length)) { return index }
            }
            index = (index + 1) & mask
        }
        return index
    }

    @inline(__always)
    private static func shape(_ length: Int, _ continuing: Bool) -> UInt32 {
        // An empty token is never looked up as a piece; 1 << 31 keeps its shape different from a free slot's.
        length == 0 ? 1 << 31 : UInt32(truncatingIfNeeded: length << 1 | (continuing ? 1 : 0))
    }

    @inline(__always)
    private static func hash(_ low: UInt64, _ high: UInt64, _ shape: UInt32) -> Int {
        let product = (low ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(
            by: high ^ 0xD6E8_FEB8_6659_FD93 &+ UInt64(shape) &* 0xA076_1D64_78BD_642F)
        return Int(truncatingIfNeeded: product.high ^ product.low)
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
