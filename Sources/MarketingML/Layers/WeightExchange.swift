import Foundation

/// The names and layouts under which other libraries keep weights.
public enum WeightLayout: Sendable {
    /// PyTorch's state_dict: `weight` [out, in], `bias`; `weight_ih_l0`, … of recurrent layers. `torch.nn.Sequential` with the
    /// same layers numbers them alike.
    case pytorch
    /// Keras' variables, each layer's under its number or name with a dot: `kernel` [in, out], `bias`, `embeddings`, `gamma`,
    /// `beta`; recurrent layers `kernel` [in, gates·units], `recurrent_kernel`, `bias`, gates i, f, c, o and z, r, h.
    /// In Python: `{f"{i}.{v.name}": v.numpy() for i, l in enumerate(model.layers) for v in l.weights}`, saved by
    /// `safetensors.numpy.save_file`.
    case keras
}

/// A layer whose weights have other names or layouts in Keras; those of PyTorch are the layer's own.
public protocol KerasExchangeable<Scalar>: Layer {
    /// The weights as Keras keeps them.
    ///
    /// - Throws: `.unsupported` for a form of the layer that Keras does not have.
    func kerasWeights() throws -> [(name: String, value: Tensor<Scalar>)]

    /// Takes the weights that Keras keeps.
    ///
    /// - Parameter weight: The weight of that name, checked to be of that shape.
    /// - Throws: What `weight` throws; `.unsupported` as for ``kerasWeights()``.
    mutating func setKerasWeights(_ weight: (_ name: String, _ shape: [Int]) throws -> Tensor<Scalar>) throws
}

extension DenseLayer: KerasExchangeable {
    /// `kernel` [in, out] and `bias`.
    public func kerasWeights() throws -> [(name: String, value: Tensor<Scalar>)] {
        [("kernel", weight.transposed)] + (bias.map { [("bias", $0)] } ?? [])
    }

    /// Takes `kernel` [in, out] and `bias`.
    public mutating func setKerasWeights(_ given: (_ name: String, _ shape: [Int]) throws -> Tensor<Scalar>)
        throws
    {
        weight = try given("kernel", weight.shape.reversed()).transposed
        if let old = bias { bias = try given("bias", old.shape) }
    }
}

extension EmbeddingLayer: KerasExchangeable {
    /// `embeddings` [V, D].
    public func kerasWeights() throws -> [(name: String, value: Tensor<Scalar>)] { [("embeddings", table)] }

    /// Takes `embeddings` [V, D].
    public mutating func setKerasWeights(_ given: (_ name: String, _ shape: [Int]) throws -> Tensor<Scalar>)
        throws
    {
        table = try given("embeddings", table.shape)
    }
}

extension LayerNorm: KerasExchangeable {
    /// `gamma` and `beta`.
    public func kerasWeights() throws -> [(name: String, value: Tensor<Scalar>)] {
        [("gamma", gamma), ("beta", beta)]
    }

    /// Takes `gamma` and `beta`.
    public mutating func setKerasWeights(_ given: (_ name: String, _ shape: [Int]) throws -> Tensor<Scalar>)
        throws
    {
        gamma = try given("gamma", gamma.shape)
        beta = try given("beta", beta.shape)
    }
}

extension Sequential {
    /// Writes the weights for another library to a safetensors file.
    ///
    /// - Parameters:
    ///   - url: The file.
    ///   - layout: Whose names and layouts.
    ///   - names: What the layers that have weights are called there, in order: `["embedding", "lstm", "fc"]`; nil for their
    ///     numbers.
    /// - Throws: `.invalidOption` for a model that is not built or another number of names; `.unsupported` for a layer that
    ///   has no such layout; `.inputOutput`.
    public func exportWeights(to url: URL, layout: WeightLayout, names: [String]? = nil) throws {
        var writer = SafeTensorsWriter()
        for (index, prefix) in try prefixes(names) {
            guard let entry = layers?.entries[index] else { continue }
            switch layout {
            case .pytorch:
                for (name, value) in entry.layer.parameters { writer.add("\(prefix).\(name)", value) }
            case .keras:
                for (name, value) in try entry.keras(index).kerasWeights() {
                    writer.add("\(prefix).\(name)", value)
                }
            }
        }
        try writer.write(to: url)
    }

    /// Takes the weights of another library from a safetensors file; the model must be built.
    ///
    /// - Parameters: As for ``exportWeights(to:layout:names:)``.
    /// - Throws: `.missingTensor`, `.shapeMismatch`, `.notFinite` naming the tensor; `.malformedFile`; otherwise as for
    ///   exporting. The model is unchanged then.
    public mutating func importWeights(from url: URL, layout: WeightLayout, names: [String]? = nil) throws {
        let file = try SafeTensorsFile(url)
        func read(_ name: String, _ shape: [Int]) throws -> Tensor<Float> {
            let tensor: Tensor<Float> = try file.tensor(name, shape: shape)
            guard tensor.allFinite else {
                throw MarketingMLError(
                    .notFinite, "holds NaN or infinity", at: .init(file: url.path, name: name))
            }
            return tensor
        }
        var changed = layers
        for (index, prefix) in try prefixes(names) {
            switch layout {
            case .pytorch:
                try changed?.entries[index].layer.forEachParameter(prefix) { name, parameter in
                    parameter = try read(name, parameter.shape)
                }
            case .keras:
                guard var layer = try changed?.entries[index].keras(index) else { continue }
                try layer.setKerasWeights { try read("\(prefix).\($0)", $1) }
                changed?.entries[index].layer = layer
            }
        }
        layers = changed
    }

    /// The layers that have weights, and what they are called.
    private func prefixes(_ names: [String]?) throws -> [(index: Int, prefix: String)] {
        guard let layers else {
            throw MarketingMLError(.invalidOption, "the model has no weights: fit or build it first")
        }
        let indices = layers.entries.indices.filter { layers.entries[$0].layer.parameterCount > 0 }
        let names = names ?? indices.map { "\($0)" }
        try requireOption(
            names.count == indices.count, "names", "one for each of \(indices.count) layers with weights",
            names.count)
        return Array(zip(indices, names))
    }
}

extension LayerStack.Entry where Scalar == Float {
    /// The layer as one that Keras has too.
    fileprivate func keras(_ index: Int) throws -> any KerasExchangeable<Float> {
        guard let layer = layer as? any KerasExchangeable<Float> else {
            throw MarketingMLError(
                .unsupported, "has no layout of Keras", at: .init(name: LayerStack<Float>.name(index, kind)))
        }
        return layer
    }
}
