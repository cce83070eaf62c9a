/// Keras has a layer for one cell and direction; its gates stand side by side, those of a GRU in the order z, r, h.
extension RecurrentLayer: KerasExchangeable {
    /// `kernel` [D, G·U], `recurrent_kernel` [U, G·U] and `bias`: [G·U], for a GRU that resets after the product [2, 3 U].
    public func kerasWeights() throws -> [(name: String, value: Tensor<Scalar>)] {
        try requireOneCell()
        let cell = weights[0]
        var list = [
            ("kernel", swappedGates(cell.input).transposed),
            ("recurrent_kernel", swappedGates(cell.recurrent).transposed),
        ]
        guard let inputBias = cell.inputBias else { return list }
        let size = inputBias.count
        let recurrentBias = cell.recurrentBias ?? .zeros([size])
        if kind == .gru {
            let rows = Tensor.concatenated(
                [inputBias, recurrentBias].map { swappedGates($0).reshaped(1, size) })
            list.append(("bias", rows))
        } else {
            list.append(("bias", swappedGates(inputBias + recurrentBias)))
        }
        return list
    }

    /// Takes `kernel`, `recurrent_kernel` and `bias`; where there are two biases and Keras has one, the second is 0.
    public mutating func setKerasWeights(_ given: (_ name: String, _ shape: [Int]) throws -> Tensor<Scalar>)
        throws
    {
        try requireOneCell()
        var cell = weights[0]
        cell.input = swappedGates(try given("kernel", cell.input.shape.reversed()).transposed)
        cell.recurrent = swappedGates(
            try given("recurrent_kernel", cell.recurrent.shape.reversed()).transposed)
        if let old = cell.inputBias {
            let size = old.count
            if kind == .gru {
                let rows = try given("bias", [2, size])
                cell.inputBias = swappedGates(rows.rows(0..<1).reshaped(size))
                cell.recurrentBias = swappedGates(rows.rows(1..<2).reshaped(size))
            } else {
                cell.inputBias = swappedGates(try given("bias", [size]))
                cell.recurrentBias = cell.recurrentBias.map { .zeros($0.shape) }
            }
        }
        weights[0] = cell
    }

    private func requireOneCell() throws {
        guard weights.count == 1 else {
            throw MarketingMLError(
                .unsupported, "Keras has no layer of \(weights.count) cells: use one layer for each")
        }
    }

    /// r, z, n as z, r, n and back, along the first dimension; other cells have the same order in both libraries.
    private func swappedGates(_ x: Tensor<Scalar>) -> Tensor<Scalar> {
        guard kind == .gru || kind == .gruResetBefore else { return x }
        let units = x.shape[0] / 3
        return .concatenated([x.rows(units..<2 * units), x.rows(0..<units), x.rows(2 * units..<3 * units)])
    }
}
