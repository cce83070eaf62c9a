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

    func measure(repeats: Int) throws -> Measurement {
        let data = try PeerData("lstm_s\(length)")
        let rows = try data.rows("ids")
        let labels = try data.bytes("labels").map { Int32($0) }
        let pytorch = RecurrentOptions(initialization: .pytorch)
        var layers = try LayerStack<Float>(
            [
                Embedding(
                    vocabularySize: 20_000, dimension: 128, initializer: .normal(standardDeviation: 1)),
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
        let runs = Measurement.time(repeats: repeats, inner: task == .inferOne ? 50 : 20, warmup: 3) {
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
