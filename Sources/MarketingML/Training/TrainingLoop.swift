import Foundation

/// The one training loop: epochs of batches, accumulation, clipping, any optimizer and schedule, early stopping,
/// checkpoints, progress and cancellation, for any parameterised model.
struct TrainingLoop<Model: Parameterized<Float>, Batch> {
    let epochs: Int
    let options: TrainingOptions
    /// Seed of dropout.
    let seed: UInt64
    /// At its initial state; its learning rate is the schedule's highest.
    let optimizer: any Optimizer<Float>
    let batches: BatchPlan<Batch>
    /// A batch's share in the mean of its group: what its own mean was divided by.
    let weight: (Batch) -> Double
    /// What the rate in progress events counts.
    let size: (Batch) -> Int
    var sizeUnit = "tokens"
    /// The weighted mean loss of a batch.
    let loss: (Model, Batch, inout DropoutStreams?) throws -> Tensor<Float>
    /// What was measured while an epoch trained; called once at its end.
    var trainingMetrics: () throws -> [Scoring: Double] = { [:] }
    /// Loss and metrics on the validation data.
    let validate: ((Model) throws -> (loss: Double, metrics: [Scoring: Double]))?
    var isTrainable: (String) -> Bool = { _ in true }
    /// Where a batch first becomes NaN or infinite, in words.
    var locateNonFinite: (Model, Batch) -> String? = { _, _ in nil }
    /// Called after every epoch.
    var record: (TrainingHistory) throws -> Void = { _ in }
    let checkpoints: TrainingCheckpoints?
    let progress: ProgressHandler?

    /// Trains `model` in place and returns what happened.
    ///
    /// - Throws: `.notFinite` naming the update whose loss or gradient is not a finite number; `CancellationError`.
    func run(_ model: inout Model) throws -> TrainingHistory {
        var run = TrainingState<Model>(optimizer: optimizer)
        if let checkpoints, let saved = try checkpoints.load(into: model, optimizer: optimizer) {
            (model, run) = saved
        }
        var meter = ProgressMeter(
            total: batches.total, firstStep: run.optimizer.step, unit: sizeUnit, handler: progress)
        try meter.warnAboutSlowBuild()
        var sinceCheckpoint = 0
        epochs: while run.epoch < epochs {
            let next = try batches.open(run.epoch)
            for _ in 0..<run.window { _ = try next() }
            var upcoming = try next()
            while let group = upcoming {
                let loss = try update(&model, &run, group)
                upcoming = try next()
                run.history.losses.append(loss)
                run.window += 1
                sinceCheckpoint += 1
                let answer = meter.trained(
                    epoch: run.epoch, of: epochs, loss: loss, size: group.reduce(0) { $0 + size($1) },
                    step: run.optimizer.step)
                if answer == .stop {
                    run.history.end = .stoppedByHandler
                    break epochs
                }
                if let checkpoints, sinceCheckpoint >= checkpoints.interval, upcoming != nil {
                    try checkpoints.save(model, run)
                    sinceCheckpoint = 0
                }
            }
            guard run.window > 0 else {
                throw MarketingMLError(.emptyData, "epoch \(run.epoch + 1) has no batches")
            }
            let goesOn = try endEpoch(&model, &run, meter: meter)
            try record(run.history)
            run.epoch += 1
            run.window = 0
            if !goesOn { break }
            if let checkpoints, run.epoch < epochs {
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

    /// One update from the batches of one group.
    private func update(
        _ model: inout Model, _ run: inout TrainingState<Model>, _ group: [Batch]
    ) throws -> Double {
        let groupWeight = group.reduce(0) { $0 + weight($1) }
        var sum: Gradients<Float>?
        var lossValue = 0.0
        for (index, batch) in group.enumerated() {
            try Task.checkCancellation()
            var dropout: DropoutStreams? = DropoutStreams(
                seed: seed, step: run.optimizer.step * options.accumulation + index)
            let share = group.count == 1 ? 1 : groupWeight > 0 ? weight(batch) / groupWeight : 0
            let (value, gradients) = try valueAndGradient(of: model, where: isTrainable) { model in
                let loss = try loss(model, batch, &dropout)
                return share == 1 ? loss : loss * Float(share)
            }
            lossValue += Double(value.item)
            if sum == nil { sum = gradients } else { sum?.add(gradients) }
        }
        guard var gradients = sum else { return 0 }
        if let limit = options.gradientLimit { gradients.clip(to: limit) }
        let norm = gradients.norm
        guard lossValue.isFinite, norm.isFinite else {
            throw notFinite(model, run, group, loss: lossValue, norm: norm, gradients)
        }
        let warmup = Int((options.warmupRatio * Double(batches.total)).rounded(.up))
        run.optimizer.learningRate =
            optimizer.learningRate
            * options.schedule.factor(
                step: run.optimizer.step, total: batches.total, warmup: warmup,
                epochLosses: run.history.epochs.map { $0.validationLoss ?? $0.loss })
        let scale = options.gradientClipping.map { min(1, $0 / (norm + 1e-6)) } ?? 1
        run.optimizer.update(&model, with: gradients, scale: scale)
        return lossValue
    }

    private func notFinite(
        _ model: Model, _ run: TrainingState<Model>, _ group: [Batch], loss: Double, norm: Double,
        _ gradients: Gradients<Float>
    ) -> MarketingMLError {
        let total = batches.total > 0 ? " of \(batches.total)" : ""
        let gradient = zip(gradients.names, gradients.tensors).first { $0.1.map { !$0.allFinite } ?? false }
            .map { "the gradient of \($0.0)" }
        let place =
            group.lazy.compactMap { locateNonFinite(model, $0) }.first ?? (loss.isFinite ? gradient : nil)
        return MarketingMLError(
            .notFinite,
            "the loss is \(loss) and the gradient's norm \(norm) at update \(run.optimizer.step + 1)\(total)"
                + (place.map { ", first in \($0)" } ?? "")
                + "; a lower learning rate or gradient clipping may help",
            at: .init(name: place ?? "loss"))
    }

    /// Validates after an epoch; false when training should end.
    private func endEpoch(
        _ model: inout Model, _ run: inout TrainingState<Model>, meter: ProgressMeter
    ) throws -> Bool {
        let losses = run.history.losses.suffix(run.window)
        var record = TrainingHistory.Epoch(
            loss: losses.reduce(0, +) / Double(max(1, losses.count)), metrics: try trainingMetrics(),
            learningRate: run.optimizer.learningRate)
        defer { run.history.epochs.append(record) }
        guard let validate else { return true }
        try Task.checkCancellation()
        let score = try validate(model)
        // The next update changes the weights; packed forms of old ones would only take memory.
        model.forEachParameter { _, parameter in parameter.releaseDerivedForms() }
        record.validationLoss = score.loss
        record.validationMetrics = score.metrics
        _ = meter.validated(loss: score.loss, step: run.optimizer.step)
        guard let rule = options.earlyStopping else { return true }
        if score.loss < run.bestLoss - (run.best == nil ? 0 : rule.minimumImprovement) {
            run.bestLoss = score.loss
            run.best = model
            run.history.bestEpoch = run.epoch
            return true
        }
        if run.epoch - (run.history.bestEpoch ?? 0) >= rule.patience {
            run.history.end = .stoppedEarly
            return false
        }
        return true
    }
}

/// Where a run stands: everything that a resumed run needs besides the weights.
struct TrainingState<Model: Parameterized<Float>> {
    var optimizer: any Optimizer<Float>
    /// The epoch (from 0) and the next group of batches in it.
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
