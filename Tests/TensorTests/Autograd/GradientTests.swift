import Tensor
import TestSupport
import Testing

/// Every differentiable operation against finite differences in Double, on odd shapes.
@Suite struct GradientTests {
    private func random(_ shape: [Int], _ stream: UInt64) -> Tensor<Double> {
        .randomNormal(shape, seed: 11, stream: stream)
    }

    @Test(arguments: [[1], [3, 5], [2, 3, 7]])
    func arithmetic(_ shape: [Int]) {
        let x = random(shape, 1)
        let y = random(shape, 2)
        expectGradient("x + y", at: x) { weigh($0 + y) }
        expectGradient("y - x", at: x) { weigh(y - $0) }
        expectGradient("x * x", at: x) { weigh($0 * $0) }
        expectGradient("y / x", at: x, step: 1e-4, tolerance: 1e-5) { weigh(y / ($0 * $0 + 1)) }
        expectGradient("-x", at: x) { weigh(-$0) }
        expectGradient("exp", at: x) { weigh($0.exp()) }
        expectGradient("log", at: x) { weigh(($0 * $0 + 0.5).log()) }
        expectGradient("root", at: x) { weigh(($0 * $0 + 0.5).squareRoot()) }
    }

    @Test(arguments: [
        ([3, 5], [5]), ([3, 5], [3, 1]), ([5], [3, 5]), ([2, 1, 4], [3, 1]), ([3, 5], []), ([1], [4, 2]),
    ])
    func broadcasting(_ a: [Int], _ b: [Int]) {
        let x = random(a, 1)
        let y = random(b, 2)
        expectGradient("x + y", at: x) { weigh($0 + y) }
        expectGradient("y - x", at: x) { weigh(y - $0) }
        expectGradient("x * y", at: x) { weigh($0 * y) }
        expectGradient("y * x", at: x) { weigh(y * $0) }
        expectGradient("y / x", at: x, tolerance: 1e-6) { weigh(y / ($0 * $0 + 1)) }
    }

    @Test func reductionsAndShapes() {
        let x = random([3, 5, 2], 1)
        expectGradient("sum", at: x) { ($0 * $0).sum() }
        expectGradient("mean", at: x) { ($0 * $0).mean() }
        for dimension in 0..<3 {
            expectGradient("sum along \(dimension)", at: x) { weigh($0.sum(along: dimension)) }
            expectGradient("mean along \(dimension)", at: x) { weigh($0.mean(along: dimension)) }
        }
        expectGradient("reshaped", at: x) { weigh($0.reshaped(6, 5)) }
        let matrix = random([17, 33], 2)
        expectGradient("transposed", at: matrix) { weigh($0.transposed) }
        expectGradient("rows", at: matrix) { weigh($0.rows(3..<9)) }
        expectGradient("rows at", at: matrix) { weigh($0.rows(at: [4, 4, 0, 16])) }
        expectGradient("concatenated", at: random([2, 3], 3)) {
            weigh(.concatenated([$0, random([4, 3], 4), $0]))
        }
    }

    @Test(arguments: [false, true], [false, true])
    func matmul(_ transposeA: Bool, _ transposeB: Bool) {
        let a = random(transposeA ? [4, 3] : [3, 4], 1)
        let b = random(transposeB ? [5, 4] : [4, 5], 2)
        expectGradient("a", at: a) {
            weigh($0.matmul(b, transposingSelf: transposeA, transposingOther: transposeB))
        }
        expectGradient("b", at: b) {
            weigh(a.matmul($0, transposingSelf: transposeA, transposingOther: transposeB))
        }
    }

