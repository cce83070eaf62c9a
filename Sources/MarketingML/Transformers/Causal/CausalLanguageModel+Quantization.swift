import Foundation

extension CausalDecoder {
    /// The same decoder with its matrices held in 8 bits, the table of words included: rounded to 129 steps, a scale for each
    /// output (or word); what goes into a product is rounded to 255 steps as it comes, row by row. Learned positions, norms, biases
    /// and adapters stay as they are.
    ///
    /// For prediction: about a quarter of the memory, and of what a token's way through the model reads. Where gradients are
    /// computed, and where the weights are saved, they count as the rounded ones.
    public func quantized() -> CausalDecoder {
        let kept = names.prefix + names.positions
        return holdingQuantized { $0 != kept && !LowRankAdapter<Scalar>.owns($0) }
    }
}

extension CausalLanguageModel {
    /// The same model with its matrices held in 8 bits; see ``CausalDecoder/quantized()``.
    ///
    /// Its files hold plain numbers (the rounded weights): after reading them, call this again; it gives the same bits.
    public func quantized() -> CausalLanguageModel {
        var model = self
        model.decoder = decoder.quantized()
        return model
    }

    /// Compares this model with itself in 8 bits on rows that it has not learnt from.
    ///
    /// - Throws: `.emptyData`, `.invalidOption`, `.shapeMismatch` for the rows; `CancellationError`.
    public func quantizationReport(on rows: TokenRows) throws -> LanguageModelQuantizationReport {
        let data = try NextTokenBatch(rows, configuration: configuration, what: "rows")
        let small = decoder.quantized()
        var (count, same, before, after) = (0, 0, 0.0, 0.0)
        for rows in data.inputs.rowRanges(tokensAtATime: 256) {
            try Task.checkCancellation()
            let batch = data.inputs.select(rows: rows)
            let targets = data.targets(ofRows: rows)
            let whole = decoder.predictions(batch, targets)
            let rounded = small.predictions(batch, targets)
            before += whole.loss
            after += rounded.loss
            same += zip(whole.best, rounded.best).count { $0 == $1 }
            count += whole.best.count
        }
        return LanguageModelQuantizationReport(
            perplexityBefore: exp(before / Double(count)), perplexityAfter: exp(after / Double(count)),
            agreement: Double(same) / Double(count), bytesBefore: decoder.heldByteCount,
            bytesAfter: small.heldByteCount)
    }
}

extension CausalDecoder where Scalar == Float {
    /// The summed cross-entropy of the targets that count, and before each of these the token that is thought the likeliest.
    fileprivate func predictions(_ batch: TokenBatch, _ targets: [Int32]) -> (loss: Double, best: [Int32?]) {
        let counted = targets.indices.filter { targets[$0] >= 0 }
        var dropout: DropoutStreams?
        let scores = scores(of: self(batch, dropout: &dropout).rows(at: counted))
        let likelihoods = tokenLogLikelihoods(
            scores, rows: Array(counted.indices), tokens: counted.map { targets[$0] })
        let best = counted.indices.map { row in
            var row = scores.rowElements(row)
            return row.withUnsafeMutableBufferPointer { Sampling.likeliest($0) }
        }
        return (likelihoods.reduce(0) { $0 - Double($1) }, best)
    }
}

/// What holding a language model in 8 bits changes.
public struct LanguageModelQuantizationReport: Sendable, Equatable {
    /// The perplexity of the model as it was.
    public let perplexityBefore: Double
    /// The perplexity in 8 bits.
    public let perplexityAfter: Double
    /// Share of the tokens before which both think the same token the likeliest.
    public let agreement: Double
    /// Bytes of the weights before.
    public let bytesBefore: Int
    /// Bytes of the weights in 8 bits.
    public let bytesAfter: Int
}

extension LanguageModelQuantizationReport: CustomStringConvertible {
    /// `perplexity 31.42 -> 31.55, same token 97.8 %, 652.1 -> 163.9 MB`
    public var description: String {
        func round(_ value: Double, _ digits: Double) -> Double { (value * digits).rounded() / digits }
        return "perplexity \(round(perplexityBefore, 100)) -> \(round(perplexityAfter, 100)), "
            + "same token \(round(100 * agreement, 10)) %, "
            + "\(round(Double(bytesBefore) / 1e6, 10)) -> \(round(Double(bytesAfter) / 1e6, 10)) MB"
    }
}
