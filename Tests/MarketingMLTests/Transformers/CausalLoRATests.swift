import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Low-rank adapters on causal models against PEFT (Tests/Reference/lora.py), and what holds for any.
@Suite struct CausalLoRATests {
    static let names = ["gpt2", "llama"]

    private func adapter(_ name: String) throws -> LoRAAdapter {
        try LoRAAdapter(directory: TestData.fixture("lora-\(name)", .module))
    }

    /// The name in a checkpoint: what is one matrix here may be several there.
    private func referenceName(_ name: String) -> String {
        name.replacingOccurrences(of: ".qkv_proj.", with: ".").replacingOccurrences(
            of: ".gate_up_proj.", with: ".")
    }

    @Test(arguments: names) func lossAndGradientsAreThoseOfPEFT(_ name: String) throws {
        let fixture = try CausalFixture(name)
        let file = try SafeTensorsFile(TestData.fixture("lora-\(name)/expected.safetensors", .module))
        let batch = TokenBatch(rows: fixture.rows)
        let decoder = try fixture.decoder(Float.self).applying(adapter(name))
        let expected = try file.tensor("logits", as: Float.self)
        #expect(decoder.logits(batch).shape == expected.shape)
        expectClose(decoder.logits(batch).elements, expected.elements, absolute: 2e-5, "logits")
        let (loss, gradients) = valueAndGradient(
            of: decoder, where: { LowRankAdapter<Float>.owns($0) }
        ) { decoder in
            var none: DropoutStreams?
            return decoder.loss(batch, targets: fixture.targets, dropout: &none)
        }
        expectClose([loss.item], try file.tensor("loss", as: Float.self).elements, absolute: 1e-5, "loss")
        var compared = 0
        for (name, gradient) in zip(gradients.names, gradients.tensors) {
            guard LowRankAdapter<Float>.owns(name) else {
                #expect(gradient == nil, "\(name) is frozen")
                continue
            }
            let expected = try file.tensor("grad." + referenceName(name), as: Float.self)
            #expect(gradient?.shape == expected.shape, "\(name)")
            expectRelativeNorm(gradient?.elements ?? [], expected.elements, 1e-4, name)
            compared += 1
        }
        // A and B of two or four layers in each of two blocks.
        #expect(compared == 2 * 2 * (name == "gpt2" ? 2 : 4) && file.names.count == compared + 2)
    }

    @Test(arguments: names) func mergedEqualsUnmerged(_ name: String) throws {
        let fixture = try CausalFixture(name)
        let model = try fixture.model()
        let adapted = try model.applying(adapter(name))
        let merged = adapted.merged()
        #expect(try adapted.adapter?.layerNames == adapter(name).layerNames)
        #expect(merged.adapter == nil)
        let batch = TokenBatch(rows: fixture.rows)
        let scores = adapted.decoder.logits(batch)
        expectClose(merged.decoder.logits(batch).elements, scores.elements, absolute: 1e-5, "merged")
        #expect(scores != model.decoder.logits(batch))
        // Decoding goes through the adapters too, and a saved model holds them in its weights.
        let row = fixture.rows[2]
        var (state, _) = try adapted.read([Array(row.dropLast())])
        let last = try adapted.advance(&state, by: [row[row.count - 1]])
        expectClose(
            last.elements,
            adapted.decoder.logits(TokenBatch(rows: [row])).rows(row.count - 1..<row.count).elements,
            absolute: 1e-4, "decoded")
        try withTemporaryDirectory { path in
            let folder = URL(fileURLWithPath: path).appending(path: "model")
            try adapted.save(to: folder)
            let read = try CausalLanguageModel(directory: folder, tokenizer: model.tokenizer)
            expectClose(read.decoder.logits(batch).elements, scores.elements, absolute: 1e-5, "saved whole")
        }
    }

