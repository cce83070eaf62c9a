import CTensorKernels
import Foundation
import Testing

/// Attention of one head against a plain computation in double precision, and its backward pass against finite
/// differences.
@Suite struct AttentionKernelTests {
    /// A sequence with room between its rows.
    struct Problem<Scalar: KernelScalar> {
        var n: Int, d: Int, isCausal: Bool
        var dropout: mml_dropout_spec?
        var ld: Int { d + 3 }
        var ldo: Int { d + 1 }
        let first: UInt64 = 12345
        var scale: Double { 1 / Double(d).squareRoot() }
        var q: Guarded<Scalar>, k: Guarded<Scalar>, v: Guarded<Scalar>, dout: Guarded<Scalar>

        init(_ n: Int, _ d: Int, isCausal: Bool = false, rate: Double? = nil) {
            (self.n, self.d, self.isCausal) = (n, d, isCausal)
            dropout = rate.map { mml_dropout_spec(seed: 7, stream: 9, rate: $0) }
            var numbers = TestNumbers(n * 100 + d)
            func rows(_ ld: Int, _ scale: Double) -> Guarded<Scalar> {
                Guarded(numbers.array(n == 0 ? 0 : (n - 1) * ld + d, scale))
            }
            (q, k, v, dout) = (rows(d + 3, 2), rows(d + 3, 2), rows(d + 3, 1), rows(d + 1, 1))
        }

        var description: String {
            "n \(n), d \(d)\(isCausal ? ", causal" : "")\(dropout.map { ", dropout \($0.rate)" } ?? "")"
        }

        /// Scratch memory full of NaN, between sentinels.
        func scratch(backward: Bool) -> Guarded<Scalar> {
            Guarded(
                [Scalar](
                    repeating: .nan, count: mml_attention_scratch(Scalar.mmlType, n, d, backward ? 1 : 0)))
        }

        func withDropout<Result>(_ body: (UnsafePointer<mml_dropout_spec>?) -> Result) -> Result {
            guard var dropout else { return body(nil) }
            return body(&dropout)
        }

        func forward() -> Guarded<Scalar> {
            let out = Guarded([Scalar](repeating: 5, count: n == 0 ? 0 : (n - 1) * ldo + d))
            let scratch = scratch(backward: false)
            withDropout {
                mml_attention_forward(
                    Scalar.mmlType, n, d, scale, isCausal ? 1 : 0, q.pointer, k.pointer, v.pointer, ld, $0,
                    first,
                    out.pointer, ldo, scratch.pointer)
            }
            #expect(scratch.isIntact)
            return out
        }

        func backward() -> [Guarded<Scalar>] {
            let results = (0..<3).map { _ in Guarded([Scalar](repeating: 5, count: q.count)) }
            let scratch = scratch(backward: true)
            withDropout {
                mml_attention_backward(
                    Scalar.mmlType, n, d, scale, isCausal ? 1 : 0, q.pointer, k.pointer, v.pointer, ld, $0,
                    first,
                    dout.pointer, ldo, 0, results[0].pointer, results[1].pointer, results[2].pointer,
                    scratch.pointer)
            }
            #expect(scratch.isIntact)
            return results
        }

        /// Probabilities and dropout factors, n x n.
        func probabilities() -> (p: [Double], keep: [Double]) {
            var p = [Double](repeating: 0, count: n * n), keep = p
            for i in 0..<n {
                let seen = isCausal ? i + 1 : n
                for j in 0..<seen {
                    p[i * n + j] =
                        scale
                        * (0..<d).reduce(0) {
                            $0 + Double(q.pointer[i * ld + $1]) * Double(k.pointer[j * ld + $1])
                        }
                }
                let highest = p[i * n..<i * n + seen].max() ?? 0
                for j in 0..<seen { p[i * n + j] = exp(p[i * n + j] - highest) }
                let sum = p[i * n..<i * n + seen].reduce(0, +)
                for j in 0..<seen { p[i * n + j] /= sum }
                keep.withUnsafeMutableBufferPointer { keep in
                    guard var dropout, dropout.rate > 0 else {
                        return keep[i * n..<(i + 1) * n].update(repeating: 1)
                    }
                    var draws = [UInt16](repeating: 0, count: n)
                    mml_random_draws(dropout.seed, dropout.stream, first + UInt64(i * n), n, &draws)
                    for j in 0..<n {
                        keep[i * n + j] =
                            UInt32(draws[j]) >= mml_dropout_threshold(&dropout)
                            ? mml_dropout_scale(&dropout) : 0
                    }
                }
            }
            return (p, keep)
        }

