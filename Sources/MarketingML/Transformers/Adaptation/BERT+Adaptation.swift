extension BERTEncoder: AdaptableModel {
    /// The encoder alone has none.
    public var headName: String? { nil }

    /// Calls `body` with the linear layers of all layers, and the pooler.
    public mutating func forEachLinear(
        _ body: ([LinearModule], inout Linear<Scalar>) throws -> Void
    ) rethrows {
        let size = configuration.hiddenSize
        func whole(_ name: String, _ linear: Linear<Scalar>) -> [LinearModule] {
            [LinearModule(name: name, outputs: 0..<linear.weight.shape[0])]
        }
        for index in layers.indices {
            let name = "encoder.layer.\(index)"
            let parts = ["query", "key", "value"].enumerated().map { index, part in
                LinearModule(
                    name: "\(name).attention.self.\(part)", outputs: index * size..<(index + 1) * size)
            }
            try body(parts, &layers[index].queryKeyValue)
            try body(
                whole("\(name).attention.output.dense", layers[index].attentionOutput),
                &layers[index].attentionOutput)
            try body(
                whole("\(name).intermediate.dense", layers[index].intermediate), &layers[index].intermediate)
            try body(whole("\(name).output.dense", layers[index].output), &layers[index].output)
        }
        if var last = pooler {
            try body(whole("pooler.dense", last), &last)
            pooler = last
        }
    }
}

extension SequenceClassifier: AdaptableModel {
    /// `classifier`.
    public var headName: String? { "classifier" }

    /// Calls `body` with the linear layers of the encoder.
    public mutating func forEachLinear(
        _ body: ([LinearModule], inout Linear<Scalar>) throws -> Void
    ) rethrows {
        try encoder.forEachLinear { modules, linear in
            try body(modules.map { LinearModule(name: "bert.\($0.name)", outputs: $0.outputs) }, &linear)
        }
    }
}

extension BERT {
    /// The model with new adapters on some of its linear layers; see ``AdaptableModel/adapted(by:seed:)``.
    public func adapted(by lora: LoRA, seed: UInt64 = 42) throws -> BERT {
        try replacing(encoder.adapted(by: lora, seed: seed))
    }

    /// The model with the adapters of a file; see ``AdaptableModel/applying(_:)``.
    public func applying(_ adapter: LoRAAdapter) throws -> BERT { try replacing(encoder.applying(adapter)) }

    /// The model with its adapters put into the weights.
    public func merged() -> BERT { replacing(encoder.merged()) }

    /// The adapters that it carries; nil if it carries none.
    public var adapter: LoRAAdapter? { encoder.adapter }

    private func replacing(_ encoder: BERTEncoder<Float>) -> BERT {
        var model = self
        model.encoder = encoder
        return model
    }
}