    @Test(arguments: Activation.allCases)
    func activations(_ activation: Activation) {
        let x = random([7, 9], 1)
        expectGradient("\(activation)", at: x, step: 1e-5, tolerance: 1e-7) {
            weigh($0.activated(by: activation))
        }
        let weight = random([5, 9], 2) * 0.3
        let bias = random([5], 3)
        expectGradient("linear x", at: x, step: 1e-5) {
            weigh($0.linear(weight, bias: bias, activation: activation))
        }
        expectGradient("linear w", at: weight, step: 1e-5) {
            weigh(x.linear($0, bias: bias, activation: activation))
        }
        expectGradient("linear b", at: bias, step: 1e-5) {
            weigh(x.linear(weight, bias: $0, activation: activation))
        }
        let weight2 = random([3, 5], 4)
        let bias2 = random([3], 5)
        expectGradient("ff x", at: x, step: 1e-5) {
            weigh($0.feedForward(weight, bias, activation, weight2, bias2))
        }
        expectGradient("ff w1", at: weight, step: 1e-5) {
            weigh(x.feedForward($0, bias, activation, weight2, bias2))
        }
        expectGradient("ff b1", at: bias, step: 1e-5) {
            weigh(x.feedForward(weight, $0, activation, weight2, bias2))
        }
        expectGradient("ff w2", at: weight2, step: 1e-5) {
            weigh(x.feedForward(weight, bias, activation, $0, bias2))
        }
        expectGradient("ff b2", at: bias2, step: 1e-5) {
            weigh(x.feedForward(weight, bias, activation, weight2, $0))
        }
    }

    @Test(arguments: [0.0, 0.3])
    func layerNorm(_ rate: Double) {
        let x = random([5, 11], 1)
        let residual = random([5, 11], 2)
        let gamma = random([11], 3)
        let beta = random([11], 4)
        let dropout = rate == 0 ? DropoutMask.none : DropoutMask(rate: rate, seed: 3, stream: 9)
        func f(_ x: Tensor<Double>, _ r: Tensor<Double>, _ g: Tensor<Double>, _ b: Tensor<Double>) -> Tensor<
            Double
        > {
            weigh(x.residualLayerNorm(r, g, b, epsilon: 1e-5, dropout: dropout))
        }
        expectGradient("x", at: x, tolerance: 1e-6) { f($0, residual, gamma, beta) }
        expectGradient("residual", at: residual, tolerance: 1e-6) { f(x, $0, gamma, beta) }
        expectGradient("gamma", at: gamma) { f(x, residual, $0, beta) }
        expectGradient("beta", at: beta) { f(x, residual, gamma, $0) }
        expectGradient("x = residual", at: x, tolerance: 1e-6) { f($0, $0, gamma, beta) }
        expectGradient("no residual", at: x, tolerance: 1e-6) {
            weigh($0.layerNorm(gamma, beta, epsilon: 1e-5))
        }
    }

    @Test(arguments: [false, true], [0.0, 0.25])
    func attention(_ causal: Bool, _ rate: Double) {
        let offsets = [0, 3, 4, 4, 9]
        let qkv = random([9, 3 * 6], 1)
        let dropout = rate == 0 ? DropoutMask.none : DropoutMask(rate: rate, seed: 5, stream: 2)
        expectGradient("attention", at: qkv, tolerance: 1e-6) {
            weigh($0.selfAttention(heads: 2, offsets: offsets, causal: causal, dropout: dropout))
        }
    }

    @Test(arguments: [0.0, 0.25])
    func crossAttention(_ rate: Double) {
        // The third sequence has no keys, the fourth no queries.
        let (offsets, keyOffsets) = ([0, 3, 4, 6, 6, 9], [0, 5, 7, 7, 9, 10])
        let q = random([9, 6], 1)
        let kv = random([10, 12], 2)
        let dropout = rate == 0 ? DropoutMask.none : DropoutMask(rate: rate, seed: 5, stream: 2)
        func f(_ q: Tensor<Double>, _ kv: Tensor<Double>) -> Tensor<Double> {
            weigh(q.crossAttention(kv, heads: 2, offsets: offsets, keyOffsets: keyOffsets, dropout: dropout))
        }
        expectGradient("queries", at: q, tolerance: 1e-6) { f($0, kv) }
        expectGradient("keys and values", at: kv, tolerance: 1e-6) { f(q, $0) }
    }

