// Keras keeps the transposes of W and R; its gates are i, f, c, o, which is the order here, and z, r, h.

extension RecurrentLayer: KerasExchangeable {
    /// `kernel` [D, G U], `recurrent_kernel` [U, G U] and `bias`, [G U], or [2, G U] for a GRU that resets after its product;
    /// with `l1.`, `l0_reverse.` and so on in front from the second cell on.
    public func kerasWeights() -> [(name: String, value: Tensor<Scalar>)] {
        zip(prefixes, weights).flatMap { prefix, weights -> [(name: String, value: Tensor<Scalar>)] in
            let matrices = [("kernel", weights.input), ("recurrent_kernel", weights.recurrent)].map {
                (name: prefix + $0.0, value: inKerasOrder($0.1).transposed)
            }
            return matrices + (kerasBias(of: weights).map { [(name: prefix + "bias", value: $0)] } ?? [])
        }
    }

    /// Takes the weights of ``kerasWeights()``.
    public mutating func setKerasWeights(_ given: (_ name: String, _ shape: [Int]) throws -> Tensor<Scalar>)
        throws
    {
        var changed = weights
        for (index, prefix) in prefixes.enumerated() {
            func matrix(_ name: String, like old: Tensor<Scalar>) throws -> Tensor<Scalar> {
                inKerasOrder(try given(prefix + name, old.shape.reversed()).transposed)
            }
            changed[index].input = try matrix("kernel", like: weights[index].input)
            changed[index].recurrent = try matrix("recurrent_kernel", like: weights[index].recurrent)
            guard let old = kerasBias(of: weights[index]) else { continue }
            let bias = try given(prefix + "bias", old.shape)
            let size = weights[index].input.shape[0]
            let parts = bias.reshaped(bias.count / size, size)
            let rows = (0..<parts.shape[0]).map { inKerasOrder(parts.rows($0..<$0 + 1).reshaped(size, 1)) }
            changed[index].inputBias = rows[0].reshaped(size)
            if weights[index].recurrentBias != nil {
                changed[index].recurrentBias = rows.count == 2 ? rows[1].reshaped(size) : .zeros([size])
            }
        }
        weights = changed
    }

    private var prefixes: [String] {
        let directions = isBidirectional ? 2 : 1
        return weights.indices.map { index in
            index == 0 ? "" : "l\(index / directions)" + (index % directions == 1 ? "_reverse." : ".")
        }
    }

    /// Both biases below one another for a GRU that resets after its product, elsewhere their sum.
    private func kerasBias(of weights: RecurrentWeights<Scalar>) -> Tensor<Scalar>? {
        let size = weights.input.shape[0]
        let (input, recurrent) = (weights.inputBias, weights.recurrentBias)
        guard let some = input ?? recurrent else { return nil }
        guard kind == .gru else { return input.flatMap { input in recurrent.map { input + $0 } } ?? some }
        let parts = [input, recurrent].map {
            inKerasOrder(($0 ?? .zeros([size])).reshaped(size, 1)).reshaped(1, size)
        }
        return .concatenated(parts)
    }

    /// The rows of gates r and z exchanged: from one order to the other, either way.
    private func inKerasOrder(_ rows: Tensor<Scalar>) -> Tensor<Scalar> {
        guard kind == .gru || kind == .gruResetBefore else { return rows }
        let units = rows.shape[0] / 3
        return .concatenated([
            rows.rows(units..<2 * units), rows.rows(0..<units), rows.rows(2 * units..<3 * units),
        ])
    }
}

extension Conv1DLayer: KerasExchangeable {
    /// `kernel` [K, D, U] and `bias`.
    public func kerasWeights() -> [(name: String, value: Tensor<Scalar>)] {
        [("kernel", permuted(weight, reversing: weight.shape))] + (bias.map { [("bias", $0)] } ?? [])
    }

    /// Takes `kernel` [K, D, U] and `bias`.
    public mutating func setKerasWeights(_ given: (_ name: String, _ shape: [Int]) throws -> Tensor<Scalar>)
        throws
    {
        let shape = Array(weight.shape.reversed())
        let kernel = try given("kernel", shape)
        let newBias = try bias.map { try given("bias", $0.shape) }
        weight = permuted(kernel, reversing: shape)
        bias = newBias
    }

    /// [A, B, C] → [C, B, A].
    private func permuted(_ tensor: Tensor<Scalar>, reversing shape: [Int]) -> Tensor<Scalar> {
        let (a, b, c) = (shape[0], shape[1], shape[2])
        let elements = tensor.elements
        return Tensor(
            shape: [c, b, a],
            (0..<c).flatMap { k in
                (0..<b).flatMap { j in (0..<a).map { i in elements[(i * b + j) * c + k] } }
            })
    }
}
