/// A neural network of layers one behind the other: the front door for training your own.
///
/// ```swift
/// var model = Sequential {
///     Embedding(vocabularySize: 20_000, dimension: 128)
///     LSTM(units: 128)
///     Dense(units: 1, activation: .sigmoid)
/// }
/// ```
///
/// Weights are made when it is built, by ``build(input:)`` or by the first `fit`, which knows what an example looks like.
/// Any ``LayerRecipe`` can stand in it, a `Sequential` too, and any ``Layer`` that already has weights.
public struct Sequential: Parameterized {
    /// The layers as they were written down.
    public let recipes: [any LayerRecipe]
    /// Seed of the initial weights, of the order of examples and of dropout.
    public var seed: UInt64
    /// The layers with their weights; nil before the model is built.
    public internal(set) var layers: LayerStack<Float>?
    /// The loss of the last `fit`.
    public internal(set) var loss: Loss?
    /// The metrics of the last `fit`.
    public internal(set) var metrics: [Scoring] = []

    /// A network that is built by its first `fit`, or by ``build(input:)``.
    public init(seed: UInt64 = 42, @SequentialBuilder _ recipes: () -> [any LayerRecipe]) {
        self.init(recipes(), seed: seed)
    }

    /// A network of the given layers.
    public init(_ recipes: [any LayerRecipe], seed: UInt64 = 42) {
        self.recipes = recipes
        self.seed = seed
    }

    /// A network that is built at once.
    ///
    /// - Parameter input: What an example looks like.
    /// - Throws: `.shapeMismatch` or `.invalidOption` naming the layer.
    public init(
        input: LayerShape, seed: UInt64 = 42, @SequentialBuilder _ recipes: () -> [any LayerRecipe]
    ) throws {
        self.init(recipes(), seed: seed)
        try build(input: input)
    }

    /// Gives all layers new weights.
    ///
    /// - Parameter input: What an example looks like; token ids of any length by default.
    /// - Throws: `.shapeMismatch` or `.invalidOption` naming the layer; `.emptyData` without layers.
    public mutating func build(input: LayerShape = .tokens()) throws {
        guard !recipes.isEmpty else { throw MarketingMLError(.emptyData, "the model has no layers") }
        layers = try LayerStack(recipes, input: input, seed: seed)
    }

    /// The layers' output for a batch.
    ///
    /// - Precondition: the model is built.
    public func callAsFunction(_ input: LayerValue<Float>, dropout: inout DropoutStreams?) -> LayerValue<
        Float
    > {
        guard let layers else { preconditionFailure("build the model, or fit it, before it is called") }
        return layers(input, dropout: &dropout)
    }

    /// The output vectors for a batch of token ids, in prediction: [N, D], or [Σ lengths, D] where it gives sequences.
    public func callAsFunction(_ tokens: TokenBatch) -> Tensor<Float> { self(.tokens(tokens)) }

    /// The output vectors for a batch of vectors [N, D], in prediction.
    public func callAsFunction(_ rows: Tensor<Float>) -> Tensor<Float> { self(.rows(rows)) }

    private func callAsFunction(_ input: LayerValue<Float>) -> Tensor<Float> {
        var dropout: DropoutStreams?
        return self(input, dropout: &dropout).vectors
    }

    /// Calls `body` with every parameter, under its layer's number as in PyTorch's `nn.Sequential`: `2.weight`.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Float>) throws -> Void) rethrows {
        try layers?.forEachParameter(body)
    }

    /// A table of the layers: what comes out of each, and how many parameters it has.
    public var summary: String {
        guard let layers else {
            let kinds = recipes.map { type(of: $0).kind }
            return "Sequential, not built: " + kinds.joined(separator: ", ")
        }
        var rows = [["layer", "output", "parameters"], ["input", "\(layers.input)", ""]]
        for (index, entry) in layers.entries.enumerated() {
            rows.append(["\(index) \(entry.kind)", "\(entry.output)", "\(entry.layer.parameterCount)"])
        }
        rows.append(["total", "", "\(parameterCount)"])
        let widths = (0..<2).map { column in rows.map(\.[column].count).max() ?? 0 }
        let last = rows.map(\.[2].count).max() ?? 0
        return rows.map { row in
            (0..<2).map { row[$0] + String(repeating: " ", count: widths[$0] - row[$0].count + 2) }.joined()
                + String(repeating: " ", count: last - row[2].count) + row[2]
        }.joined(separator: "\n")
    }
}

/// Collects the layers of a ``Sequential``.
@resultBuilder
public enum SequentialBuilder {
    /// A layer to be given weights.
    public static func buildExpression(_ recipe: some LayerRecipe) -> [any LayerRecipe] { [recipe] }
    /// A layer that has its weights.
    public static func buildExpression(_ layer: some Layer<Float>) -> [any LayerRecipe] {
        [GivenLayer(layer: layer)]
    }
    /// The layers of another model, without its weights.
    public static func buildExpression(_ model: Sequential) -> [any LayerRecipe] { model.recipes }
    /// Layers in order.
    public static func buildBlock(_ parts: [any LayerRecipe]...) -> [any LayerRecipe] {
        parts.flatMap(\.self)
    }
    /// Layers of a loop.
    public static func buildArray(_ parts: [[any LayerRecipe]]) -> [any LayerRecipe] { parts.flatMap(\.self) }
    /// Layers that may be left out.
    public static func buildOptional(_ part: [any LayerRecipe]?) -> [any LayerRecipe] { part ?? [] }
    /// One of two alternatives.
    public static func buildEither(first: [any LayerRecipe]) -> [any LayerRecipe] { first }
    /// One of two alternatives.
    public static func buildEither(second: [any LayerRecipe]) -> [any LayerRecipe] { second }
}

/// A layer that already has its weights, where a recipe is expected.
struct GivenLayer: LayerRecipe {
    let layer: any Layer<Float>

    init(layer: any Layer<Float>) { self.layer = layer }

    func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource) throws
        -> any Layer<Scalar>
    {
        guard let layer = layer as? any Layer<Scalar> else {
            throw MarketingMLError(
                .unsupported, "\(type(of: layer)) computes in Float, asked for \(Scalar.self)")
        }
        return layer
    }

    private static let notSaved = MarketingMLError(
        .unsupported, "a layer that was given with its weights cannot be saved; write a LayerRecipe for it")

    init(from decoder: any Decoder) throws { throw Self.notSaved }
    func encode(to encoder: any Encoder) throws { throw Self.notSaved }
}
