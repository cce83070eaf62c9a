import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// The typed classifier on a tiny model: what holds whatever it has learnt.
@Suite struct TextClassifierTests {
    static let texts = LabeledTexts(
        texts: [
            "lovely phone", "great box and a fine cable", "it arrived today and works", "solid",
            "rude people", "poor cable",
            "it arrived broken and late today", "late again", "a lovely solid thing", "broken",
        ],
        labels: ["good", "good", "good", "good", "bad", "bad", "bad", "bad", "good", "bad"])

    static func tiny(seed: UInt64 = 3) throws -> BERT {
        let tokenizer = try WordPieceTokenizer.train(on: texts.texts, vocabularySize: 100)
        var configuration = BERTConfiguration(
            vocabularySize: tokenizer.vocabularySize, hiddenSize: 20, layers: 2, heads: 2,
            intermediateSize: 36)
        configuration.maximumPositions = 24
        return try BERT(configuration: configuration, tokenizer: tokenizer, seed: seed)
    }

    static func trained(
        _ options: FineTuningOptions = FineTuningOptions(epochs: 4, batchSize: 4, learningRate: 3e-3)
    ) throws
        -> TextClassifier<String>
    {
        try TextClassifier.fineTune(tiny(), on: texts, options: options)
    }

    @Test func labelsAreSortedAndProbabilitiesAddUp() throws {
        let classifier = try Self.trained()
        #expect(classifier.labels == ["bad", "good"])
        for answer in try classifier.predict(Self.texts.texts) {
            let sum = answer.probabilities.reduce(0, +)
            #expect(abs(sum - 1) < 1e-6)
            #expect(answer.probability == answer.probabilities.max())
        }
        let report = try classifier.evaluate(Self.texts)
        #expect(report.accuracy >= 0.5)
    }

