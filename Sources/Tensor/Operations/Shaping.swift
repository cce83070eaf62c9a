extension Tensor {
    /// The element type must be differentiable for the reshaped tensor to keep its place in a gradient computation.
    /// The same elements under another shape of the same count.
    public func reshaped(_ shape: Int...) -> Tensor where Scalar: TensorFloatingPoint {
        let old = self.shape
        return viewed(as: shape).recorded(from: self) { gradient in [gradient.viewed(as: old)] }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The transpose of a matrix.
    public var transposed: Tensor {
        precondition(rank == 2, "transposed needs a matrix, the shape is \(shape)")
        return Tensor.transpose(detached).recorded(from: self) { gradient in [Tensor.transpose(gradient)] }
    }

    private static func transpose(_ x: Tensor) -> Tensor {
        let (rows, columns) = (x.shape[0], x.shape[1])
        let result = Tensor(uninitialized: [columns, rows])
        let (source, target) = (x.pointer, result.pointer)
        // Blocks of 16 x 16 keep both sides in cache.
        parallelRanges(rows, grain: 16) { block in
            for start in stride(from: 0, to: columns, by: 16) {
                for column in start..<min(start + 16, columns) {
                    for row in block { target[column * rows + row] = source[row * columns + column] }
                }
            }
        }
        return result
    }

    /// Rows `range` of a tensor whose first dimension counts rows.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(
            rank >= 1 && range.lowerBound >= 0 && range.upperBound <= shape[0],
            "rows \(range) of the shape \(shape)")
        let width = shape.dropFirst().reduce(1, *)
        let result = Tensor(uninitialized: [range.count] + shape.dropFirst())
        result.pointer.update(from: pointer + range.lowerBound * width, count: result.count)
        let shape = shape
        return result.recorded(from: self) { gradient in
            let whole = Tensor.zeros(shape)
            whole.pointer.advanced(by: range.lowerBound * width).update(
                from: gradient.pointer, count: gradient.count)
            return [whole]
        }
    }

    /// Matrices of the same width below one another.
    public static func concatenated(_ parts: [Tensor]) -> Tensor {
        let tail = parts.first.map { Array($0.shape.dropFirst()) } ?? []
        precondition(
            parts.allSatisfy { $0.rank >= 1 && Array($0.shape.dropFirst()) == tail },
            "cannot concatenate the shapes \(parts.map(\.shape))")
        let starts = parts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.shape[0]) }
        let result = Tensor(uninitialized: [starts[parts.count]] + tail)
        let width = tail.reduce(1, *)
        for (part, start) in zip(parts, starts) {
            result.pointer.advanced(by: start * width).update(from: part.pointer, count: part.count)
        }
        return result.recorded(from: parts) { gradient in
            let gradient = gradient
            return zip(starts, starts.dropFirst()).map { gradient.rows($0..<$1) }
        }
    }
}
