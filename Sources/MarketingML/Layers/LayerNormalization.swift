/// Layer normalisation of every vector (arXiv:1607.06450): γ (x - mean) / √(variance + ε) + β.
public struct LayerNormalization: LayerRecipe {
    /// ε, above 0.
    public var epsilon: Double

    /// Creates the recipe; ε is PyTorch's 1e-5 (Keras takes 1e-3).
    public init(epsilon: Double = 1e-5) { self.epsilon = epsilon }

    /// The layer with γ = 1 and β = 0.
    public func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource)
        throws
        -> any Layer<Scalar>
    {
        try requireOption(epsilon > 0, "epsilon", "above 0", epsilon)
        return LayerNorm<Scalar>(size: try input.vectorWidth(), epsilon: epsilon)
    }
}

extension LayerNorm: Layer {
    /// The same as the input's.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        guard try input.vectorWidth() == gamma.count else {
            throw input.mismatch("vectors of \(gamma.count) elements")
        }
        return input
    }

    /// Every vector normalised.
    public func callAsFunction(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<
        Scalar
    > {
        input.mapVectors { self($0) }
    }
}
