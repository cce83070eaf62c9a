import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Causal language models whose matrices are held in 8 bits.
@Suite struct CausalQuantizationTests {
    @Test(arguments: CausalFixture.names) func staysCloseInAQuarterOfTheMemory(_ name: String) throws {
        let model = try CausalFixture(name).model()
        let small = model.quantized()
        let batch = TokenBatch(rows: try CausalFixture(name).rows)
        let configuration = model.configuration
        // Four matrices a layer, the words, and an output of its own.
        let matrices = 4 * configuration.layers + (configuration.tiesOutput ? 1 : 2)
        #expect(small.decoder.parameters.count { $0.value.isHeldQuantized } == matrices)
        #expect(small.decoder.positions?.isHeldQuantized != true)
        #expect(small.decoder.heldByteCount * 2 < model.decoder.heldByteCount)
        let (whole, exact) = (small.decoder.logits(batch), model.decoder.logits(batch))
        expectRelativeNorm(whole.elements, exact.elements, 0.05, "scores")
        #expect(whole != exact)
        // A row is the same alone as in a batch.
        for row in 0..<batch.rowCount {
            let alone = small.decoder.logits(batch.select(rows: row..<row + 1))
            #expect(alone == whole.rows(batch.rowOffsets[row]..<batch.rowOffsets[row + 1]))
        }
    }

    /// Reading and appending, for one and for several rows, on one and on two threads.
    @Test(arguments: CausalFixture.names) func decodes(_ name: String) throws {
        let fixture = try CausalFixture(name)
        let model = try fixture.model().quantized()
        let threads = ThreadPool.threadCount
        defer { ThreadPool.threadCount = threads }
        var results: [[Float]] = []
        let rows = fixture.rows.filter { $0.count > 2 }
        for count in [1, 2] {
            ThreadPool.threadCount = count
            var (state, _) = try model.read(rows.map { Array($0.dropLast()) })
            results.append(try model.advance(&state, by: rows.map { $0[$0.count - 1] }).elements)
        }
        #expect(results[0] == results[1])
        for (row, tokens) in rows.enumerated() {
            let width = model.vocabularySize
            let found = Array(results[0][row * width..<(row + 1) * width])
            let expected = model.decoder.logits(TokenBatch(rows: [tokens])).rows(
                tokens.count - 1..<tokens.count)
            // Sums of attention in another order may round an activation to its other neighbour.
            expectRelativeNorm(found, expected.elements, 0.02, "row \(row)")
        }
    }

    @Test func measuredAndSaved() throws {
        let fixture = try CausalFixture("gpt2")
        let model = try fixture.model()
        let small = model.quantized()
        let rows = TokenRows(fixture.rows)
        let report = try model.quantizationReport(on: rows)
        expectClose([report.perplexityBefore], [try model.perplexity(of: rows)], relative: 1e-5, "before")
        expectClose([report.perplexityAfter], [try small.perplexity(of: rows)], relative: 1e-5, "after")
        #expect(report.perplexityBefore != report.perplexityAfter)
        #expect(report.bytesAfter == small.decoder.heldByteCount && report.bytesAfter < report.bytesBefore)
        #expect("\(report)".contains("same token"))
        expectFailure(.emptyData, "nothing to predict") {
            _ = try model.quantizationReport(on: TokenRows([[1]]))
        }
        // Files hold the rounded weights: quantised again they are the same.
        try withTemporaryDirectory { path in
            let folder = URL(fileURLWithPath: path).appending(path: "model")
            try small.save(to: folder)
            let again = try CausalLanguageModel(directory: folder, tokenizer: model.tokenizer).quantized()
            let batch = TokenBatch(rows: fixture.rows)
            #expect(again.decoder.logits(batch) == small.decoder.logits(batch))
        }
    }

    /// A trained model keeps what it knows, on texts drawn from its own distribution.
    @Test(.enabled(if: TestData.shared("stories260k") != nil)) func storiesInEightBits() throws {
        let folder = try #require(TestData.shared("stories260k"))
        let model = try CausalLanguageModel(
            llama2c: folder.appendingPathComponent("stories260K.bin"),
            tokenizer: SentencePieceTokenizer(llama2C: folder.appendingPathComponent("tok512.bin")))
        let start = try #require(model.configuration.startToken)
        let texts = try model.generate(
            [[start]],
            options: GenerationOptions(maxNewTokens: 200, candidates: 8, sampling: Sampling(seed: 3)))
        let report = try model.quantizationReport(on: TokenRows(texts[0].map { [start] + $0.tokens }))
        #expect(abs(report.perplexityAfter / report.perplexityBefore - 1) < 0.01, "\(report)")
        #expect(report.agreement >= 0.95, "\(report)")
        #expect(report.bytesAfter * 3 < report.bytesBefore, "\(report)")
    }
}
