import Foundation
import MarketingML
import TestSupport
import Testing

@Suite struct GenerationTests {
    /// Follows one path: token t is followed by t + 1, and the last by itself.
    private func path(_ strings: [[UInt8]]) -> (model: TableModel, tokenizer: ListTokenizer) {
        let count = strings.count
        var scores = [Float](repeating: 0, count: count * count * count)
        for before in 0..<count {
            for last in 0..<count { scores[(before * count + last) * count + min(last + 1, count - 1)] = 9 }
        }
        return (TableModel(vocabularySize: count, scores: scores), ListTokenizer(strings))
    }
    private func path(_ strings: [String]) -> TextGenerator<TableModel> {
        let (model, tokenizer) = path(strings.map { Array($0.utf8) })
        return TextGenerator(model, tokenizer: tokenizer)
    }

    private func pieces(_ stream: AsyncThrowingStream<String, any Error>) async throws -> [String] {
        var pieces: [String] = []
        for try await piece in stream { pieces.append(piece) }
        return pieces
    }

    /// Log-probabilities are those of the model's own distribution, whatever the sampling.
    @Test func logProbabilities() throws {
        let model = TableModel(vocabularySize: 9, seed: 1)
        let sampling = Sampling(temperature: 0.5, topK: 3, repetitionPenalty: 1.2, seed: 4)
        let text = try model.generate([[1, 2]], options: .init(maxNewTokens: 12, sampling: sampling))[0][0]
        var row: [Int32] = [1, 2]
        for (token, logProbability) in zip(text.tokens, text.logProbabilities) {
            let scores = model.next(after: row).map(Double.init)
            let expected = scores[Int(token)] - log(scores.reduce(0) { $0 + exp($1) })
            expectClose([Double(logProbability)], [expected], absolute: 1e-5)
            row.append(token)
        }
        expectClose([text.score], [text.logProbabilities.reduce(0) { $0 + Double($1) }], relative: 1e-12)
        expectClose([text.perplexity], [exp(-text.score / 12)], relative: 1e-12)
    }

    /// Rows of a batch end at different times and are the same as alone.
    @Test func unequalPrompts() throws {
        let model = TableModel(vocabularySize: 8, spread: 3, seed: 12)
        let prompts: [[Int32]] = [[1], [2, 3, 4, 5], [6, 6], [7, 1, 2]]
        let options = GenerationOptions(maxNewTokens: 30, stopTokens: [0])
        let together = try model.generate(prompts, options: options)
        for (prompt, texts) in zip(prompts, together) {
            #expect(try model.generate([prompt], options: options)[0] == texts)
        }
        let lengths = Set(together.map { $0[0].tokens.count })
        #expect(lengths.count > 1)
        for texts in together where texts[0].finishReason == .stopToken(0) {
            #expect(texts[0].tokens.last == 0)
        }
    }

    @Test func stopStrings() async throws {
        let generator = path(["go", " on", " a", "nd sto", "p", "ped now", " or", " later", "."])
        func text(_ stops: [String]) throws -> GeneratedText {
            try generator.generate("go", options: .init(maxNewTokens: 8, stopStrings: stops))[0]
        }
        #expect(try text([]).text == " on and stopped now or later.")
        #expect(try text(["stop"]).text == " on and ")
        #expect(try text(["stop"]).finishReason == .stopString("stop"))
        #expect(try text(["stop"]).tokens.count == 4)
        // The one that is complete first, and of two that end together the longer.
        #expect(try text(["now", "stopped", "ed"]).text == " on and ")
        #expect(try text(["pped n"]).text == " on and sto")
        #expect(try text(["never"]).finishReason == .maxNewTokens)
        #expect(try text([" on"]).text == "")
        for stops in [[], ["stop"], ["stopped n"], [" on"], ["ater!"], ["r."]] {
            let options = GenerationOptions(maxNewTokens: 8, stopStrings: stops)
            let pieces = try await pieces(generator.stream("go", options: options))
            #expect(pieces.joined() == (try text(stops).text), "\(stops)")
        }
        expectFailure(.invalidOption) { _ = try text([""]) }
    }

    /// Pieces are whole characters though tokens cut through them, and join to the text.
    @Test func streaming() async throws {
        let text = "é e\u{301}x 👩‍👩‍👧🇩🇪🇫🇷 价格\r\nend"
        let bytes = Array(text.utf8)
        for width in 1...5 {
            let tokens =
                [Array("^".utf8)]
                + stride(from: 0, to: bytes.count, by: width).map {
                    Array(bytes[$0..<min(bytes.count, $0 + width)])
                }
            let (model, tokenizer) = path(tokens)
            let generator = TextGenerator(model, tokenizer: tokenizer)
            let options = GenerationOptions(maxNewTokens: tokens.count - 1)
            let pieces = try await pieces(generator.stream("^", options: options))
            #expect(pieces.joined() == text)
            // Cutting at the ends of pieces never cuts a character.
            #expect(pieces.flatMap(Array.init) == Array(text))
            #expect(try generator.generate("^", options: options)[0].text == text)
        }
        // What is not a whole character at the end is left out.
        let (model, tokenizer) = path([[0x5E], [0x61, 0xE4], [0xBB], [0x62]])
        let generator = TextGenerator(model, tokenizer: tokenizer)
        #expect(try generator.generate("^", options: .init(maxNewTokens: 2))[0].text == "a")
        #expect(try await pieces(generator.stream("^", options: .init(maxNewTokens: 2))) == ["a"])
        #expect(try generator.generate("^", options: .init(maxNewTokens: 3))[0].text == "a\u{FFFD}b")
    }

