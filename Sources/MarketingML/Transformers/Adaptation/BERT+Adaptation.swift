extension BERTEncoder: AdaptableModel {
    /// BERT's.
    public var adapterFormat: AdapterFormat { .bert }

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
    /// BERT's with a head.
    public var adapterFormat: AdapterFormat { .bert(headName: "classifier") }

    /// Calls `body` with the linear layers of the encoder.
    public mutating func forEachLinear(
        _ body: ([LinearModule], inout Linear<Scalar>) throws -> Void
    ) rethrows {
        try encoder.forEachLinear { modules, linear in
            try body(modules.map { LinearModule(name: "bert.\($0.name)", outputs: $0.outputs) }, &linear)
        }
    }
}
