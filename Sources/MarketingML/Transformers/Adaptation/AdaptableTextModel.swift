/// A text model around a network that can carry adapters.
///
/// ```swift
/// let polite = try model.applying(LoRAAdapter(directory: politeURL))   // several over the same base
/// ```
public protocol AdaptableTextModel: Sendable {
    /// What carries them.
    associatedtype Network: AdaptableModel
    /// The weights.
    var network: Network { get set }
}

extension AdaptableTextModel {
    /// The model with new adapters on some of its linear layers; see ``AdaptableModel/adapted(by:seed:)``.
    public func adapted(by lora: LoRA, seed: UInt64 = 42) throws -> Self {
        try replacing(network.adapted(by: lora, seed: seed))
    }

    /// The model with the adapters of a file; see ``AdaptableModel/applying(_:)``.
    public func applying(_ adapter: LoRAAdapter) throws -> Self { try replacing(network.applying(adapter)) }

    /// The model with its adapters put into the weights.
    public func merged() -> Self { replacing(network.merged()) }

    /// The adapters that it carries; nil if it carries none.
    public var adapter: LoRAAdapter? { network.adapter }

    private func replacing(_ network: Network) -> Self {
        var model = self
        model.network = network
        return model
    }
}

extension BERT: AdaptableTextModel {
    /// The encoder.
    public var network: BERTEncoder<Float> {
        get { encoder }
        set { encoder = newValue }
    }
}

extension CausalLanguageModel: AdaptableTextModel {
    /// The decoder.
    public var network: CausalDecoder<Float> {
        get { decoder }
        set { decoder = newValue }
    }
}
