import Foundation
import MarketingML

/// Embedding(20000, 128), LSTM(128), Dense(1, sigmoid) on sequences of one length, as in the peers' lstm.py.
struct LSTMCase: BenchmarkCase {
    enum Task: String {
        case train = "lstm_train"
        case infer = "lstm_infer"
        case inferOne = "lstm_infer_b1"
    }

    let task: Task
    let length: Int

    static let all = [80, 200].flatMap { length in
        [Task.train, .infer, .inferOne].map { LSTMCase(task: $0, length: length) }
    }

    var name: String { "\(task.rawValue)/s\(length)" }

    private static let batchSize = 32
    private static let vocabularySize = 20_000

    func measure(repeats: Int) throws -> Measurement {
        let data = try PeerData("lstm_s\(length)")
        let rows = try data.rows("ids")
        let labels = try data.bytes("labels").map { Int32($0) }
        let pytorch = RecurrentOptions(initialization: .pytorch)
        var layers = try LayerStack<Float>(
            [
                Embedding(
                    vocabularySize: Self.vocabularySize, dimension: 128,
                    initializer: .normal(standardDeviation: 1)),
                LSTM(units: 128, options: pytorch),
                Dense(units: 1, activation: .sigmoid, initializer: .fanIn, biasInitializer: .fanIn),
            ], input: .tokens(), seed: 0)
        return task == .train
            ? train(&layers, rows, labels, repeats) : infer(layers, rows, repeats)
    }

    private func train(
        _ layers: inout LayerStack<Float>, _ rows: [[Int32]], _ labels: [Int32], _ repeats: Int
    ) -> Measurement {
        let size = Self.batchSize
        let batches = stride(from: 0, to: rows.count, by: size).map { start in
            (
                tokens: LayerValue<Float>.tokens(TokenBatch(rows: rows[start..<start + size])),
                targets: Targets.classes(Array(labels[start..<start + size]))
            )
        }
        var optimizer = Adam<Float>(learningRate: 1e-3)
        var losses: [Double] = []
        func step() {
            let (tokens, targets) = batches[optimizer.step % batches.count]
            let (loss, gradients) = valueAndGradient(of: layers) { layers in
                Loss.binaryCrossEntropy(layers(tokens).vectors, targets)
            }
            optimizer.update(&layers, with: gradients)
            losses.append(Double(loss.item))
        }
        let runs = Measurement.time(repeats: repeats, inner: 8, warmup: 3, step)
        return Measurement(
            runs: runs, throughput: { throughput($0, examples: size, passes: 3) },
            quality: ["loss_first": losses[0], "loss_last": losses[losses.count - 1]])
    }

    private func infer(_ layers: LayerStack<Float>, _ rows: [[Int32]], _ repeats: Int) -> Measurement {
        let size = task == .inferOne ? 1 : Self.batchSize
        let tokens = LayerValue<Float>.tokens(TokenBatch(rows: rows.prefix(size)))
        var result = layers(tokens).vectors
        // A model that goes on predicting keeps the projections of its words once as many were looked up as it has.
        let warmup = 3 + Self.vocabularySize / (size * length)
        let runs = Measurement.time(
            repeats: repeats, inner: task == .inferOne ? 50 : 20, warmup: warmup
        ) {
            result = layers(tokens).vectors
        }
        return Measurement(
            runs: runs, throughput: { throughput($0, examples: size, passes: 1) },
            quality: ["first_probability": Double(result[0, 0])])
    }

    /// Operations of the two gate products; a training step is counted as three passes.
    private func throughput(_ seconds: Double, examples: Int, passes: Double) -> [String: Double] {
        let operations = 2.0 * Double(examples * length * 512 * 256) * passes
        return ["samples_per_s": Double(examples) / seconds, "gflops": operations / seconds / 1e9]
    }
}

/// A training step of Embedding, LSTM(64) and Dense over real texts of changing length, 32 a batch: packed, as measured, and, for
/// the gain, the same batches filled up to their longest text.
struct PackedLSTMCase: BenchmarkCase {
    var name: String { "lstm_packed/reviews-zh" }

    private static let batchSize = 32
    private static let batchCount = 16

    func measure(repeats: Int) throws -> Measurement {
        guard let folder = ProcessInfo.processInfo.environment["MARKETINGML_SHARED_DATA"] else {
            throw MarketingMLError(
                .fileNotFound, "is not set; reviews-zh/train.tsv.gz is read from there",
                at: .init(name: "MARKETINGML_SHARED_DATA"))
        }
        let data = try LabeledTexts(
            tsv: URL(fileURLWithPath: folder + "/reviews-zh/train.tsv.gz"), text: "text", label: "label")
        let tokenizer = try WordTokenizer.train(on: data.texts)
        let texts = data.shuffled(seed: 1).texts.prefix(Self.batchSize * Self.batchCount)
        let rows = texts.map { tokenizer.encode($0).prefix(256) }.map { $0.isEmpty ? [1] : Array($0) }
        let packed = stride(from: 0, to: rows.count, by: Self.batchSize).map {
            rows[$0..<$0 + Self.batchSize]
        }
        let padded = packed.map { batch in
            let longest = batch.map(\.count).max() ?? 0
            return batch.map { $0 + [Int32](repeating: WordTokenizer.paddingID, count: longest - $0.count) }[
                ...]
        }
        let runs = try time(packed, tokenizer.vocabularySize, repeats)
        let others = try time(padded, tokenizer.vocabularySize, repeats).sorted()
        let count = { (batches: [ArraySlice<[Int32]>]) in
            Double(batches.joined().reduce(0) { $0 + $1.count })
        }
        let paddedSeconds = others[others.count / 2]
        return Measurement(
            runs: runs,
            throughput: {
                ["samples_per_s": Double(Self.batchSize) / $0, "gain_over_padding": paddedSeconds / $0]
            },
            quality: [
                "seconds_padded": paddedSeconds, "steps_padded_over_packed": count(padded) / count(packed),
            ])
    }

    /// Seconds a step, each sample once through all batches.
    private func time(
        _ batches: [ArraySlice<[Int32]>], _ vocabularySize: Int, _ repeats: Int
    ) throws -> [Double] {
        var layers = try LayerStack<Float>(
            [
                Embedding(vocabularySize: vocabularySize, dimension: 64), LSTM(units: 64),
                Dense(units: 1, activation: .sigmoid),
            ], input: .tokens(), seed: 0)
        let tokens = batches.map { LayerValue<Float>.tokens(TokenBatch(rows: $0)) }
        let targets = Targets.classes((0..<Int32(Self.batchSize)).map { $0 % 2 })
        var optimizer = Adam<Float>(learningRate: 1e-3)
        return Measurement.time(repeats: repeats, inner: tokens.count, warmup: tokens.count) {
            let batch = tokens[optimizer.step % tokens.count]
            let (_, gradients) = valueAndGradient(of: layers) { layers in
                Loss.binaryCrossEntropy(layers(batch).vectors, targets)
            }
            optimizer.update(&layers, with: gradients)
        }
    }
}
