import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Training, resuming, files and broken files of a small encoder–decoder.
@Suite struct SequenceToSequenceTests {
    /// Words to be said backwards in another language.
    private static let pairs: [(source: String, target: String)] = {
        let words = ["one", "two", "six", "ten"]
        let others = ["uno", "due", "sei", "dieci"]
        var generator = SeededGenerator(seed: 8)
        return (0..<420).map { _ in
            let row = (0..<(1 + generator.next(below: 4))).map { _ in generator.next(below: 4) }
            return (
                row.map { words[$0] }.joined(separator: " "),
                row.reversed().map { others[$0] }.joined(separator: " ")
            )
        }
    }()

    private static let configuration: EncoderDecoderConfiguration = {
        var configuration = EncoderDecoderConfiguration(
            sourceVocabularySize: 290, targetVocabularySize: 290, hiddenSize: 32, encoderLayers: 1,
            decoderLayers: 1, heads: 4, intermediateSize: 64)
        configuration.maximumPositions = 24
        configuration.dropout = 0.1
        return configuration
    }()

    private func options(epochs: Int = 2) -> SequenceToSequenceOptions {
        SequenceToSequenceOptions(
            epochs: epochs, batchTokens: 200, maxLength: 12, learningRate: 5e-3, seed: 3)
    }

    private func train(
        epochs: Int = 2, configuration: EncoderDecoderConfiguration = configuration,
        checkpoint: CheckpointOptions? = nil, progress: ProgressHandler? = nil
    ) throws -> SequenceToSequence {
        try .train(
            on: Array(Self.pairs.dropLast(20)), configuration: configuration,
            validation: Array(Self.pairs.suffix(20)), options: options(epochs: epochs),
            checkpoint: checkpoint, progress: progress)
    }

    private func weights(_ model: SequenceToSequence) -> [[Float]] {
        model.model.parameters.map(\.value.elements)
    }

    @Test func resumedRunHasTheSameBits() throws {
        let whole = try train()
        try withTemporaryDirectory { path in
            let checkpoint = CheckpointOptions(
                directory: URL(fileURLWithPath: path).appending(path: "run"), interval: 3)
            _ = try train(checkpoint: checkpoint) { $0.step >= 8 ? .stop : .continue }
            let resumed = try train(checkpoint: checkpoint)
            #expect(weights(resumed) == weights(whole))
            #expect(resumed.card.history?.losses == whole.card.history?.losses)
            expectFailure(.invalidOption, "another run") { _ = try train(epochs: 3, checkpoint: checkpoint) }
        }
        let threads = ThreadPool.threadCount
        ThreadPool.threadCount = 1
        defer { ThreadPool.threadCount = threads }
        #expect(weights(try train()) == weights(whole))
    }

