import Foundation

/// The one training loop: epochs of packed batches, accumulation, clipping, AdamW, schedule, early stopping,
/// checkpoints, progress and cancellation, for any parameterised model.
struct TrainingLoop<Model: Parameterized<Float>> {
    let options: FineTuningOptions
    let sampler: BatchSampler
    /// The weight of one row in the loss (its class weight).
    let rowWeight: (Int) -> Double
    /// The weighted mean loss of the rows.
    let loss: (Model, _ rows: [Int], inout DropoutStreams?) throws -> Tensor<Float>
    /// Loss and accuracy on the validation data.
    let validate: ((Model) throws -> (loss: Double, accuracy: Double))?
    let isTrainable: (String) -> Bool
    let checkpoints: TrainingCheckpoints?
    let progress: ProgressHandler?

    /// Trains `model` in place and returns what happened.
    ///
    /// - Throws: `.notFinite` naming the update whose loss or gradient is not a finite number; `CancellationError`.
    func run(_ model: inout Model) throws -> TrainingHistory {
        let plan = (0..<options.epochs).map { epoch in
            sampler.batches(epoch: epoch).chunked(by: options.accumulation)
        }
        let total = plan.reduce(0) { $0 + $1.count }
        var run = TrainingState<Model>(
            optimizer: AdamW(learningRate: options.learningRate, weightDecay: options.weightDecay))
        if let checkpoints, let saved = try checkpoints.load(into: model) { (model, run) = saved }
        var meter = ProgressMeter(
            total: total, totalTokens: sampler.lengths.reduce(0, +) * options.epochs,
            firstStep: run.optimizer.step,
            handler: progress)
        try meter.warnAboutSlowBuild()
        var sinceCheckpoint = 0
        epochs: while run.epoch < options.epochs {
            while run.window < plan[run.epoch].count {
                let rows = plan[run.epoch][run.window]
                let loss = try update(&model, &run, rows: rows, total: total)
                run.history.losses.append(loss)
                run.window += 1
                sinceCheckpoint += 1
                let answer = meter.trained(
                    epoch: run.epoch, of: options.epochs, loss: loss,
                    tokens: rows.joined().reduce(0) { $0 + sampler.lengths[$1] }, step: run.optimizer.step)
                if answer == .stop {
                    run.history.end = .stoppedByHandler
                    break epochs
                }
                if let checkpoints, sinceCheckpoint >= checkpoints.interval,
                    run.window < plan[run.epoch].count
                {
                    try checkpoints.save(model, run)
                    sinceCheckpoint = 0
                }
            }
            let goesOn = try endEpoch(&model, &run, updates: plan[run.epoch].count, meter: meter)
            run.epoch += 1
            run.window = 0
            if !goesOn { break }
            if let checkpoints, run.epoch < options.epochs {
                try checkpoints.save(model, run)
                sinceCheckpoint = 0
            }
        }
        if let best = run.best, run.history.end != .stoppedByHandler {
            model = best
        } else {
            run.history.bestEpoch = nil
        }
        return run.history
    }

    /// One update from the batches of one accumulation window.
    private func update(
        _ model: inout Model, _ run: inout TrainingState<Model>, rows window: [[Int]], total: Int
    ) throws -> Double {
        let windowWeight = window.joined().reduce(0) { $0 + rowWeight($1) }
        var sum: Gradients<Float>?
        var lossValue = 0.0
        for (index, rows) in window.enumerated() {
            try Task.checkCancellation()
            var dropout: DropoutStreams? = DropoutStreams(
                seed: options.seed, step: run.optimizer.step * options.accumulation + index)
            let share = window.count == 1 ? 1 : rows.reduce(0) { $0 + rowWeight($1) } / windowWeight
            let (value, gradients) = try valueAndGradient(of: model, where: isTrainable) { model in
                let loss = try loss(model, rows, &dropout)
                return share == 1 ? loss : loss * Float(share)
            }
            lossValue += Double(value.item)
            if sum == nil { sum = gradients } else { sum?.add(gradients) }
        }
        guard let gradients = sum else { return 0 }
        let norm = gradients.norm
        guard lossValue.isFinite, norm.isFinite else {
            throw MarketingMLError(
                .notFinite,
                "the loss is \(lossValue) and the gradient's norm \(norm) at update \(run.optimizer.step + 1) of \(total); a lower learning rate or gradient clipping may help",
                at: .init(name: "loss"))
        }
        let warmup = Int((options.warmupRatio * Double(total)).rounded(.up))
        run.optimizer.learningRate =
            options.learningRate
            * options.schedule.factor(step: run.optimizer.step, total: total, warmup: warmup)
        let scale = options.gradientClipping.map { min(1, $0 / (norm + 1e-6)) } ?? 1
        run.optimizer.update(&model, with: gradients, scale: scale)
        return lossValue
    }

    /// Validates after an epoch; false when training should end.
    private func endEpoch(
        _ model: inout Model, _ run: inout TrainingState<Model>, updates: Int, meter: ProgressMeter
    ) throws -> Bool {
        let losses = run.history.losses.suffix(updates)
        var record = TrainingHistory.Epoch(loss: losses.reduce(0, +) / Double(max(1, losses.count)))
        defer { run.history.epochs.append(record) }
        guard let validate else { return true }
        try Task.checkCancellation()
        let score = try validate(model)
        // The next update changes the weights; packed forms of old ones would only take memory.
        model.forEachParameter { _, parameter in parameter.releasePackedForm() }
        record.validationLoss = score.loss
        record.validationAccuracy = score.accuracy
        _ = meter.validated(loss: score.loss, step: run.optimizer.step)
        guard let patience = options.earlyStoppingPatience else { return true }
        if score.loss < run.bestLoss {
            run.bestLoss = score.loss
            run.best = model
            run.history.bestEpoch = run.epoch
            return true
        }
        if run.epoch - (run.history.bestEpoch ?? 0) >= patience {
            run.history.end = .stoppedEarly
            return false
        }
        return true
    }
}

/// Where a run stands: everything that a resumed run needs besides the weights.
struct TrainingState<Model: Parameterized<Float>> {
    var optimizer: AdamW<Float>
    /// The epoch (from 0) and the next accumulation window in it.
    var epoch = 0
    var window = 0
    var best: Model?
    var bestLoss = Double.infinity
    var history = TrainingHistory()
}

extension Array {
    /// Runs of `size` elements; the last may be shorter.
    func chunked(by size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min(count, $0 + size)]) }
    }
}
