/// Sets a share of all elements to zero while training and scales the others by 1 / (1 - rate) (JMLR 15, 1929-1958).
public struct Dropout: ParameterFreeRecipe {
    /// Share of elements that become zero, in [0, 1).
    public var rate: Double

    /// Creates the recipe.
    public init(rate: Double) { self.rate = rate }

    /// The same as the input's.
    ///
    /// - Throws: `.invalidOption` for a rate outside [0, 1), `.shapeMismatch` for token ids.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        try requireOption(0..<1 ~= rate, "rate", "in [0, 1)", rate)
        _ = try input.vectorWidth()
        return input
    }

    /// The vectors with a new choice of elements left out; in prediction the vectors as they are.
    public func apply<Scalar: TensorFloatingPoint>(
        _ input: LayerValue<Scalar>, dropout: inout DropoutStreams?
    )
        -> LayerValue<Scalar>
    {
        let mask = dropout.take(rate: rate)
        return input.mapVectors { $0.dropped(mask) }
    }
}

/// The vectors of a sequence as one: [N, L, D] → [N, L·D]. All sequences must have the length that is known when the
/// model is built.
public struct Flatten: ParameterFreeRecipe {
    /// Creates the recipe.
    public init() {}

    /// One vector.
    ///
    /// - Throws: `.shapeMismatch` when lengths may differ.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        switch input {
        case .vector: input
        case .sequence(let length?, let width)
        where length.multipliedReportingOverflow(by: width).overflow == false:
            .vector(width: length * width)
        default: throw input.mismatch("vectors, or sequences of one length")
        }
    }

    /// The same elements, a row an example.
    public func apply<Scalar: TensorFloatingPoint>(
        _ input: LayerValue<Scalar>, dropout: inout DropoutStreams?
    )
        -> LayerValue<Scalar>
    {
        guard case .sequences(let sequences) = input else { return input }
        return .rows(
            sequences.vectors.reshaped(sequences.count, sequences.vectors.count / max(1, sequences.count)))
    }
}

/// An activation function as a layer of its own.
extension Activation: ParameterFreeRecipe {
    /// The same as the input's.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        _ = try input.vectorWidth()
        return input
    }

    /// The activation function of every vector.
    public func apply<Scalar: TensorFloatingPoint>(
        _ input: LayerValue<Scalar>, dropout: inout DropoutStreams?
    )
        -> LayerValue<Scalar>
    {
        input.mapVectors { $0.activated(by: self) }
    }
}
