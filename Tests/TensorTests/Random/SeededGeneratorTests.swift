import Tensor
import Testing

@Suite struct SeededGeneratorTests {
    /// The published SplitMix64 sequence of seed 1234567.
    @Test func knownSequence() {
        var random = SeededGenerator(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect((0..<5).map { _ in random.next() } == expected)
    }

    /// Computed by the same method in Python's integers.
    @Test func permutationsStayTheSame() {
        var random = SeededGenerator(seed: 42)
        #expect(random.permutation(10) == [8, 3, 6, 5, 4, 0, 9, 2, 1, 7])
        #expect(random.permutation(0) == [])
        #expect(random.permutation(1) == [0])
    }

    @Test func permutationsHoldEverythingOnce() {
        for seed in 0..<50 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            #expect(random.permutation(37).sorted() == Array(0..<37))
        }
    }

    @Test func ordersAreEquallyLikely() {
        var random = SeededGenerator(seed: 3)
        var counts: [[Int]: Int] = [:]
        for _ in 0..<24_000 { counts[random.permutation(4), default: 0] += 1 }
        #expect(counts.count == 24)
        // 1000 each, standard deviation 31.
        #expect(counts.values.allSatisfy { abs($0 - 1000) < 160 })
    }

    @Test func boundsAndMean() {
        var random = SeededGenerator(seed: 9)
        var sum = 0.0
        for _ in 0..<100_000 {
            #expect((0..<7).contains(random.next(below: 7)))
            let value = random.nextUniform()
            #expect((0..<1).contains(value))
            sum += value
        }
        #expect(abs(sum / 100_000 - 0.5) < 0.005)
        #expect(random.next(below: 1) == 0)
        #expect(random.next(below: .max) >= 0)
    }

    @Test func streamsDiffer() {
        var generators = (0..<100).map { SeededGenerator(seed: 1, stream: $0) }
        #expect(Set(generators.indices.map { generators[$0].next() }).count == 100)
        #expect(SeededGenerator(seed: 5) == SeededGenerator(state: 5))
    }
}
