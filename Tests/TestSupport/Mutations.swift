import Tensor

/// Damaged copies of a file for robustness tests: the same ones for the same seed.
///
/// Each has one to four bytes changed, removed or doubled, or its end cut off.
public func forEachMutation(
    of bytes: [UInt8], count: Int = 10_000, seed: UInt64 = 1, _ body: ([UInt8]) throws -> Void
) rethrows {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<count {
        var copy = bytes
        for _ in 0...random.next(below: 4) where !copy.isEmpty {
            let index = random.next(below: copy.count)
            switch random.next(below: 16) {
            case 0: copy.removeSubrange(index...)
            case 1: copy.remove(at: index)
            case 2: copy.insert(copy[index], at: index)
            case 3: copy[index] = [0x00, 0xFF, 0x0A, 0x22, 0x7F, 0x80][random.next(below: 6)]
            default: copy[index] = UInt8(truncatingIfNeeded: random.next())
            }
        }
        try body(copy)
    }
}
