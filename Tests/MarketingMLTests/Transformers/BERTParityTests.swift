import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// A small random BERT on ragged rows (one of them of a single token) with token types, against PyTorch:
/// Tests/Reference/bert_small.py wrote the fixtures.
@Suite struct BERTParityTests {
    struct Variant: Sendable, CustomStringConvertible {
        let name: String
        let activation: Activation
        let pooling: Pooling
        var description: String { name }
    }

    static let variants = [
        Variant(name: "bert-small", activation: .gelu, pooling: .cls),
        Variant(name: "bert-small-gelu_new", activation: .geluTanh, pooling: .cls),
        Variant(name: "bert-small-relu", activation: .relu, pooling: .cls),
        Variant(name: "bert-small-mean", activation: .gelu, pooling: .mean),
    ]

    private func fixture(_ name: String) throws -> SafeTensorsFile {
        try SafeTensorsFile(TestData.fixture("\(name).safetensors", .module))
    }

    private func classifier<Scalar>(_ activation: Activation, _ pooling: Pooling) throws
        -> SequenceClassifier<Scalar>
    {
        let checkpoint = try BERTCheckpoint(directory: TestData.fixture("bert-small", .module))
        var configuration = checkpoint.configuration
        configuration.activation = activation
        configuration.hiddenDropout = 0
        configuration.attentionDropout = 0
        configuration.classifierDropout = 0
        let encoder: BERTEncoder<Scalar> = try checkpoint.encoder(configuration: configuration)
        let head = Linear<Scalar>(
            weight: try checkpoint.tensors.tensor("classifier.weight"),
            bias: try checkpoint.tensors.tensor("classifier.bias"))
        return SequenceClassifier(encoder: encoder, head: head, pooling: pooling)
    }

    private func data() throws -> (batch: TokenBatch, targets: [Int32]) {
        let file = try fixture("bert-small")
        return (try file.packedRows(), try file.integers("labels").elements.map { Int32($0) })
    }

    @Test(arguments: variants)
    func lossAndEveryGradient(_ variant: Variant) throws {
        let file = try fixture(variant.name)
        let model: SequenceClassifier<Float> = try classifier(variant.activation, variant.pooling)
        try compare(model, with: file, tolerance: 1e-4, absolute: 2e-5)
    }

    @Test func inDoubleTheDifferenceIsRounding() throws {
        let model: SequenceClassifier<Double> = try classifier(.gelu, .cls)
        try compare(model, with: try fixture("bert-small-f64"), tolerance: 1e-10, absolute: 1e-10)
    }

    private func compare<Scalar>(
        _ model: SequenceClassifier<Scalar>, with file: SafeTensorsFile, tolerance: Double, absolute: Double
    ) throws {
        let (batch, targets) = try data()
        var none: DropoutStreams?
        let logits = model.logits(batch, dropout: &none)
        let expected = try file.tensor("logits", as: Scalar.self)
        #expect(logits.shape == expected.shape)
        expectClose(logits.elements, expected.elements, absolute: absolute, "logits")
        if file.contains("hidden.0") {
            for (index, state) in model.encoder.allHiddenStates(batch).enumerated() {
                let expected = try file.tensor("hidden.\(index)", as: Scalar.self)
                #expect(state.shape == expected.shape)
                expectClose(state.elements, expected.elements, absolute: absolute, "hidden.\(index)")
            }
        }
        let (loss, gradients) = valueAndGradient(of: model) { model in
            var none: DropoutStreams?
            return crossEntropy(model.logits(batch, dropout: &none), targets)
        }
        expectClose(
            [loss.item], try file.tensor("loss", as: Scalar.self).elements, absolute: absolute, "loss")
        let named = zip(gradients.names, gradients.tensors).compactMap { name, tensor in
            tensor.map { (name: name, value: $0) }
        }
        let split = BERTCheckpoint.split(named)
        #expect(
            Set(split.map(\.name))
                == Set(file.names.filter { $0.hasPrefix("grad.") }.map { String($0.dropFirst(5)) }))
        for (name, gradient) in split {
            let expected = try file.tensor("grad.\(name)", as: Scalar.self)
            #expect(gradient.shape == expected.shape, "\(name)")
            if name.hasSuffix("key.bias") {
                // Zero in exact arithmetic: the softmax ignores a shift. Both sides hold rounding noise only.
                expectClose(
                    gradient.elements, [Scalar](repeating: 0, count: gradient.count), absolute: absolute, name
                )
            } else {
                expectRelativeNorm(gradient.elements, expected.elements, tolerance, name)
            }
        }
    }

    @Test func lossOptions() throws {
        let file = try fixture("bert-small-losses")
        let logits = try file.tensor("logits", as: Float.self)
        let targets = try data().targets
        for (name, weights, smoothing) in [
            ("smoothing", nil, 0.1), ("weights", [0.2, 1, 3], 0), ("smoothing_weights", [0.2, 1, 3], 0.1),
        ] {
            let (loss, gradient) = valueAndGradient(at: logits) {
                crossEntropy($0, targets, classWeights: weights, labelSmoothing: smoothing)
            }
            expectClose(
                [loss.item], try file.tensor("\(name).loss", as: Float.self).elements, absolute: 1e-6, name)
            expectClose(
                gradient.elements, try file.tensor("\(name).logits_grad", as: Float.self).elements,
                absolute: 1e-6, name)
        }
    }

    @Test func tenStepsOfAdamW() throws {
        struct Plan: Decodable {
            struct Steps: Decodable { var batches: [[Int]] }
            var steps: Steps
        }
        let plan = try JSONDecoder().decode(
            Plan.self, from: Data(contentsOf: TestData.fixture("bert-small.json", .module)))
        let file = try fixture("bert-small-steps")
        let expectedLosses = try file.tensor("losses", as: Float.self).elements
        let expectedNorms = try file.tensor("gradient_norms", as: Float.self).elements
        let (batch, targets) = try data()
        var model: SequenceClassifier<Float> = try classifier(.gelu, .cls)
        var optimizer = AdamW<Float>(learningRate: 1e-3, weightDecay: 0.01)
        var losses: [Float] = []
        var norms: [Float] = []
        for rows in plan.steps.batches {
            let (loss, gradients) = valueAndGradient(of: model) { model in
                var none: DropoutStreams?
                return crossEntropy(
                    model.logits(batch.select(rows: rows), dropout: &none), rows.map { targets[$0] })
            }
            losses.append(loss.item)
            norms.append(Float(gradients.norm))
            optimizer.update(&model, with: gradients, scale: gradients.clippingScale(maximumNorm: 1))
        }
        expectClose(losses, expectedLosses, relative: 1e-4, "losses")
        expectClose(norms, expectedNorms, relative: 1e-3, "gradient norms")
        for (name, value) in BERTCheckpoint.split(model.parameters) {
            let expected = try file.tensor("after.\(name)", as: Float.self)
            #expect(value.shape == expected.shape)
            // What AdamW makes of a gradient that is rounding noise differs by up to the learning rate a step.
            let tolerance = name.hasSuffix("key.bias") ? 10e-3 : 1e-4
            expectClose(value.elements, expected.elements, absolute: tolerance, name)
        }
    }
}
