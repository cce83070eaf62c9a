/// Layer normalisation over the last dimension (arXiv:1607.06450).
public struct LayerNorm<Scalar: TensorFloatingPoint>: Parameterized {
    /// The scale γ [D].
    public var gamma: Tensor<Scalar>
    /// The shift β [D].
    public var beta: Tensor<Scalar>
    /// Added to the variance.
    public var epsilon: Double

    /// Creates the layer from its weights.
    public init(gamma: Tensor<Scalar>, beta: Tensor<Scalar>, epsilon: Double) {
        self.gamma = gamma
        self.beta = beta
        self.epsilon = epsilon
    }

    /// Creates the layer with γ = 1 and β = 0.
    public init(size: Int, epsilon: Double = 1e-12) {
        self.init(gamma: Tensor(repeating: 1, shape: [size]), beta: .zeros([size]), epsilon: epsilon)
    }

    /// The normalised rows of x.
    public func callAsFunction(_ x: Tensor<Scalar>) -> Tensor<Scalar> {
        x.layerNorm(gamma, beta, epsilon: epsilon)
    }

    /// The normalised rows of residual + dropout(x).
    public func callAsFunction(_ x: Tensor<Scalar>, residual: Tensor<Scalar>, dropout: DropoutMask) -> Tensor<
        Scalar
    > {
        x.residualLayerNorm(residual, gamma, beta, epsilon: epsilon, dropout: dropout)
    }

    /// Calls `body` with every parameter, under the name it has in a checkpoint.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("weight", &gamma)
        try body("bias", &beta)
    }
}
