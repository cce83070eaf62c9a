internal import CTensorKernels

extension Tensor where Scalar: TensorFloatingPoint {
    /// activation(self · weightᵀ + bias): [N, K], [M, K], [M] → [N, M]; leading dimensions count as rows.
    ///
    /// The packed form of a weight that is not learnt is kept with it, so the next call finds it.
    public func linear(_ weight: Tensor, bias: Tensor? = nil, activation: Activation = .identity) -> Tensor {
        guard activation.isElementwise else { return linear(weight, bias: bias).activated(by: activation) }
        let rows = rowCount
        weight.checkLinear(input: self, bias: bias)
        var result = Tensor(uninitialized: shape.dropLast() + [weight.shape[0]])
        let tracked = isTracked || weight.isTracked || bias?.isTracked == true
        if !tracked, let quantized = weight.storage.quantized,
            weight.shape == [quantized.columns, quantized.rows]
        {
            multiply(self, by: quantized, bias: bias, activation: activation, into: result)
            return result
        }
        let saved = tracked && activation != .identity ? Tensor(uninitialized: result.shape) : nil
        let packed = weight.plainForm.packedTranspose(keep: !weight.isTracked)
        multiply(
            MatrixView(pointer, rowStride: columnCount), rows: rows, by: packed, into: result.pointer,
            Epilogue(
                activation: activation, bias: bias.map { UnsafePointer($0.pointer) },
                preactivation: saved?.pointer))
        guard tracked else { return result }
        let (x, w) = (detached, weight.detached)
        let wanted = LinearGradients(
            input: isTracked, weight: weight.isTracked, bias: bias?.isTracked == true)
        result = result.recorded(from: [self, weight] + (bias.map { [$0] } ?? [])) { gradient in
            var dz = gradient
            if let saved { dz.multiplyByDerivative(of: activation, at: saved) }
            return wanted.compute(input: x, weight: w, output: dz)
        }
        return result
    }

    /// activation(self · weight₁ᵀ + bias₁) · weight₂ᵀ + bias₂: the two layers of a Transformer block as one operation.
    ///
    /// Only the value before the activation is saved; the backward pass computes the hidden layer again together
    /// with the activation's derivative.
    public func feedForward(
        _ weight1: Tensor, _ bias1: Tensor, _ activation: Activation, _ weight2: Tensor, _ bias2: Tensor
    ) -> Tensor {
        let inputs = [self, weight1, bias1, weight2, bias2]
        guard inputs.contains(where: \.isTracked), activation != .identity, activation.isElementwise else {
            return linear(weight1, bias: bias1, activation: activation).linear(weight2, bias: bias2)
        }
        weight1.checkLinear(input: self, bias: bias1)
        let rows = rowCount
        let hidden = Tensor(uninitialized: [rows, weight1.shape[0]])
        let saved = Tensor(uninitialized: hidden.shape)
        multiply(
            MatrixView(pointer, rowStride: columnCount), rows: rows,
            by: weight1.plainForm.packedTranspose(keep: false),
            into: hidden.pointer,
            Epilogue(activation: activation, bias: UnsafePointer(bias1.pointer), preactivation: saved.pointer)
        )
        weight2.checkLinear(input: hidden, bias: bias2)
        let result = Tensor(uninitialized: shape.dropLast() + [weight2.shape[0]])
        multiply(
            MatrixView(hidden.pointer, rowStride: hidden.columnCount), rows: rows,
            by: weight2.plainForm.packedTranspose(keep: false), into: result.pointer,
            Epilogue(bias: UnsafePointer(bias2.pointer)))
        let (x, w1, w2) = (detached, weight1.detached, weight2.detached)
        let first = LinearGradients(input: isTracked, weight: weight1.isTracked, bias: bias1.isTracked)
        let second = LinearGradients(input: true, weight: weight2.isTracked, bias: bias2.isTracked)
        return result.recorded(from: inputs) { gradient in
            let dy = gradient
            var dz = LinearGradients.input(weight: w2, output: dy)
            // `saved` is this closure's alone: the hidden layer takes its place.
            dz.multiplyByDerivative(of: activation, at: saved, value: saved)
            let outer = LinearGradients(input: false, weight: second.weight, bias: second.bias)
                .compute(input: saved, weight: w2, output: dy)
            return first.compute(input: x, weight: w1, output: dz) + outer.dropFirst()
        }
    }

    private func checkLinear(input: Tensor, bias: Tensor?) {
        precondition(
            rank == 2 && input.rank >= 1 && input.columnCount == shape[1]
                && (bias.map { $0.shape == [shape[0]] } ?? true),
            "linear needs a weight [outputs, inputs] and a bias [outputs]: weight \(shape), input \(input.shape), bias \(String(describing: bias?.shape))"
        )
    }

