internal import CTensorKernels

extension Tensor where Scalar: TensorFloatingPoint {
    /// silu(gate) · up, silu(x) = x / (1 + e⁻ˣ) (arXiv:2002.05202): [N, 2 F], gate and up side by side in a row, → [N, F].
    public func swiglu() -> Tensor {
        precondition(
            rank == 2 && shape[1] % 2 == 0, "swiglu needs rows of gate and up, the shape is \(shape)")
        let (rows, columns) = (shape[0], shape[1] / 2)
        let grain = max(1, elementwiseGrain / 4 / max(1, columns))
        let result = Tensor(uninitialized: [rows, columns])
        parallelRanges(rows, grain: grain) { range in
            mml_swiglu(
                Scalar.kernelType, range.count, columns, pointer + range.lowerBound * 2 * columns,
                result.pointer + range.lowerBound * columns)
        }
        let x = detached
        return result.recorded(from: self) { gradient in
            let dy = gradient
            let dx = Tensor(uninitialized: x.shape)
            parallelRanges(rows, grain: grain) { range in
                let start = range.lowerBound * columns
                mml_swiglu_backward(
                    Scalar.kernelType, range.count, columns, x.pointer + 2 * start, dy.pointer + start,
                    dx.pointer + 2 * start)
            }
            return [dx]
        }
    }
}
