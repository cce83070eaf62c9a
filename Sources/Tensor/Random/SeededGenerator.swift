/// A small, fast generator whose numbers depend on its seed alone: the same on every platform and version.
///
/// SplitMix64: a 64-bit counter in steps of the golden ratio, scrambled by two multiplications. Its period is
/// 2⁶⁴. Good for shuffling, sampling and initial weights; not for secrets.
///
/// Use the methods of this type rather than the standard library's `shuffle(using:)` or `random(in:using:)` where
/// a result must not change: how those consume a generator is not part of their promise.
///
/// Reference: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014,
/// doi:10.1145/2660193.2660195.
public struct SeededGenerator: RandomNumberGenerator, Sendable, Hashable, Codable {
    /// The counter: all there is to know about what comes next, so it can be stored and restored.
    public private(set) var state: UInt64

    /// Starts the sequence that belongs to `seed`.
    public init(seed: UInt64) {
        state = seed
    }

    /// Continues from a stored `state`.
    public init(state: UInt64) {
        self.state = state
    }

    /// A generator for a purpose of its own, independent of how many numbers others have drawn.
    public init(seed: UInt64, stream: UInt64) {
        var scrambler = SeededGenerator(seed: stream &+ 0xD1B5_4A32_D192_ED03)
        state = seed ^ scrambler.next()
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number in `0..<bound`, each equally likely.
    ///
    /// Lemire's multiplication with rejection (doi:10.1145/3230636): no bias, and hardly ever a second draw.
    public mutating func next(below bound: Int) -> Int {
        precondition(bound > 0, "the bound must be positive, it is \(bound)")
        let bound = UInt64(bound)
        var product = bound.multipliedFullWidth(by: next())
        if product.low < bound {
            let rejected = (0 &- bound) % bound
            while product.low < rejected {
                product = bound.multipliedFullWidth(by: next())
            }
        }
        return Int(product.high)
    }

    /// A number in `[0, 1)`: one of 2⁵³ evenly spaced ones, each equally likely.
    public mutating func nextUniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// The numbers `0..<count` in random order (Fisher and Yates).
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        shuffle(&order)
        return order
    }

    /// Puts the elements in random order (Fisher and Yates), every order equally likely.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        guard elements.count > 1 else { return }
        for last in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(last, next(below: last + 1))
        }
    }
}
