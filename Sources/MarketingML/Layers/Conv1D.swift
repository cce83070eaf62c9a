/// A convolution along sequences, y[t] = activation(Σₖ W[:, :, k] x[s t + k - zeros] + b): [N, L, D] → [N, L', U].
public struct Conv1D: LayerRecipe {
    /// U, the number of filters.
    public var filters: Int
    /// K, the number of steps that a filter sees.
    public var kernelSize: Int
    /// s, the steps from one window to the next.
    public var stride: Int
    /// What stands beyond the ends of a sequence.
    public var padding: ConvolutionPadding
    /// The activation function.
    public var activation: Activation
    /// Whether there is a bias b.
    public var usesBias: Bool
    /// How W is drawn.
    public var initializer: Initializer

    /// Creates the recipe; defaults are Keras'.
    public init(
        filters: Int, kernelSize: Int, stride: Int = 1, padding: ConvolutionPadding = .valid,
        activation: Activation = .identity, usesBias: Bool = true, initializer: Initializer = .glorotUniform
    ) {
        self.filters = filters
        self.kernelSize = kernelSize
        self.stride = stride
        self.padding = padding
        self.activation = activation
        self.usesBias = usesBias
        self.initializer = initializer
    }

    /// The layer with W [U, D, K] and b [U].
    public func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource)
        throws -> any Layer<Scalar>
    {
        let width = try input.sequenceWidth()
        try requireCount(filters, "filters", 1...1 << 20)
        try requireCount(kernelSize, "kernelSize", 1...1 << 16)
        try requireCount(stride, "stride")
        return Conv1DLayer<Scalar>(
            weight: try weights.next(
                initializer, shape: [filters, width, kernelSize],
                fans: (kernelSize * width, kernelSize * filters)),
            bias: usesBias ? .zeros([filters]) : nil, stride: stride, padding: padding, activation: activation
        )
    }
}

/// A convolution along sequences with its weights.
public struct Conv1DLayer<Scalar: TensorFloatingPoint>: Layer {
    /// W [U, D, K].
    public var weight: Tensor<Scalar>
    /// b [U], or nil for none.
    public var bias: Tensor<Scalar>?
    /// The steps from one window to the next.
    public let stride: Int
    /// What stands beyond the ends of a sequence.
    public let padding: ConvolutionPadding
    /// The activation function.
    public let activation: Activation

    /// Creates the layer from its weights.
    public init(
        weight: Tensor<Scalar>, bias: Tensor<Scalar>? = nil, stride: Int = 1,
        padding: ConvolutionPadding = .valid, activation: Activation = .identity
    ) {
        self.weight = weight
        self.bias = bias
        self.stride = stride
        self.padding = padding
        self.activation = activation
    }

    /// Sequences of U outputs a window.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        let inputs = weight.shape[1]
        guard case .sequence(let length, inputs) = input else {
            throw input.mismatch("sequences of vectors of \(inputs) elements")
        }
        let outputs = length.map {
            padding.extent(length: $0, kernelSize: weight.shape[2], stride: stride).outputs
        }
        return .sequence(length: outputs, width: weight.shape[0])
    }

    /// The outputs of every sequence.
    public func callAsFunction(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<
        Scalar
    > {
        let (outputs, offsets) = input.sequences.vectors.convolved(
            weight, bias: bias, offsets: input.sequences.offsets, stride: stride, padding: padding)
        return .sequences(PackedSequences(vectors: outputs.activated(by: activation), offsets: offsets))
    }

    /// Calls `body` with `weight` and `bias`.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("weight", &weight)
        try withParameter(&bias) { try body("bias", &$0) }
    }
}
