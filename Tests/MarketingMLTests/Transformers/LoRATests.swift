import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Low-rank adapters against PEFT (Tests/Reference/lora.py), and what holds for any.
@Suite struct LoRATests {
    private func base() throws -> SequenceClassifier<Float> {
        let checkpoint = try BERTCheckpoint(directory: TestData.fixture("bert-small", .module))
        return SequenceClassifier(
            encoder: try checkpoint.encoder(), head: try checkpoint.head(classes: 3), pooling: .cls)
    }

    private func data() throws -> (TokenBatch, [Int32]) {
        let file = try SafeTensorsFile(TestData.fixture("bert-small.safetensors", .module))
        return (try file.packedRows(), try file.integers("labels").elements.map { Int32($0) })
    }

    private func adapter() throws -> LoRAAdapter {
        try LoRAAdapter(directory: TestData.fixture("lora", .module))
    }

    private func logits(_ model: SequenceClassifier<Float>, _ batch: TokenBatch) -> Tensor<Float> {
        var none: DropoutStreams?
        return model.logits(batch, dropout: &none)
    }

    @Test func lossAndGradientsAreThoseOfPEFT() throws {
        let file = try SafeTensorsFile(TestData.fixture("lora/expected.safetensors", .module))
        let (batch, targets) = try data()
        let model = try base().applying(adapter())
        let expected = try file.tensor("logits", as: Float.self)
        #expect(logits(model, batch).shape == expected.shape)
        expectClose(logits(model, batch).elements, expected.elements, absolute: 2e-5, "logits")
        let options = FineTuningOptions(adaptation: .lora())
        let (loss, gradients) = valueAndGradient(of: model, where: options.isTrainable) { model in
            crossEntropy(logits(model, batch), targets)
        }
        expectClose([loss.item], try file.tensor("loss", as: Float.self).elements, absolute: 1e-5, "loss")
        var compared = 0
        for (name, gradient) in zip(gradients.names, gradients.tensors) {
            guard options.isTrainable(name) else {
                #expect(gradient == nil, "\(name) is frozen")
                continue
            }
            let reference = "grad." + name.replacingOccurrences(of: ".qkv.", with: ".")
            let expected = try file.tensor(reference, as: Float.self)
            #expect(gradient?.shape == expected.shape, "\(name)")
            expectRelativeNorm(gradient?.elements ?? [], expected.elements, 1e-4, name)
            compared += 1
        }
        // A and B of 5 layers in 2 blocks (output.dense names two), weight and bias of the head.
        #expect(compared == 2 * 2 * 5 + 2)
        #expect(file.names.count == compared + 2)
    }

