import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Decoding with the cache against the full forward pass, and a real model's text.
@Suite struct CausalDecodingTests {
    /// Scores of each row's next token by the full forward pass.
    private func full(_ model: CausalLanguageModel, _ rows: [[Int32]]) -> [[Float]] {
        rows.map { row in
            let logits = model.decoder.logits(TokenBatch(rows: [row]))
            return logits.rows(row.count - 1..<row.count).elements
        }
    }

    private func expectSame(_ scores: Tensor<Float>, _ expected: [[Float]], _ what: String) {
        let flat = expected.flatMap { $0 }
        expectClose(scores.elements, flat, absolute: 1e-4, what)
        let width = scores.shape[1]
        for (row, values) in expected.enumerated() {
            let found = Array(scores.elements[row * width..<(row + 1) * width])
            #expect(argmax(found) == argmax(values), "\(what), row \(row)")
        }
    }

    private func argmax(_ values: [Float]) -> Int? { values.indices.max { values[$0] < values[$1] } }

    private func model(
        _ layout: CausalConfiguration.Layout, context: Int = 80
    ) throws -> CausalLanguageModel {
        var configuration =
            layout == .gpt2
            ? CausalConfiguration.gpt2(
                vocabularySize: 50, hiddenSize: 24, layers: 2, heads: 3, contextLength: context)
            : .llama(
                vocabularySize: 50, hiddenSize: 24, layers: 2, heads: 6, keyValueHeads: 2,
                contextLength: context)
        configuration.initializerRange = 0.2
        return try CausalLanguageModel(
            configuration: configuration, tokenizer: NumberTokenizer(vocabularySize: 50))
    }

    /// Rows of unequal lengths over several blocks of the cache; a step changes the rows' order and copies one.
    @Test(arguments: CausalConfiguration.Layout.allCases)
    func equalsFullForward(_ layout: CausalConfiguration.Layout) throws {
        let model = try model(layout)
        var random = SeededGenerator(seed: 4)
        var rows: [[Int32]] = [3, 1, 31, 32].map { count in
            (0..<count).map { _ in Int32(random.next(below: 50)) }
        }
        var (state, scores) = try model.read(rows)
        expectSame(scores, full(model, rows), "prompts")
        for step in 0..<40 {
            if step == 5 || step == 20 {
                let order = step == 5 ? [2, 2, 0, 1, 3] : [4, 0, 1]
                rows = order.map { rows[$0] }
                state.select(rows: order)
            }
            let tokens = rows.map { _ in Int32(random.next(below: 50)) }
            for row in rows.indices { rows[row].append(tokens[row]) }
            scores = try model.advance(&state, by: tokens)
            expectSame(scores, full(model, rows), "step \(step)")
            #expect(rows.indices.map { state.length(ofRow: $0) } == rows.map(\.count))
        }
    }

    /// A state is a value: going on from a copy leaves the other one as it was.
    @Test func copiesAreBranches() throws {
        let model = try model(.llama)
        let (start, _) = try model.read([[1, 2, 3, 4, 5]])
        var (one, other) = (start, start)
        let first = try model.advance(&one, by: [7])
        let second = try model.advance(&other, by: [8])
        expectSame(first, full(model, [[1, 2, 3, 4, 5, 7]]), "one")
        expectSame(second, full(model, [[1, 2, 3, 4, 5, 8]]), "other")
        expectSame(try model.advance(&one, by: [9]), full(model, [[1, 2, 3, 4, 5, 7, 9]]), "one again")
    }

    @Test func sameBitsForEveryNumberOfThreadsAndBatch() throws {
        let model = try model(.gpt2)
        let threads = ThreadPool.threadCount
        defer { ThreadPool.threadCount = threads }
        var results: [[Float]] = []
        for count in [1, 2] {
            ThreadPool.threadCount = count
            var (state, _) = try model.read([[1, 2, 3], [4]])
            results.append(try model.advance(&state, by: [5, 6]).elements)
        }
        #expect(results[0] == results[1])
        var (single, _) = try model.read([[1, 2, 3]])
        expectClose(try model.advance(&single, by: [5]).elements, Array(results[0][..<50]), absolute: 1e-5)
    }

    @Test(arguments: CausalConfiguration.Layout.allCases)
    func slidingWindow(_ layout: CausalConfiguration.Layout) throws {
        let model = try model(layout, context: 8)
        expectFailure(.tooLarge, "prompt") { _ = try model.read([[Int32](repeating: 1, count: 9)]) }
        var (full8, _) = try model.read([[1, 2, 3, 4, 5, 6, 7, 8]])
        expectFailure(.tooLarge, "ninth token") { _ = try model.advance(&full8, by: [9]) }
        #expect(full8.length(ofRow: 0) == 8)

        let sliding = try model.with(contextPolicy: .slide(keeping: 3))
        let (cut, scores) = try sliding.read([[1, 2, 3, 4, 5, 6, 7, 8, 9]])
        #expect(cut.length(ofRow: 0) == 3)
        expectSame(scores, full(model, [[7, 8, 9]]), "prompt")
        var (state, _) = try sliding.read([[1, 2, 3, 4, 5, 6, 7], [4]])
        _ = try sliding.advance(&state, by: [8, 5])
        let next = try sliding.advance(&state, by: [9, 6])
        #expect((0..<2).map { state.length(ofRow: $0) } == [4, 3])
        expectSame(next, full(model, [[6, 7, 8, 9], [4, 5, 6]]), "slid")
        expectFailure(.invalidOption, "keeps all") { _ = try model.with(contextPolicy: .slide(keeping: 8)) }
    }

