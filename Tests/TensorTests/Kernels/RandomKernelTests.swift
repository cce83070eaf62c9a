import CTensorKernels
import Testing

@Suite struct RandomKernelTests {
    static func words(_ seed: UInt64, _ stream: UInt64, _ first: UInt64, _ count: Int) -> [UInt32] {
        var words = [UInt32](repeating: 0, count: count + 1)
        words[count] = 0xDEAD_BEEF
        mml_random_words(seed, stream, first, count, &words)
        #expect(words[count] == 0xDEAD_BEEF)
        return Array(words.dropLast())
    }

    /// The known answers that come with the Random123 library: zeros, ones, digits of pi.
    @Test func knownAnswers() {
        let vectors: [(counter: [UInt32], key: [UInt32], words: [UInt32])] = [
            ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (
                [.max, .max, .max, .max], [.max, .max], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ]
        for vector in vectors {
            var words: [UInt32] = [0, 0, 0, 0]
            mml_reference_philox(vector.counter, vector.key, &words)
            #expect(words == vector.words)
        }
        let first = Self.words(0, 0, 0, 64)
        #expect([first[0], first[16], first[32], first[48]] == vectors[0].words)
    }

    @Test(arguments: [0, 1, 63, 64, 1000, (1 << 38) - 5, 1 << 40, .max - 500] as [UInt64])
    func wordsFollowTheReference(first: UInt64) {
        let (seed, stream) = (0x0123_4567_89AB_CDEF as UInt64, 0xFEDC_BA98_7654_3210 as UInt64)
        for count in [0, 1, 15, 64, 65, 200] {
            var expected = [UInt32](repeating: 0, count: count)
            mml_reference_random_words(seed, stream, first, count, &expected)
            #expect(Self.words(seed, stream, first, count) == expected)
        }
    }

    @Test(arguments: [0, 1, 63, 64, 127, 128, 1000, 1 << 40, .max - 500] as [UInt64])
    func drawsFollowTheReference(first: UInt64) {
        let (seed, stream) = (0x0123_4567_89AB_CDEF as UInt64, 0xFEDC_BA98_7654_3210 as UInt64)
        for count in [0, 1, 15, 64, 65, 128, 129, 400] {
            var expected = [UInt16](repeating: 0, count: count)
            mml_reference_random_draws(seed, stream, first, count, &expected)
            var draws = [UInt16](repeating: 0xBEEF, count: count + 1)
            mml_random_draws(seed, stream, first, count, &draws)
            #expect(draws == expected + [0xBEEF])
        }
        let words = Self.words(seed, stream, 64, 64)
        var draws = [UInt16](repeating: 0, count: 128)
        mml_random_draws(seed, stream, 128, 128, &draws)
        #expect((0..<64).allSatisfy { words[$0] == UInt32(draws[$0]) | UInt32(draws[64 + $0]) << 16 })
    }

    @Test func wordsDoNotDependOnTheStart() {
        let whole = Self.words(7, 9, 0, 500)
        for first in [1, 16, 37, 64, 100, 128] {
            #expect(Self.words(7, 9, UInt64(first), 300) == Array(whole[first..<first + 300]))
        }
        #expect(Self.words(7, 10, 0, 500) != whole)
        #expect(Self.words(8, 9, 0, 500) != whole)
    }

    @Test(arguments: kernelSizes) func numbers(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            for first in [0, 64, 13] as [UInt64] {
                let (y, expected) = (Guarded<Scalar>(zeros: count), Guarded<Scalar>(zeros: count))
                mml_random_uniform(Scalar.mmlType, 3, 4, first, count, y.pointer)
                mml_reference_random_uniform(Scalar.mmlType, 3, 4, first, count, expected.pointer)
                expectSame(y, expected, "uniform", within: 0)
                mml_random_normal(Scalar.mmlType, 3, 4, first, count, y.pointer)
                mml_reference_random_normal(Scalar.mmlType, 3, 4, first, count, expected.pointer)
                expectSame(y, expected, "normal", within: Scalar.closeness)
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// Means and variances of 200000 numbers, five standard errors wide.
    @Test func moments() {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let count = 200_000
            let y = Guarded<Scalar>(zeros: count)
            func meanAndVariance() -> (Double, Double) {
                let mean = mml_sum(Scalar.mmlType, count, y.pointer) / Double(count)
                return (mean, mml_sum_squares(Scalar.mmlType, count, y.pointer) / Double(count) - mean * mean)
            }
            mml_random_uniform(Scalar.mmlType, 1, 2, 0, count, y.pointer)
            let uniform = meanAndVariance()
            #expect(abs(uniform.0 - 0.5) < 5 * 0.289 / Double(count).squareRoot())
            #expect(abs(uniform.1 - 1.0 / 12) < 5 * 0.075 / Double(count).squareRoot())
            #expect(y.values.allSatisfy { $0 >= 0 && $0 < 1 })
            mml_random_normal(Scalar.mmlType, 1, 2, 0, count, y.pointer)
            let normal = meanAndVariance()
            #expect(abs(normal.0) < 5 / Double(count).squareRoot())
            #expect(abs(normal.1 - 1) < 5 * 1.42 / Double(count).squareRoot())
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: kernelSizes) func dropout(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count)
            for (rate, first) in [(0, 0), (0.1, 64), (0.5, 13), (0.999, (1 << 38) - 5)] as [(Double, UInt64)]
            {
                var spec = mml_dropout_spec(seed: 5, stream: 1 << 40 | 6, rate: rate)
                let x = Guarded<Scalar>(withSpecials(numbers.array(count, 3)))
                let (y, expected) = (Guarded<Scalar>(zeros: count), Guarded<Scalar>(zeros: count))
                mml_dropout(Scalar.mmlType, &spec, first, count, x.pointer, y.pointer)
                mml_reference_dropout(Scalar.mmlType, &spec, first, count, x.pointer, expected.pointer)
                expectSame(y, expected, "dropout \(rate)")
                mml_dropout(Scalar.mmlType, &spec, first, count, x.pointer, x.pointer)
                expectSame(x, expected, "dropout in place \(rate)")
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: [0.1, 0.5, 0.9]) func dropoutKeepsItsShare(rate: Double) {
        let count = 100_000
        var spec = mml_dropout_spec(seed: 11, stream: 3, rate: rate)
        let x = Guarded([Double](repeating: 1, count: count)), y = Guarded<Double>(zeros: count)
        let floats = Guarded([Float](repeating: 1, count: count))
        mml_dropout(MML_F64, &spec, 0, count, x.pointer, y.pointer)
        mml_dropout(MML_F32, &spec, 0, count, floats.pointer, floats.pointer)
        let kept = y.values.map { $0 != 0 }
        #expect(kept == floats.values.map { $0 != 0 })
        #expect(y.values.allSatisfy { $0 == 0 || $0 == mml_dropout_scale(&spec) })
        #expect(abs(mml_dropout_scale(&spec) * (1 - rate) - 1) < 1e-4)
        let share = Double(kept.count { $0 }) / Double(count)
        #expect(abs(share - (1 - rate)) < 5 * (rate * (1 - rate) / Double(count)).squareRoot())
    }
}
