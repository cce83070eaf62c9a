import Foundation
import MarketingML

private let names = ["gpt2-12x768", "gpt2-6x384"]
private let newTokens = 64

/// Every token stands for nothing: only ids are measured.
private struct NoText: TextTokenizer {
    let vocabularySize = 50257
    func id(of token: String) -> Int32? { nil }
    func ids(of text: String) -> [Int32] { [] }
    func bytes(of id: Int32) -> [UInt8] { [] }
    func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool) -> String { "" }
}

private func load(_ name: String, isQuantized: Bool = false) throws -> CausalLanguageModel {
    let model = try CausalLanguageModel(
        directory: PeerData.root.appendingPathComponent("models/\(name)"), tokenizer: NoText())
    return isQuantized ? model.quantized() : model
}

private func prompt() throws -> [Int32] { try PeerData("lm_prompt").integers("ids").map { Int32($0) } }

private func best(_ scores: Tensor<Float>) -> [Int32] {
    let width = scores.shape[1]
    return scores.withUnsafeElements { scores in
        (0..<scores.count / width).map { row in
            var place = row * width
            for index in row * width..<(row + 1) * width where scores[index] > scores[place] { place = index }
            return Int32(place - row * width)
        }
    }
}

/// Greedy continuation of 32 tokens by 64, for one row or for five that share the prompt.
struct GenerationCase: BenchmarkCase {
    let model: String
    let rows: Int
    var isQuantized = false

    static let all = names.flatMap { name in
        [1, 5].flatMap { rows in
            [false, true].map { GenerationCase(model: name, rows: rows, isQuantized: $0) }
        }
    }

    var name: String {
        (rows == 1 ? "lm_generate" : "lm_candidates") + (isQuantized ? "_int8/" : "/") + model
    }

    func measure(repeats: Int) throws -> Measurement {
        let model = try load(self.model, isQuantized: isQuantized)
        let prompt = try prompt()
        var tokens: [Int32] = []
        func once() throws {
            var (state, scores) = try model.read([prompt])
            tokens = [best(scores)[0]]
            if rows > 1 { state.select(rows: [Int](repeating: 0, count: rows)) }
            var last = [Int32](repeating: tokens[0], count: rows)
            for _ in 1..<newTokens {
                scores = try model.advance(&state, by: last)
                last = best(scores)
                tokens.append(last[0])
            }
        }
        let runs = try Measurement.time(repeats: repeats, warmup: 1, once)
        let url = PeerData.root.appendingPathComponent("bert_reference/\(self.model).greedy.json")
        let expected = (try? JSONDecoder().decode([Int32].self, from: Data(contentsOf: url))) ?? []
        let bytes = Double(model.decoder.parameterCount * (isQuantized ? 1 : 4))
        return Measurement(
            runs: runs,
            throughput: {
                [
                    "new_tok_per_s": Double(rows * newTokens) / $0,
                    "weights_GB_per_s": bytes * Double(newTokens) / $0 / 1e9,
                ]
            },
            quality: [
                "same_tokens_as_transformers": Double(
                    zip(expected, tokens).prefix { $0 == $1 }.count)
            ])
    }
}

/// Reading a prompt: scores of its last token, keys and values of all.
struct PrefillCase: BenchmarkCase {
    let model: String
    let count: Int
    var isQuantized = false

    static let all = names.flatMap { name in
        [32, 512].flatMap { count in
            [false, true].map { PrefillCase(model: name, count: count, isQuantized: $0) }
        }
    }

    var name: String { "lm_prefill\(isQuantized ? "_int8" : "")/\(model)/\(count)" }

    func measure(repeats: Int) throws -> Measurement {
        let model = try load(self.model, isQuantized: isQuantized)
        var random = SeededGenerator(seed: 1)
        let ids = (0..<count).map { _ in Int32(random.next(below: 50257)) }
        func once() throws { _ = try model.read([ids]) }
        let inner = min(20, try Measurement.innerCount(once))
        return Measurement(
            runs: try Measurement.time(repeats: repeats, inner: inner, warmup: 1, once),
            throughput: { ["prompt_tok_per_s": Double(count) / $0] })
    }
}

/// One training step on 8 x 128 tokens: forward, backward, AdamW.
struct LanguageModelTrainingCase: BenchmarkCase {
    let model: String
    let recomputes: Bool

    static let all = names.flatMap { name in
        [false, true].map { LanguageModelTrainingCase(model: name, recomputes: $0) }
    }

    var name: String { "lm_train\(recomputes ? "_checkpointing" : "")/\(model)" }

    func measure(repeats: Int) throws -> Measurement {
        var decoder = try load(model).decoder
        decoder.recomputesLayers = recomputes
        var random = SeededGenerator(seed: 1)
        let rows = (0..<8).map { _ in (0..<128).map { _ in Int32(random.next(below: 50257)) } }
        let batch = TokenBatch(rows: rows)
        let targets = rows.flatMap { $0.dropFirst() + [-1] }
        var optimizer = AdamW<Float>(learningRate: 1e-4, weightDecay: 0.01)
        var losses: [Double] = []
        func step() {
            let (loss, gradients) = valueAndGradient(of: decoder) { decoder in
                var none: DropoutStreams?
                return decoder.loss(batch, targets: targets, dropout: &none)
            }
            optimizer.update(&decoder, with: gradients)
            losses.append(Double(loss.item))
        }
        let runs = Measurement.time(repeats: repeats, warmup: 2, step)
        return Measurement(
            runs: runs, throughput: { ["tok_per_s": 1024 / $0] },
            quality: Dictionary(
                uniqueKeysWithValues: losses.prefix(4).enumerated().map { ("loss_\($0)", $1) }))
    }
}
