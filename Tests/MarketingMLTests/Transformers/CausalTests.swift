import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// GPT-2 and Llama against transformers and PyTorch (`causal.py`), and their files.
@Suite struct CausalTests {
    @Test(arguments: CausalFixture.names) func logitsLossAndGradients(_ name: String) throws {
        let fixture = try CausalFixture(name)
        try compare(fixture, Float.self, within: 2e-5)
        try compare(fixture, Double.self, within: 2e-5)
    }

    private func compare<Scalar: TensorFloatingPoint>(
        _ fixture: CausalFixture, _: Scalar.Type, within tolerance: Double
    ) throws {
        let decoder = try fixture.decoder(Scalar.self)
        let batch = TokenBatch(rows: fixture.rows)
        let logits: Tensor<Scalar> = try fixture.file.tensor(
            "logits", shape: [batch.tokenCount, fixture.configuration.vocabularySize])
        expectRelativeNorm(decoder.logits(batch).elements, logits.elements, tolerance, "logits")
        var dropout: DropoutStreams?
        let (loss, gradients) = valueAndGradient(of: decoder) {
            $0.loss(batch, targets: fixture.targets, dropout: &dropout)
        }
        let expected: Tensor<Scalar> = try fixture.file.tensor("loss", shape: [1])
        expectClose([loss.item], expected.elements, relative: 1e-5, "loss")
        let named = try zip(gradients.names, gradients.tensors).map { name, tensor in
            (name: name, value: try #require(tensor, "\(name) has no gradient"))
        }
        let found = CausalCheckpoint.split(named, fixture.configuration)
        let expectedNames = fixture.file.names.filter { $0.hasPrefix("gradient.") }
        #expect(Set(found.map { "gradient.\($0.name)" }) == Set(expectedNames))
        for (name, value) in found {
            let gradient: Tensor<Scalar> = try fixture.file.tensor("gradient.\(name)", shape: value.shape)
            expectRelativeNorm(value.elements, gradient.elements, 1e-4, name)
        }
    }

    /// Saved and read again it is the same model, to the bit; transformers' names, shapes and values.
    @Test(arguments: CausalFixture.names) func savedAsRead(_ name: String) throws {
        let fixture = try CausalFixture(name)
        let model = try fixture.model()
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path).appendingPathComponent("model")
            try model.save(to: directory)
            let saved = try SafeTensorsFile(directory.appendingPathComponent("model.safetensors"))
            for name in saved.names {
                let value: Tensor<Float> = try fixture.file.tensor(name)
                let again: Tensor<Float> = try saved.tensor(name, shape: value.shape)
                #expect(again == value, "\(name)")
            }
            let weights = fixture.file.names.filter { fixture.file.contains("gradient.\($0)") }
            #expect(saved.names == weights)
            let read = try CausalLanguageModel(directory: directory, tokenizer: model.tokenizer)
            #expect(read.configuration == model.configuration)
            let batch = TokenBatch(rows: fixture.rows)
            #expect(read.decoder.logits(batch) == model.decoder.logits(batch))
        }
    }

    @Test func filesWithoutPrefix() throws {
        let fixture = try CausalFixture("gpt2")
        try fixture.withDirectory { directory in
            var writer = SafeTensorsWriter()
            for name in fixture.file.names where fixture.file.contains("gradient.\(name)") {
                let value: Tensor<Float> = try fixture.file.tensor(name)
                writer.add(String(name.dropFirst("transformer.".count)), value)
            }
            try writer.write(to: directory.appendingPathComponent("model.safetensors"))
            let decoder: CausalDecoder<Float> = try CausalCheckpoint(directory: directory).decoder()
            let batch = TokenBatch(rows: fixture.rows)
            let whole: CausalDecoder<Float> = try fixture.decoder()
            #expect(decoder.logits(batch) == whole.logits(batch))
        }
    }

    /// A model whose rotary pairs are neighbours is saved with the pairs as halves, and computes the same.
    @Test func neighboursBecomeHalves() throws {
        var configuration = CausalConfiguration.llama(
            vocabularySize: 40, hiddenSize: 24, layers: 2, heads: 4, keyValueHeads: 2, contextLength: 20)
        configuration.rotaryPairs = .neighbours
        configuration.initializerRange = 0.3
        let model = try CausalLanguageModel(
            configuration: configuration, tokenizer: NumberTokenizer(vocabularySize: 40))
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path).appendingPathComponent("model")
            try model.save(to: directory)
            let read = try CausalLanguageModel(directory: directory, tokenizer: model.tokenizer)
            #expect(read.configuration.rotaryPairs == .halves)
            let batch = TokenBatch(rows: [[1, 5, 9, 3, 3, 7], [2, 8]])
            expectRelativeNorm(
                read.decoder.logits(batch).elements, model.decoder.logits(batch).elements, 1e-5)
        }
    }

    @Test func brokenConfigurations() throws {
        let url = TestData.fixture("causal-llama.json", .module)
        let text = String(decoding: try InputFile.read(url.path), as: UTF8.self)
        for (old, new, code) in [
            ("\"llama\"", "\"bert\"", MarketingMLError.Code.unsupported),
            ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 4", .malformedFile),
            ("\"hidden_size\": 24", "\"hidden_size\": 0", .malformedFile),
            ("\"head_dim\": 4", "\"head_dim\": 5", .malformedFile),
            ("\"silu\"", "\"gelu\"", .unsupported),
            ("\"attention_bias\": false", "\"attention_bias\": true", .unsupported),
            ("\"default\"", "\"llama3\"", .unsupported),
            ("\"vocab_size\": 61", "\"vocab_size\": \"many\"", .malformedFile),
        ] {
            #expect(text.contains(old), "\(old)")
            expectFailure(code, new) {
                let bytes = Array(text.replacingOccurrences(of: old, with: new).utf8)
                _ = try CausalConfiguration(json: JSONValue(parsing: bytes), file: "config.json")
            }
        }
        expectFailure(.shapeMismatch, "tokenizer") {
            _ = try CausalLanguageModel(
                configuration: .gpt2(vocabularySize: 10, hiddenSize: 8, layers: 1, heads: 2),
                tokenizer: NumberTokenizer(vocabularySize: 11))
        }
        expectFailure(.invalidOption, "heads") {
            _ = try CausalDecoder<Float>(
                configuration: .gpt2(vocabularySize: 10, hiddenSize: 8, layers: 1, heads: 3), seed: 1)
        }
    }

    @Test func anotherShape() throws {
        let fixture = try CausalFixture("gpt2")
        try fixture.withDirectory { directory in
            let config = directory.appendingPathComponent("config.json")
            let text = String(decoding: try InputFile.read(config.path), as: UTF8.self)
            let changed = text.replacingOccurrences(of: "\"n_layer\": 2", with: "\"n_layer\": 3")
            try Array(changed.utf8).withUnsafeBytes { try Data($0).write(to: config) }
            expectFailure(.missingTensor, "a layer more") {
                _ =
                    try CausalCheckpoint(directory: directory).decoder(holdingPacked: false)
                    as CausalDecoder<Float>
            }
        }
    }

    @Test func damagedConfigurations() throws {
        for name in ["gpt2", "llama"] {
            let url = TestData.fixture("causal-\(name).json", .module)
            try forEachMutation(of: try InputFile.read(url.path), count: 3000) { bytes in
                do {
                    _ = try CausalConfiguration(json: JSONValue(parsing: bytes), file: "config.json")
                } catch is MarketingMLError {}
            }
        }
    }

    /// A directory with its tokenizer is a whole model.
    @Test func tokenizersFiles() throws {
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "shoes"]
        let tokenizer = try WordPieceTokenizer(vocabulary: words)
        let model = try CausalLanguageModel(
            configuration: .gpt2(vocabularySize: 8, hiddenSize: 8, layers: 1, heads: 2), tokenizer: tokenizer)
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path).appendingPathComponent("model")
            try model.save(to: directory)
            let read = try CausalLanguageModel(directory: directory)
            #expect(read.tokenizer.ids(of: "bad shoes") == [6, 7])
            let batch = TokenBatch(rows: [[5, 7]])
            #expect(read.decoder.logits(batch) == model.decoder.logits(batch))
            expectFailure(.invalidOption, "another directory") {
                try model.save(to: directory.deletingLastPathComponent())
            }
        }
        try CausalFixture("gpt2").withDirectory { directory in
            expectFailure(.fileNotFound, "no tokenizer") { _ = try CausalLanguageModel(directory: directory) }
        }
    }
}
