internal import CTensorKernels

extension Tensor where Scalar: TensorFloatingPoint {
    /// γ x / √(mean(x²) + ε) over the last dimension D (arXiv:1910.07467): layer normalisation without mean and shift.
    public func rmsNorm(_ gamma: Tensor, epsilon: Double) -> Tensor {
        let (rows, columns) = (rowCount, columnCount)
        precondition(gamma.shape == [columns], "rmsNorm of \(shape) with gamma \(gamma.shape)")
        let grain = 64
        let result = Tensor(uninitialized: shape)
        let tracked = isTracked || gamma.isTracked
        let rrms = tracked ? Tensor(uninitialized: [rows]) : nil
        parallelRanges(rows, grain: grain) { range in
            let start = range.lowerBound
            mml_rms_norm(
                Scalar.kernelType, range.count, columns, pointer + start * columns, gamma.pointer, epsilon,
                rrms.map { $0.pointer + start }, result.pointer + start * columns)
        }
        guard let rrms else { return result }
        let (x, scale) = (detached, gamma.detached)
        return result.recorded(from: self, gamma) { gradient in
            let dout = gradient
            let dx = Tensor(uninitialized: dout.shape)
            let dgamma: Tensor = sumOfRows(rows: rows, columns: columns) { range, target in
                let start = range.lowerBound
                mml_rms_norm_backward(
                    Scalar.kernelType, range.count, columns, x.pointer + start * columns,
                    rrms.pointer + start, scale.pointer, dout.pointer + start * columns,
                    dx.pointer + start * columns, target)
            }
            return [dx, dgamma]
        }
    }
}
