import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Scores, losses and every gradient of both objectives against transformers' `BertForPreTraining`:
/// Tests/Reference/bert_pretraining.py wrote the fixtures.
@Suite struct PretrainingParityTests {
    private let directory = TestData.fixture("bert-pretraining", .module)

    private func fixture() throws -> SafeTensorsFile {
        try SafeTensorsFile(TestData.fixture("bert-pretraining.safetensors", .module))
    }

    private func batch(_ file: SafeTensorsFile) throws -> PretrainingBatch {
        func integers(_ name: String) throws -> [Int32] {
            try file.integers(name).elements.map { Int32($0) }
        }
        return PretrainingBatch(
            tokens: try file.packedRows(), positions: try integers("positions").map { Int($0) },
            targets: try integers("targets"), pairs: try integers("pairs").map { Int($0) },
            pairTargets: try integers("pair_targets"))
    }

    @Test func lossesAndEveryGradient() throws {
        let file = try fixture()
        let batch = try batch(file)
        var model = try PretrainedBERT(directory: directory).model
        model.encoder.setDropout(0)
        var none: DropoutStreams?
        let hidden = model.encoder(batch.tokens, dropout: &none)
        let scores = model.tokenScores(hidden.rows(at: batch.positions))
        let pairScores = try #require(model.pairScores(hidden, batch))
        #expect(scores.shape == [9, 97])
        #expect(pairScores.shape == [4, 2])
        expectClose(scores.elements, try file.tensor("scores").elements, absolute: 5e-5, "scores")
        expectClose(pairScores.elements, try file.tensor("pair_scores").elements, absolute: 2e-5, "pairs")
        let losses = model.losses(batch, dropout: &none)
        for (name, loss) in [("token_loss", losses.tokens), ("pair_loss", losses.pairs)] {
            expectClose(
                [try #require(loss).item], try file.tensor(name).elements, absolute: 2e-5, name)
        }

        var half = batch
        half.pairWeight = 0.5
        expectClose(
            [model.loss(half, dropout: &none).item],
            [try #require(losses.tokens).item + 0.5 * (try #require(losses.pairs).item)], absolute: 1e-6)

        let (loss, gradients) = valueAndGradient(of: model) { model in
            var none: DropoutStreams?
            return model.loss(batch, dropout: &none)
        }
        expectClose([loss.item], try file.tensor("loss").elements, absolute: 2e-5, "loss")
        let named = zip(gradients.names, gradients.tensors).compactMap { name, tensor in
            tensor.map { (name: name, value: $0) }
        }
        let split = BERTCheckpoint.split(named)
        let expectedNames = file.names.filter { $0.hasPrefix("grad.") }.map { String($0.dropFirst(5)) }
        #expect(Set(split.map(\.name)) == Set(expectedNames))
        for (name, gradient) in split {
            let expected: Tensor<Float> = try file.tensor("grad.\(name)")
            #expect(gradient.shape == expected.shape, "\(name)")
            if name.hasSuffix("key.bias") {
                // Zero in exact arithmetic: softmax ignores a shift.
                expectClose(gradient.elements, expected.elements, absolute: 1e-5, name)
            } else {
                expectRelativeNorm(gradient.elements, expected.elements, 1e-4, name)
            }
        }
    }

    /// The tied output layer and the embeddings, both in one tensor, by finite differences in Double.
    @Test func gradientOfTiedWords() throws {
        let configuration = BERTConfiguration(
            vocabularySize: 7, hiddenSize: 4, layers: 1, heads: 2, intermediateSize: 6)
        let encoder = BERTEncoder<Double>(configuration: configuration, seed: 3)
        let model = BERTPretrainingModel(
            encoder: encoder, objectives: [.maskedLanguageModel, .nextSentence], seed: 4)
        var batch = PretrainingBatch()
        batch.tokens.append([1, 4, 5, 2, 6, 2], typeIDs: [0, 0, 0, 0, 1, 1])
        batch.tokens.append([1, 3, 2])
        (batch.positions, batch.targets, batch.pairs, batch.pairTargets) = ([2, 4, 7], [6, 3, 5], [0], [1])
        for (name, value) in model.parameters
        where ["words", "bias", "pooler", "relationship"].contains(where: { name.contains($0) }) {
            expectGradient(name, at: value, tolerance: 1e-6) { moved in
                var changed = model
                changed.forEachParameter { other, parameter in if other == name { parameter = moved } }
                var none: DropoutStreams?
                return changed.loss(batch, dropout: &none)
            }
        }
    }

    @Test func savedAndReadAgainItIsTheSame() throws {
        let pretrained = try PretrainedBERT(directory: directory)
        #expect(pretrained.objectives == [.maskedLanguageModel, .nextSentence])
        try withTemporaryDirectory { path in
            let saved = URL(fileURLWithPath: path).appending(path: "bert")
            try pretrained.save(to: saved)
            let again = try PretrainedBERT(directory: saved)
            let names = again.model.parameters.map(\.name)
            #expect(names == pretrained.model.parameters.map(\.name))
            for ((name, a), (_, b)) in zip(again.model.parameters, pretrained.model.parameters) {
                #expect(a.elements == b.elements, "\(name)")
            }
            #expect(
                again.candidates(forMasksIn: "a [MASK] b") == pretrained.candidates(forMasksIn: "a [MASK] b"))
            // Fine-tuning starts from the same directory.
            let bert = try BERT(directory: saved)
            #expect(bert.encoder.words.elements == pretrained.model.encoder.words.elements)
            #expect(bert.encoder.pooler != nil)
        }
    }

    @Test func headsOfAnotherShapeAreAnError() throws {
        try withTemporaryDirectory { path in
            let broken = URL(fileURLWithPath: path).appending(path: "bert")
            try FileManager.default.copyItem(at: directory, to: broken)
            let file = try SafeTensorsFile(directory.appending(path: "model.safetensors"))
            var writer = SafeTensorsWriter()
            for name in file.names.sorted() {
                let tensor: Tensor<Float> = try file.tensor(name)
                writer.add(name, name == "cls.predictions.bias" ? .zeros([96]) : tensor)
            }
            try writer.write(to: broken.appending(path: "model.safetensors"))
            expectFailure(.shapeMismatch) { _ = try PretrainedBERT(directory: broken) }
        }
    }
}
