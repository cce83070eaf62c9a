/// A fully connected layer: y = activation(x Wᵀ + b), for each vector of a sequence alone.
public struct Dense: LayerRecipe {
    /// The number of outputs.
    public var units: Int
    /// The activation function.
    public var activation: Activation
    /// Whether there is a bias b.
    public var usesBias: Bool
    /// How W is drawn.
    public var initializer: Initializer
    /// How b is drawn.
    public var biasInitializer: Initializer

    /// Creates the recipe; initial weights are Keras' (PyTorch draws both as `.fanIn`).
    public init(
        units: Int, activation: Activation = .identity, usesBias: Bool = true,
        initializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros
    ) {
        self.units = units
        self.activation = activation
        self.usesBias = usesBias
        self.initializer = initializer
        self.biasInitializer = biasInitializer
    }

    /// The layer with W [units, D] and b [units].
    public func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource)
        throws
        -> any Layer<Scalar>
    {
        let width = try input.vectorWidth()
        try requireOption(units >= 1, "units", "at least 1", units)
        return DenseLayer<Scalar>(
            weight: try weights.next(initializer, shape: [units, width]),
            bias: usesBias ? try weights.next(biasInitializer, shape: [units], fans: (width, units)) : nil,
            activation: activation)
    }
}

/// A fully connected layer with its weights.
public struct DenseLayer<Scalar: TensorFloatingPoint>: Layer {
    /// W [outputs, inputs].
    public var weight: Tensor<Scalar>
    /// b [outputs], or nil for none.
    public var bias: Tensor<Scalar>?
    /// The activation function.
    public var activation: Activation

    /// Creates the layer from its weights.
    public init(weight: Tensor<Scalar>, bias: Tensor<Scalar>? = nil, activation: Activation = .identity) {
        precondition(
            weight.rank == 2 && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
            "a dense layer needs W [outputs, inputs] and b [outputs], found \(weight.shape) and \(String(describing: bias?.shape))"
        )
        self.weight = weight
        self.bias = bias
        self.activation = activation
    }

    /// The same with vectors of as many elements as there are outputs.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        guard try input.vectorWidth() == weight.shape[1] else {
            throw input.mismatch("vectors of \(weight.shape[1]) elements")
        }
        return try input.withWidth(weight.shape[0])
    }

    /// activation(x Wᵀ + b) of every vector.
    public func callAsFunction(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<
        Scalar
    > {
        input.mapVectors { $0.linear(weight, bias: bias, activation: activation) }
    }

    /// Calls `body` with `weight` and `bias`.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("weight", &weight)
        if var bias {
            self.bias = nil
            defer { self.bias = bias }
            try body("bias", &bias)
        }
    }
}
