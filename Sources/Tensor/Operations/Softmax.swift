internal import CTensorKernels

extension Tensor where Scalar: TensorFloatingPoint {
    /// exp(x) / Σ exp(x) over the last dimension.
    public func softmax() -> Tensor {
        let result = Tensor(uninitialized: shape)
        let (rows, columns) = (rowCount, columnCount)
        let grain = max(1, elementwiseGrain / 4 / max(1, columns))
        parallelRanges(rows, grain: grain) { range in
            let start = range.lowerBound * columns
            mml_softmax(Scalar.kernelType, range.count, columns, pointer + start, result.pointer + start)
        }
        return result.recorded(from: self) { gradient in
            let dy = gradient
            let dx = Tensor(uninitialized: dy.shape)
            parallelRanges(rows, grain: grain) { range in
                let start = range.lowerBound * columns
                mml_softmax_backward(
                    Scalar.kernelType, range.count, columns, result.pointer + start, dy.pointer + start,
                    dx.pointer + start)
            }
            return [dx]
        }
    }
}

/// The cross-entropy of class scores: the weighted mean over rows of -log softmax(logits)[target], a scalar.
///
/// As in PyTorch: with class weights w the mean is Σ wₜ ℓ / Σ wₜ; with smoothing s the target distribution is
/// (1 - s) at the target plus s / C everywhere.
///
/// - Parameters:
///   - logits: Scores [N, C].
///   - targets: N classes in 0 ..< C.
///   - classWeights: C weights, or nil for all 1.
///   - labelSmoothing: In [0, 1).
public func crossEntropy<Scalar: TensorFloatingPoint>(
    _ logits: Tensor<Scalar>, _ targets: [Int32], classWeights: [Double]? = nil, labelSmoothing: Double = 0
) -> Tensor<Scalar> {
    let (rows, classes) = (logits.rowCount, logits.columnCount)
    precondition(
        logits.rank == 2 && rows == targets.count && targets.allSatisfy { 0 <= $0 && $0 < classes }
            && (classWeights.map { $0.count == classes } ?? true),
        "crossEntropy of logits \(logits.shape) needs \(rows) targets in 0 ..< \(classes) and as many class weights"
    )
    let weights = classWeights.map { Tensor<Scalar>($0.map { Scalar($0) }) }
    let total = classWeights.map { weights in targets.reduce(0) { $0 + weights[Int($1)] } } ?? Double(rows)
    let losses = Tensor<Scalar>(uninitialized: [rows])
    let dlogits = logits.isTracked ? Tensor<Scalar>(uninitialized: logits.shape) : nil
    targets.withUnsafeBufferPointer { targets in
        guard let base = targets.baseAddress else { return }
        parallelRanges(rows, grain: max(1, elementwiseGrain / 4 / max(1, classes))) { range in
            let start = range.lowerBound
            _ = mml_cross_entropy(
                Scalar.kernelType, range.count, classes, logits.pointer + start * classes, base + start,
                weights?.pointer, labelSmoothing, 1 / total, losses.pointer + start,
                dlogits.map { $0.pointer + start * classes })
        }
    }
    let loss = Tensor(Scalar(losses.blockSum { mml_sum(Scalar.kernelType, $1, $0) } / total))
    guard let dlogits else { return loss }
    return loss.recorded(from: logits) { gradient in [dlogits.scaled(by: Double(gradient.item))] }
}
