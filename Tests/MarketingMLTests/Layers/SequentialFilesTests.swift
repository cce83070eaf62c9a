import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct SequentialFilesTests {
    /// A layer of a user's own.
    struct Scale: LayerRecipe {
        var start: Double
        func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource) throws
            -> any Layer<Scalar>
        {
            ScaleLayer<Scalar>(factors: try weights.next(.constant(start), shape: [input.vectorWidth()]))
        }
    }

    struct ScaleLayer<Scalar: TensorFloatingPoint>: Layer {
        var factors: Tensor<Scalar>
        func outputShape(for input: LayerShape) throws -> LayerShape { input }
        func callAsFunction(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<Scalar>
        {
            input.mapVectors { $0 * factors }
        }
        mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
            try body("factors", &factors)
        }
    }

    private func model() throws -> Sequential {
        var model = Sequential(seed: 11) {
            Embedding(vocabularySize: 9, dimension: 4, paddingIndex: 0)
            LayerNormalization()
            Activation.relu
            Dropout(rate: 0.25)
            Dense(units: 2, activation: .softmax)
        }
        try model.fit(
            [[1, 2], [3], [4, 0]], Targets.classSequences(TokenBatch(rows: [[0, 1], [1], [0]])),
            loss: .crossEntropy(labelSmoothing: 0.1), metrics: [.accuracy])
        return model
    }

    @Test func savedAndReadToTheSameBits() throws {
        let model = try model()
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "model.safetensors")
            try model.save(to: url)
            let again = try Sequential(contentsOf: url)
            #expect(
                again.summary == model.summary && again.loss == model.loss && again.metrics == model.metrics)
            #expect(again.parameters.map(\.value) == model.parameters.map(\.value) && again.seed == 11)
            #expect(try again.predict([[1, 2, 3]]) == model.predict([[1, 2, 3]]))
            let bytes = try Data(contentsOf: url)
            try again.save(to: url)
            #expect(try Data(contentsOf: url) == bytes)
        }
    }

    @Test func layersOfOnesOwn() throws {
        let model = try Sequential(input: .vector(width: 3)) {
            Scale(start: 2)
            Dense(units: 1)
        }
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "model.safetensors")
            try model.save(to: url)
            let x = Tensor<Float>.randomNormal([4, 3], seed: 1)
            let again = try Sequential(contentsOf: url, customLayers: [Scale.self])
            #expect(try again.predict(x) == model.predict(x))
            #expect {
                try Sequential(contentsOf: url)
            } throws: {
                ($0 as? MarketingMLError)?.code == .unsupported && "\($0)".contains("a layer Scale")
            }
            let given = try Sequential(input: .vector(width: 3)) {
                ScaleLayer(factors: Tensor<Float>([1, 2, 3]))
                Dense(units: 1)
            }
            #expect(given.parameters[0].value.elements == [1, 2, 3])
            #expect { try given.save(to: url) } throws: { "\($0)".contains("given with its weights") }
        }
    }

    @Test func damagedFilesAreTypedErrors() throws {
        let model = try model()
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "model.safetensors")
            try model.save(to: url)
            let bytes = Array(try Data(contentsOf: url))
            try forEachMutation(of: bytes, count: 1500) { bytes in
                try Data(bytes).write(to: url)
                do {
                    let read = try Sequential(contentsOf: url)
                    _ = read.summary
                    if case .tokens(nil)? = read.layers?.input { _ = try read.predict([[1, 2]]) }
                } catch { #expect(error is MarketingMLError, "\(error)") }
            }
        }
    }

    /// From Keras' weights and batches in order: the losses of every batch, the weights and the predictions at the end.
    @Test func theKerasListing() throws {
        let file = try fixture("keras-listing")
        let ids = try file.integers("x")
        let x = Tensor<Int32>(shape: ids.shape, ids.elements.map { Int32($0) })
        let y3 = try file.integers("y3").elements.map { Int($0) }
        let model = try Sequential(input: .tokens(length: 9)) {
            Embedding(vocabularySize: 50, dimension: 6)
            Flatten()
            Dense(units: 8, activation: .relu)
            Dense(units: 3, activation: .softmax)
        }
        try expectLikeKeras(model, "flat", x, y3, loss: .crossEntropy, file)
    }

    private func expectLikeKeras(
        _ start: Sequential, _ name: String, _ x: Tensor<Int32>, _ y: [Int], loss: Loss,
        _ file: SafeTensorsFile
    ) throws {
        var model = start
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "keras.safetensors")
            func weights(_ stage: String) throws {
                var writer = SafeTensorsWriter()
                for tensor in file.names where tensor.hasPrefix("\(name).\(stage).") {
                    writer.add(
                        String(tensor.dropFirst("\(name).\(stage).".count)),
                        try file.tensor(tensor, as: Float.self))
                }
                try writer.write(to: url)
            }
            try weights("start")
            try model.importWeights(from: url, layout: .keras)
            let history = try model.fit(
                x, y, loss: loss, optimizer: .adam(learningRate: 0.01, epsilon: 1e-7, placement: .keras),
                epochs: 4,
                batchSize: 8, options: .init(shuffles: false))
            expectClose(
                history.losses.map { Float($0) }, try file.tensor("\(name).losses", as: Float.self).elements,
                absolute: 2e-6, relative: 2e-5, "losses")
            let predictions = try model.predict(x)
            expectClose(
                predictions.elements,
                try file.tensor("\(name).predictions", shape: predictions.shape).elements,
                absolute: 1e-5, relative: 1e-4, "predictions")
            try weights("after")
            var theirs = model
            try theirs.importWeights(from: url, layout: .keras)
            for (a, b) in zip(model.parameters, theirs.parameters) {
                expectClose(a.value.elements, b.value.elements, absolute: 2e-5, relative: 1e-4, a.name)
            }
            // And back again.
            try theirs.exportWeights(to: url, layout: .keras)
            let written = try SafeTensorsFile(url)
            for tensor in written.names {
                let value: Tensor<Float> = try written.tensor(tensor)
                #expect(try file.tensor("\(name).after.\(tensor)") == value, "\(tensor)")
            }
        }
    }

    @Test func weightsOfPyTorch() throws {
        let model = try Sequential(input: .tokens(), seed: 4) {
            Embedding(vocabularySize: 5, dimension: 3)
            Dense(units: 2)
        }
        var other = try Sequential(input: .tokens(), seed: 5) {
            Embedding(vocabularySize: 5, dimension: 3)
            Dense(units: 2)
        }
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "state_dict.safetensors")
            try model.exportWeights(to: url, layout: .pytorch, names: ["embedding", "fc"])
            #expect(try SafeTensorsFile(url).names == ["embedding.weight", "fc.bias", "fc.weight"])
            #expect(try SafeTensorsFile(url).shape(of: "fc.weight") == [2, 3])
            #expect {
                try other.importWeights(from: url, layout: .pytorch)
            } throws: { ($0 as? MarketingMLError)?.code == .missingTensor }
            #expect(throws: MarketingMLError.self) {
                try other.importWeights(from: url, layout: .pytorch, names: ["embedding"])
            }
            try other.importWeights(from: url, layout: .pytorch, names: ["embedding", "fc"])
            #expect(other.parameters.map(\.value) == model.parameters.map(\.value))
        }
    }
}
