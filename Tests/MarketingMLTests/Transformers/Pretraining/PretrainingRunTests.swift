import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Whole runs: resuming, held-out text, continued training, fine-tuning from the result.
@Suite struct PretrainingRunTests {
    /// Sentences in which a word follows from the one before it.
    private static let documents: [String] = {
        let (who, what) = (["red", "blue", "green", "white"], ["rose", "sky", "leaf", "snow"])
        var generator = SeededGenerator(seed: 2)
        return (0..<60).map { _ in
            (0..<3).map { _ in
                let kind = generator.next(below: 4)
                return "The \(who[kind]) \(what[kind]) is \(who[kind])."
            }.joined(separator: " ")
        }
    }()

    private static let configuration = BERTConfiguration(
        vocabularySize: 200, hiddenSize: 32, layers: 1, heads: 2, intermediateSize: 64)

    private func options(epochs: Int = 2) -> PretrainingOptions {
        PretrainingOptions(
            epochs: epochs, batchSize: 8, maxLength: 32, learningRate: 5e-3, dropout: 0, seed: 3)
    }

    private func pretrain(
        epochs: Int = 2, checkpoint: CheckpointOptions? = nil, progress: ProgressHandler? = nil
    ) throws -> PretrainedBERT {
        try BERT.pretrain(
            corpus: Self.documents, configuration: Self.configuration,
            heldOut: Array(Self.documents.prefix(8)),
            options: options(epochs: epochs), checkpoint: checkpoint, progress: progress)
    }

    private func weights(_ model: PretrainedBERT) -> [[Float]] {
        model.model.parameters.map(\.value.elements)
    }

    /// Stopped in the middle of an epoch, gone on from its checkpoint: the same bits; likewise with one thread.
    @Test func resumedRunHasTheSameBits() throws {
        let whole = try pretrain()
        try withTemporaryDirectory { path in
            let checkpoint = CheckpointOptions(
                directory: URL(fileURLWithPath: path).appending(path: "run"), interval: 3)
            _ = try pretrain(checkpoint: checkpoint) {
                $0.phase.isTraining && $0.step >= 11 ? .stop : .continue
            }
            let resumed = try pretrain(checkpoint: checkpoint)
            #expect(weights(resumed) == weights(whole))
            #expect(resumed.card.history?.losses == whole.card.history?.losses)
            expectFailure(.invalidOption, "another run") {
                _ = try pretrain(epochs: 3, checkpoint: checkpoint)
            }
        }
        let threads = ThreadPool.threadCount
        ThreadPool.threadCount = 1
        defer { ThreadPool.threadCount = threads }
        #expect(weights(try pretrain()) == weights(whole))
    }

    /// It learns what two texts have to say, which words stand where and which text goes on how.
    @Test func fillsMasks() throws {
        let texts = [
            "The rose is red. The sky is blue. The leaf is green. The snow is white.",
            "My cat eats fish. Your dog eats meat. Our cow eats grass. Nobody eats stones.",
        ]
        let documents = (0..<24).map { texts[$0 % 2] }
        let model = try BERT.pretrain(
            corpus: documents, configuration: Self.configuration, heldOut: texts,
            options: options(epochs: 250))
        let history = try #require(model.card.history)
        #expect(history.epochs.allSatisfy { $0.validationLoss != nil && $0.validationAccuracy != nil })
        let candidates = model.candidates(
            forMasksIn: "The rose is [MASK]. The [MASK] is blue. The leaf is green. The snow is white.",
            count: 3)
        #expect(candidates.map(\.count) == [3, 3])
        #expect(candidates.map { $0[0].token } == ["red", "sky"])
        let judged = try model.evaluate(on: TextCorpus(documents), options: options())
        #expect(judged.perplexity < 1.5)
        #expect(judged == (try model.evaluate(on: TextCorpus(documents), options: options())))
        let labeled = LabeledTexts(
            texts: documents, labels: documents.map { $0.contains("rose") ? "a" : "b" })
        let classifier = try TextClassifier.fineTune(
            model.bert, on: labeled, options: FineTuningOptions(epochs: 1, learningRate: 1e-3))
        #expect(classifier.maxLength == 512)
    }

    /// Without the second objective there is no pooler to mistrust, and the directory says which class it is.
    @Test func withoutPairs() throws {
        let model = try BERT.pretrain(
            corpus: Self.documents, configuration: Self.configuration, objectives: [.maskedLanguageModel],
            options: options(epochs: 1))
        #expect(model.model.nextSentence == nil && model.model.encoder.pooler == nil)
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "bert")
            try model.save(to: url)
            let again = try PretrainedBERT(directory: url)
            #expect(weights(again) == weights(model))
            #expect(again.objectives == [.maskedLanguageModel])
            #expect(
                try String(contentsOf: url.appending(path: "config.json"), encoding: .utf8).contains(
                    "BertForMaskedLM"))
            // Trained further with the same vocabulary, and with an objective more.
            let more = try PretrainedBERT(
                directory: url, objectives: [.maskedLanguageModel, .nextSentence])
            let continued = try BERT.pretrain(
                continuing: more, corpus: TextCorpus(Self.documents), options: options(epochs: 1))
            #expect(continued.objectives == [.maskedLanguageModel, .nextSentence])
            #expect(weights(continued) != weights(more))
        }
    }
}

extension ProgressEvent.Phase {
    fileprivate var isTraining: Bool {
        if case .training = self { true } else { false }
    }
}
