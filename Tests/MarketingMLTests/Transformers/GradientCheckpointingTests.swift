import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Layers computed again on the way back: the same bits of losses and gradients in every kind of Transformer.
@Suite struct GradientCheckpointingTests {
    private func expectSame<Model: Parameterized>(
        _ plain: Model, _ checkpointed: Model, _ loss: (Model) -> Tensor<Model.Scalar>
    ) {
        let (value, gradients) = valueAndGradient(of: plain, loss)
        let (again, others) = valueAndGradient(of: checkpointed, loss)
        #expect(value == again && gradients.names == others.names)
        for (name, pair) in zip(gradients.names, zip(gradients.tensors, others.tensors)) {
            #expect(pair.0 == pair.1, "\(name)")
        }
    }

    @Test(arguments: CausalFixture.names) func causal(_ name: String) throws {
        let fixture = try CausalFixture(name)
        var decoder: CausalDecoder<Float> = try fixture.decoder()
        decoder.setDropout(0.1)
        var other = decoder
        other.recomputesLayers = true
        let batch = TokenBatch(rows: fixture.rows)
        expectSame(decoder, other) { decoder in
            var dropout: DropoutStreams? = DropoutStreams(seed: 4, step: 2)
            return decoder.loss(batch, targets: fixture.targets, dropout: &dropout)
        }
    }

    @Test func bert() throws {
        let checkpoint = try BERTCheckpoint(directory: TestData.fixture("bert-small", .module))
        let file = try SafeTensorsFile(TestData.fixture("bert-small.safetensors", .module))
        let batch = try file.packedRows()
        let model = try SequenceClassifier<Float>(
            encoder: checkpoint.encoder(), head: checkpoint.head(classes: 3), pooling: .cls)
        var encoder = model.encoder
        encoder.recomputesLayers = true
        let other = SequenceClassifier(encoder: encoder, head: model.head, pooling: model.pooling)
        let targets = try file.integers("labels").elements.map { Int32($0) }
        expectSame(model, other) { model in
            var dropout: DropoutStreams? = DropoutStreams(seed: 4, step: 2)
            return crossEntropy(model.logits(batch, dropout: &dropout), targets)
        }
    }

    @Test(arguments: ["after", "before"]) func encoderDecoder(_ name: String) throws {
        let fixture = try EncoderDecoderParityTests.Fixture<Float>(name)
        var model = fixture.model
        model.setDropout(0.1)
        var other = model
        other.recomputesLayers = true
        expectSame(model, other) { model in
            var dropout: DropoutStreams? = DropoutStreams(seed: 4, step: 2)
            return model.loss(
                sources: fixture.sources, targets: fixture.targets, end: 2, dropout: &dropout)
        }
    }

    /// The option reaches the layers, and a run with it is the same run.
    @Test func trainings() throws {
        let fixture = try CausalFixture("llama")
        func losses(_ checkpoints: Bool) throws -> [Double] {
            try fixture.model().trained(
                on: TokenRows(fixture.rows),
                options: CausalTrainingOptions(
                    epochs: 2, batchTokens: 8, dropout: 0.1, gradientCheckpointing: checkpoints)
            ).history.losses
        }
        #expect(try losses(true) == losses(false))
        let plain = FineTuningOptions(epochs: 2, batchSize: 4, learningRate: 3e-3)
        var checkpointing = plain
        checkpointing.gradientCheckpointing = true
        #expect(try checkpointing.prepared(TextClassifierTests.tiny().encoder).recomputesLayers)
        let texts = TextClassifierTests.texts.texts
        let trained = try TextClassifierTests.trained(checkpointing)
        #expect(try trained.predict(texts) == TextClassifierTests.trained(plain).predict(texts))
        // Options written before there was this one.
        let encoded = try String(decoding: JSONEncoder().encode(plain), as: UTF8.self)
        let older = encoded.replacingOccurrences(
            of: #""gradientCheckpointing":false,?"#, with: "", options: .regularExpression
        ).replacingOccurrences(of: ",}", with: "}")
        #expect(older != encoded)
        #expect(try JSONDecoder().decode(FineTuningOptions.self, from: Data(older.utf8)) == plain)
    }

    /// Twelve layers hold the activations of one. The counter is the process': run alone, with MARKETINGML_SLOW_TESTS set.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["MARKETINGML_SLOW_TESTS"] != nil))
    func memory() throws {
        let decoder = try CausalDecoder<Float>(
            configuration: .gpt2(
                vocabularySize: 100, hiddenSize: 64, layers: 12, heads: 4, contextLength: 512), seed: 1)
        let batch = TokenBatch(
            rows: (0..<8).map { row in (0..<512).map { place -> Int32 in Int32((place * 7 + row) % 100) } })
        let targets = batch.ids
        func peak(_ recomputes: Bool) -> Int {
            var decoder = decoder
            decoder.recomputesLayers = recomputes
            TensorMemory.trim()
            let before = TensorMemory.statistics.reservedBytes
            _ = valueAndGradient(of: decoder) { decoder in
                var none: DropoutStreams?
                return decoder.loss(batch, targets: targets, dropout: &none)
            }
            return TensorMemory.statistics.reservedBytes - before
        }
        let (plain, less) = (peak(false), peak(true))
        #expect(less * 3 < plain, "\(less) and \(plain) bytes")
    }
}
