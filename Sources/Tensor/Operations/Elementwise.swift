internal import CTensorKernels

// Element-by-element arithmetic with broadcasting: shapes are aligned at their last dimension, and an extent of 1
// (or a missing one) is repeated, as in NumPy.

/// Elements that one task of an element-wise loop handles.
let elementwiseGrain = 1 << 15

/// The shape that two operands broadcast to.
func broadcastShape(_ a: [Int], _ b: [Int]) -> [Int] {
    let rank = max(a.count, b.count)
    return (0..<rank).map { dimension in
        let x = dimension + a.count < rank ? 1 : a[dimension + a.count - rank]
        let y = dimension + b.count < rank ? 1 : b[dimension + b.count - rank]
        precondition(x == y || x == 1 || y == 1, "shapes \(a) and \(b) cannot be broadcast together")
        return x == 1 ? y : x
    }
}

/// For every row of `shape` (all extents but the last), the offset of the matching row of an operand of shape
/// `operand`; and the operand's stride within a row, 0 where it is repeated.
private func broadcastRows(_ operand: [Int], to shape: [Int]) -> (offsets: [Int], stride: Int) {
    guard let columns = shape.last else { return ([0], 0) }
    var strides = [Int](repeating: 0, count: shape.count)
    var stride = 1
    for dimension in operand.indices.reversed() {
        strides[shape.count - operand.count + dimension] = operand[dimension] == 1 ? 0 : stride
        stride *= operand[dimension]
    }
    var offsets = [0]
    for dimension in shape.indices.dropLast() {
        offsets = offsets.flatMap { base in (0..<shape[dimension]).map { base + $0 * strides[dimension] } }
    }
    return (columns == 0 ? [] : offsets, strides.last ?? 0)
}

extension Tensor where Scalar: TensorFloatingPoint {
    static func binary(_ operation: mml_binary_op, _ a: Tensor, _ b: Tensor) -> Tensor {
        let op = Int32(operation.rawValue)
        if a.shape == b.shape || b.count == 1 && b.rank <= a.rank || a.count == 1 && a.rank <= b.rank {
            let result = Tensor(uninitialized: a.count == 1 && a.rank <= b.rank ? b.shape : a.shape)
            let (strideA, strideB) = (a.count == 1 ? 0 : 1, b.count == 1 ? 0 : 1)
            parallelRanges(result.count, grain: elementwiseGrain) { range in
                let start = range.lowerBound
                mml_binary(
                    Scalar.kernelType, op, range.count, a.pointer + start * strideA, strideA,
                    b.pointer + start * strideB, strideB, result.pointer + start)
            }
            return result
        }
        let result = Tensor(uninitialized: broadcastShape(a.shape, b.shape))
        let columns = result.columnCount
        let rowsA = broadcastRows(a.shape, to: result.shape)
        let rowsB = broadcastRows(b.shape, to: result.shape)
        parallelRanges(rowsA.offsets.count, grain: elementwiseGrain / max(columns, 1)) { rows in
            for row in rows {
                mml_binary(
                    Scalar.kernelType, op, columns, a.pointer + rowsA.offsets[row], rowsA.stride,
                    b.pointer + rowsB.offsets[row], rowsB.stride, result.pointer + row * columns)
            }
        }
        return result
    }

    /// Sums over the dimensions in which `shape` was repeated: the gradient of broadcasting.
    func summed(to shape: [Int]) -> Tensor {
        if shape == self.shape { return self }
        var result = Tensor.zeros(shape)
        let columns = columnCount
        let rows = broadcastRows(shape, to: self.shape)
        result.withUnsafeMutableElements { target in
            for (row, offset) in rows.offsets.enumerated() {
                let source = pointer + row * columns
                if rows.stride == 0 {
                    target[offset] += Scalar(mml_sum(Scalar.kernelType, columns, source))
                } else if let base = target.baseAddress {
                    mml_scale_add(Scalar.kernelType, columns, 1, source, 1, base + offset)
                }
            }
        }
        return result
    }

    func unary(_ operation: mml_unary_op) -> Tensor {
        let result = Tensor(uninitialized: shape)
        parallelRanges(count, grain: elementwiseGrain) { range in
            mml_unary(
                Scalar.kernelType, Int32(operation.rawValue), range.count, pointer + range.lowerBound,
                result.pointer + range.lowerBound)
        }
        return result
    }

    /// self += other, in place; same shape.
    mutating func add(_ other: Tensor) {
        precondition(shape == other.shape, "cannot add \(other.shape) to \(shape)")
        makeUnique()
        let target = pointer
        parallelRanges(count, grain: elementwiseGrain) { range in
            mml_scale_add(
                Scalar.kernelType, range.count, 1, other.pointer + range.lowerBound, 1,
                target + range.lowerBound)
        }
    }