    /// Forgets what operations outside of gradient computations kept with a weight: packed forms, projections of words.
    package func releaseDerivedForms() { storage.releaseDerivedForms() }

    /// The same weight [M, K], held in its packed form alone: for models that only predict. It takes its plain form again,
    /// beside the packed one, when that is asked for.
    package func heldPacked() -> Tensor {
        precondition(rank == 2, "only matrices are packed, the shape is \(shape)")
        let packed = packedTranspose(keep: false)
        return Tensor(shape: shape, storage: Storage(packed: packed, count: count))
    }

    /// The packed transpose of a weight [M, K]: K × M.
    func packedTranspose(keep: Bool) -> PackedMatrix {
        let kept = storage.packed.withLock { $0 }
        // The same elements under another shape may have left theirs.
        if let kept, kept.columns == shape[0], kept.rows == shape[1] { return kept }
        // Not under the lock, which a weight that is not held in its plain form takes for `pointer`.
        let packed = PackedMatrix(
            UnsafePointer(pointer), rows: shape[1], columns: shape[0], rowStride: 1, columnStride: shape[1],
            lasting: true)
        if keep { storage.packed.withLock { if $0 == nil { $0 = packed } } }
        return packed
    }
}

/// The three gradients of y = x wᵀ + b, those that are wanted.
struct LinearGradients: Sendable {
    let input: Bool
    let weight: Bool
    let bias: Bool

    func compute<Scalar: TensorFloatingPoint>(
        input x: Tensor<Scalar>, weight w: Tensor<Scalar>, output dy: Tensor<Scalar>
    ) -> [Tensor<Scalar>?] {
        [
            input ? LinearGradients.input(weight: w, output: dy).viewed(as: x.shape) : nil,
            weight ? LinearGradients.weight(input: x, output: dy) : nil,
            bias ? LinearGradients.bias(output: dy) : nil,
        ]
    }

    /// dx = dy w.
    static func input<Scalar: TensorFloatingPoint>(weight w: Tensor<Scalar>, output dy: Tensor<Scalar>)
        -> Tensor<Scalar>
    {
        let (outputs, inputs, plain) = (w.shape[0], w.shape[1], w.plainForm)
        let packed = PackedMatrix(
            UnsafePointer(plain.pointer), rows: outputs, columns: inputs, rowStride: inputs, columnStride: 1,
            lasting: true)
        let dx = Tensor<Scalar>(uninitialized: [dy.rowCount, inputs])
        multiply(MatrixView(dy.pointer, rowStride: outputs), rows: dy.rowCount, by: packed, into: dx.pointer)
        return dx
    }

    /// dw = dyᵀ x.
    static func weight<Scalar: TensorFloatingPoint>(input x: Tensor<Scalar>, output dy: Tensor<Scalar>)
        -> Tensor<Scalar>
    {
        let (outputs, inputs) = (dy.columnCount, x.columnCount)
        let packed = PackedMatrix(
            UnsafePointer(x.pointer), rows: x.rowCount, columns: inputs, rowStride: inputs, columnStride: 1,
            lasting: false)
        let dw = Tensor<Scalar>(uninitialized: [outputs, inputs], lasting: true)
        multiply(
            MatrixView(dy.pointer, rowStride: 1, columnStride: outputs), rows: outputs, by: packed,
            into: dw.pointer)
        return dw
    }

    /// db = Σ rows of dy.
    static func bias<Scalar: TensorFloatingPoint>(output dy: Tensor<Scalar>) -> Tensor<Scalar> {
        sumOfRows(rows: dy.rowCount, columns: dy.columnCount) { rows, target in
            mml_sum_rows(
                Scalar.kernelType, rows.count, dy.columnCount, dy.pointer + rows.lowerBound * dy.columnCount,
                dy.columnCount, target)
        }
    }
}

/// Sums over rows in bands: `add` adds its band's rows to a zeroed row of its own; the bands' rows are then added in
/// order, so the result does not depend on the number of threads.
func sumOfRows<Scalar: TensorFloatingPoint>(
    rows: Int, columns: Int, grain: Int = 256, _ add: (Range<Int>, UnsafeMutablePointer<Scalar>) -> Void
) -> Tensor<Scalar> {
    let bands = max(1, (rows + grain - 1) / grain)
    let partial = Tensor<Scalar>.zeros([bands, columns])
    parallelRanges(rows, grain: grain) { range in
        add(range, partial.pointer + range.lowerBound / grain * columns)
    }
    let total = Tensor<Scalar>.lastingZeros([columns])
    mml_sum_rows(Scalar.kernelType, bands, columns, partial.pointer, columns, total.pointer)
    return total
}
