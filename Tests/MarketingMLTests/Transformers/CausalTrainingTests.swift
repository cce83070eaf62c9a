import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Training of causal language models: PyTorch's updates, what counts, and resuming.
@Suite struct CausalTrainingTests {
    /// Six updates with warm-up, cosine, clipping and decay follow PyTorch's.
    @Test(arguments: CausalFixture.names) func lossesFollowPyTorch(_ name: String) throws {
        let fixture = try CausalFixture(name)
        let options = CausalTrainingOptions(
            epochs: 6, batchTokens: 1000, learningRate: 3e-3, warmupRatio: 0.5, dropout: 0)
        let (_, history) = try fixture.model().trained(on: TokenRows(fixture.rows), options: options)
        let losses: Tensor<Double> = try fixture.file.tensor("losses", shape: [6])
        expectClose(history.losses, losses.elements, relative: 2e-5)
    }

    private func model(_ seed: UInt64 = 3) throws -> CausalLanguageModel {
        var configuration = CausalConfiguration.llama(
            vocabularySize: 30, hiddenSize: 16, layers: 1, heads: 2, contextLength: 6)
        configuration.initializerRange = 0.3
        return try CausalLanguageModel(
            configuration: configuration, tokenizer: NumberTokenizer(vocabularySize: 30), seed: seed)
    }

    /// A row beyond the context is cut; each of its tokens is predicted once, from its own piece.
    @Test func longRowsAreCut() throws {
        let model = try model()
        let row = (0..<15).map { Int32($0 * 7 % 30) }
        var sum = 0.0
        for piece in [0..<7, 6..<13, 12..<15] {
            sum += log(try model.perplexity(of: TokenRows([Array(row[piece])]))) * Double(piece.count - 1)
        }
        expectClose([try model.perplexity(of: TokenRows([row]))], [exp(sum / 14)], relative: 1e-6)
    }

    /// Only tokens that are marked count: by hand from the scores.
    @Test func onlyMarkedTokensCount() throws {
        let model = try model()
        let rows: [[Int32]] = [[1, 2, 3, 4], [5, 6], [7]]
        let counted = [[true, false, true, true], [true, true], [true]]
        let logits = model.decoder.logits(TokenBatch(rows: rows)).softmax()
        let expected = -(log(logits[1, 3]) + log(logits[2, 4]) + log(logits[4, 6])) / 3
        let found = try model.perplexity(of: TokenRows(rows, counted: counted))
        expectClose([log(found)], [Double(expected)], relative: 1e-5)
    }

    @Test func resumesToTheSameBits() throws {
        let rows = TokenRows(
            (0..<12).map { row in (0..<5).map { place -> Int32 in Int32((row * 5 + place * 3) % 30) } })
        let validation = TokenRows([[1, 2, 3]])
        let options = CausalTrainingOptions(
            epochs: 2, batchTokens: 12, accumulation: 2, dropout: 0.2, labelSmoothing: 0.1,
            earlyStoppingPatience: 5)
        let (whole, history) = try model().trained(on: rows, validation: validation, options: options)
        #expect(history.epochs.allSatisfy { $0.validationLoss != nil })
        #expect(whole.configuration == (try model()).configuration)
        try withTemporaryDirectory { path in
            let checkpoint = CheckpointOptions(
                directory: URL(fileURLWithPath: path).appendingPathComponent("run"), interval: 1)
            _ = try model().trained(
                on: rows, validation: validation, options: options, checkpoint: checkpoint
            ) { $0.step == 3 ? .stop : .continue }
            let (resumed, again) = try model().trained(
                on: rows, validation: validation, options: options, checkpoint: checkpoint)
            #expect(again.losses == history.losses)
            for (a, b) in zip(resumed.decoder.parameters, whole.decoder.parameters) {
                #expect(a.value == b.value, "\(a.name)")
            }
        }
    }

    @Test func badInput() throws {
        let model = try model()
        expectFailure(.emptyData, "one token") { _ = try model.trained(on: TokenRows([[1], []])) }
        expectFailure(.emptyData, "nothing counts") {
            _ = try model.trained(on: TokenRows([[1, 2]], counted: [[true, false]]))
        }
        expectFailure(.invalidOption, "id") { _ = try model.trained(on: TokenRows([[1, 30]])) }
        expectFailure(.shapeMismatch, "marks") {
            _ = try model.trained(on: TokenRows([[1, 2]], counted: [[true]]))
        }
        expectFailure(.invalidOption, "epochs") {
            _ = try model.trained(on: TokenRows([[1, 2]]), options: CausalTrainingOptions(epochs: 0))
        }
        expectFailure(.emptyData, "validation") {
            _ = try model.trained(on: TokenRows([[1, 2]]), validation: TokenRows([]))
        }
    }
}
