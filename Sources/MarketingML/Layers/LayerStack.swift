/// Layers one behind the other, with weights: what a ``Sequential`` trains. It is a layer itself.
public struct LayerStack<Scalar: TensorFloatingPoint>: Layer {
    /// One of the layers.
    public struct Entry: Sendable {
        /// The kind of its recipe: "Dense".
        public let kind: String
        /// What an example looks like behind it.
        public let output: LayerShape
        /// The layer.
        public var layer: any Layer<Scalar>
    }

    /// What an example looks like in front of the first layer.
    public let input: LayerShape
    /// The layers, first to last.
    public internal(set) var entries: [Entry]

    /// Gives every recipe its weights.
    ///
    /// - Throws: `.shapeMismatch`, `.invalidOption` or `.tooLarge` naming the layer, by its number from 0 and its kind.
    public init(_ recipes: [any LayerRecipe], input: LayerShape, seed: UInt64) throws {
        try self.init(recipes, input: input, weights: WeightSource(seed: seed))
    }

    init(_ recipes: [any LayerRecipe], input: LayerShape, weights: WeightSource) throws {
        try input.validate()
        self.input = input
        entries = []
        var weights = weights
        var shape = input
        for (index, recipe) in recipes.enumerated() {
            let kind = type(of: recipe).kind
            do {
                let layer: any Layer<Scalar> = try recipe.makeLayer(for: shape, weights: &weights)
                shape = try layer.outputShape(for: shape)
                try shape.validate()
                entries.append(Entry(kind: kind, output: shape, layer: layer))
            } catch var error as MarketingMLError {
                error.location.name = [Self.name(index, kind), error.location.name]
                    .compactMap { $0 }.joined(separator: ", ")
                throw error
            }
        }
    }

    /// What an example looks like behind the last layer.
    public var output: LayerShape { entries.last?.output ?? input }

    /// How errors and tables call a layer.
    static func name(_ index: Int, _ kind: String) -> String { "layer \(index) (\(kind))" }

    /// What an example looks like behind the last layer.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        try entries.reduce(input) { try $1.layer.outputShape(for: $0) }
    }

    /// The output of the last layer.
    public func callAsFunction(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<
        Scalar
    > {
        var value = input
        for entry in entries { value = entry.layer(value, dropout: &dropout) }
        return value
    }

    /// Checks the input against what the layers were built for, and against the first layer.
    ///
    /// - Throws: `.emptyData`, `.shapeMismatch`, and what the first layer finds wrong.
    public func check(_ value: LayerValue<Scalar>) throws {
        guard value.count > 0 else { throw MarketingMLError(.emptyData, "the input has no examples") }
        guard input.accepts(value.shape) else { throw value.shape.mismatch("input of the shape \(input)") }
        try entries.first?.layer.check(value)
    }

    /// Calls `body` with every parameter, under its layer's number as in PyTorch's `nn.Sequential`: `2.weight`.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        for index in entries.indices { try entries[index].layer.forEachParameter("\(index)", body) }
    }
}

extension LayerShape {
    /// - Throws: `.shapeMismatch` for extents that no data can have.
    fileprivate func validate() throws {
        let extents: [Int?]
        switch self {
        case .tokens(let length): extents = [length]
        case .sequence(let length, let width): extents = [length, width]
        case .vector(let width): extents = [width]
        }
        guard extents.allSatisfy({ $0.map { 0 <= $0 && $0 <= 1 << 38 } ?? true }) else {
            throw mismatch("extents from 0 to 2³⁸")
        }
    }

    /// Whether layers that were built for this shape can read such a batch.
    fileprivate func accepts(_ other: LayerShape) -> Bool {
        switch (self, other) {
        case (.tokens(let length), .tokens(let found)): length == nil || length == found
        case (.sequence(let length, let width), .sequence(let found, let foundWidth)):
            width == foundWidth && (length == nil || length == found)
        case (.vector(let width), .vector(let found)): width == found
        default: false
        }
    }
}