    /// Over its own keys it is self-attention, to the bit.
    @Test(arguments: [false, true]) func crossAttentionOverItselfIsSelfAttention(_ causal: Bool) {
        let rows = [0..<3, 3..<4, 4..<9]
        let (q, kv) = (random([9, 6], 1), random([9, 12], 2))
        let cross = q.crossAttention(kv, heads: 2, queries: rows, keys: rows, causal: causal)
        let own = Tensor.concatenatedColumns([q, kv])
            .selfAttention(heads: 2, offsets: [0, 3, 4, 9], causal: causal)
        #expect(cross.elements == own.elements)
    }

    @Test func lookups() {
        let words = random([7, 5], 1)
        let positions = random([4, 5], 2)
        expectGradient("words", at: words) {
            weigh(.gatheredSum([($0, [6, 0, 6, 2]), (positions, [0, 1, 2, 3])]))
        }
        expectGradient("positions", at: positions) {
            weigh(.gatheredSum([(words, [6, 0, 6, 2]), ($0, [0, 1, 0, 3])]))
        }
        expectGradient("pooled", at: random([6, 5], 3)) { weigh($0.meanPooled(offsets: [0, 1, 1, 4, 6])) }
    }

    @Test func losses() {
        let logits = random([5, 3], 1)
        let targets: [Int32] = [0, 2, 1, 2, 2]
        expectGradient("softmax", at: logits) { weigh($0.softmax()) }
        for smoothing in [0, 0.1] {
            for weights in [nil, [0.2, 1, 3]] {
                expectGradient("cross-entropy \(smoothing)", at: logits) {
                    crossEntropy($0, targets, classWeights: weights, labelSmoothing: smoothing) * 1.7
                }
            }
        }
        expectGradient("dropout", at: logits) {
            weigh($0.dropped(DropoutMask(rate: 0.4, seed: 1, stream: 1)) * 2)
        }
    }

    @Test func zeroSizes() {
        let nothing = Tensor<Double>.zeros([0, 4])
        let weight = random([3, 4], 1)
        expectGradient("linear", at: nothing) { weigh($0.linear(weight)) }
        expectGradient("weight", at: weight) { weigh(nothing.linear($0)) }
        expectGradient("norm", at: nothing) { weigh($0.layerNorm(.zeros([4]), .zeros([4]), epsilon: 1e-5)) }
        expectGradient("attention", at: .zeros([0, 12])) { weigh($0.selfAttention(heads: 2, offsets: [0])) }
        expectGradient("cross-attention", at: nothing) {
            weigh($0.crossAttention(.zeros([0, 8]), heads: 2, offsets: [0], keyOffsets: [0]))
        }
        expectGradient("matmul", at: nothing) { weigh($0.matmul(weight, transposingOther: true)) }
        expectGradient("sum", at: nothing) { $0.sum() }
        expectGradient("exp", at: .zeros([3, 0])) { weigh($0.exp()) }
        expectGradient("softmax", at: nothing) { weigh($0.softmax()) }
    }

    @Test func parametersThatAreHeldFixedGetNoGradient() {
        struct Pair: Parameterized {
            var a: Tensor<Double>
            var b: Tensor<Double>
            mutating func forEachParameter(_ body: (String, inout Tensor<Double>) throws -> Void) rethrows {
                try body("a", &a)
                try body("b", &b)
            }
        }
        let pair = Pair(a: random([2, 3], 1), b: random([4, 3], 2))
        let (value, gradients) = valueAndGradient(of: pair, where: { $0 == "b" }) { weigh($0.a.linear($0.b)) }
        #expect(value.shape == [])
        #expect(gradients["a"] == nil)
        expectGradient("b", at: pair.b) { weigh(pair.a.linear($0)) }
        expectClose(
            gradients["b"]?.elements ?? [],
            valueAndGradient(at: pair.b) { weigh(pair.a.linear($0)) }.gradient.elements)
    }
}
