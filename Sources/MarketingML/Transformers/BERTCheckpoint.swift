import Foundation

/// The files of a BERT in Hugging Face's layout: config.json and model.safetensors.
///
/// There queries, keys and values have a matrix each; here they stand below one another in one.
struct BERTCheckpoint {
    let json: JSONValue
    let configuration: BERTConfiguration
    let tensors: SafeTensorsFile
    /// Whether the weights of linear layers are held packed alone: for models that only predict, which so read and
    /// touch half the memory.
    let holdsPacked: Bool
    /// "bert." in the checkpoints of models with a head, empty in those of the bare encoder.
    private let prefix: String

    init(directory: URL, holdingPacked: Bool = false) throws {
        holdsPacked = holdingPacked
        let configURL = directory.appendingPathComponent("config.json")
        json = try JSONValue(parsing: InputFile.read(configURL.path), file: configURL.path)
        configuration = try BERTConfiguration(json: json, file: configURL.path)
        tensors = try SafeTensorsFile(directory.appendingPathComponent("model.safetensors"))
        prefix = tensors.contains("bert.embeddings.word_embeddings.weight") ? "bert." : ""
    }

    /// The encoder's weights; `configuration` may replace what does not change a shape.
    func encoder<Scalar: TensorFloatingPoint>(configuration other: BERTConfiguration? = nil) throws
        -> BERTEncoder<Scalar>
    {
        let configuration = other ?? configuration
        let size = configuration.hiddenSize
        return BERTEncoder(
            configuration: configuration,
            words: try tensor("embeddings.word_embeddings.weight", [configuration.vocabularySize, size]),
            positions: try tensor(
                "embeddings.position_embeddings.weight", [configuration.maximumPositions, size]),
            tokenTypes: try tensor(
                "embeddings.token_type_embeddings.weight", [configuration.tokenTypes, size]),
            norm: try norm("embeddings.LayerNorm"),
            layers: try (0..<configuration.layers).map { try layer("encoder.layer.\($0)", configuration) },
            pooler: tensors.contains(prefix + "pooler.dense.weight")
                ? try linear("pooler.dense", size, size) : nil)
    }

    func head(classes: Int, name: String = "classifier") throws -> Linear<Float> {
        Linear(
            weight: try tensors.tensor("\(name).weight", shape: [classes, configuration.hiddenSize]),
            bias: try tensors.tensor("\(name).bias", shape: [classes]))
    }

    private func layer<Scalar>(_ name: String, _ configuration: BERTConfiguration) throws -> BERTLayer<Scalar>
    {
        let (size, wide) = (configuration.hiddenSize, configuration.intermediateSize)
        let parts: [Linear<Scalar>] = try ["query", "key", "value"].map {
            try plainLinear("\(name).attention.self.\($0)", size, size)
        }
        return BERTLayer(
            configuration: configuration,
            queryKeyValue: held(
                Linear(
                    weight: .concatenated(parts.map(\.weight)),
                    bias: .concatenated(parts.compactMap(\.bias)))),
            attentionOutput: try linear("\(name).attention.output.dense", size, size),
            attentionNorm: try norm("\(name).attention.output.LayerNorm"),
            intermediate: try linear("\(name).intermediate.dense", size, wide),
            output: try linear("\(name).output.dense", wide, size),
            outputNorm: try norm("\(name).output.LayerNorm"))
    }

    private func linear<Scalar>(_ name: String, _ inputs: Int, _ outputs: Int) throws -> Linear<Scalar> {
        held(try plainLinear(name, inputs, outputs))
    }

    private func held<Scalar>(_ layer: Linear<Scalar>) -> Linear<Scalar> {
        Linear(weight: holdsPacked ? layer.weight.heldPacked() : layer.weight, bias: layer.bias)
    }

    private func plainLinear<Scalar>(_ name: String, _ inputs: Int, _ outputs: Int) throws -> Linear<Scalar> {
        Linear(
            weight: try tensor("\(name).weight", [outputs, inputs]),
            bias: try tensor("\(name).bias", [outputs]))
    }

    private func norm<Scalar>(_ name: String) throws -> LayerNorm<Scalar> {
        // The first published checkpoints call weight and bias gamma and beta.
        let old = tensors.contains("\(prefix)\(name).gamma")
        return LayerNorm(
            gamma: try tensor(old ? "\(name).gamma" : "\(name).weight", [configuration.hiddenSize]),
            beta: try tensor(old ? "\(name).beta" : "\(name).bias", [configuration.hiddenSize]),
            epsilon: configuration.layerNormEpsilon)
    }

    private func tensor<Scalar: TensorFloatingPoint>(_ name: String, _ shape: [Int]) throws -> Tensor<Scalar>
    {
        try tensors.tensor(prefix + name, shape: shape)
    }

    /// Names and values as the layout wants them: of the encoder's parameters, or of gradients in their place.
    static func split<Scalar: TensorFloatingPoint>(_ parameters: [(name: String, value: Tensor<Scalar>)])
        -> [(name: String, value: Tensor<Scalar>)]
    {
        parameters.flatMap { name, value -> [(name: String, value: Tensor<Scalar>)] in
            guard name.contains("attention.self.qkv") else { return [(name, value)] }
            let size = value.shape[0] / 3
            return ["query", "key", "value"].enumerated().map { index, part in
                (
                    name.replacingOccurrences(of: "qkv", with: part),
                    value.rows(index * size..<(index + 1) * size)
                )
            }
        }
    }
}
