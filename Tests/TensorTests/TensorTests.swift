import Tensor
import TestSupport
import Testing

@Suite struct TensorTests {
    @Test func valuesDoNotShareChanges() {
        let a = Tensor<Float>(shape: [2, 2], [1, 2, 3, 4])
        var b = a
        b[0, 1] = 9
        #expect(a[0, 1] == 2)
        #expect(b.elements == [1, 9, 3, 4])
        #expect(a != b)
    }

    @Test func broadcastingAsInNumPy() {
        let column = Tensor<Float>(shape: [2, 1], [10, 20])
        let row = Tensor<Float>([1, 2, 3])
        #expect((column + row) == Tensor(shape: [2, 3], [11, 12, 13, 21, 22, 23]))
        #expect((row - 1) == Tensor([0, 1, 2]))
        #expect((Tensor<Float>.zeros([0, 3]) + row).shape == [0, 3])
        #expect((Tensor<Float>(2) * Tensor<Float>(3)).shape == [])
        #expect((Tensor<Float>([5]) * Tensor<Float>(shape: [1, 1], [3])).shape == [1, 1])
    }

    @Test func reductions() {
        let x = Tensor<Float>(shape: [2, 3], [1, 2, 3, 4, 5, 6])
        #expect(x.sum().item == 21)
        #expect(x.mean().item == 3.5)
        #expect(x.sum(along: 0).elements == [5, 7, 9])
        #expect(x.sum(along: 1).elements == [6, 15])
        #expect(x.mean(along: 1).elements == [2, 5])
        // A million equal terms: a plain Float sum would be off in the fourth digit.
        #expect(Tensor<Float>(repeating: 0.1, shape: [1_000_000]).sum().item == 100_000)
    }

    @Test func matrixProducts() {
        let a = Tensor<Double>(shape: [2, 3], [1, 2, 3, 4, 5, 6])
        let b = Tensor<Double>(shape: [3, 2], [7, 8, 9, 10, 11, 12])
        #expect(a.matmul(b).elements == [58, 64, 139, 154])
        #expect(a.matmul(a, transposingOther: true).elements == [14, 32, 32, 77])
        #expect(a.matmul(a, transposingSelf: true).shape == [3, 3])
        #expect(a.linear(b.transposed, bias: Tensor([1, -1])).elements == [59, 63, 140, 153])
    }

    @Test(arguments: [1, 2, 3, 5])
    func threadsDoNotChangeBits(_ threads: Int) {
        let before = ThreadPool.threadCount
        defer { ThreadPool.threadCount = before }
        let x = Tensor<Float>.randomNormal([301, 97], seed: 1)
        let weight = Tensor<Float>.randomNormal([203, 97], seed: 2)
        let gamma = Tensor<Float>.randomNormal([203], seed: 3)
        func all() -> [[Float]] {
            let y = x.linear(weight, activation: .gelu).layerNorm(gamma, gamma, epsilon: 1e-5)
            let (_, gradient) = valueAndGradient(at: weight) {
                (x.linear($0, activation: .gelu).layerNorm(gamma, gamma, epsilon: 1e-5) * gamma).sum()
            }
            return [y.elements, gradient.elements, y.softmax().elements, [y.sum().item]]
        }
        ThreadPool.threadCount = 1
        let serial = all()
        ThreadPool.threadCount = threads
        #expect(all() == serial)
    }

    @Test func randomNumbersBelongToTheSeed() {
        let a = Tensor<Float>.randomNormal([1000], seed: 5)
        #expect(a == .randomNormal([1000], seed: 5))
        #expect(a != .randomNormal([1000], seed: 6))
        #expect(a != .randomNormal([1000], seed: 5, stream: 1))
        let uniform = Tensor<Double>.randomUniform([100_000], in: -1..<3, seed: 1).elements
        #expect(uniform.allSatisfy { -1 <= $0 && $0 < 3 })
        #expect(abs(uniform.reduce(0, +) / 100_000 - 1) < 0.02)
    }

    @Test func dropoutKeepsItsRateAndItsMask() {
        let ones = Tensor<Float>(repeating: 1, shape: [100_000])
        let dropout = DropoutMask(rate: 0.3, seed: 1, stream: 2)
        let kept = ones.dropped(dropout)
        let share = Double(kept.elements.count { $0 != 0 }) / 100_000
        // Five standard deviations of a share of 0.7 over 100,000 draws.
        #expect(abs(share - 0.7) < 0.0073)
        // The rate is a multiple of 1/65536.
        #expect(kept.elements.allSatisfy { $0 == 0 || abs($0 - 1 / 0.7) < 1e-4 })
        #expect(kept == ones.dropped(dropout))
        #expect(kept != ones.dropped(DropoutMask(rate: 0.3, seed: 1, stream: 3)))
        let (_, gradient) = valueAndGradient(at: ones) { $0.dropped(dropout).sum() }
        #expect(gradient == kept)
    }
}
