/// A layer with its weights: a value that maps a batch to a batch.
///
/// Layers compose in a ``Sequential`` or, for branches, as the stored properties of a struct of your own, which is a
/// layer again when it conforms:
///
/// ```swift
/// struct WideAndDeep: Layer {
///     var wide: DenseLayer<Float>
///     var deep: LayerStack<Float>
///     func outputShape(for input: LayerShape) throws -> LayerShape { try wide.outputShape(for: input) }
///     func callAsFunction(_ x: LayerValue<Float>, dropout: inout DropoutStreams?) -> LayerValue<Float> {
///         .rows(wide(x, dropout: &dropout).vectors + deep(x, dropout: &dropout).vectors)
///     }
///     mutating func forEachParameter(_ body: (String, inout Tensor<Float>) throws -> Void) rethrows {
///         try wide.forEachParameter("wide", body)
///         try deep.forEachParameter("deep", body)
///     }
/// }
/// ```
public protocol Layer<Scalar>: Parameterized {
    /// What an example looks like behind this layer.
    ///
    /// - Throws: `.shapeMismatch` when the layer cannot read such input.
    func outputShape(for input: LayerShape) throws -> LayerShape

    /// The layer's output for a batch whose shape ``outputShape(for:)`` accepts.
    ///
    /// - Parameter dropout: The step's streams while training, nil otherwise. Each dropout of the layer takes its own
    ///   from it, in a fixed order.
    func callAsFunction(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<Scalar>

    /// Checks what types cannot: that ids are inside the vocabulary, for example. Called on every batch that comes from
    /// a user, before the layer itself.
    ///
    /// - Throws: what is wrong with the input. By default nothing is.
    func check(_ input: LayerValue<Scalar>) throws
}

extension Layer {
    /// The output in prediction: without dropout.
    public func callAsFunction(_ input: LayerValue<Scalar>) -> LayerValue<Scalar> {
        var dropout: DropoutStreams?
        return self(input, dropout: &dropout)
    }

    /// Accepts all input.
    public func check(_ input: LayerValue<Scalar>) throws {}
}

/// A layer before it has weights: what stands in a ``Sequential``.
///
/// Its input's size is known when the model is built, which makes weights of the right shape:
///
/// ```swift
/// struct Scale: LayerRecipe {
///     func makeLayer<Scalar>(for input: LayerShape, weights: inout WeightSource) throws -> any Layer<Scalar> {
///         ScaleLayer(factors: try weights.next(.ones, shape: [try input.vectorWidth()]))
///     }
/// }
/// ```
///
/// It is `Codable`, so that a saved model knows its structure.
public protocol LayerRecipe: Sendable, Codable {
    /// Its name in tables, errors and saved models; the type's name by default.
    static var kind: String { get }

    /// A layer with initial weights for such input.
    ///
    /// - Parameters:
    ///   - input: What an example looks like.
    ///   - weights: Draws initial weights, each parameter from a random stream of its own.
    /// - Throws: `.shapeMismatch` when the layer cannot read such input, `.invalidOption`.
    func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource) throws
        -> any Layer<Scalar>
}

extension LayerRecipe {
    /// The type's name.
    public static var kind: String { "\(Self.self)" }
}

/// A recipe whose layer has no weights: it says directly what it does.
public protocol ParameterFreeRecipe: LayerRecipe {
    /// What an example looks like behind this layer.
    ///
    /// - Throws: `.shapeMismatch` when the layer cannot read such input, `.invalidOption`.
    func outputShape(for input: LayerShape) throws -> LayerShape

    /// The output for a batch.
    func apply<Scalar: TensorFloatingPoint>(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?)
        -> LayerValue<Scalar>
}

extension ParameterFreeRecipe {
    /// The layer that does what the recipe says.
    public func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource)
        throws
        -> any Layer<Scalar>
    {
        ParameterFreeLayer<Self, Scalar>(recipe: self)
    }
}

/// The layer of a ``ParameterFreeRecipe``.
public struct ParameterFreeLayer<Recipe: ParameterFreeRecipe, Scalar: TensorFloatingPoint>: Layer {
    /// What it does.
    public let recipe: Recipe

    /// Creates the layer of a recipe.
    public init(recipe: Recipe) { self.recipe = recipe }

    /// What an example looks like behind this layer.
    public func outputShape(for input: LayerShape) throws -> LayerShape { try recipe.outputShape(for: input) }

    /// The output for a batch.
    public func callAsFunction(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<
        Scalar
    > {
        recipe.apply(input, dropout: &dropout)
    }

    /// There is none.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {}
}
