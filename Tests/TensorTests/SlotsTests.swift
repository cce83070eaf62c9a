import Synchronization
import Testing

@testable import Tensor

@Suite struct SlotsTests {
    @Test(arguments: [0, 1, 3, 63, 64, 100]) func eachToOneAtATime(wanted: Int) {
        let slots = Slots(wanted)
        let count = slots.count
        #expect(count == min(64, wanted))
        let taken = (0..<count).map { _ in slots.take() }
        #expect(taken == (0..<count).map { $0 })
        #expect(slots.take() == nil)
        if count > 1 {
            slots.giveBack(1)
            #expect(slots.take() == 1)
        }
    }

    /// Many tasks; none finds a slot in use.
    @Test func underContention() {
        let slots = Slots(2)
        let inUse = (0..<2).map { _ in Counter() }
        let wrong = Counter()
        parallel(20_000) { _ in
            guard let slot = slots.take() else { return }
            if inUse[slot].value.add(1, ordering: .relaxed).newValue != 1 {
                wrong.value.add(1, ordering: .relaxed)
            }
            inUse[slot].value.subtract(1, ordering: .relaxed)
            slots.giveBack(slot)
        }
        #expect(wrong.value.load(ordering: .relaxed) == 0)
        #expect([slots.take(), slots.take(), slots.take()] == [0, 1, nil])
    }

    private final class Counter: Sendable {
        let value = Atomic(0)
    }
}