    @Test func savedAndReadAgainItIsTheSame() throws {
        var shared = Self.configuration
        shared.sharesEmbeddings = true
        shared.normalization = .before
        shared.positions = .learned
        for configuration in [Self.configuration, shared] {
            let model = try train(epochs: 1, configuration: configuration)
            try withTemporaryDirectory { path in
                let url = URL(fileURLWithPath: path).appending(path: "model")
                try model.save(to: url)
                let again = try SequenceToSequence(directory: url)
                #expect(weights(again) == weights(model))
                #expect(again.card == model.card && again.model.configuration == model.model.configuration)
                #expect(
                    again.sourceRow("one two", maxLength: 12) == model.sourceRow("one two", maxLength: 12))
                #expect(
                    again.targetRow("uno due", maxLength: 12) == model.targetRow("uno due", maxLength: 12))
                try model.save(to: url)  // over itself
                let more = try SequenceToSequence.train(
                    continuing: again, on: Self.pairs, options: options(epochs: 1))
                #expect(weights(more) != weights(again))
            }
        }
    }

    /// Sentences it has not seen, said backwards in the other language: by beam search, greedily and drawn.
    @Test func translates() throws {
        let model = try train(epochs: 40)
        let (sources, targets) = (Self.pairs.suffix(20).map(\.source), Self.pairs.suffix(20).map(\.target))
        let known = Set(Self.pairs.dropLast(20).map(\.source))
        let written = try model.translate(sources + ["one", ""])
        #expect(written.count == 22)
        let right = sources.indices.count { written[$0] == targets[$0] }
        #expect(right >= 17, "\(right) of 20 right; \(sources.count { !known.contains($0) }) are new")

        // One at a time as all together; a beam of one is the likeliest token every time.
        #expect(try sources.prefix(5).map { try model.translate([$0])[0] } == Array(written.prefix(5)))
        let greedy = try model.candidates(for: sources, options: GenerationOptions())
        #expect(try greedy.map { $0[0].text } == model.translate(sources, beams: 1))
        #expect(greedy.allSatisfy { $0[0].tokens.count <= 12 })
        let three = try model.candidates(for: sources, search: BeamSearch(beams: 4, returned: 3))
        #expect(
            three.allSatisfy { $0.count == 3 && $0[0].score >= $0[1].score && $0[1].score >= $0[2].score })
        let drawn = GenerationOptions(candidates: 2, sampling: Sampling(temperature: 0.8, seed: 4))
        #expect(
            try model.candidates(for: sources, options: drawn)
                == model.candidates(for: sources, options: drawn))
        #expect(try model.translate([]) == [])
        expectFailure(.invalidOption) { _ = try model.translate(sources, maxLength: 24) }
        expectFailure(.invalidOption) { _ = try model.translate(sources, beams: 0) }
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "model")
            try model.save(to: url)
            #expect(try SequenceToSequence(directory: url).translate(sources) == Array(written.prefix(20)))
        }
    }

    /// Damaged files give errors of the library's own type, and nothing else.
    @Test func brokenFiles() throws {
        let model = try train(epochs: 1)
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "model")
            try model.save(to: url)
            for name in ["config.json", "card.json"] {
                let file = url.appending(path: name)
                let bytes = try Array(Data(contentsOf: file))
                forEachMutation(of: bytes, count: 300) { damaged in
                    do {
                        try Data(damaged).write(to: file)
                        _ = try SequenceToSequence(directory: url)
                    } catch {
                        #expect(error is MarketingMLError, "\(name): \(error)")
                    }
                }
                try Data(bytes).write(to: file)
            }
            _ = try SequenceToSequence(directory: url)
            let card = url.appending(path: "card.json")
            let text = try String(contentsOf: card, encoding: .utf8)
            let changed = text.replacing(/"maxLength" *: *\d+/, with: "\"maxLength\": 1")
            #expect(changed != text)
            try Data(changed.utf8).write(to: card)
            let error = #expect(throws: MarketingMLError.self) { try SequenceToSequence(directory: url) }
            #expect(error?.code == .malformedFile && error?.location.file == card.path)
            try Data(text.utf8).write(to: card)
            try FileManager.default.removeItem(at: url.appending(path: "target"))
            expectFailure(.fileNotFound) { _ = try SequenceToSequence(directory: url) }
        }
    }

    @Test func unusableInput() throws {
        expectFailure(.emptyData) { _ = try SequenceToSequence.train(on: []) }
        expectFailure(.emptyData) { _ = try SequenceToSequence.train(on: Self.pairs, validation: []) }
        for options in [
            SequenceToSequenceOptions(epochs: 0), SequenceToSequenceOptions(batchTokens: 0),
            SequenceToSequenceOptions(maxLength: 1), SequenceToSequenceOptions(maxLength: 25),
            SequenceToSequenceOptions(learningRate: .nan), SequenceToSequenceOptions(labelSmoothing: 1),
            SequenceToSequenceOptions(weightDecay: -1),
        ] {
            expectFailure(.invalidOption, "\(options)") {
                _ = try SequenceToSequence.train(
                    on: Self.pairs, configuration: Self.configuration, options: options)
            }
        }
        let plain = try WordPieceTokenizer(vocabulary: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"])
        var small = Self.configuration
        small.targetVocabularySize = 3
        expectFailure(.shapeMismatch) {
            _ = try SequenceToSequence(
                model: EncoderDecoder(configuration: small, seed: 1), sourceTokenizer: plain,
                targetTokenizer: plain)
        }
    }

    /// Warm-up, then the root's fall, as the paper has it; written and read as a word.
    @Test func inverseSquareRoot() throws {
        let schedule = LearningRateSchedule.inverseSquareRoot
        let factors = [0, 2, 4, 5, 16, 64].map { schedule.factor(step: $0, total: 100, warmup: 4) }
        expectClose(factors, [0, 0.5, 1, (0.8 as Double).squareRoot(), 0.5, 0.25], absolute: 1e-12)
        expectClose(
            [0, 1, 4].map { schedule.factor(step: $0, total: 9, warmup: 0) }, [1, 1, 0.5], absolute: 1e-12)
        let text = try JSONEncoder().encode([schedule])
        #expect(String(decoding: text, as: UTF8.self) == "[\"inverseSquareRoot\"]")
        #expect(try JSONDecoder().decode([LearningRateSchedule].self, from: text) == [schedule])
    }
}