    @Test(arguments: names) func filesGoBothWays(_ name: String) throws {
        let fixture = try CausalFixture(name)
        let batch = TokenBatch(rows: fixture.rows)
        let model = try fixture.model().applying(adapter(name))
        try withTemporaryDirectory { path in
            let folder = URL(fileURLWithPath: path).appending(path: "adapter")
            try #require(model.adapter).save(to: folder, baseModel: name)
            let again = try fixture.model().applying(LoRAAdapter(directory: folder))
            #expect(again.decoder.logits(batch) == model.decoder.logits(batch))
            // The names and the settings are PEFT's own.
            do {
                let theirs = try SafeTensorsFile(
                    TestData.fixture("lora-\(name)", .module).appending(path: "adapter_model.safetensors"))
                let ours = try SafeTensorsFile(folder.appending(path: "adapter_model.safetensors"))
                #expect(ours.names.sorted() == theirs.names.sorted())
                for entry in theirs.names {
                    #expect(try ours.tensor(entry, as: Float.self) == theirs.tensor(entry, as: Float.self))
                }
            }
            func settings(_ folder: URL) throws -> JSONValue {
                let file = folder.appending(path: "adapter_config.json").path
                return try JSONValue(parsing: InputFile.read(file), file: file)
            }
            let (ours, theirs) = (
                try settings(folder), try settings(TestData.fixture("lora-\(name)", .module))
            )
            for key in ["fan_in_fan_out", "lora_alpha", "peft_type", "r", "task_type"] {
                #expect(ours[key] == theirs[key], "\(key)")
            }
            #expect(
                Set(ours["target_modules"]?.array?.compactMap(\.string) ?? [])
                    == Set(theirs["target_modules"]?.array?.compactMap(\.string) ?? []))
            // For Tests/Reference/lora.py, which reads it with PEFT.
            if let wanted = ProcessInfo.processInfo.environment["MARKETINGML_ADAPTER"] {
                let folder = URL(fileURLWithPath: "\(wanted)-\(name)")
                try #require(model.adapter).save(to: folder, baseModel: name)
                var writer = SafeTensorsWriter()
                writer.add("logits", model.decoder.logits(batch))
                try writer.write(to: folder.appending(path: "logits.safetensors"))
            }
        }
    }

    @Test func whatDoesNotFit() throws {
        let (gpt2, llama) = (try CausalFixture("gpt2").model(), try CausalFixture("llama").model())
        expectFailure(.shapeMismatch, "another layout") { _ = try gpt2.applying(adapter("llama")) }
        expectFailure(.shapeMismatch, "another layout") { _ = try llama.applying(adapter("gpt2")) }
        let wider = try CausalLanguageModel(
            configuration: .gpt2(vocabularySize: 61, hiddenSize: 36, layers: 2, heads: 3, contextLength: 17),
            tokenizer: NumberTokenizer(vocabularySize: 61))
        expectFailure(.shapeMismatch, "another width") { _ = try wider.applying(adapter("gpt2")) }
        let shallow = try CausalLanguageModel(
            configuration: .gpt2(vocabularySize: 61, hiddenSize: 24, layers: 1, heads: 3, contextLength: 17),
            tokenizer: NumberTokenizer(vocabularySize: 61))
        expectFailure(.shapeMismatch, "fewer layers") { _ = try shallow.applying(adapter("gpt2")) }
        expectFailure(.shapeMismatch, "an encoder's") {
            _ = try gpt2.applying(LoRAAdapter(directory: TestData.fixture("lora", .module)))
        }
        expectFailure(.invalidOption, "no such layer") {
            _ = try gpt2.adapted(by: .lora(targets: ["q_proj"]))
        }
        expectFailure(.invalidOption, "rank") {
            _ = try gpt2.trained(
                on: TokenRows([[1, 2]]), options: CausalTrainingOptions(adaptation: .lora(rank: 0)))
        }
    }

    /// Adapters alone learn; what they are called by default; over a base in 8 bits, which stays in 8 bits.
    @Test(arguments: names) func learns(_ name: String) throws {
        let fixture = try CausalFixture(name)
        let model = try fixture.model()
        let rows = TokenRows(fixture.rows)
        let options = CausalTrainingOptions(
            epochs: 30, learningRate: 2e-2, weightDecay: 0, adaptation: .lora(rank: 2, alpha: 4, dropout: 0.1)
        )
        for base in [model, model.quantized()] {
            let before = try base.perplexity(of: rows)
            let (trained, history) = try base.trained(on: rows, options: options)
            #expect(try trained.perplexity(of: rows) < 0.7 * before, "\(history.losses)")
            #expect(
                trained.adapter?.configuration.targets
                    == (name == "gpt2" ? ["c_attn"] : ["q_proj", "v_proj"]))
            let frozen = trained.decoder.parameters.filter { !LowRankAdapter<Float>.owns($0.name) }
            for (a, b) in zip(frozen, base.decoder.parameters) {
                #expect(a.value.isHeldQuantized == b.value.isHeldQuantized && a.value == b.value, "\(a.name)")
            }
            // Going on without the option trains the same adapters further.
            var further = options
            further.adaptation = nil
            let (again, _) = try trained.trained(on: rows, options: further)
            #expect(try again.perplexity(of: rows) < trained.perplexity(of: rows))
            #expect(again.adapter?.layerNames == trained.adapter?.layerNames)
        }
    }
}
