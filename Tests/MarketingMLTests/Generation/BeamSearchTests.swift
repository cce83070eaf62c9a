import Foundation
import MarketingML
import TestSupport
import Testing

@Suite struct BeamSearchTests {
    /// Beams and scores of transformers' generate, for every rule of stopping.
    @Test func transformers() throws {
        let fixture = try GenerationFixture.load()
        let model = fixture.model
        for example in fixture.beams {
            let texts = try model.beamSearch(example.prompts, example.search).flatMap { $0 }
            let what = "\(example.search)"
            #expect(texts.map(\.tokens) == example.sequences, "\(what)")
            expectClose(texts.map(\.score), example.scores, absolute: 2e-5, what)
        }
    }

    /// The same on a small GPT-2, whose cache is reordered with the beams.
    @Test func smallGPT2() throws {
        let model = try CausalFixture("gpt2").model()
        for example in try GenerationFixture.load().gpt2Beams {
            let texts = try model.beamSearch(example.prompts, example.search).flatMap { $0 }
            #expect(texts.map(\.tokens) == example.sequences, "\(example.search)")
            expectClose(texts.map(\.score), example.scores, absolute: 5e-5, "\(example.search)")
        }
    }

    /// With as many beams as there are texts, the best of all texts are found.
    @Test func exhaustive() throws {
        let model = TableModel(vocabularySize: 4, seed: 9)
        let (stop, length) = (Int32(3), 4)
        for penalty in [0.0, 1, -0.5] {
            var texts: [(tokens: [Int32], score: Double)] = []
            func extend(_ tokens: [Int32], _ sum: Double) {
                let scores = model.next(after: [1, 2] + tokens).map(Double.init)
                let logSum = log(scores.reduce(0) { $0 + exp($1) })
                for token in 0..<Int32(4) {
                    let next = tokens + [token]
                    let total = sum + scores[Int(token)] - logSum
                    if token == stop || next.count == length {
                        texts.append((next, total / pow(Double(next.count), penalty)))
                    } else {
                        extend(next, total)
                    }
                }
            }
            extend([], 0)
            texts.sort { $0.score > $1.score }
            let search = BeamSearch(
                beams: texts.count, returned: texts.count, lengthPenalty: penalty, earlyStopping: .never,
                maxNewTokens: length, stopTokens: [stop])
            let found = try model.beamSearch([[1, 2]], search)[0]
            // Sums that are equal but for rounding may stand in either order.
            expectClose(found.map(\.score), texts.map(\.score), absolute: 1e-5)
            #expect(Set(found.map(\.tokens)).count == texts.count)
            for (tokens, score) in texts {
                let same = try #require(found.first { $0.tokens == tokens }, "\(tokens) is missing")
                expectClose([same.score], [score], absolute: 1e-5, "length penalty \(penalty), \(tokens)")
            }
        }
    }

    /// One beam is greedy decoding, and ln p are those of the tokens.
    @Test func oneBeam() throws {
        let model = TableModel(vocabularySize: 7, seed: 4)
        let greedy = try model.generate([[1], [2, 3]], options: .init(maxNewTokens: 9)).map { $0[0] }
        let beams = try model.beamSearch([[1], [2, 3]], .init(beams: 1, lengthPenalty: 0, maxNewTokens: 9))
            .map { $0[0] }
        for (greedy, beam) in zip(greedy, beams) {
            #expect(greedy.tokens == beam.tokens)
            expectClose(beam.logProbabilities, greedy.logProbabilities, absolute: 1e-6)
            expectClose([beam.score], [greedy.score], absolute: 1e-5)
            #expect(beam.finishReason == .maxNewTokens)
        }
    }

    /// A prompt's beams do not depend on the other prompts.
    @Test func batches() throws {
        let model = TableModel(vocabularySize: 11, seed: 6)
        let prompts: [[Int32]] = [[1], [2, 3, 4], [5, 5], [9]]
        let search = BeamSearch(beams: 3, returned: 3, maxNewTokens: 12, stopTokens: [0])
        let together = try model.beamSearch(prompts, search)
        for (prompt, texts) in zip(prompts, together) {
            #expect(try model.beamSearch([prompt], search)[0] == texts)
        }
    }

    @Test func contextAndErrors() throws {
        var model = TableModel(vocabularySize: 5, seed: 3)
        model.contextLength = 6
        let text = try model.beamSearch([[1, 2]], .init(beams: 2))[0][0]
        #expect(text.tokens.count == 4 && text.finishReason == .contextFull)
        expectFailure(.tooLarge) { _ = try model.beamSearch([[1, 1, 1, 1, 1, 1]]) }
        expectFailure(.emptyData) { _ = try model.beamSearch([[]]) }
        for search in [
            BeamSearch(beams: 0), .init(beams: 2, returned: 3), .init(returned: 0),
            .init(lengthPenalty: .nan),
            .init(maxNewTokens: 0), .init(repetitionPenalty: 0), .init(noRepeatNGram: 0),
        ] {
            expectFailure(.invalidOption, "\(search)") { _ = try model.beamSearch([[1]], search) }
        }
        #expect(try model.beamSearch([]).isEmpty)
    }
}
