/// The sizes and options of a BERT model, under their names in a Hugging Face config.json.
public struct BERTConfiguration: Sendable, Equatable {
    /// `vocab_size`.
    public var vocabularySize: Int
    /// `hidden_size`, D.
    public var hiddenSize: Int
    /// `num_hidden_layers`.
    public var layers: Int
    /// `num_attention_heads`; must divide the hidden size.
    public var heads: Int
    /// `intermediate_size`.
    public var intermediateSize: Int
    /// `hidden_act`: gelu, gelu_new (and its other names), relu, tanh, sigmoid.
    public var activation = Activation.gelu
    /// `hidden_dropout_prob`, in [0, 1).
    public var hiddenDropout = 0.1
    /// `attention_probs_dropout_prob`, in [0, 1).
    public var attentionDropout = 0.1
    /// `classifier_dropout`; nil means the hidden dropout.
    public var classifierDropout: Double?
    /// `max_position_embeddings`: the longest sequence.
    public var maximumPositions = 512
    /// `type_vocab_size`.
    public var tokenTypes = 2
    /// `layer_norm_eps`.
    public var layerNormEpsilon = 1e-12
    /// `initializer_range`, the standard deviation of random weights.
    public var initializerRange = 0.02

    /// Creates a configuration; what is not given stands at BERT's usual value.
    public init(vocabularySize: Int, hiddenSize: Int, layers: Int, heads: Int, intermediateSize: Int) {
        self.vocabularySize = vocabularySize
        self.hiddenSize = hiddenSize
        self.layers = layers
        self.heads = heads
        self.intermediateSize = intermediateSize
    }

    /// 2 layers of 128, 2 heads, and a vocabulary of up to 8,000 tokens: for pre-training on a few megabytes of text.
    public static var tiny: BERTConfiguration { .tiny(vocabularySize: 8_000) }

    /// 4 layers of 256, 4 heads, and a vocabulary of up to 16,000 tokens.
    public static var mini: BERTConfiguration {
        BERTConfiguration(
            vocabularySize: 16_000, hiddenSize: 256, layers: 4, heads: 4, intermediateSize: 1024)
    }

    /// A model small enough to be trained from scratch on a few hundred texts: 2 layers of 128, 2 heads.
    public static func tiny(vocabularySize: Int) -> BERTConfiguration {
        BERTConfiguration(
            vocabularySize: vocabularySize, hiddenSize: 128, layers: 2, heads: 2, intermediateSize: 512)
    }
}

extension BERTConfiguration {
    /// - Throws: `.invalidOption` that names the option, its range and its value.
    public func validate() throws {
        for (name, value, limit) in [
            ("vocabularySize", vocabularySize, Self.largestSize),
            ("hiddenSize", hiddenSize, Self.largestSize),
            ("layers", layers, 1024), ("heads", heads, 4096),
            ("intermediateSize", intermediateSize, Self.largestSize),
            ("maximumPositions", maximumPositions, Self.largestSize),
            ("tokenTypes", tokenTypes, Self.largestSize),
        ] { try requireCount(value, name, 1...limit) }
        try requireOption(hiddenSize % heads == 0, "heads", "a divisor of hiddenSize \(hiddenSize)", heads)
        for (name, rate) in [
            ("hiddenDropout", hiddenDropout), ("attentionDropout", attentionDropout),
            ("classifierDropout", classifierDropout ?? 0),
        ] { try requireOption(0..<1 ~= rate, name, "in [0, 1)", rate) }
        let names = Self.activationNames.map(\.name).joined(separator: ", ")
        try requireOption(
            Self.activationNames.contains { $0.activation == activation }, "activation", "one of \(names)",
            activation.rawValue)
        try requireOption(0...1 ~= layerNormEpsilon, "layerNormEpsilon", "in [0, 1]", layerNormEpsilon)
        try requireOption(
            0...100 ~= initializerRange, "initializerRange", "from 0 to 100", initializerRange)
    }

    private static let activationNames: [(name: String, activation: Activation)] = [
        ("gelu", .gelu), ("gelu_new", .geluTanh), ("gelu_pytorch_tanh", .geluTanh), ("gelu_fast", .geluTanh),
        ("relu", .relu), ("tanh", .tanh), ("sigmoid", .sigmoid),
    ]

    /// Sizes above this are taken for damage: the largest published BERT has 2^15.7 words and 1024 columns.
    private static let largestSize = 1 << 24

