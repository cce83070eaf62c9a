import Foundation

/// Where and how often a training run saves itself, so that a run that was killed goes on to the same bits.
public struct CheckpointOptions: Sendable {
    /// The checkpoint's directory; replaced as a whole each time.
    public var directory: URL
    /// Updates between two checkpoints; there is one at the end of every epoch as well.
    public var interval: Int

    /// Creates the options; `interval` is at least 1.
    public init(directory: URL, interval: Int = 500) {
        self.directory = directory
        self.interval = max(1, interval)
    }
}

/// Saves and loads the state of a training run.
struct TrainingCheckpoints {
    /// Version of the files' layout.
    private static let format = 1

    private struct State: Codable {
        var format: Int
        var fingerprint: String
        var epoch: Int
        var window: Int
        var step: Int
        var bestLoss: Double?
        var history: TrainingHistory
    }

    let directory: URL
    let interval: Int
    /// Tells runs apart: options, data and sizes of the model.
    let fingerprint: String

    func save<Model: Parameterized<Float>>(_ model: Model, _ run: TrainingState<Model>) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "state.json") { path in
            let directory = URL(fileURLWithPath: path)
            try write(model, to: directory.appendingPathComponent("model.safetensors"))
            if let best = run.best {
                try write(best, to: directory.appendingPathComponent("best.safetensors"))
            }
            var memory = SafeTensorsWriter()
            for (name, tensor) in run.optimizer.state.sorted(by: { $0.key < $1.key }) {
                memory.add(name, tensor)
            }
            try memory.write(to: directory.appendingPathComponent("optimizer.safetensors"))
            let state = State(
                format: Self.format, fingerprint: fingerprint, epoch: run.epoch, window: run.window,
                step: run.optimizer.step,
                bestLoss: run.best == nil ? nil : run.bestLoss, history: run.history)
            try AtomicFile.write(
                Array(JSONEncoder().encode(state)), to: directory.appendingPathComponent("state.json").path)
        }
    }

    private func write<Model: Parameterized<Float>>(_ model: Model, to url: URL) throws {
        var writer = SafeTensorsWriter()
        for (name, value) in model.parameters { writer.add(name, value) }
        try writer.write(to: url)
    }

    /// The saved model and state, or nil when there is no checkpoint yet.
    ///
    /// - Throws: `.invalidOption` when the checkpoint belongs to another run, `.malformedFile` when it is damaged.
    func load<Model: Parameterized<Float>>(into model: Model, optimizer: any Optimizer<Float>) throws -> (
        Model, TrainingState<Model>
    )? {
        let stateURL = directory.appendingPathComponent("state.json")
        guard FileManager.default.fileExists(atPath: stateURL.path) else { return nil }
        let state: State
        do {
            state = try JSONDecoder().decode(State.self, from: Data(contentsOf: stateURL))
        } catch {
            throw MarketingMLError(
                .malformedFile, "is not a checkpoint's state: \(error)", at: .init(file: stateURL.path))
        }
        guard state.format == Self.format else {
            throw MarketingMLError(
                .unsupported, "expected format \(Self.format), found \(state.format)",
                at: .init(file: stateURL.path))
        }
        guard state.fingerprint == fingerprint else {
            throw MarketingMLError(
                .invalidOption,
                "the checkpoint belongs to a run with other data, options or model; use another directory",
                at: .init(file: directory.path))
        }
        guard state.epoch >= 0, state.window >= 0, state.history.losses.count == state.step,
            state.history.bestEpoch.map({ 0...state.epoch ~= $0 }) ?? true
        else {
            throw MarketingMLError(
                .malformedFile, "counts that do not fit each other", at: .init(file: stateURL.path))
        }
        let restored = try read(model, from: directory.appendingPathComponent("model.safetensors"))
        let memory = try SafeTensorsFile(directory.appendingPathComponent("optimizer.safetensors"))
        var remembered: [String: Tensor<Float>] = [:]
        for (index, parameter) in model.parameters.enumerated() {
            for name in optimizer.memoryNames.map({ "\($0).\(index)" }) where memory.contains(name) {
                remembered[name] = try memory.tensor(name, shape: parameter.value.shape)
            }
        }
        var run = TrainingState<Model>(optimizer: optimizer)
        run.optimizer.restore(remembered, step: state.step, parameterCount: model.parameters.count)
        run.epoch = state.epoch
        run.window = state.window
        run.history = state.history
        if let bestLoss = state.bestLoss {
            run.bestLoss = bestLoss
            run.best = try read(model, from: directory.appendingPathComponent("best.safetensors"))
        }
        return (restored, run)
    }

    private func read<Model: Parameterized<Float>>(_ model: Model, from url: URL) throws -> Model {
        let file = try SafeTensorsFile(url)
        var restored = model
        try restored.forEachParameter { name, parameter in
            parameter = try file.tensor(name, shape: parameter.shape)
        }
        return restored
    }
}