    /// self *= factor, in place.
    mutating func scale(by factor: Double) {
        makeUnique()
        let target = pointer
        parallelRanges(count, grain: elementwiseGrain) { range in
            let start = target + range.lowerBound
            mml_scale_add(Scalar.kernelType, range.count, factor, start, 0, start)
        }
    }

    func scaled(by factor: Double) -> Tensor {
        var copy = self
        copy.scale(by: factor)
        return copy
    }

    /// Σ x², accumulated in blocks in Double; the same for every number of threads.
    var sumOfSquares: Double {
        rowGradient?.rows.sumOfSquares ?? blockSum { mml_sum_squares(Scalar.kernelType, $1, $0) }
    }

    /// Whether no element is NaN or infinite.
    public var allFinite: Bool { mml_all_finite(Scalar.kernelType, count, pointer) != 0 }

    func blockSum(_ partial: (UnsafeMutablePointer<Scalar>, Int) -> Double) -> Double {
        let grain = 1 << 16
        var partials = [Double](repeating: 0, count: (count + grain - 1) / grain)
        partials.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            parallelRanges(count, grain: grain) { range in
                base[range.lowerBound / grain] = partial(pointer + range.lowerBound, range.count)
            }
        }
        return partials.reduce(0, +)
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// Element-wise sum with broadcasting.
    public static func + (a: Tensor, b: Tensor) -> Tensor {
        let (shapeA, shapeB) = (a.shape, b.shape)
        return binary(MML_ADD, a, b).recorded(from: a, b) { gradient in
            [gradient.summed(to: shapeA), gradient.summed(to: shapeB)]
        }
    }

    /// Element-wise difference with broadcasting.
    public static func - (a: Tensor, b: Tensor) -> Tensor {
        let (shapeA, shapeB) = (a.shape, b.shape)
        return binary(MML_SUBTRACT, a, b).recorded(from: a, b) { gradient in
            [gradient.summed(to: shapeA), gradient.scaled(by: -1).summed(to: shapeB)]
        }
    }

    /// Element-wise product with broadcasting.
    public static func * (a: Tensor, b: Tensor) -> Tensor {
        let (x, y) = (a.detached, b.detached)
        return binary(MML_MULTIPLY, x, y).recorded(from: a, b) { gradient in
            [
                binary(MML_MULTIPLY, gradient, y).summed(to: x.shape),
                binary(MML_MULTIPLY, gradient, x).summed(to: y.shape),
            ]
        }
    }

    /// Element-wise quotient with broadcasting.
    public static func / (a: Tensor, b: Tensor) -> Tensor {
        let (x, y) = (a.detached, b.detached)
        let result = binary(MML_DIVIDE, x, y)
        return result.recorded(from: a, b) { gradient in
            let dx = binary(MML_DIVIDE, gradient, y)
            let dy = binary(MML_MULTIPLY, dx, result).scaled(by: -1)
            return [dx.summed(to: x.shape), dy.summed(to: y.shape)]
        }
    }

    /// The sum with a number.
    public static func + (a: Tensor, b: Scalar) -> Tensor { a + Tensor(b) }
    /// The difference with a number.
    public static func - (a: Tensor, b: Scalar) -> Tensor { a - Tensor(b) }
    /// The product with a number.
    public static func * (a: Tensor, b: Scalar) -> Tensor { a * Tensor(b) }
    /// The product with a number.
    public static func * (a: Scalar, b: Tensor) -> Tensor { Tensor(a) * b }
    /// The quotient by a number.
    public static func / (a: Tensor, b: Scalar) -> Tensor { a / Tensor(b) }
    /// The negative of every element.
    public static prefix func - (a: Tensor) -> Tensor { a * Tensor(-1) }

    /// e to the power of every element.
    public func exp() -> Tensor {
        let result = unary(MML_EXP)
        return result.recorded(from: self) { gradient in [Tensor.binary(MML_MULTIPLY, gradient, result)] }
    }

    /// The natural logarithm of every element; NaN below zero.
    public func log() -> Tensor {
        let x = detached
        return unary(MML_LOG).recorded(from: self) { gradient in [Tensor.binary(MML_DIVIDE, gradient, x)] }
    }

    /// The square root of every element; NaN below zero.
    public func squareRoot() -> Tensor {
        let result = unary(MML_SQRT)
        return result.recorded(from: self) { gradient in
            [Tensor.binary(MML_DIVIDE, gradient.scaled(by: 0.5), result)]
        }
    }
}
