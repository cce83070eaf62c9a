import Foundation

// One safetensors file: weights under the names of `parameters`; the layers' recipes, as JSON, in its metadata.

extension Sequential {
    /// The kinds of layers that ``init(contentsOf:customLayers:)`` knows by itself.
    static let builtInLayers: [any LayerRecipe.Type] = [
        Activation.self, AttentionPooling.self, Conv1D.self, Dense.self, Dropout.self, Embedding.self,
        Flatten.self,
        GRU.self, GlobalAveragePooling.self, GlobalMaxPooling.self, LSTM.self, LayerNormalization.self,
        SimpleRNN.self,
    ]

    private struct Fields: Codable {
        var recipes: [SavedRecipe]
        var input: LayerShape
        var seed: UInt64
        var loss: Loss?
        var metrics: [Scoring]
    }

    /// Saves structure and weights to one file, atomically.
    ///
    /// - Throws: `.invalidOption` for a model that is not built; `.unsupported` for a layer that was given with its weights
    ///   instead of as a recipe; `.notFinite` for a model whose weights are not finite; `.inputOutput`.
    public func save(to url: URL) throws {
        guard let layers else {
            throw MarketingMLError(.invalidOption, "the model has no weights: fit or build it first")
        }
        if let broken = layers.parameters.first(where: { !$0.value.allFinite }) {
            throw MarketingMLError(.notFinite, "holds NaN or infinity", at: .init(name: broken.name))
        }
        let fields = Fields(
            recipes: recipes.map(SavedRecipe.init), input: layers.input, seed: seed, loss: loss,
            metrics: metrics)
        try ModelFile.write(to: url, kind: "sequential", fields: fields) { writer in
            for (name, value) in layers.parameters { writer.add(name, value) }
        }
    }

    /// Reads what ``save(to:)`` wrote.
    ///
    /// - Parameter customLayers: The types of your own recipes that stand in the model.
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported` for another version or an unknown layer, `.missingTensor`,
    ///   `.shapeMismatch`, `.notFinite`.
    public init(contentsOf url: URL, customLayers: [any LayerRecipe.Type] = []) throws {
        let file = try ModelFile(url, kind: "sequential")
        let kinds = (Self.builtInLayers + customLayers).map { ($0.kind, $0) }
        let fields = try file.decode(
            Fields.self, userInfo: (.layerKinds, Dictionary(kinds, uniquingKeysWith: { $1 })))
        self.init(fields.recipes.map(\.recipe), seed: fields.seed)
        loss = fields.loss
        metrics = fields.metrics
        do {
            try loss?.validate()
            // What a damaged structure asks for beyond the file's own size is refused before it is allocated.
            layers = try LayerStack(
                recipes, input: fields.input, weights: WeightSource(seed: seed, limit: file.elementCount))
        } catch let error as MarketingMLError {
            throw file.malformed("the layers do not fit together: \(error)", "marketingml.fields")
        }
        try layers?.forEachParameter { name, parameter in
            parameter = try file.tensor(name, shape: parameter.shape)
        }
    }
}

extension CodingUserInfoKey {
    /// The recipe types by kind, for reading a ``SavedRecipe``.
    fileprivate static let layerKinds = CodingUserInfoKey(rawValue: "marketingml.layerKinds")
}

/// A recipe beside its kind.
private struct SavedRecipe: Codable {
    let recipe: any LayerRecipe

    private enum Key: String, CodingKey { case kind, options }

    init(_ recipe: any LayerRecipe) { self.recipe = recipe }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(type(of: recipe).kind, forKey: .kind)
        try container.encode(recipe, forKey: .options)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kind = try container.decode(String.self, forKey: .kind)
        let kinds =
            CodingUserInfoKey.layerKinds.flatMap { decoder.userInfo[$0] } as? [String: any LayerRecipe.Type]
        guard let type = kinds?[kind] else {
            throw MarketingMLError(
                .unsupported,
                "the model has a layer \(kind), which is not known here: name its type in customLayers")
        }
        recipe = try container.decode(type, forKey: .options)
    }
}
