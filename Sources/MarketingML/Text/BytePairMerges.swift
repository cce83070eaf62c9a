/// The rules of a byte-pair encoding: which two neighbouring tokens become one, and which pair goes first.
///
/// Open addressing over one array; a rule is 16 bytes, so that a look-up is one cache line.
struct BytePairMerges: Sendable {
    /// What becomes of a pair.
    struct Rule: Equatable {
        /// Pairs of a smaller rank go first.
        var rank: Int32
        /// The token that takes the pair's place.
        var id: Int32

        /// No pair has a greater rank.
        static let none = Rule(rank: .max, id: -1)
    }

    fileprivate struct Slot {
        var pair: UInt64 = .max
        var rule = Rule.none
    }

    private var slots: [Slot]
    private let mask: Int

    /// Creates a table with room for a number of rules.
    init(capacity: Int) {
        var size = 16
        while size < 2 * capacity { size *= 2 }
        slots = [Slot](repeating: Slot(), count: size)
        mask = size - 1
    }

    /// Adds a rule; of a pair's rules the last one counts.
    ///
    /// - Precondition: no more rules are added than there is room for.
    mutating func insert(_ left: Int32, _ right: Int32, _ rule: Rule) {
        let pair = Self.pair(left, right)
        var index = Self.hash(pair) & mask
        while slots[index].pair != pair, slots[index].pair != .max { index = (index + 1) & mask }
        slots[index] = Slot(pair: pair, rule: rule)
    }

    /// Calls `body` with the table as the inner loop sees it.
    func withTable<Result>(_ body: (Table) -> Result) -> Result? {
        slots.withUnsafeBufferPointer { slots in
            slots.baseAddress.map { body(Table(slots: $0, mask: mask)) }
        }
    }

    /// The rules as the inner loop sees them. Valid only inside `withTable`.
    struct Table {
        fileprivate let slots: UnsafePointer<Slot>
        fileprivate let mask: Int

        /// The rule of a pair; of rank `Int32.max` if there is none.
        @inline(__always)
        func rule(_ left: Int32, _ right: Int32) -> Rule {
            let pair = BytePairMerges.pair(left, right)
            var index = BytePairMerges.hash(pair) & mask
            // At most half of the slots are taken, so a free one ends every search.
            while true {
                let slot = slots + index
                if slot.pointee.pair == pair { return slot.pointee.rule }
                if slot.pointee.pair == .max { return .none }
                index = (index + 1) & mask
            }
        }
    }

    /// Ids are not negative, so no pair looks like a free slot.
    @inline(__always)
    private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private static func hash(_ pair: UInt64) -> Int {
        let product = pair &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product >> 32)
    }
}
