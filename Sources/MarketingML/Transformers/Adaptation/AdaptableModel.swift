/// Where a linear layer of a checkpoint stands in a model: some outputs of one of its matrices.
public struct LinearModule: Sendable, Equatable {
    /// Its name in the checkpoint: `encoder.layer.0.attention.self.query`.
    public var name: String
    /// Its outputs among those of the matrix.
    public var outputs: Range<Int>
}

/// A model whose linear layers can carry low-rank adapters.
///
/// ```swift
/// let adapted = try bert.adapted(by: .lora(rank: 8, alpha: 16))
/// let polite = try bert.applying(LoRAAdapter(directory: politeURL))   // several over the same base
/// let plain = polite.merged()
/// ```
public protocol AdaptableModel<Scalar>: Parameterized {
    /// How adapters are written to files.
    var adapterFormat: AdapterFormat { get }

    /// Calls `body` with every linear layer that can be adapted and the checkpoint's layers that stand in it, in order.
    mutating func forEachLinear(_ body: ([LinearModule], inout Linear<Scalar>) throws -> Void) rethrows
}

extension AdaptableModel {
    /// The model with new adapters, which change nothing yet: B is 0, A uniform in ±1/√inputs. Adapters it had are replaced.
    ///
    /// - Throws: `.invalidOption` for an impossible option or targets that name no layer.
    public func adapted(by lora: LoRA, seed: UInt64 = 42) throws -> Self {
        try lora.validate()
        var lora = lora
        if lora.targets.isEmpty { lora.targets = adapterFormat.usualTargets }
        var model = self
        // Streams of their own, apart from those of new heads and of dropout.
        var stream: UInt64 = 0x4C6F_5241 << 24
        var names: [String] = []
        model.forEachLinear { modules, linear in
            linear.adapters = modules.compactMap { module in
                stream += 1
                names.append(module.name)
                guard lora.adapts(module.name) else { return nil }
                let inputs = linear.weight.shape[1]
                let bound = 1 / Double(max(1, inputs)).squareRoot()
                let down = Tensor<Scalar>.randomUniform(
                    [lora.rank, inputs], in: -bound..<bound, seed: seed, stream: stream)
                return LowRankAdapter(
                    part: modules.count == 1 ? "" : module.lastPart, outputs: module.outputs, down: down,
                    up: .zeros([module.outputs.count, lora.rank]), scale: lora.alpha / Double(lora.rank),
                    dropout: lora.dropout)
            }
        }
        if let target = lora.targets.first(where: { target in
            !names.contains { LoRA(targets: [target]).adapts($0) }
        }) {
            throw MarketingMLError(
                .invalidOption,
                "no linear layer is called \"\(target)\"; there are \(Set(names.map(\.lastParts)).sorted())",
                at: .init(name: "targets"))
        }
        return model
    }

    /// The model with the adapters of a file (and its head, if both have one) in place of those it had.
    ///
    /// - Throws: `.shapeMismatch` for an adapter that does not fit, naming the layer.
    public func applying(_ adapter: LoRAAdapter) throws -> Self {
        var model = self
        var rest = adapter.modules
        try model.forEachLinear { modules, linear in
            let inputs = linear.weight.shape[1]
            linear.adapters = try modules.compactMap { module in
                guard let found = rest.removeValue(forKey: module.name.withoutModelPrefix) else { return nil }
                let rank = found.down.shape[0]
                for (matrix, expected, name) in [
                    (found.down, [rank, inputs], "lora_A"),
                    (found.up, [module.outputs.count, rank], "lora_B"),
                ] where matrix.shape != expected {
                    throw MarketingMLError(
                        .shapeMismatch,
                        "the model needs the shape \(expected), the adapter has \(matrix.shape)",
                        at: .init(name: "\(module.name).\(name).weight"))
                }
                return LowRankAdapter(
                    part: modules.count == 1 ? "" : module.lastPart, outputs: module.outputs,
                    down: found.down.converted(), up: found.up.converted(), scale: found.scale,
                    dropout: adapter.configuration.dropout)
            }
        }
        if let name = rest.keys.min() {
            throw MarketingMLError(
                .shapeMismatch, "the adapter changes a layer that the model does not have",
                at: .init(name: name))
        }
        try model.forEachParameter { name, parameter in
            guard let value = adapter.parameters[name.withoutModelPrefix] else { return }
            guard value.shape == parameter.shape else {
                throw MarketingMLError(
                    .shapeMismatch,
                    "the model needs the shape \(parameter.shape), the adapter has \(value.shape)",
                    at: .init(name: name))
            }
            parameter = value.converted()
        }
        return model
    }

    /// The model with its adapters put into the weights: the same results, at the speed of a model without.
    public func merged() -> Self {
        var model = self
        model.forEachLinear { _, linear in linear = linear.merged() }
        return model
    }

    /// The adapters that the model carries, with its head; nil if it carries none.
    public var adapter: LoRAAdapter? {
        var copy = self
        var found: [String: LoRAAdapter.Module] = [:]
        var configuration = LoRA(targets: [])
        copy.forEachLinear { modules, linear in
            for module in modules {
                guard let adapter = linear.adapters.first(where: { $0.outputs == module.outputs }) else {
                    continue
                }
                found[module.name.withoutModelPrefix] = LoRAAdapter.Module(
                    down: adapter.down.converted(), up: adapter.up.converted(), scale: adapter.scale)
                configuration.rank = adapter.down.shape[0]
                configuration.alpha = adapter.scale * Double(configuration.rank)
                configuration.dropout = adapter.dropout
                // One last part may stand for several layers of which not all are adapted.
                let isGeneral = ["dense", "c_proj"].contains(module.lastPart)
                let target = isGeneral ? module.lastParts : module.lastPart
                if !configuration.targets.contains(target) { configuration.targets.append(target) }
            }
        }
        guard !found.isEmpty else { return nil }
        var parameters: [String: Tensor<Float>] = [:]
        if let headName = adapterFormat.headName {
            for (name, value) in self.parameters where name.hasPrefix(headName + ".") {
                parameters[name.withoutModelPrefix] = value.converted()
            }
        }
        return LoRAAdapter(
            configuration: configuration, format: adapterFormat, modules: found, parameters: parameters)
    }
}

extension LinearModule {
    fileprivate var lastPart: String { String(name.split(separator: ".").last ?? "") }
    fileprivate var lastParts: String { name.lastParts }
}

extension String {
    /// The last two parts of a dotted name: `output.dense`.
    fileprivate var lastParts: String { split(separator: ".").suffix(2).joined(separator: ".") }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The same numbers in another type.
    func converted<Other: TensorFloatingPoint>() -> Tensor<Other> {
        (self as? Tensor<Other>) ?? Tensor<Other>(shape: shape, elements.map { Other($0) })
    }
}
