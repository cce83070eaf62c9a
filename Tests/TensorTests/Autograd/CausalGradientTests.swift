import Tensor
import TestSupport
import Testing

/// The operations of causal Transformers against finite differences in Double, on odd shapes.
@Suite struct CausalGradientTests {
    private func random(_ shape: [Int], _ stream: UInt64) -> Tensor<Double> {
        .randomNormal(shape, seed: 13, stream: stream)
    }

    @Test func rmsNorm() {
        let (x, gamma) = (random([3, 7], 1), random([7], 2))
        expectGradient("x", at: x) { weigh($0.rmsNorm(gamma, epsilon: 0.1)) }
        expectGradient("gamma", at: gamma) { weigh(x.rmsNorm($0, epsilon: 0.1)) }
        let (_, none) = valueAndGradient(at: gamma) { weigh(random([0, 7], 1).rmsNorm($0, epsilon: 0.1)) }
        #expect(none == .zeros([7]))
    }

    @Test func swiglu() {
        expectGradient("swiglu", at: random([3, 10], 1)) { weigh($0.swiglu()) }
    }

    @Test(arguments: RotaryPairs.allCases)
    func rotated(_ pairs: RotaryPairs) {
        let rotary = RotaryPositions<Double>(positions: 9, headSize: 6, base: 100, pairs: pairs)
        let x = random([4, 3 * 6 + 2], 1)
        expectGradient("rotated", at: x) { weigh($0.rotated(by: rotary, heads: 2, positions: [8, 0, 3, 3])) }
        // Products of turned queries and keys depend on the distance alone.
        let (q, k) = (random([1, 6], 2), random([1, 6], 3))
        func product(_ i: Int32, _ j: Int32) -> Double {
            let a = q.rotated(by: rotary, heads: 1, positions: [i])
            return (a * k.rotated(by: rotary, heads: 1, positions: [j])).sum().item
        }
        expectClose([product(7, 5), product(8, 6)], [product(2, 0), product(2, 0)], absolute: 1e-12)
    }

    @Test(arguments: [(4, 4), (4, 2), (6, 2), (3, 1)], [false, true])
    func groupedAttention(_ heads: (Int, Int), _ causal: Bool) {
        let size = 3
        let x = random([9, (heads.0 + 2 * heads.1) * size], 1)
        for dropout in [DropoutMask.none, DropoutMask(rate: 0.3, seed: 3, stream: 4)] {
            expectGradient("\(heads) causal \(causal)", at: x) {
                weigh(
                    $0.selfAttention(
                        heads: heads.0, keyValueHeads: heads.1, offsets: [0, 5, 5, 9], causal: causal,
                        dropout: dropout))
            }
        }
    }

    /// Shared keys and values are the same as copies of them.
    @Test func sharedHeadsAreCopies() {
        let (heads, shared, size) = (6, 2, 4)
        let x = random([80, (heads + 2 * shared) * size], 1)
        func columns(_ range: Range<Int>) -> Tensor<Double> { x.transposed.rows(range) }
        var parts = [columns(0..<heads * size)]
        for part in 0..<2 {
            for head in 0..<heads {
                let start = (heads + part * shared + head / 3) * size
                parts.append(columns(start..<start + size))
            }
        }
        let whole = Tensor.concatenated(parts).transposed
        let expected = whole.selfAttention(heads: heads, offsets: [0, 79, 80], causal: true)
        let found = x.selfAttention(heads: heads, keyValueHeads: shared, offsets: [0, 79, 80], causal: true)
        expectClose(found.elements, expected.elements, absolute: 1e-14)
    }
}
