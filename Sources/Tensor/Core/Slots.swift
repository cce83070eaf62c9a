import Synchronization

/// Numbers that tasks take and give back, each to one task at a time: which piece of scratch memory is whose.
///
/// By atomic operations: a lock would be waited for in the runtime, where thread sanitizers do not see it.
struct Slots: ~Copyable, Sendable {
    /// How many there are, 64 at most.
    let count: Int
    /// A bit for each that nobody has.
    private let free: Atomic<UInt64>

    init(_ wanted: Int) {
        count = min(64, max(0, wanted))
        free = Atomic(count == 64 ? .max : (1 << UInt64(count)) - 1)
    }

    /// The smallest that nobody has; nil when all are taken.
    func take() -> Int? {
        var mask = free.load(ordering: .relaxed)
        while mask != 0 {
            let (isTaken, now) = free.weakCompareExchange(
                expected: mask, desired: mask & (mask - 1), ordering: .acquiring)
            if isTaken { return mask.trailingZeroBitCount }
            mask = now
        }
        return nil
    }

    func giveBack(_ slot: Int) { free.bitwiseOr(1 << UInt64(slot), ordering: .releasing) }
}
