import MarketingML
import TestSupport
import Testing

@Suite struct InitializerTests {
    private func draw(_ initializer: Initializer, _ shape: [Int], seed: UInt64 = 1) throws -> Tensor<Double> {
        var source = WeightSource(seed: seed)
        return try source.next(initializer, shape: shape)
    }

    private func deviation(_ x: Tensor<Double>) -> Double {
        (x.elements.reduce(0) { $0 + $1 * $1 } / Double(x.count)).squareRoot()
    }

    /// Means 0, and the standard deviation and bound that the formulas give for 300 inputs and 200 outputs.
    @Test func spreads() throws {
        let cases: [(Initializer, deviation: Double, bound: Double)] = [
            (.uniform(limit: 0.05), 0.05 / 3.0.squareRoot(), 0.05),
            (.normal(standardDeviation: 0.3), 0.3, .infinity),
            (.glorotUniform, (2.0 / 500).squareRoot(), (6.0 / 500).squareRoot()),
            (.glorotNormal(truncated: false), (2.0 / 500).squareRoot(), .infinity),
            (.glorotNormal(), (2.0 / 500).squareRoot(), 2 / 0.8796 * (2.0 / 500).squareRoot()),
            (.heUniform, (2.0 / 300).squareRoot(), (6.0 / 300).squareRoot()),
            (.heNormal(), (2.0 / 300).squareRoot(), 2 / 0.8796 * (2.0 / 300).squareRoot()),
            (.lecunUniform, (1.0 / 300).squareRoot(), (3.0 / 300).squareRoot()),
            (.lecunNormal(), (1.0 / 300).squareRoot(), 2 / 0.8796 * (1.0 / 300).squareRoot()),
            (.fanIn, (1.0 / 900).squareRoot(), (1.0 / 300).squareRoot()),
        ]
        for (initializer, expected, bound) in cases {
            let x = try draw(initializer, [200, 300])
            expectClose([deviation(x)], [expected], relative: 0.01, "\(initializer)")
            #expect(abs(x.elements.reduce(0, +) / 60_000) < 4 * expected / 60_000.0.squareRoot())
            #expect(x.elements.allSatisfy { abs($0) <= bound * 1.0001 }, "\(initializer)")
            if bound.isFinite { #expect(x.elements.contains { abs($0) > 0.98 * bound }, "\(initializer)") }
        }
        #expect(try draw(.zeros, [2, 2]).elements == [0, 0, 0, 0])
        #expect(try draw(.ones, [2]).elements == [1, 1])
        #expect(try draw(.constant(3), [2]).elements == [3, 3])
    }

    @Test(arguments: [[7, 4], [4, 7], [5, 5], [1, 3]]) func orthogonal(shape: [Int]) throws {
        let x = try draw(.orthogonal(gain: 2), shape)
        let wide = shape[0] <= shape[1] ? x : x.transposed
        let products = wide.matmul(wide, transposingOther: true)
        let size = wide.shape[0]
        let identity = (0..<size * size).map { $0 / size == $0 % size ? 4.0 : 0 }
        expectClose(products.elements, identity, absolute: 1e-12)
    }

    @Test func streamsDiffer() throws {
        var source = WeightSource(seed: 7)
        let a: Tensor<Float> = try source.next(.glorotUniform, shape: [3, 3])
        let b: Tensor<Float> = try source.next(.glorotUniform, shape: [3, 3])
        var again = WeightSource(seed: 7)
        let c: Tensor<Float> = try again.next(.glorotUniform, shape: [3, 3])
        #expect(a != b && a == c)
    }

    @Test func whatDoesNotFitIsRefused() {
        for shape in [[Int.max, 3], [1 << 30, 1 << 20], [-1, 3]] {
            #expect(throws: MarketingMLError.self) { try draw(.zeros, shape) }
        }
    }
}