    @Test func candidatesStream() async throws {
        let model = TableModel(vocabularySize: 5, spread: 1, seed: 8)
        let generator = TextGenerator(model, tokenizer: ListTokenizer(["a", "b", "c ", "dé", ""]))
        let options = GenerationOptions(
            maxNewTokens: 20, stopTokens: [4], candidates: 3, sampling: .init(seed: 2))
        let expected = try generator.generate("ab", options: options)
        var texts = ["", "", ""]
        var finished: [Int: GeneratedText] = [:]
        for try await event in generator.candidates("ab", options: options) {
            switch event {
            case .piece(let candidate, let piece): texts[candidate] += piece
            case .finished(let candidate, let text): finished[candidate] = text
            }
        }
        #expect(texts == expected.map(\.text))
        #expect((0..<3).map { finished[$0] } == expected)
    }

    @Test func cancellation() async throws {
        let model = TableModel(vocabularySize: 5, seed: 8)
        let generator = TextGenerator(model, tokenizer: ListTokenizer(["a", "b", "c", "d", "e"]))
        let options = GenerationOptions(maxNewTokens: 50_000_000, contextPolicy: .keepLatest)
        var count = 0
        for try await _ in generator.stream("ab", options: options) {
            count += 1
            if count == 20 { break }
        }
        #expect(count == 20)
        let task = Task { try generator.generate("ab", options: options) }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func fullContext() throws {
        var model = TableModel(vocabularySize: 6, seed: 21)
        model.contextLength = 8
        let prompt: [Int32] = [1, 2, 3, 4, 5]
        func generate(_ policy: GenerationOptions.ContextPolicy, _ prompt: [Int32], _ count: Int) throws
            -> GeneratedText
        {
            try model.generate([prompt], options: .init(maxNewTokens: count, contextPolicy: policy))[0][0]
        }
        let unlimited = try TableModel(vocabularySize: 6, seed: 21).generate(
            [prompt], options: .init(maxNewTokens: 40))[0][0]
        let stopped = try generate(.stop, prompt, 40)
        #expect(stopped.tokens == Array(unlimited.tokens.prefix(3)) && stopped.finishReason == .contextFull)
        #expect(try generate(.stop, prompt, 3).finishReason == .maxNewTokens)
        expectFailure(.tooLarge) { _ = try generate(.fail, prompt, 4) }
        #expect(try generate(.fail, prompt, 3).tokens.count == 3)
        // This model looks back two tokens only: forgetting the beginning changes nothing.
        #expect(try generate(.keepLatest, prompt, 40).tokens == unlimited.tokens)
        let long = [Int32](repeating: 3, count: 20) + prompt
        #expect(try generate(.keepLatest, long, 40).tokens == unlimited.tokens)
        expectFailure(.tooLarge) { _ = try generate(.stop, long, 1) }
        expectFailure(.tooLarge) { _ = try generate(.stop, [1, 2, 3, 4, 5, 1, 2, 3], 1) }
        // Rows that fill the context at different times do not disturb each other.
        let options = GenerationOptions(
            maxNewTokens: 30, contextPolicy: .keepLatest, candidates: 2, sampling: .init(seed: 1))
        let together = try model.generate([prompt, [1], [2, 2, 2]], options: options)
        model.contextLength = 100
        #expect(try model.generate([prompt, [1], [2, 2, 2]], options: options) == together)
    }

    @Test func progress() throws {
        let model = TableModel(vocabularySize: 6, seed: 21)
        var steps: [Int] = []
        let text = try model.generate([[1]], options: .init(maxNewTokens: 10)) { event in
            steps.append(event.step)
            return event.step == 4 ? .stop : .continue
        }[0][0]
        #expect(steps == [1, 2, 3, 4])
        #expect(text.tokens.count == 4 && text.finishReason == .stopped)
    }

    @Test func scoresThatAreNotFinite() {
        for bad in [Float.nan, .infinity] {
            var scores = [Float](repeating: 0, count: 27)
            scores[(0 * 3 + 1) * 3 + 2] = bad
            let model = TableModel(vocabularySize: 3, scores: scores)
            for sampling in [Sampling.greedy, Sampling(topK: 2, topP: 0.5, minP: 0.1)] {
                expectFailure(.notFinite) {
                    _ = try model.generate([[1]], options: .init(sampling: sampling))
                }
            }
            expectFailure(.notFinite) { _ = try model.beamSearch([[1]]) }
        }
    }
}
