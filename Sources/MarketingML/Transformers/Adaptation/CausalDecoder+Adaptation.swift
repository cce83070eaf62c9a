extension CausalDecoder: AdaptableModel {
    /// GPT-2's or Llama's.
    public var adapterFormat: AdapterFormat { .causal(configuration.layout) }

    /// Calls `body` with the linear layers of all layers. Where a checkpoint has several matrices for one, they are its parts.
    public mutating func forEachLinear(
        _ body: ([LinearModule], inout Linear<Scalar>) throws -> Void
    ) rethrows {
        func modules(_ name: String, _ linear: Linear<Scalar>) -> [LinearModule] {
            let parts = CausalNames.parts(of: name, configuration)
            guard parts.count > 1 else {
                return [LinearModule(name: name, outputs: 0..<linear.weight.shape[0])]
            }
            var start = 0
            return parts.map { part in
                defer { start += part.rows }
                return LinearModule(name: part.name, outputs: start..<start + part.rows)
            }
        }
        for index in layers.indices {
            let name = "\(names.layers).\(index)."
            let layer = layers[index]
            try body(
                modules(name + names.queryKeyValue, layer.queryKeyValue), &layers[index].queryKeyValue)
            try body(
                modules(name + names.attentionOutput, layer.attentionOutput), &layers[index].attentionOutput)
            try body(modules(name + names.intermediate, layer.intermediate), &layers[index].intermediate)
            try body(modules(name + names.output, layer.output), &layers[index].output)
        }
    }
}