    @Test func otherTypesOfLabels() throws {
        enum Answer: String, Hashable, Sendable, Codable { case yes, no }
        let named = LabeledTexts(
            texts: Self.texts.texts, labels: Self.texts.labels.map { $0 == "good" ? Answer.yes : .no })
        let classifier = try TextClassifier.fineTune(
            Self.tiny(), on: named, options: FineTuningOptions(epochs: 1))
        #expect(classifier.labels == [.no, .yes])
        let numbered = LabeledTexts(
            texts: Self.texts.texts, labels: Self.texts.labels.indices.map { [2, 10, 1][$0 % 3] })
        #expect(
            try TextClassifier.fineTune(Self.tiny(), on: numbered, options: FineTuningOptions(epochs: 1))
                .labels == [1, 2, 10])
    }

    @Test(arguments: [Pooling.cls, .mean])
    func savedAndReadAgain(_ pooling: Pooling) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("classifier-\(UUID())")
        defer { try? FileManager.default.removeItem(at: directory) }
        var options = FineTuningOptions(epochs: 1)
        options.pooling = pooling
        let classifier = try Self.trained(options)
        try classifier.save(to: directory)
        try classifier.save(to: directory)
        let again = try TextClassifier<String>(directory: directory)
        #expect(try again.predict(Self.texts.texts) == classifier.predict(Self.texts.texts))
        #expect(again.labels == classifier.labels)
        #expect(again.maxLength == classifier.maxLength)
        #expect(again.card.history == classifier.card.history)
        // What was read holds its weights in another form; saved again it is the same file.
        let weights = directory.appendingPathComponent("model.safetensors")
        let saved = try Data(contentsOf: weights)
        try again.save(to: directory)
        #expect(try Data(contentsOf: weights) == saved)
        #expect(try again.predict(Self.texts.texts) == classifier.predict(Self.texts.texts))
        let files = try FileManager.default.contentsOfDirectory(
            atPath: directory.deletingLastPathComponent().path)
        #expect(files.filter { $0.contains(directory.lastPathComponent) } == [directory.lastPathComponent])
    }

    @Test func aBatchGivesWhatEachTextGives() throws {
        let classifier = try Self.trained()
        let texts = Self.texts.texts + ["", " ", String(repeating: "late ", count: 200), "\u{0}\u{FFFD}👩‍👩‍👧"]
        #expect(try classifier.predict(texts) == texts.map { try classifier.predict($0) })
        #expect(try classifier.predict([]).isEmpty)
        #expect(try classifier.predict(texts.reversed()) == classifier.predict(texts).reversed())
    }

    @Test func aMegabyteOfTextIsCut() throws {
        let classifier = try Self.trained()
        let long = String(repeating: "broken cable ", count: 80_000)
        #expect(try classifier.predict(long) == classifier.predict(String(long.prefix(500))))
    }

    @Test func sixtyFourTasksGetTheSerialAnswers() async throws {
        let classifier = try Self.trained()
        let texts = Self.texts.texts
        let serial = try texts.map { try classifier.predict($0) }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 0..<64 {
                group.addTask {
                    try (0..<5).allSatisfy { round in
                        let index = (task + round) % texts.count
                        return try classifier.predict(texts[index]) == serial[index]
                            && classifier.predict(texts) == serial
                    }
                }
            }
            for try await same in group { #expect(same) }
        }
    }

    @Test func theSeedDecidesEverything() throws {
        let first = try Self.trained()
        let second = try Self.trained()
        #expect(first.card.history == second.card.history)
        for (a, b) in zip(first.weights, second.weights) {
            #expect(a.value == b.value, "\(a.name)")
        }
        var options = FineTuningOptions(epochs: 4, batchSize: 4, learningRate: 3e-3)
        options.seed = 43
        #expect(try Self.trained(options).card.history != first.card.history)
    }

    @Test func accumulatedBatchesEqualOneBatch() throws {
        var options = FineTuningOptions(epochs: 2, batchSize: 6, learningRate: 1e-3, dropout: 0)
        options.classWeights = .values([1, 3])
        func train() throws -> TextClassifier<String> {
            let start = FineTunedTextModel.Start(
                head: Linear(inputs: 20, outputs: 2, seed: 1),
                orders: [Array(0..<10), [3, 1, 4, 5, 9, 2, 6, 8, 7, 0]])
            return try TextClassifier.fineTune(
                Self.tiny(), on: Self.texts, validation: nil, options: options, checkpoint: nil, start: start,
                progress: nil)
        }
        let whole = try train()
        options.batchSize = 2
        options.accumulation = 3
        let parts = try train()
        #expect(whole.card.history?.losses.count == parts.card.history?.losses.count)
        expectClose(
            parts.card.history?.losses ?? [], whole.card.history?.losses ?? [], relative: 1e-4, "losses")
    }

    @Test func frozenLayersStay() throws {
        let bert = try Self.tiny()
        // The first update's rate is 0: there must be more than one.
        var options = FineTuningOptions(epochs: 1, batchSize: 2, learningRate: 1e-2)
        options.frozenLayers = 1
        let classifier = try TextClassifier.fineTune(bert, on: Self.texts, options: options)
        let before = Dictionary(
            uniqueKeysWithValues: bert.encoder.parameters.map { ("bert." + $0.name, $0.value) })
        for (name, value) in classifier.weights where before[name] != nil {
            let frozen = name.hasPrefix("bert.embeddings.") || name.hasPrefix("bert.encoder.layer.0.")
            #expect((value == before[name]) == frozen, "\(name)")
        }
    }

    @Test func theBestEpochIsKept() throws {
        var options = FineTuningOptions(epochs: 12, batchSize: 2, learningRate: 0.02, seed: 1)
        options.earlyStoppingPatience = 2
        let classifier = try TextClassifier.fineTune(
            Self.tiny(), on: Self.texts, validation: Self.texts, options: options)
        let history = try #require(classifier.card.history)
        let losses = history.epochs.compactMap(\.validationLoss)
        let best = try #require(history.bestEpoch)
        #expect(losses[best] == losses.min())
        if history.end == .stoppedEarly { #expect(history.epochs.count == best + 3) }
        let report = try classifier.evaluate(Self.texts)
        #expect(abs(report.logLoss - losses[best]) < 1e-5)
    }

    @Test func stoppingAndCancelling() async throws {
        let stopped = try TextClassifier.fineTune(
            Self.tiny(), on: Self.texts, options: FineTuningOptions(epochs: 50, batchSize: 2)
        ) {
            $0.step >= 3 ? .stop : .continue
        }
        #expect(stopped.card.history?.losses.count == 3)
        #expect(stopped.card.history?.end == .stoppedByHandler)

        let task = Task {
            try TextClassifier.fineTune(
                Self.tiny(), on: Self.texts, options: FineTuningOptions(epochs: 50, batchSize: 2)
            ) {
                if $0.step == 3 { withUnsafeCurrentTask { $0?.cancel() } }
                return .continue
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func aLossThatIsNotFiniteNamesTheUpdate() throws {
        var bert = try Self.tiny()
        bert.encoder.words[5, 0] = .nan
        for row in 0..<bert.encoder.words.shape[0] { bert.encoder.words[row, 1] = .infinity }
        let error = #expect(throws: MarketingMLError.self) {
            try TextClassifier.fineTune(bert, on: Self.texts, options: FineTuningOptions(epochs: 1))
        }
        #expect(error?.code == .notFinite)
        #expect(error?.message.contains("update 1 of 1") == true, "\(String(describing: error))")
    }

    @Test func badDataAndOptions() throws {
        let bert = try Self.tiny()
        func train(_ data: LabeledTexts<String>, _ change: (inout FineTuningOptions) -> Void = { _ in })
            throws
        {
            var options = FineTuningOptions(epochs: 1)
            change(&options)
            _ = try TextClassifier.fineTune(bert, on: data, options: options)
        }
        expectFailure(.emptyData) { _ = try train(LabeledTexts(texts: [], labels: [])) }
        expectFailure(.emptyData) { _ = try train(LabeledTexts(texts: ["a", "b"], labels: ["x", "x"])) }
        expectFailure(.invalidOption) { _ = try train(Self.texts) { $0.epochs = 0 } }
        expectFailure(.invalidOption) { _ = try train(Self.texts) { $0.batchSize = 0 } }
        expectFailure(.invalidOption) { _ = try train(Self.texts) { $0.learningRate = .nan } }
        expectFailure(.invalidOption) { _ = try train(Self.texts) { $0.maxLength = 1000 } }
        expectFailure(.invalidOption) { _ = try train(Self.texts) { $0.dropout = 1 } }
        expectFailure(.invalidOption) { _ = try train(Self.texts) { $0.frozenLayers = 3 } }
        expectFailure(.invalidOption) { _ = try train(Self.texts) { $0.classWeights = .values([1]) } }
        let classifier = try Self.trained()
        expectFailure(.unknownLabel) {
            _ = try classifier.evaluate(LabeledTexts(texts: ["a"], labels: ["ugly"]))
        }
        expectFailure(.emptyData) { _ = try classifier.evaluate(LabeledTexts(texts: [], labels: [])) }
    }
}

extension TextClassifier {
    /// The weights of a fine-tuned BERT.
    var weights: [(name: String, value: Tensor<Float>)] {
        (model as? FineTunedTextModel)?.model.parameters ?? []
    }
}
