import Foundation
import MarketingML

private let shapes = [
    "minilm": (hidden: 384, layers: 6, wide: 1536), "bert-base": (hidden: 768, layers: 12, wide: 3072),
]

/// Multiply-adds × 2 of a forward pass over rows of these lengths.
private func operations(_ model: String, _ rows: [[Int32]]) -> Double {
    let (hidden, layers, wide) = shapes[model] ?? (0, 0, 0)
    return rows.reduce(0.0) { sum, row in
        let length = Double(row.count)
        return sum + Double(layers)
            * (length * Double(2 * (4 * hidden * hidden + 2 * hidden * wide)) + 4 * Double(hidden) * length
                * length)
    }
}

private func directory(_ model: String) -> URL { PeerData.root.appendingPathComponent("models/\(model)") }

/// Logits of a BertForSequenceClassification, in float or with its layers in 8 bits.
struct InferenceCase: BenchmarkCase {
    let model: String
    let workload: String
    let quantized: Bool

    static let all = [false, true].flatMap { quantized in
        ["minilm", "bert-base"].flatMap { model in
            let count = model == "minilm" ? 256 : 64
            return ["b1_s32", "b1_s128", "b32_s128", "b32_var\(count)", "b32_var\(count)_sorted"].map {
                InferenceCase(model: model, workload: $0, quantized: quantized)
            }
        }
    }

    var name: String { "bert_infer\(quantized ? "_int8" : "")/\(model)/\(workload)" }

    func measure(repeats: Int) throws -> Measurement {
        var classifier = try SequenceClassifier<Float>(directory: directory(model), classes: 2)
        if quantized { classifier = classifier.quantized() }
        let rows =
            workload.hasPrefix("b32_var")
            ? Array(try PeerData.variableRows().prefix(model == "minilm" ? 256 : 64))
            : try PeerData("bert_inputs").rows(workload)
        let batch = TokenBatch(rows: rows)
        var logits = classifier.scores(of: batch)
        let reference = PeerData.floats("bert_reference/\(model)/\(workload).logits.f32")
        var quality: [String: Double] = [:]
        if let reference, reference.count == logits.count {
            quality["max_abs_diff_vs_torch"] = Double(
                zip(reference, logits.elements).map { abs($0 - $1) }.max() ?? 0)
        }
        func once() { logits = classifier.scores(of: batch) }
        let inner = min(50, Measurement.innerCount(once))
        let tokens = Double(batch.tokenCount)
        return Measurement(
            runs: Measurement.time(repeats: repeats, inner: inner, warmup: 1, once),
            throughput: {
                [
                    "seq_per_s": Double(rows.count) / $0, "real_tok_per_s": tokens / $0,
                    "gflops": operations(model, rows) / $0 / 1e9,
                ]
            }, quality: quality)
    }
}

/// One fine-tuning step: forward, backward, AdamW.
struct TrainingCase: BenchmarkCase {
    let model: String
    let kind: String
    let dropout: Double

    static let all = [("minilm", "32x64"), ("minilm", "var"), ("bert-base", "16x64")].flatMap { model, kind in
        [0.1, 0].map { TrainingCase(model: model, kind: kind, dropout: $0) }
    }

    var name: String { "bert_train/\(model)/\(kind)" + (dropout == 0 ? "-nodropout" : "") }

    func measure(repeats: Int) throws -> Measurement {
        var classifier = try SequenceClassifier<Float>(directory: directory(model), classes: 2)
        classifier.encoder.setDropout(dropout)
        let variable = kind == "var"
        let data = try PeerData("bert_inputs")
        let rows = variable ? try PeerData.variableRows() : try data.rows("ft_s64")
        let labels = try data.integers(variable ? "var_labels" : "ft_labels").map { Int32($0) }
        let size = kind == "16x64" ? 16 : 32
        var batches = stride(from: 0, to: rows.count, by: size).map { start in
            (
                batch: TokenBatch(rows: Array(rows[start..<start + size])),
                labels: Array(labels[start..<start + size])
            )
        }
        if dropout != 0 {
            // As in fine-tuning, the longest batch goes first; the others follow in the file's order. Without dropout the
            // file's own order is kept, whose losses are compared.
            let longest = batches.indices.max { batches[$0].batch.tokenCount < batches[$1].batch.tokenCount }
            batches = Array(batches[(longest ?? 0)...] + batches[..<(longest ?? 0)])
        }
        var optimizer = AdamW<Float>(learningRate: 2e-5, weightDecay: 0.01)
        var losses: [Double] = []
        func step() {
            let (batch, labels) = batches[optimizer.step % batches.count]
            let streams = dropout == 0 ? nil : DropoutStreams(seed: 1, step: optimizer.step)
            let (loss, gradients) = valueAndGradient(of: classifier) { model in
                var streams = streams
                return crossEntropy(model.logits(batch, dropout: &streams), labels)
            }
            optimizer.update(&classifier, with: gradients)
            losses.append(Double(loss.item))
        }
        // A sample is one step, or one pass over all batches of changing length.
        let runs = Measurement.time(
            repeats: variable ? max(3, repeats / 2) : repeats, inner: variable ? batches.count : 1, warmup: 2,
            step)
        var quality = Dictionary(
            uniqueKeysWithValues: losses.prefix(4).enumerated().map { ("loss_\($0)", $1) })
        if dropout == 0, let expected = try? referenceLosses() {
            quality["max_relative_loss_difference"] =
                zip(expected, losses).map { abs($0 - $1) / abs($0) }.max() ?? 0
        }
        let steps = Double(batches.count)
        return Measurement(
            runs: runs,
            throughput: {
                [
                    "step_per_s": 1 / $0, "seq_per_s": Double(rows.count) / steps / $0,
                    "real_tok_per_s": Double(rows.joined().count) / steps / $0,
                    "gflops": 3 * operations(model, rows) / steps / $0 / 1e9,
                ]
            }, quality: quality)
    }

    private func referenceLosses() throws -> [Double] {
        let url = PeerData.root.appendingPathComponent("bert_reference/train-\(model)-\(kind).losses.json")
        return try JSONDecoder().decode([Double].self, from: Data(contentsOf: url))
    }
}
