import Foundation
import MarketingML
import TestSupport
import Testing

@Suite struct SamplingTests {
    /// Every processed score equals that of transformers' logits processors.
    @Test func processors() throws {
        for example in try GenerationFixture.load().processed {
            let sampling = example.options.sampling
            let scores = try sampling.process(example.scores, prompt: example.tokens)
            let expected = example.expected.map { $0 ?? -.infinity }
            #expect(scores.map { $0 == -.infinity } == expected.map { $0 == -.infinity }, "\(example.name)")
            expectClose(scores, expected, relative: 2e-7, example.name)
        }
    }

    /// Subtracted from generated tokens, not from those of the prompt.
    @Test func presenceAndFrequency() throws {
        let sampling = Sampling(presencePenalty: 0.5, frequencyPenalty: 0.25)
        let scores = try sampling.process([1, 1, 1, 1], prompt: [3, 3], generated: [1, 2, 1])
        #expect(scores == [1, 0, 0.25, 1])
    }

    @Test func greedyTakesTheFirstOfEqualScores() throws {
        let model = TableModel(vocabularySize: 4, scores: [Float](repeating: 1, count: 64))
        let text = try model.generate([[3]], options: .init(maxNewTokens: 3))[0][0]
        #expect(text.tokens == [0, 0, 0])
        expectClose(text.logProbabilities, [Float](repeating: -log(4), count: 3), relative: 1e-6)
    }

    /// 40,000 draws for each of several ways of sampling; χ² below its 0.9999 quantile for the degrees of freedom.
    @Test func frequencies() throws {
        let model = TableModel(vocabularySize: 12, spread: 1, seed: 5)
        let draws = 40_000
        let quantiles = [0: 0, 1: 15.1, 2: 18.4, 3: 21.1, 4: 23.5, 5: 25.7, 6: 27.9, 11: 37.4]
        for sampling in [
            Sampling(seed: 1), Sampling(temperature: 0.6, seed: 2), Sampling(topK: 5, seed: 3),
            Sampling(temperature: 1.4, topP: 0.7, seed: 4),
            Sampling(minP: 0.2, repetitionPenalty: 1.5, seed: 5),
        ] {
            let processed = try sampling.process(model.next(after: [3, 4]), prompt: [3, 4])
            let weights = processed.map { exp(Double($0)) }
            let sum = weights.reduce(0, +)
            let texts = try model.generate(
                [[3, 4]], options: .init(maxNewTokens: 1, candidates: draws, sampling: sampling))[0]
            var counts = [Int](repeating: 0, count: 12)
            for text in texts { counts[Int(text.tokens[0])] += 1 }
            var statistic = 0.0
            for (count, weight) in zip(counts, weights) {
                let expected = weight / sum * Double(draws)
                if weight == 0 {
                    #expect(count == 0)
                } else {
                    statistic += (Double(count) - expected) * (Double(count) - expected) / expected
                }
            }
            let freedom = weights.count { $0 > 0 } - 1
            let limit = try #require(quantiles[freedom], "\(freedom) degrees of freedom")
            #expect(statistic <= limit, "\(sampling): χ² \(statistic) with \(freedom) degrees of freedom")
        }
    }

    /// A candidate's draws are its own: the same whatever runs beside it, others for another candidate, prompt or seed.
    @Test func drawsDoNotDependOnNeighbours() throws {
        let model = TableModel(vocabularySize: 9, spread: 0.5, seed: 2)
        func tokens(_ prompts: [[Int32]], candidates: Int, seed: UInt64 = 7) throws -> [[[Int32]]] {
            let options = GenerationOptions(
                maxNewTokens: 25, stopTokens: [8], candidates: candidates, sampling: .init(seed: seed))
            return try model.generate(prompts, options: options).map { $0.map(\.tokens) }
        }
        let many = try tokens([[1], [1], [2, 3]], candidates: 6)
        let few = try tokens([[1], [1], [2, 3]], candidates: 2)
        for (many, few) in zip(many, few) { #expect(Array(many.prefix(2)) == few) }
        #expect(try tokens([[1]], candidates: 6)[0] == many[0])
        #expect(Set(many[0]).count == 6)
        #expect(many[0] != many[1])
        #expect(try tokens([[1]], candidates: 6, seed: 8)[0] != many[0])
    }

    @Test func threadsDoNotMatter() throws {
        let model = TableModel(vocabularySize: 30, spread: 0.5, seed: 2)
        let options = GenerationOptions(maxNewTokens: 20, candidates: 7, sampling: .init(topP: 0.9, seed: 3))
        let threads = ThreadPool.threadCount
        defer { ThreadPool.threadCount = threads }
        ThreadPool.threadCount = 1
        let one = try model.generate([[1, 2], [3]], options: options)
        ThreadPool.threadCount = 2
        #expect(try model.generate([[1, 2], [3]], options: options) == one)
    }

    @Test func invalidOptions() {
        let invalid: [Sampling] = [
            .init(temperature: -1), .init(temperature: .nan), .init(topK: 0), .init(topP: 0),
            .init(topP: 1.1),
            .init(topP: .nan), .init(minP: -0.1), .init(minP: 1.1), .init(repetitionPenalty: 0),
            .init(presencePenalty: .infinity), .init(frequencyPenalty: .nan), .init(noRepeatNGram: 0),
        ]
        for sampling in invalid {
            expectFailure(.invalidOption, "\(sampling)") { _ = try sampling.process([1, 2], prompt: []) }
        }
        let model = TableModel(vocabularySize: 3, seed: 1)
        expectFailure(.invalidOption) { _ = try model.generate([[1]], options: .init(maxNewTokens: 0)) }
        expectFailure(.invalidOption) { _ = try model.generate([[1]], options: .init(candidates: 0)) }
        expectFailure(.invalidOption) { _ = try model.generate([[1]], options: .init(stopStrings: ["x"])) }
        expectFailure(.emptyData) { _ = try model.generate([[]]) }
    }

    @Test func codable() throws {
        let sampling = Sampling(temperature: 0.8, topP: 0.95, seed: 3)
        #expect(try JSONDecoder().decode(Sampling.self, from: JSONEncoder().encode(sampling)) == sampling)
        let options = GenerationOptions(stopTokens: [2], stopStrings: ["."], sampling: sampling)
        #expect(
            try JSONDecoder().decode(GenerationOptions.self, from: JSONEncoder().encode(options)) == options)
    }
}
