/// y = x Wᵀ + b, and what low-rank adapters add to it.
public struct Linear<Scalar: TensorFloatingPoint>: Parameterized {
    /// W [outputs, inputs].
    public var weight: Tensor<Scalar>
    /// b [outputs]; some models have none.
    public var bias: Tensor<Scalar>?
    /// Adapters of disjoint outputs, in order; usually none.
    public internal(set) var adapters: [LowRankAdapter<Scalar>] = []

    /// Creates the layer from its weights.
    public init(weight: Tensor<Scalar>, bias: Tensor<Scalar>? = nil) {
        self.weight = weight
        self.bias = bias
    }

    /// Creates the layer with normal weights of the given standard deviation and zero biases.
    public init(inputs: Int, outputs: Int, standardDeviation: Double = 0.02, seed: UInt64, stream: UInt64 = 0)
    {
        weight = .randomNormal(
            [outputs, inputs], standardDeviation: standardDeviation, seed: seed, stream: stream)
        bias = .zeros([outputs])
    }

    /// [N, inputs] → [N, outputs].
    public func callAsFunction(_ x: Tensor<Scalar>, activation: Activation = .identity) -> Tensor<Scalar> {
        var none: DropoutStreams?
        return callAsFunction(x, activation: activation, dropout: &none)
    }

    /// [N, inputs] → [N, outputs]; `dropout` holds the step's streams while training, for the adapters.
    func callAsFunction(
        _ x: Tensor<Scalar>, activation: Activation = .identity, dropout: inout DropoutStreams?
    ) -> Tensor<Scalar> {
        guard !adapters.isEmpty else { return x.linear(weight, bias: bias, activation: activation) }
        let y = x.linear(weight, bias: bias) + change(x, dropout: &dropout)
        return activation == .identity ? y : y.activated(by: activation)
    }

    /// What the adapters add: their outputs beside one another, zeros where there is none.
    private func change(_ x: Tensor<Scalar>, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        var parts: [Tensor<Scalar>] = []
        var column = 0
        func fill(upTo end: Int) {
            if end > column { parts.append(.zeros([x.shape[0], end - column])) }
        }
        for adapter in adapters {
            fill(upTo: adapter.outputs.lowerBound)
            parts.append(adapter(x, dropout: &dropout))
            column = adapter.outputs.upperBound
        }
        fill(upTo: weight.shape[0])
        return parts.count == 1 ? parts[0] : .concatenatedColumns(parts)
    }

    /// Calls `body` with every parameter, under the name it has in a checkpoint.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("weight", &weight)
        try bias?.visit("bias", body)
        for index in adapters.indices {
            let part = adapters[index].part
            try adapters[index].forEachParameter { name, value in
                try body(part.isEmpty ? name : "\(part).\(name)", &value)
            }
        }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// second(activation(first(self))), the feed-forward block of a Transformer: one operation where neither has adapters.
    func feedForward(
        _ first: Linear<Scalar>, _ activation: Activation, _ second: Linear<Scalar>,
        dropout: inout DropoutStreams?
    ) -> Tensor {
        guard first.adapters.isEmpty, second.adapters.isEmpty, let bias1 = first.bias, let bias2 = second.bias
        else { return second(first(self, activation: activation, dropout: &dropout), dropout: &dropout) }
        return feedForward(first.weight, bias1, activation, second.weight, bias2)
    }
}