        func expected() -> (out: Guarded<Scalar>, gradients: [Guarded<Scalar>]) {
            let (p, keep) = probabilities()
            let width = ld, outWidth = ldo, size = q.count
            var out = [Double](repeating: 5, count: dout.count)
            var gradients = [[Double]](repeating: [Double](repeating: 5, count: size), count: 3)
            for i in 0..<n {
                for c in 0..<d {
                    out[i * outWidth + c] = 0
                    for g in 0..<3 { gradients[g][i * width + c] = 0 }
                }
            }
            for i in 0..<n {
                let seen = isCausal ? i + 1 : n
                var dp = [Double](repeating: 0, count: seen)
                for j in 0..<seen {
                    let kept = p[i * n + j] * keep[i * n + j]
                    for c in 0..<d {
                        let (value, slope) = (
                            Double(v.pointer[j * width + c]), Double(dout.pointer[i * outWidth + c])
                        )
                        out[i * outWidth + c] += kept * value
                        gradients[2][j * width + c] += kept * slope
                        dp[j] += keep[i * n + j] * value * slope
                    }
                }
                let mean = (0..<seen).reduce(0) { $0 + p[i * n + $1] * dp[$1] }
                for j in 0..<seen {
                    let ds = scale * p[i * n + j] * (dp[j] - mean)
                    for c in 0..<d {
                        gradients[0][i * width + c] += ds * Double(k.pointer[j * width + c])
                        gradients[1][j * width + c] += ds * Double(q.pointer[i * width + c])
                    }
                }
            }
            return (Guarded(out.map { Scalar($0) }), gradients.map { Guarded($0.map { Scalar($0) }) })
        }
    }

    static let lengths = [0, 1, 2, 3, 7, 8, 15, 17, 31, 32, 33, 63, 64, 71, 72, 73, 145]

    @Test(arguments: lengths) func forwardAndBackward(n: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            for (turn, d) in [1, 4, 5, 16, 24, 32, 33, 64].enumerated() where n * n * d < 100_000 {
                for isCausal in [false, true] {
                    let problem = Problem<Scalar>(
                        n, d, isCausal: isCausal,
                        rate: [nil, 0, 0.1, 0.5][(turn + (isCausal ? 1 : 0) + n) % 4])
                    let expected = problem.expected()
                    let tolerance = 10 * Scalar.closeness * (1 + Double(d).squareRoot())
                    expectSame(
                        problem.forward(), expected.out, "out, \(problem.description)", within: tolerance)
                    for (name, pair) in zip(["dq", "dk", "dv"], zip(problem.backward(), expected.gradients)) {
                        expectSame(pair.0, pair.1, "\(name), \(problem.description)", within: tolerance)
                    }
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// d/dx sum(out * dout) by central differences; dropout must draw the same forward and backward.
    @Test(arguments: [nil, 0.3] as [Double?], [false, true])
    func finiteDifferences(rate: Double?, isCausal: Bool) {
        let problem = Problem<Double>(19, 5, isCausal: isCausal, rate: rate)
        func loss() -> Double {
            let out = problem.forward()
            var sum = 0.0
            for i in 0..<problem.n {
                for c in 0..<problem.d {
                    let at = i * problem.ldo + c
                    sum += out.pointer[at] * problem.dout.pointer[at]
                }
            }
            return sum
        }
        for (input, gradient) in zip([problem.q, problem.k, problem.v], problem.backward()) {
            for i in 0..<problem.n {
                for c in 0..<problem.d {
                    let at = i * problem.ld + c
                    let value = input.pointer[at], step = 1e-5
                    input.pointer[at] = value + step
                    let above = loss()
                    input.pointer[at] = value - step
                    let below = loss()
                    input.pointer[at] = value
                    #expect(abs((above - below) / (2 * step) - gradient.pointer[at]) < 1e-8)
                }
            }
        }
    }

    /// With equal scores and V the identity, the output shows which places dropout kept.
    @Test(arguments: [1, 5, 40, 100]) func dropoutFollowsTheDraws(n: Int) {
        let problem = Problem<Float>(n, n, rate: 0.25)
        for index in 0..<problem.q.count { problem.q.pointer[index] = 0 }
        for i in 0..<n {
            for c in 0..<n { problem.v.pointer[i * problem.ld + c] = i == c ? 1 : 0 }
        }
        let out = problem.forward()
        let keep = problem.probabilities().keep
        for i in 0..<n {
            for j in 0..<n {
                #expect(abs(Double(out.pointer[i * problem.ldo + j]) - keep[i * n + j] / Double(n)) < 1e-6)
            }
        }
    }

    @Test func largeScoresDoNotOverflow() {
        let problem = Problem<Float>(20, 8)
        for index in 0..<problem.q.count { problem.q.pointer[index] *= 1e4 }
        let out = problem.forward()
        for i in 0..<20 {
            for c in 0..<8 { #expect(abs(out.pointer[i * problem.ldo + c]) <= 1) }
        }
    }

    /// A NaN in a query reaches its own row only; one in a value reaches every row that sees it.
    @Test(arguments: [false, true]) func notANumberSpreadsAsItShould(isCausal: Bool) {
        let n = 80, d = 16
        let query = Problem<Float>(n, d, isCausal: isCausal), value = Problem<Float>(n, d, isCausal: isCausal)
        query.q.pointer[50 * query.ld + 3] = .nan
        value.v.pointer[50 * value.ld + 3] = .nan
        let (fromQuery, fromValue) = (query.forward(), value.forward())
        for i in 0..<n {
            #expect(fromQuery.pointer[i * query.ldo].isNaN == (i == 50))
            // Rows that causality hides it from multiply it by probability 0: NaN where the block reaches it.
            if !isCausal || i >= 50 { #expect(fromValue.pointer[i * value.ldo + 3].isNaN) }
            #expect(!fromValue.pointer[i * value.ldo + 2].isNaN)
        }
    }
}
