import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct SequentialFitTests {
    /// Vectors [N, 3] of two classes that a small network can tell apart.
    private func examples(_ count: Int, seed: UInt64 = 1) throws -> Examples {
        let x = Tensor<Float>.randomNormal([count, 3], seed: seed)
        let elements = x.elements
        let labels = (0..<count).map { elements[3 * $0] * elements[3 * $0 + 1] > 0 }
        return try Examples(x, labels)
    }

    private func network(seed: UInt64 = 3, dropout: Double = 0) -> Sequential {
        Sequential(seed: seed) {
            Dense(units: 16, activation: .tanh)
            Dropout(rate: dropout)
            Dense(units: 1, activation: .sigmoid)
        }
    }

    @Test func theListingOfTheTextbook() throws {
        var model = Sequential {
            Embedding(vocabularySize: 30, dimension: 8)
            Flatten()
            Dense(units: 1, activation: .sigmoid)
        }
        var generator = SeededGenerator(seed: 2)
        let x = (0..<300).map { _ in (0..<5).map { _ in generator.next(below: 30) } }
        let y = x.map { $0[2] < 15 ? 0 : 1 }
        let history = try model.fit(
            x, y, loss: .binaryCrossEntropy, optimizer: .adam(learningRate: 1e-2), metrics: [.accuracy],
            epochs: 10,
            batchSize: 32, validationFraction: 0.1)
        #expect(history.epochs.count == 10 && history.losses.count == 10 * 9)
        #expect((history.epochs[9].validationAccuracy ?? 0) > 0.95)
        #expect((history.epochs[9].metrics[.accuracy] ?? 0) > 0.95)
        let (loss, metrics) = try model.evaluate(x, y)
        let probabilities = try model.predict(x)
        #expect(probabilities.shape == [300, 1])
        let mean =
            zip(probabilities.elements, y).reduce(0) { $0 - log(Double($1.1 == 1 ? $1.0 : 1 - $1.0)) } / 300
        #expect(abs(loss - mean) < 1e-5)
        let hits = zip(probabilities.elements, y).count { ($0 > 0.5 ? 1 : 0) == $1 }
        #expect(metrics == [.accuracy: Double(hits) / 300])
    }

    @Test func sameBitsForEveryNumberOfThreads() throws {
        let before = ThreadPool.threadCount
        defer { ThreadPool.threadCount = before }
        let data = try examples(150)
        let runs = try [1, 2].map { threads in
            ThreadPool.threadCount = threads
            var model = network(dropout: 0.3)
            let history = try model.fit(
                data, loss: .binaryCrossEntropy, metrics: [.accuracy, .rocAUC], epochs: 3, batchSize: 16,
                validation: examples(40, seed: 9))
            return (model.parameters.map(\.value), history)
        }
        #expect(runs[0].0 == runs[1].0 && runs[0].1 == runs[1].1)
        #expect(runs[0].1.epochs[2].validationMetrics[.rocAUC] != nil)
    }

    @Test func answersDoNotDependOnTheBatch() throws {
        var model = try Sequential(input: .tokens()) {
            Embedding(vocabularySize: 20, dimension: 6)
            Dense(units: 5, activation: .relu)
            LayerNormalization()
        }
        let rows: [[Int32]] = [[1, 2, 3], [4], [], [19, 0, 7, 7, 2]]
        let all = try model.predict(rows)
        #expect(all.shape == [9, 5])
        let single = try rows.filter { !$0.isEmpty }.map { try model.predict([$0]) }
        expectClose(all.elements, Tensor.concatenated(single).elements, absolute: 1e-6, "one by one")
        #expect(try model.predict(rows, batchSize: 2) == all)
        try model.build()
        #expect(try model.predict(rows) == all)
    }

    @Test func accumulationEqualsOneBatch() throws {
        let data = try examples(64)
        let weighted = try Examples(
            data.input, data.targets, weights: (0..<64).map { Double($0 % 5) / 2 })
        let models = try [(32, 1), (8, 4)].map { size, accumulation in
            var model = network()
            try model.fit(
                weighted, loss: .binaryCrossEntropy, optimizer: .sgd(learningRate: 0.5), epochs: 2,
                batchSize: size,
                options: .init(accumulation: accumulation, shuffles: false))
            return model
        }
        for (a, b) in zip(models[0].parameters, models[1].parameters) {
            expectClose(a.value.elements, b.value.elements, absolute: 1e-5, a.name)
        }
    }

    @Test func classWeightsAreSampleWeights() throws {
        let data = try examples(60)
        guard case .classes(let classes) = data.targets else { return }
        var (byClass, bySample) = (network(), network())
        try byClass.fit(data, loss: .binaryCrossEntropy, epochs: 2, classWeights: .values([1, 4]))
        try bySample.fit(
            Examples(data.input, data.targets, weights: classes.map { $0 == 1 ? 4 : 1 }),
            loss: .binaryCrossEntropy, epochs: 2)
        #expect(byClass.parameters.map(\.value) == bySample.parameters.map(\.value))
    }

    @Test func earlyStoppingKeepsTheBestEpoch() throws {
        var model = network()
        // A rate so high that the loss jumps about.
        let history = try model.fit(
            examples(64), loss: .binaryCrossEntropy, optimizer: .adam(learningRate: 0.3), epochs: 60,
            batchSize: 8,
            validation: examples(64, seed: 5), options: .init(earlyStopping: .init(patience: 3)))
        let losses = history.epochs.compactMap(\.validationLoss)
        let best = try #require(history.bestEpoch)
        #expect(history.end == .stoppedEarly && losses.count == best + 4 && losses[best] == losses.min())
        expectClose([try model.evaluate(examples(64, seed: 5)).loss], [losses[best]], relative: 1e-6)
    }

    @Test func interruptedRunsGoOnToTheSameBits() throws {
        let data = try examples(80)
        func fit(_ checkpoint: CheckpointOptions?, stopAt: Int?) throws -> Sequential {
            var model = network(dropout: 0.2)
            var steps = 0
            try model.fit(
                data, loss: .binaryCrossEntropy, optimizer: .rmsprop(momentum: 0.5, centered: true),
                metrics: [.accuracy], epochs: 4, batchSize: 16, validation: examples(20, seed: 2),
                options: .init(
                    schedule: .reduceOnPlateau(factor: 0.5, patience: 0), earlyStopping: .init(patience: 4)),
                checkpoint: checkpoint
            ) { _ in
                steps += 1
                return steps == stopAt ? .stop : .continue
            }
            return model
        }
        let whole = try fit(nil, stopAt: nil)
        try withTemporaryDirectory { path in
            let checkpoint = CheckpointOptions(directory: URL(fileURLWithPath: path + "/run"), interval: 2)
            _ = try fit(checkpoint, stopAt: 11)
            let resumed = try fit(checkpoint, stopAt: nil)
            #expect(resumed.parameters.map(\.value) == whole.parameters.map(\.value))
        }
    }

    @Test func streamsTrainLikeArrays() throws {
        let data = try examples(50)
        var (streamed, whole) = (network(), network())
        let stream = BatchStream<Examples> { _ in
            var rows = Array(0..<50).chunked(by: 16).makeIterator()
            return { rows.next().map { data.select(rows: $0) } }
        }
        try streamed.fit(stream, loss: .binaryCrossEntropy, epochs: 3)
        try whole.fit(
            data, loss: .binaryCrossEntropy, epochs: 3, batchSize: 16, options: .init(shuffles: false))
        #expect(streamed.parameters.map(\.value) == whole.parameters.map(\.value))
        #expect {
            try streamed.fit(stream, loss: .binaryCrossEntropy, options: .init(schedule: .cosine))
        } throws: { ($0 as? MarketingMLError)?.location.name == "schedule" }
    }

    @Test func streamsTakeWeights() throws {
        let data = try examples(50)
        let weighted = try Examples(
            input: data.input, targets: data.targets, weights: (0..<50).map { 0.5 + Double($0 % 3) })
        let stream = BatchStream<Examples> { _ in
            var rows = Array(0..<50).chunked(by: 16).makeIterator()
            return { rows.next().map { weighted.select(rows: $0) } }
        }
        let weights = ClassWeights.values([1, 3])
        var (streamed, whole, plain) = (network(), network(), network())
        try streamed.fit(stream, loss: .binaryCrossEntropy, epochs: 2, classWeights: weights)
        try whole.fit(
            weighted, loss: .binaryCrossEntropy, epochs: 2, batchSize: 16, classWeights: weights,
            options: .init(shuffles: false))
        try plain.fit(stream, loss: .binaryCrossEntropy, epochs: 2)
        #expect(streamed.parameters.map(\.value) == whole.parameters.map(\.value))
        #expect(streamed.parameters.map(\.value) != plain.parameters.map(\.value))
        for wrong in [ClassWeights.balanced, .values([1]), .values([1, 2, 3])] {
            #expect {
                try streamed.fit(stream, loss: .binaryCrossEntropy, classWeights: wrong)
            } throws: { ($0 as? MarketingMLError)?.location.name == "classWeights" }
        }
    }

    @Test func lossThatIsNoNumberNamesStepAndLayer() throws {
        var model = Sequential {
            Dense(units: 4)
            Dense(units: 2, initializer: .constant(1e38))
            Dense(units: 1)
        }
        let x = Tensor<Float>(repeating: 100, shape: [8, 3])
        #expect {
            try model.fit(x, [Float](repeating: 0, count: 8), loss: .meanSquaredError)
        } throws: { error in
            guard let error = error as? MarketingMLError, error.code == .notFinite else { return false }
            return error.location.name == "layer 1 (Dense)" && error.message.contains("update 1 of 1")
        }
    }

    @Test func sequencesOfTargets() throws {
        var model = Sequential {
            Embedding(vocabularySize: 10, dimension: 4)
            Dense(units: 3, activation: .softmax)
        }
        var generator = SeededGenerator(seed: 4)
        let rows = (0..<60).map { row in (0..<1 + row % 5).map { _ in Int32(generator.next(below: 10)) } }
        let tags = Targets.classSequences(TokenBatch(rows: rows.map { $0.map { $0 % 3 } }))
        let history = try model.fit(
            rows, tags, loss: .crossEntropy, optimizer: .adam(learningRate: 0.05), metrics: [.accuracy],
            epochs: 20,
            batchSize: 8)
        #expect(history.epochs[19].metrics[.accuracy] == 1)
    }

    @Test func severalOutputsAndRegression() throws {
        let x = Tensor<Float>.randomNormal([200, 3], seed: 6)
        let y = x.rows(0..<200) * 2 + 1
        var model = Sequential { Dense(units: 3) }
        try model.fit(
            x, y, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.3),
            metrics: [.meanSquaredError, .rSquared],
            epochs: 20)
        let (loss, metrics) = try model.evaluate(x, y)
        #expect(loss < 1e-6)
        expectClose([metrics[.meanSquaredError] ?? 1], [loss], absolute: 1e-9, "MSE")
        #expect((metrics[.rSquared] ?? 0) > 0.999)
    }

    @Test func badInputIsATypedError() throws {
        let x = Tensor<Float>.zeros([4, 3])
        let nothing: [[Int]] = []
        func expect(_ code: MarketingMLError.Code, _ body: (inout Sequential) throws -> Void) {
            var model = network()
            #expect { try body(&model) } throws: { ($0 as? MarketingMLError)?.code == code }
        }
        expect(.emptyData) { try $0.fit(nothing, [Int](), loss: .hinge) }
        expect(.shapeMismatch) { try $0.fit(x, [1, 0, 1], loss: .hinge) }
        expect(.shapeMismatch) { try $0.fit(x, [0, 1, 2, 3], loss: .crossEntropy) }
        expect(.shapeMismatch) { try $0.fit(x, x, loss: .meanSquaredError) }
        expect(.shapeMismatch) { try $0.fit([[1, 2], [3]], [0, 1], loss: .hinge) }
        expect(.shapeMismatch) { try $0.fit([[1.0, 2], [3]], [0, 1], loss: .hinge) }
        expect(.invalidOption) { try $0.fit(x, [0, 1, 2, 1], loss: .binaryCrossEntropy) }
        expect(.invalidOption) { try $0.fit(x, [0, 1, 0, 1], loss: .hinge, epochs: 0) }
        expect(.invalidOption) { try $0.fit(x, [0, 1, 0, 1], loss: .hinge, batchSize: 0) }
        expect(.invalidOption) { try $0.fit(x, [0, 1, 0, 1], loss: .hinge, validationFraction: 1) }
        expect(.invalidOption) { try $0.fit(x, [0, 1, 0, 1], loss: .huber(delta: 0)) }
        expect(.invalidOption) {
            try $0.fit(x, [0, 1, 0, 1], loss: .hinge, optimizer: .sgd(learningRate: -1))
        }
        expect(.invalidOption) { try $0.fit(x, [0, 1, 0, 1], loss: .hinge, sampleWeights: [1, 1, -1, 1]) }
        expect(.invalidOption) { try $0.fit(x, [0, 1, 0, 1], loss: .hinge, classWeights: .values([1])) }
        expect(.notFinite) { try $0.fit(x * .nan, [0, 1, 0, 1], loss: .hinge) }
        expect(.notFinite) { try $0.fit(x, [0, .nan, 0, 1] as [Float], loss: .hinge) }
        expect(.invalidOption) { _ = try $0.predict(x) }
        expect(.invalidOption) { _ = try $0.evaluate(x, [0, 1, 0, 1]) }
        expect(.shapeMismatch) {
            try $0.fit(x, [0, 1, 0, 1], loss: .hinge)
            _ = try $0.predict(Tensor<Float>.zeros([2, 5]))
        }
    }
}
