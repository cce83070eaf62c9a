import Foundation

/// Low-rank adapters of a model, apart from it: what is learnt by fine-tuning with ``LoRA``, a hundredth of the model's size.
///
/// Its files are PEFT's: adapter_config.json and adapter_model.safetensors.
public struct LoRAAdapter: Sendable {
    /// How it was made; where ranks differ from layer to layer, those of the last.
    public let configuration: LoRA
    /// Of which kind of model it is.
    let format: AdapterFormat
    /// By the names of the layers.
    let modules: [String: Module]
    /// Parameters that are held whole: a head.
    let parameters: [String: Tensor<Float>]

    /// The adapter of one layer.
    struct Module: Sendable {
        var down: Tensor<Float>
        var up: Tensor<Float>
        var scale: Double
    }

    /// The names of the layers that it changes, in order.
    public var layerNames: [String] { modules.keys.sorted() }

    private static let prefix = "base_model.model."
    private static let configurationFile = "adapter_config.json"
    private static let weightsFile = "adapter_model.safetensors"
}

extension LoRAAdapter {
    /// Writes adapter_config.json and adapter_model.safetensors, which PEFT reads.
    ///
    /// - Parameters:
    ///   - directory: Written beside its place and exchanged with what stood there.
    ///   - baseModel: The name or path of the model that it belongs to, for those who read it.
    /// - Throws: `.inputOutput`; `.unsupported` if its layers differ in rank or in α.
    public func save(to directory: URL, baseModel: String = "") throws {
        try AtomicDirectory.replace(at: directory.path, marker: Self.configurationFile) { path in
            try write(to: URL(fileURLWithPath: path), baseModel: baseModel)
        }
    }

    func write(to directory: URL, baseModel: String) throws {
        let rank = configuration.rank
        let scale = configuration.alpha / Double(max(1, rank))
        if let odd = modules.first(where: { $0.value.down.shape[0] != rank || $0.value.scale != scale }) {
            throw MarketingMLError(
                .unsupported, "layers that differ in rank or alpha are not written", at: .init(name: odd.key))
        }
        let body = Self.prefix + format.prefix
        var writer = SafeTensorsWriter()
        for (name, module) in modules.sorted(by: { $0.key < $1.key }) {
            writer.add("\(body)\(name).lora_A.weight", module.down)
            writer.add("\(body)\(name).lora_B.weight", module.up)
        }
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
            writer.add(Self.prefix + name, value)
        }
        try writer.write(to: directory.appendingPathComponent(Self.weightsFile))
        let heads = Set(parameters.keys.compactMap { $0.split(separator: ".").first }).sorted()
        let json = JSONValue.object([
            .init("base_model_name_or_path", .string(baseModel)),
            .init("bias", "none"),
            .init("fan_in_fan_out", .bool(format.hasTransposedWeights)),
            .init("inference_mode", true),
            .init(
                "lora_alpha",
                Int(exactly: configuration.alpha).map { .integer($0) } ?? .number(configuration.alpha)),
            .init("lora_dropout", .number(configuration.dropout)),
            .init("modules_to_save", heads.isEmpty ? .null : .array(heads.map { .string(String($0)) })),
            .init("peft_type", "LORA"),
            .init("r", .integer(rank)),
            .init("target_modules", .array(configuration.targets.map { .string($0) })),
            .init("task_type", .string(format.task)),
            .init("use_dora", false),
            .init("use_rslora", false),
        ])
        try AtomicFile.write(
            json.serialized(pretty: true),
            to: directory.appendingPathComponent(Self.configurationFile).path)
    }

    /// Reads a directory that ``save(to:baseModel:)`` or PEFT wrote.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected; `.unsupported` for adapters that are
    ///   more than A and B (DoRA, trained biases, embeddings).
    public init(directory: URL) throws {
        let file = directory.appendingPathComponent(Self.configurationFile).path
        let json = try JSONValue(parsing: InputFile.read(file), file: file)
        let reader = ConfigurationReader(json: json, file: file)
        let type = try reader.string("peft_type") ?? "nothing"
        guard type == "LORA" else { throw reader.error(.unsupported, "peft_type", "\"LORA\"", type) }
        if json["use_dora"]?.bool == true { throw reader.error(.unsupported, "use_dora", "false", "true") }
        let bias = try reader.string("bias") ?? "none"
        guard bias == "none" else { throw reader.error(.unsupported, "bias", "\"none\"", bias) }
        var configuration = LoRA(
            rank: try reader.size("r", upTo: 4096),
            alpha: try reader.number("lora_alpha", in: -1e9...1e9) ?? 8,
            dropout: try reader.rate("lora_dropout") ?? 0, targets: [])
        configuration.targets = json["target_modules"]?.array?.compactMap(\.string) ?? []
        let hasRootScale = json["use_rslora"]?.bool == true
        let alphas = try (json["alpha_pattern"]?.object ?? []).map { member in
            guard let alpha = member.value.number, alpha.isFinite else {
                throw reader.error(.malformedFile, "alpha_pattern", "numbers", "\(member.value)")
            }
            return (name: member.key, alpha: alpha)
        }
        let tensors = try SafeTensorsFile(directory.appendingPathComponent(Self.weightsFile))
        var downs: [String: Tensor<Float>] = [:], ups = downs, parameters = downs
        var format = AdapterFormat(
            prefix: "", task: try reader.string("task_type") ?? AdapterFormat.bert.task,
            hasTransposedWeights: json["fan_in_fan_out"]?.bool == true, usualTargets: configuration.targets)
        for name in tensors.names {
            let whole = name.hasPrefix(Self.prefix) ? String(name.dropFirst(Self.prefix.count)) : name
            let plain = whole.withoutModelPrefix
            if plain != whole { format.prefix = String(whole.dropLast(plain.count)) }
            let value = try tensors.tensor(name, as: Float.self)
            if plain.hasSuffix(".lora_A.weight") {
                downs[String(plain.dropLast(14))] = value
            } else if plain.hasSuffix(".lora_B.weight") {
                ups[String(plain.dropLast(14))] = value
            } else if plain.contains("lora_") {
                throw MarketingMLError(
                    .unsupported, "expected lora_A and lora_B alone",
                    at: .init(file: directory.appendingPathComponent(Self.weightsFile).path, name: name))
            } else {
                parameters[plain] = value
            }
        }
        var modules: [String: Module] = [:]
        for name in Set(downs.keys).union(ups.keys) {
            guard let down = downs[name], let up = ups[name], down.rank == 2, up.rank == 2,
                down.shape[0] == up.shape[1], down.shape[0] > 0
            else {
                throw MarketingMLError(
                    .malformedFile, "expected lora_A [rank, inputs] and lora_B [outputs, rank]",
                    at: .init(file: directory.appendingPathComponent(Self.weightsFile).path, name: name))
            }
            let alpha = alphas.first { name == $0.name || name.hasSuffix(".\($0.name)") }?.alpha
            let rank = Double(down.shape[0])
            modules[name] = Module(
                down: down, up: up,
                scale: (alpha ?? configuration.alpha) / (hasRootScale ? rank.squareRoot() : rank))
        }
        format.headName = parameters.keys.min().flatMap { $0.split(separator: ".").first.map(String.init) }
        self.init(configuration: configuration, format: format, modules: modules, parameters: parameters)
    }
}
