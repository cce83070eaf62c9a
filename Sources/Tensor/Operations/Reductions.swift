internal import CTensorKernels

extension Tensor where Scalar: TensorFloatingPoint {
    /// The sum of all elements, as a scalar; accumulated in blocks in Double.
    public func sum() -> Tensor {
        let total = blockSum { mml_sum(Scalar.kernelType, $1, $0) }
        let shape = shape
        return Tensor(Scalar(total)).recorded(from: self) { gradient in
            [Tensor(repeating: gradient.item, shape: shape)]
        }
    }

    /// The mean of all elements, as a scalar; NaN when there are none.
    public func mean() -> Tensor { sum() / Scalar(count) }

    /// The sum over one dimension, which disappears from the shape.
    public func sum(along dimension: Int) -> Tensor {
        precondition(0 <= dimension && dimension < rank, "dimension \(dimension) of the shape \(shape)")
        var kept = shape
        kept[dimension] = 1
        var result = kept
        result.remove(at: dimension)
        let shape = shape
        return detached.summed(to: kept).viewed(as: result).recorded(from: self) { [kept] gradient in
            [Tensor.binary(MML_ADD, .zeros(shape), gradient.viewed(as: kept))]
        }
    }

    /// The mean over one dimension, which disappears from the shape.
    public func mean(along dimension: Int) -> Tensor { sum(along: dimension) / Scalar(shape[dimension]) }
}
