internal import CTensorKernels

/// Rows that one task normalises.
private let rowGrain = 64

extension Tensor where Scalar: TensorFloatingPoint {
    /// γ (x - mean) / √(variance + ε) + β over the last dimension D, the population variance (arXiv:1607.06450).
    public func layerNorm(_ gamma: Tensor, _ beta: Tensor, epsilon: Double) -> Tensor {
        Tensor.residualLayerNorm(nil, self, gamma, beta, epsilon: epsilon, dropout: .none)
    }

    /// layerNorm(residual + dropout(self)): the end of a Transformer's sublayer as one operation.
    public func residualLayerNorm(
        _ residual: Tensor, _ gamma: Tensor, _ beta: Tensor, epsilon: Double, dropout: DropoutMask = .none
    ) -> Tensor {
        Tensor.residualLayerNorm(residual, self, gamma, beta, epsilon: epsilon, dropout: dropout)
    }

    private static func residualLayerNorm(
        _ residual: Tensor?, _ y: Tensor, _ gamma: Tensor, _ beta: Tensor, epsilon: Double,
        dropout: DropoutMask
    ) -> Tensor {
        let (rows, columns) = (y.rowCount, y.columnCount)
        precondition(
            (residual.map { $0.shape == y.shape } ?? true) && gamma.shape == [columns]
                && beta.shape == [columns],
            "layerNorm of \(y.shape) with residual \(String(describing: residual?.shape)), gamma \(gamma.shape), beta \(beta.shape)"
        )
        let inputs = (residual.map { [$0] } ?? []) + [y, gamma, beta]
        let tracked = inputs.contains(where: \.isTracked)
        let result = Tensor(uninitialized: y.shape)
        // Without a backward pass the sum need not outlive its row.
        let sum = tracked ? Tensor(uninitialized: y.shape) : result
        let mean = tracked ? Tensor(uninitialized: [rows]) : nil
        let rstd = tracked ? Tensor(uninitialized: [rows]) : nil
        parallelRanges(rows, grain: rowGrain) { range in
            let start = range.lowerBound
            var spec = dropout.kernel
            mml_residual_layernorm(
                Scalar.kernelType, range.count, columns, residual.map { $0.pointer + start * columns },
                y.pointer + start * columns, &spec, UInt64(start * columns), gamma.pointer, beta.pointer,
                epsilon,
                sum.pointer + start * columns, mean.map { $0.pointer + start },
                rstd.map { $0.pointer + start },
                result.pointer + start * columns)
        }
        guard tracked, let mean, let rstd else { return result }
        let scale = gamma.detached
        let hasResidual = residual != nil
        return result.recorded(from: inputs) { gradient in
            let dout = gradient
            let dsum = Tensor(uninitialized: dout.shape)
            let dy = dropout.rate == 0 || !hasResidual ? nil : Tensor(uninitialized: dout.shape)
            // dgamma and dbeta side by side.
            let parameters: Tensor = sumOfRows(rows: rows, columns: 2 * columns, grain: 256) {
                range, target in
                let start = range.lowerBound
                var spec = dropout.kernel
                mml_residual_layernorm_backward(
                    Scalar.kernelType, range.count, columns, sum.pointer + start * columns,
                    mean.pointer + start,
                    rstd.pointer + start, scale.pointer, &spec, UInt64(start * columns),
                    dout.pointer + start * columns,
                    dsum.pointer + start * columns, dy.map { $0.pointer + start * columns }, target,
                    target + columns)
            }
            let dgamma = Tensor(uninitialized: [columns], lasting: true)
            let dbeta = Tensor(uninitialized: [columns], lasting: true)
            dgamma.pointer.update(from: parameters.pointer, count: columns)
            dbeta.pointer.update(from: parameters.pointer + columns, count: columns)
            return (hasResidual ? [dsum] : []) + [dy ?? dsum, dgamma, dbeta]
        }
    }
}
