extension Sequential {
    /// Judges the model.
    ///
    /// - Parameters:
    ///   - x: N inputs, as for `fit`.
    ///   - y: N targets.
    ///   - sampleWeights: Weight of each example.
    ///   - loss: By default that of the last `fit`.
    ///   - metrics: By default those of the last `fit`. One that is not defined on these examples is left out.
    /// - Throws: `.invalidOption` for a model that was never fitted and no `loss`; as `fit` for data that do not fit.
    public func evaluate(
        _ x: some InputConvertible, _ y: some TargetsConvertible, sampleWeights: [Double]? = nil,
        loss: Loss? = nil, metrics: [Scoring]? = nil
    ) throws -> (loss: Double, metrics: [Scoring: Double]) {
        try evaluate(Examples(x, y, weights: sampleWeights), loss: loss, metrics: metrics)
    }

    /// Judges the model on examples that were put together before.
    public func evaluate(_ examples: Examples, loss: Loss? = nil, metrics: [Scoring]? = nil) throws -> (
        loss: Double, metrics: [Scoring: Double]
    ) {
        guard let loss = loss ?? self.loss else {
            throw MarketingMLError(
                .invalidOption, "must be given, the model was never fitted", at: .init(name: "loss"))
        }
        let layers = try built()
        try check(examples, loss)
        return try layers.judge(examples, loss: loss, metrics: metrics ?? self.metrics)
    }

    /// The outputs for N inputs: [N, D], or [Σ lengths, D] where the model gives sequences.
    ///
    /// The answer for an input does not depend on the others, nor on `batchSize`.
    ///
    /// - Parameters:
    ///   - x: Inputs, as for `fit`.
    ///   - batchSize: Inputs that are computed at a time, from 1 on.
    /// - Throws: `.invalidOption` for a model that is not built; as `fit` for inputs that do not fit.
    public func predict(_ x: some InputConvertible, batchSize: Int = 256) throws -> Tensor<Float> {
        try requireCount(batchSize, "batchSize")
        let layers = try built()
        let input = try x.layerInput()
        try layers.check(input)
        var parts: [Tensor<Float>] = []
        for rows in Array(0..<input.count).chunked(by: batchSize) {
            try Task.checkCancellation()
            parts.append(layers(input.select(rows: rows)).vectors)
        }
        return Tensor.concatenated(parts)
    }

    private func built() throws -> LayerStack<Float> {
        guard let layers else {
            throw MarketingMLError(.invalidOption, "the model has no weights: fit or build it first")
        }
        return layers
    }
}

extension LayerStack<Float> {
    /// Loss and metrics of examples that were checked.
    func judge(_ examples: Examples, loss: Loss, metrics: [Scoring], batchSize: Int = 256) throws -> (
        loss: Double, metrics: [Scoring: Double]
    ) {
        var predictions = Predictions()
        var (sum, total) = (0.0, 0.0)
        for rows in Array(0..<examples.count).chunked(by: batchSize) {
            try Task.checkCancellation()
            let batch = examples.select(rows: rows)
            var dropout: DropoutStreams?
            let output = output(batch.input, for: loss, dropout: &dropout)
            guard output.vectors.rowCount == batch.rowCount else {
                throw batch.stepMismatch(output.vectors.rowCount)
            }
            let weights = batch.rowWeights ?? Array(repeating: 1, count: batch.rowCount)
            let divisor = loss.divisor(weights)
            let value = loss(output.vectors, batch.targets, weights: weights, logitsOf: output.logitsOf)
            sum += Double(value.item) * divisor
            total += divisor
            if !metrics.isEmpty { predictions.add(output.vectors.activated(by: output.logitsOf), batch) }
        }
        return (sum / total, try predictions.metrics(metrics, loss: loss))
    }
}

extension Examples {
    /// The rows that a model's output must have: one an example, or one a step.
    var rowCount: Int { targets.stepsOfExamples?.reduce(0, +) ?? count }

    /// The error when it has others.
    func stepMismatch(_ found: Int) -> MarketingMLError {
        MarketingMLError(
            .shapeMismatch, "the model gives \(found) vectors for a batch with \(rowCount) targets",
            at: .init(name: "targets"))
    }
}