    /// Reads a parsed config.json.
    ///
    /// - Throws: `.malformedFile` for a missing or impossible value, `.unsupported` for a model that is not a BERT with
    ///   absolute positions.
    init(json: JSONValue, file: String) throws {
        let reader = ConfigurationReader(json: json, file: file)
        let type = try reader.string("model_type") ?? "bert"
        guard type == "bert" else {
            throw reader.error(.unsupported, "model_type", "\"bert\"", "\"\(type)\"")
        }
        let positions = try reader.string("position_embedding_type") ?? "absolute"
        guard positions == "absolute" else {
            throw reader.error(.unsupported, "position_embedding_type", "\"absolute\"", "\"\(positions)\"")
        }
        self.init(
            vocabularySize: try reader.size("vocab_size", upTo: Self.largestSize),
            hiddenSize: try reader.size("hidden_size", upTo: Self.largestSize),
            layers: try reader.size("num_hidden_layers", upTo: 1024),
            heads: try reader.size("num_attention_heads", upTo: 4096),
            intermediateSize: try reader.size("intermediate_size", upTo: Self.largestSize))
        guard hiddenSize % heads == 0 else {
            throw reader.error(
                .malformedFile, "num_attention_heads", "a divisor of hidden_size \(hiddenSize)", "\(heads)")
        }
        let name = try reader.string("hidden_act") ?? "gelu"
        guard let known = Self.activationNames.first(where: { $0.name == name }) else {
            let names = Self.activationNames.map(\.name).joined(separator: ", ")
            throw reader.error(.unsupported, "hidden_act", "one of \(names)", "\"\(name)\"")
        }
        activation = known.activation
        hiddenDropout = try reader.rate("hidden_dropout_prob") ?? hiddenDropout
        attentionDropout = try reader.rate("attention_probs_dropout_prob") ?? attentionDropout
        classifierDropout = try reader.rate("classifier_dropout")
        maximumPositions = try reader.size(
            "max_position_embeddings", upTo: Self.largestSize, default: maximumPositions)
        tokenTypes = try reader.size("type_vocab_size", upTo: Self.largestSize, default: tokenTypes)
        layerNormEpsilon = try reader.number("layer_norm_eps", in: 0...1) ?? layerNormEpsilon
        initializerRange = try reader.number("initializer_range", in: 0...100) ?? initializerRange
    }

    /// The entries of config.json that this configuration stands for.
    var jsonMembers: [JSONValue.Member] {
        let name = Self.activationNames.first { $0.activation == activation }?.name ?? "gelu"
        return [
            .init("attention_probs_dropout_prob", .number(attentionDropout)),
            .init("classifier_dropout", classifierDropout.map { .number($0) } ?? .null),
            .init("hidden_act", .string(name)),
            .init("hidden_dropout_prob", .number(hiddenDropout)),
            .init("hidden_size", .integer(hiddenSize)),
            .init("initializer_range", .number(initializerRange)),
            .init("intermediate_size", .integer(intermediateSize)),
            .init("layer_norm_eps", .number(layerNormEpsilon)),
            .init("max_position_embeddings", .integer(maximumPositions)),
            .init("model_type", .string("bert")),
            .init("num_attention_heads", .integer(heads)),
            .init("num_hidden_layers", .integer(layers)),
            .init("position_embedding_type", .string("absolute")),
            .init("type_vocab_size", .integer(tokenTypes)),
            .init("vocab_size", .integer(vocabularySize)),
        ]
    }
}

/// Typed access to the entries of a config.json, with errors that name the entry.
struct ConfigurationReader {
    let json: JSONValue
    let file: String

    func error(_ code: MarketingMLError.Code, _ key: String, _ expected: String, _ found: String)
        -> MarketingMLError
    {
        MarketingMLError(code, "expected \(expected), found \(found)", at: .init(file: file, name: key))
    }

    func string(_ key: String) throws -> String? {
        guard let value = json[key], value != .null else { return nil }
        guard let text = value.string else { throw error(.malformedFile, key, "a string", "\(value)") }
        return text
    }

    func number(_ key: String, in range: ClosedRange<Double>) throws -> Double? {
        guard let value = json[key], value != .null else { return nil }
        guard let number = value.number, range.contains(number) else {
            throw error(
                .malformedFile, key, "a number from \(range.lowerBound) to \(range.upperBound)", "\(value)")
        }
        return number
    }

    func rate(_ key: String) throws -> Double? {
        guard let rate = try number(key, in: 0...1) else { return nil }
        guard rate < 1 else { throw error(.malformedFile, key, "a rate below 1", "\(rate)") }
        return rate
    }

    func size(_ key: String, upTo limit: Int, default fallback: Int? = nil) throws -> Int {
        guard let value = try number(key, in: 1...Double(limit)) else {
            if let fallback { return fallback }
            throw error(.malformedFile, key, "a whole number from 1 to \(limit)", "nothing")
        }
        guard let size = Int(exactly: value) else {
            throw error(.malformedFile, key, "a whole number from 1 to \(limit)", "\(value)")
        }
        return size
    }
}
