/// y = x Wᵀ + b.
public struct Linear<Scalar: TensorFloatingPoint>: Parameterized {
    /// W [outputs, inputs].
    public var weight: Tensor<Scalar>
    /// b [outputs].
    public var bias: Tensor<Scalar>

    /// Creates the layer from its weights.
    public init(weight: Tensor<Scalar>, bias: Tensor<Scalar>) {
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
        x.linear(weight, bias: bias, activation: activation)
    }

    /// Calls `body` with every parameter, under the name it has in a checkpoint.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("weight", &weight)
        try body("bias", &bias)
    }
}
