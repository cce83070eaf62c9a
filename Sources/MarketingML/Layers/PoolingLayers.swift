/// The largest element of each column over a sequence: [N, L, D] → [N, D]; zeros for a sequence of length 0.
public struct GlobalMaxPooling: ParameterFreeRecipe {
    /// Creates the recipe.
    public init() {}

    /// One vector.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        .vector(width: try input.sequenceWidth())
    }

    /// The largest elements.
    public func apply<Scalar: TensorFloatingPoint>(
        _ input: LayerValue<Scalar>, dropout: inout DropoutStreams?
    ) -> LayerValue<Scalar> {
        .rows(input.sequences.vectors.maxPooled(offsets: input.sequences.offsets))
    }
}

/// The mean of a sequence's vectors: [N, L, D] → [N, D]; zeros for a sequence of length 0.
public struct GlobalAveragePooling: ParameterFreeRecipe {
    /// Creates the recipe.
    public init() {}

    /// One vector.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        .vector(width: try input.sequenceWidth())
    }

    /// The means.
    public func apply<Scalar: TensorFloatingPoint>(
        _ input: LayerValue<Scalar>, dropout: inout DropoutStreams?
    ) -> LayerValue<Scalar> {
        .rows(input.sequences.vectors.meanPooled(offsets: input.sequences.offsets))
    }
}

/// The mean of a sequence's vectors weighted by softmax(v · tanh(W x + b)): [N, L, D] → [N, D]
/// (Yang et al., doi:10.18653/v1/N16-1174).
public struct AttentionPooling: LayerRecipe {
    /// The size of the hidden layer that scores a vector.
    public var units: Int

    /// Creates the recipe.
    public init(units: Int = 64) { self.units = units }

    /// The layer with W [units, D], b [units] and v [1, units].
    public func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource)
        throws -> any Layer<Scalar>
    {
        let width = try input.sequenceWidth()
        try requireOption(units >= 1, "units", "at least 1", units)
        return AttentionPoolingLayer<Scalar>(
            weight: try weights.next(.glorotUniform, shape: [units, width]), bias: .zeros([units]),
            context: try weights.next(.glorotUniform, shape: [1, units]))
    }
}

/// Pooling by attention with its weights.
public struct AttentionPoolingLayer<Scalar: TensorFloatingPoint>: Layer {
    /// W [units, D].
    public var weight: Tensor<Scalar>
    /// b [units].
    public var bias: Tensor<Scalar>
    /// v [1, units].
    public var context: Tensor<Scalar>

    /// Creates the layer from its weights.
    public init(weight: Tensor<Scalar>, bias: Tensor<Scalar>, context: Tensor<Scalar>) {
        self.weight = weight
        self.bias = bias
        self.context = context
    }

    /// One vector.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        let inputs = weight.shape[1]
        guard case .sequence(_, inputs) = input else {
            throw input.mismatch("sequences of vectors of \(inputs) elements")
        }
        return .vector(width: inputs)
    }

    /// The weighted means.
    public func callAsFunction(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<
        Scalar
    > {
        let x = input.sequences.vectors
        let scores = x.linear(weight, bias: bias, activation: .tanh).linear(context)
        return .rows(x.attentionPooled(scores: scores, offsets: input.sequences.offsets))
    }

    /// Calls `body` with `weight`, `bias` and `context`.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("weight", &weight)
        try body("bias", &bias)
        try body("context", &context)
    }
}
