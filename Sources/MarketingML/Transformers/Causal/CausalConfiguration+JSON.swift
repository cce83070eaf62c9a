extension CausalConfiguration {
    private static let activationNames: [(name: String, activation: Activation)] = [
        ("gelu_new", .geluTanh), ("gelu_pytorch_tanh", .geluTanh), ("gelu_fast", .geluTanh), ("gelu", .gelu),
        ("relu", .relu), ("tanh", .tanh), ("sigmoid", .sigmoid),
    ]

    /// Reads a parsed Hugging Face config.json of a GPT-2 or a Llama.
    ///
    /// - Throws: `.malformedFile` for a missing or impossible value, `.unsupported` for another kind of model or an
    ///   option of these that changes the computation and is not covered.
    init(json: JSONValue, file: String) throws {
        let reader = ConfigurationReader(json: json, file: file)
        let type = try reader.string("model_type") ?? ""
        switch type {
        case "gpt2": self = try Self.gpt2(reader)
        case "llama": self = try Self.llama(reader)
        default: throw reader.error(.unsupported, "model_type", "\"gpt2\" or \"llama\"", "\"\(type)\"")
        }
        startToken = try reader.tokens("bos_token_id").first
        endTokens = try reader.tokens("eos_token_id")
        // Some configurations name tokens that their model does not have.
        let limit = Int32(clamping: vocabularySize)
        startToken = startToken.flatMap { $0 < limit ? $0 : nil }
        endTokens.removeAll { $0 >= limit }
        do {
            try validate()
        } catch let error as MarketingMLError {
            throw MarketingMLError(
                .malformedFile, error.message, at: .init(file: file, name: error.location.name))
        }
    }

    private static func gpt2(_ reader: ConfigurationReader) throws -> CausalConfiguration {
        for key in ["scale_attn_by_inverse_layer_idx", "add_cross_attention"] {
            try reader.expect(key, .bool(false))
        }
        try reader.expect("scale_attn_weights", .bool(true))
        let size = try reader.size("n_embd", upTo: largestSize)
        var result = CausalConfiguration.gpt2(
            vocabularySize: try reader.size("vocab_size", upTo: largestSize), hiddenSize: size,
            layers: try reader.size("n_layer", upTo: 1024), heads: try reader.size("n_head", upTo: 4096),
            intermediateSize: try reader.size("n_inner", upTo: largestSize, default: 4 * size),
            contextLength: try reader.size("n_positions", upTo: largestSize, default: 1024))
        let name = try reader.string("activation_function") ?? "gelu_new"
        guard let known = activationNames.first(where: { $0.name == name }) else {
            let names = activationNames.map(\.name).joined(separator: ", ")
            throw reader.error(.unsupported, "activation_function", "one of \(names)", "\"\(name)\"")
        }
        result.activation = known.activation
        result.embeddingDropout = try reader.rate("embd_pdrop") ?? 0.1
        result.attentionDropout = try reader.rate("attn_pdrop") ?? 0.1
        result.residualDropout = try reader.rate("resid_pdrop") ?? 0.1
        result.normEpsilon = try reader.number("layer_norm_epsilon", in: 0...1) ?? 1e-5
        result.initializerRange = try reader.number("initializer_range", in: 0...100) ?? 0.02
        result.tiesOutput = try reader.flag("tie_word_embeddings") ?? true
        return result
    }

    private static func llama(_ reader: ConfigurationReader) throws -> CausalConfiguration {
        for key in ["attention_bias", "mlp_bias"] { try reader.expect(key, .bool(false)) }
        try reader.expect("hidden_act", .string("silu"))
        let size = try reader.size("hidden_size", upTo: largestSize)
        let heads = try reader.size("num_attention_heads", upTo: 4096)
        var result = CausalConfiguration.llama(
            vocabularySize: try reader.size("vocab_size", upTo: largestSize), hiddenSize: size,
            layers: try reader.size("num_hidden_layers", upTo: 1024), heads: heads,
            keyValueHeads: try reader.size("num_key_value_heads", upTo: 4096, default: heads),
            intermediateSize: try reader.size("intermediate_size", upTo: largestSize),
            contextLength: try reader.size("max_position_embeddings", upTo: largestSize, default: 2048))
        result.headSize = try reader.size("head_dim", upTo: largestSize, default: max(1, size / heads))
        result.attentionDropout = try reader.rate("attention_dropout") ?? 0
        result.normEpsilon = try reader.number("rms_norm_eps", in: 0...1) ?? 1e-6
        result.initializerRange = try reader.number("initializer_range", in: 0...100) ?? 0.02
        result.tiesOutput = try reader.flag("tie_word_embeddings") ?? false
        // Newer files keep the positions' options in an object of their own.
        for key in ["rope_parameters", "rope_scaling"] {
            guard let options = reader.json[key], options != .null else { continue }
            let nested = ConfigurationReader(json: options, file: reader.file)
            let kind = try nested.string("rope_type") ?? nested.string("type") ?? "default"
            guard kind == "default" else {
                throw reader.error(.unsupported, key, "rotary positions of the default type", "\"\(kind)\"")
            }
            result.rotaryBase = try nested.number("rope_theta", in: 1e-3...1e12) ?? result.rotaryBase
        }
        result.rotaryBase = try reader.number("rope_theta", in: 1e-3...1e12) ?? result.rotaryBase
        return result
    }

    /// The entries of config.json that this configuration stands for.
    var jsonMembers: [JSONValue.Member] {
        let own: [JSONValue.Member]
        switch layout {
        case .gpt2:
            let name = Self.activationNames.first { $0.activation == activation }?.name ?? "gelu_new"
            own = [
                .init("activation_function", .string(name)),
                .init("architectures", ["GPT2LMHeadModel"]),
                .init("attn_pdrop", .number(attentionDropout)),
                .init("embd_pdrop", .number(embeddingDropout)),
                .init("layer_norm_epsilon", .number(normEpsilon)),
                .init("model_type", "gpt2"),
                .init("n_embd", .integer(hiddenSize)),
                .init("n_head", .integer(heads)),
                .init("n_inner", .integer(intermediateSize)),
                .init("n_layer", .integer(layers)),
                .init("n_positions", .integer(contextLength)),
                .init("resid_pdrop", .number(residualDropout)),
            ]
        case .llama:
            own = [
                .init("architectures", ["LlamaForCausalLM"]),
                .init("attention_dropout", .number(attentionDropout)),
                .init("head_dim", .integer(headSize)),
                .init("hidden_act", "silu"),
                .init("hidden_size", .integer(hiddenSize)),
                .init("intermediate_size", .integer(intermediateSize)),
                .init("max_position_embeddings", .integer(contextLength)),
                .init("model_type", "llama"),
                .init("num_attention_heads", .integer(heads)),
                .init("num_hidden_layers", .integer(layers)),
                .init("num_key_value_heads", .integer(keyValueHeads)),
                .init("rms_norm_eps", .number(normEpsilon)),
                .init("rope_theta", .number(rotaryBase)),
            ]
        }
        let end: JSONValue =
            endTokens.count == 1
            ? .integer(Int(endTokens[0]))
            : endTokens.isEmpty ? .null : .array(endTokens.map { .integer(Int($0)) })
        return own + [
            .init("bos_token_id", startToken.map { .integer(Int($0)) } ?? .null),
            .init("eos_token_id", end),
            .init("initializer_range", .number(initializerRange)),
            .init("tie_word_embeddings", .bool(tiesOutput)),
            .init("torch_dtype", "float32"),
            .init("vocab_size", .integer(vocabularySize)),
        ]
    }
}

extension ConfigurationReader {
    fileprivate func flag(_ key: String) throws -> Bool? {
        guard let value = json[key], value != .null else { return nil }
        guard let flag = value.bool else { throw error(.malformedFile, key, "true or false", "\(value)") }
        return flag
    }

    /// The entry must have this value, which is also its default.
    fileprivate func expect(_ key: String, _ expected: JSONValue) throws {
        guard let value = json[key], value != .null, value != expected else { return }
        throw error(.unsupported, key, "\(expected)", "\(value)")
    }

    /// A token id, or several.
    fileprivate func tokens(_ key: String) throws -> [Int32] {
        guard let value = json[key], value != .null else { return [] }
        return try (value.array ?? [value]).map { item in
            guard let id = item.integer, let token = Int32(exactly: id), token >= 0 else {
                throw error(.malformedFile, key, "token ids", "\(value)")
            }
            return token
        }
    }
}