    @Test func badInput() throws {
        let model = try model(.gpt2)
        expectFailure(.emptyData, "no token") { _ = try model.read([[1], []]) }
        expectFailure(.invalidOption, "id") { _ = try model.read([[1, 50]]) }
        var (state, _) = try model.read([[1]])
        expectFailure(.invalidOption, "id") { _ = try model.advance(&state, by: [-1]) }
        #expect(state.length(ofRow: 0) == 1)
        let (none, scores) = try model.read([])
        #expect(none.rowCount == 0 && scores.shape == [0, 50])
    }

    // MARK: - A real model

    private func stories() throws -> CausalLanguageModel {
        let folder = try #require(TestData.shared("stories260k"))
        return try CausalLanguageModel(
            llama2c: folder.appendingPathComponent("stories260K.bin"),
            tokenizer: SentencePieceTokenizer(llama2C: folder.appendingPathComponent("tok512.bin")))
    }

    @Test(.enabled(if: TestData.shared("stories260k") != nil)) func storiesGreedy() throws {
        let model = try stories()
        let start = try #require(model.configuration.startToken)
        var tokens = [start]
        var (state, scores) = try model.read([tokens])
        for _ in 0..<200 {
            let next = Int32(try #require(argmax(scores.elements)))
            if next == start { break }
            tokens.append(next)
            scores = try model.advance(&state, by: [next])
        }
        let text = model.tokenizer.decode(tokens, skipSpecialTokens: true)
        let folder = try #require(TestData.shared("stories260k"))
        let expected = try InputFile.read(folder.appendingPathComponent("expected-greedy-200.txt").path)
        #expect(Array(text.utf8) == expected, "\(text)")
    }

    /// Saved for Hugging Face, with the rotary pairs moved, it scores the same.
    @Test(.enabled(if: TestData.shared("stories260k") != nil)) func storiesAsHuggingFace() throws {
        let model = try stories()
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path).appendingPathComponent("stories")
            try model.save(to: directory)
            let read = try CausalLanguageModel(directory: directory, tokenizer: model.tokenizer)
            let batch = TokenBatch(rows: [[1, 403, 407, 261, 378], [1, 5, 9]])
            expectRelativeNorm(
                read.decoder.logits(batch).elements, model.decoder.logits(batch).elements, 1e-5)
        }
    }

    @Test func brokenLlama2CFiles() throws {
        let tokenizer = NumberTokenizer(vocabularySize: 5)
        // dim 4, hidden 3, 1 layer, 2 heads, 1 of keys, vocabulary 5, context 6.
        let sizes: [Int32] = [4, 3, 1, 2, 1, 5, 6]
        let floats = [5 * 4, 4, 16, 8, 8, 16, 4, 3 * 12, 4, 2 * 6].reduce(0, +)
        func bytes(_ sizes: [Int32], _ floats: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            for size in sizes { withUnsafeBytes(of: size.littleEndian) { bytes += $0 } }
            for index in 0..<floats {
                let number = Float(index % 7) / 10
                withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 }
            }
            return bytes
        }
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appendingPathComponent("model.bin")
            func load(_ bytes: [UInt8]) throws -> CausalLanguageModel {
                try Data(bytes).write(to: url)
                return try CausalLanguageModel(llama2c: url, tokenizer: tokenizer)
            }
            let tied = try load(bytes(sizes, floats))
            #expect(tied.decoder.output == nil && tied.configuration.keyValueHeads == 1)
            var untied = sizes
            untied[5] = -5
            #expect(try load(bytes(untied, floats + 20)).decoder.output?.shape == [5, 4])
            for (what, broken) in [
                ("short", bytes(sizes, floats - 1)), ("long", bytes(sizes, floats + 1)), ("empty", []),
                ("heads", bytes([4, 3, 1, 3, 1, 5, 6], floats)),
                ("zero", bytes([4, 3, 0, 2, 1, 5, 6], floats)),
                ("large", bytes([1 << 24, 1 << 24, 1024, 2, 1, 1 << 24, 6], floats)),
            ] { expectFailure(.malformedFile, what) { _ = try load(broken) } }
            let whole = bytes(sizes, floats)
            try forEachMutation(of: Array(whole[..<28]), count: 1000) { header in
                do { _ = try load(header + whole[28...]) } catch is MarketingMLError {}
            }
        }
    }
}