    @Test func mergedEqualsUnmerged() throws {
        let (batch, _) = try data()
        let model = try base().applying(adapter())
        let merged = model.merged()
        #expect(merged.adapter == nil)
        #expect(try merged.parameters.count == base().parameters.count)
        expectClose(logits(merged, batch).elements, logits(model, batch).elements, absolute: 1e-5, "merged")
        // Over the same weights in 8 bits the adapters stay as they are.
        let small = model.quantized()
        #expect(
            small.parameters.filter { LowRankAdapter<Float>.owns($0.name) }.allSatisfy {
                !$0.value.isHeldQuantized
            })
        expectClose(logits(small, batch).elements, logits(model, batch).elements, absolute: 0.3, "8 bits")
    }

    @Test func newAdaptersChangeNothingAndLearn() throws {
        let (batch, targets) = try data()
        var model = try base().adapted(
            by: .lora(rank: 4, alpha: 8, dropout: 0.1, targets: ["query", "dense"]), seed: 3)
        #expect(try logits(model, batch) == logits(base(), batch))
        #expect(model.adapter?.layerNames.count == 2 * 4 + 1)
        // Finite differences of every adapter matrix of one layer, in double.
        var double = try SequenceClassifier<Double>(
            encoder: BERTCheckpoint(directory: TestData.fixture("bert-small", .module)).encoder(), classes: 3,
            pooling: .cls, seed: 1
        ).adapted(by: .lora(rank: 2, alpha: 3, targets: ["key", "intermediate.dense"]))
        double.forEachParameter { name, value in
            if LowRankAdapter<Double>.owns(name) {
                value = .randomNormal(
                    value.shape, standardDeviation: 0.1, seed: 7, stream: UInt64(value.count))
            }
        }
        let small = batch.select(rows: [0, 3])
        for wanted in ["layer.0.attention.self.qkv.key.lora_A", "layer.1.intermediate.dense.lora_B"] {
            let parameter = try #require(double.parameters.first { $0.name.contains(wanted) }).value
            expectGradient(wanted, at: parameter) { value in
                var model = double
                model.forEachParameter { name, parameter in if name.contains(wanted) { parameter = value } }
                var none: DropoutStreams?
                return weigh(model.logits(small, dropout: &none))
            }
        }
        var optimizer = AdamW<Float>(learningRate: 1e-2)
        let options = FineTuningOptions(adaptation: .lora())
        for step in 0..<3 {
            let (_, gradients) = valueAndGradient(of: model, where: options.isTrainable) { model in
                var dropout: DropoutStreams? = DropoutStreams(seed: 1, step: step)
                return crossEntropy(model.logits(batch, dropout: &dropout), targets)
            }
            optimizer.update(&model, with: gradients)
        }
        let base = try base().parameters
        let plain = model.parameters.filter { !LowRankAdapter<Float>.owns($0.name) }
        for (a, b) in zip(plain, base) where !a.name.hasPrefix("classifier.") { #expect(a.value == b.value) }
        #expect(try logits(model, batch) != logits(self.base(), batch))
    }

    @Test func filesGoBothWays() throws {
        let (batch, _) = try data()
        let model = try base().applying(adapter())
        try withTemporaryDirectory { path in
            let folder = URL(fileURLWithPath: path).appending(path: "adapter")
            try #require(model.adapter).save(to: folder, baseModel: "bert-small")
            let again = try base().applying(LoRAAdapter(directory: folder))
            #expect(logits(again, batch) == logits(model, batch))
            // For Tests/Reference/lora.py, which reads it with PEFT.
            if let wanted = ProcessInfo.processInfo.environment["MARKETINGML_ADAPTER"] {
                try #require(model.adapter).save(to: URL(fileURLWithPath: wanted), baseModel: "bert-small")
                var writer = SafeTensorsWriter()
                writer.add("logits", logits(model, batch))
                try writer.write(to: URL(fileURLWithPath: wanted).appending(path: "logits.safetensors"))
            }
            // Damaged files: a typed error or a value, never a crash.
            for name in ["adapter_config.json", "adapter_model.safetensors"] {
                let file = folder.appending(path: name)
                let bytes = Array(try Data(contentsOf: file))
                try forEachMutation(of: bytes, count: 300) { bytes in
                    try Data(bytes).write(to: file)
                    do {
                        _ = try base().applying(LoRAAdapter(directory: folder))
                    } catch is MarketingMLError {}
                }
                try Data(bytes).write(to: file)
            }
        }
    }

    @Test func whatDoesNotFit() throws {
        let adapter = try adapter()
        let other = try TextClassifierTests.tiny()
        expectFailure(.shapeMismatch, "another model") { _ = try other.applying(adapter) }
        expectFailure(.invalidOption, "no such layer") {
            _ = try other.adapted(by: .lora(targets: ["q_proj"]))
        }
        expectFailure(.invalidOption, "rank") { _ = try other.adapted(by: .lora(rank: 0)) }
        expectFailure(.invalidOption, "dropout") { _ = try other.adapted(by: .lora(dropout: 1)) }
        expectFailure(.invalidOption, "frozen") {
            _ = try TextClassifierTests.trained(FineTuningOptions(frozenLayers: 1, adaptation: .lora()))
        }
        expectFailure(.invalidOption, "none") {
            try TextClassifierTests.trained(FineTuningOptions(epochs: 1)).saveAdapter(
                to: URL(fileURLWithPath: "/tmp/x"))
        }
        try withTemporaryDirectory { path in
            let source = TestData.fixture("lora", .module)
            for (from, to, code) in [
                ("\"LORA\"", "\"IA3\"", MarketingMLError.Code.unsupported),
                ("\"use_dora\": false", "\"use_dora\": true", .unsupported),
                ("\"bias\": \"none\"", "\"bias\": \"all\"", .unsupported),
                ("\"r\": 3", "\"r\": 0", .malformedFile),
            ] {
                let folder = URL(fileURLWithPath: path).appending(path: UUID().uuidString)
                try FileManager.default.copyItem(at: source, to: folder)
                let file = folder.appending(path: "adapter_config.json")
                let text = try String(contentsOf: file, encoding: .utf8)
                #expect(text.contains(from))
                try text.replacingOccurrences(of: from, with: to).write(
                    to: file, atomically: true, encoding: .utf8)
                expectFailure(code, to) { _ = try LoRAAdapter(directory: folder) }
            }
        }
    }

    @Test func aClassifierLearnsThroughAdapters() throws {
        let bert = try TextClassifierTests.tiny()
        let options = FineTuningOptions(
            epochs: 6, batchSize: 4, learningRate: 1e-2, adaptation: .lora(rank: 2, alpha: 4, dropout: 0.1))
        let classifier = try TextClassifier.fineTune(bert, on: TextClassifierTests.texts, options: options)
        let texts = TextClassifierTests.texts.texts
        let merged = try classifier.merged()
        func compare(_ other: TextClassifier<String>, _ what: String) throws {
            for (a, b) in zip(try other.predict(texts), try classifier.predict(texts)) {
                expectClose(a.probabilities, b.probabilities, absolute: 1e-5, what)
            }
        }
        try compare(merged, "merged")
        try withTemporaryDirectory { path in
            let folder = URL(fileURLWithPath: path)
            try classifier.save(to: folder.appending(path: "whole"))
            try compare(TextClassifier(directory: folder.appending(path: "whole")), "saved whole")
            try classifier.saveAdapter(to: folder.appending(path: "adapter"))
            let again = try TextClassifier<String>(bert, adapter: folder.appending(path: "adapter"))
            #expect(try again.predict(texts) == classifier.predict(texts))
            #expect(again.card.options?.adaptation == options.adaptation)
        }
    }
}
