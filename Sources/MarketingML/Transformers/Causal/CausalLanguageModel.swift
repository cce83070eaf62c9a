import Foundation

/// A causal language model with its tokenizer: it continues texts.
///
/// ```swift
/// let model = try CausalLanguageModel(directory: url)
/// var (state, scores) = try model.read([model.tokenizer.ids(of: "Once upon a time")])
/// scores = try model.advance(&state, by: [best])
/// ```
public struct CausalLanguageModel: Sendable {
    /// What happens when a row of tokens is longer than the context.
    public enum ContextPolicy: Sendable, Equatable {
        /// It is an error.
        case stop
        /// The row goes on from its last tokens alone, so many of them, which are read again as if they were a
        /// prompt: scores are exactly those of a text that begins there.
        case slide(keeping: Int)
    }

    /// Turns texts into token ids and back.
    public let tokenizer: any TextTokenizer
    /// The weights.
    public var decoder: CausalDecoder<Float>
    /// What happens when a row of tokens is longer than the context.
    public private(set) var contextPolicy = ContextPolicy.stop

    /// Sizes and options of the model.
    public var configuration: CausalConfiguration { decoder.configuration }

    /// Creates a model from its parts.
    ///
    /// - Throws: `.shapeMismatch` when the tokenizer knows more tokens than the model.
    public init(decoder: CausalDecoder<Float>, tokenizer: any TextTokenizer) throws {
        guard tokenizer.vocabularySize <= decoder.configuration.vocabularySize else {
            throw MarketingMLError(
                .shapeMismatch,
                "the tokenizer knows \(tokenizer.vocabularySize) tokens, the model only \(decoder.configuration.vocabularySize)"
            )
        }
        self.decoder = decoder
        self.tokenizer = tokenizer
    }

    /// Creates a model with random weights, to be trained from scratch.
    ///
    /// - Throws: `.invalidOption` for sizes that do not fit each other, `.shapeMismatch` for the tokenizer.
    public init(configuration: CausalConfiguration, tokenizer: any TextTokenizer, seed: UInt64 = 42) throws {
        try self.init(decoder: CausalDecoder(configuration: configuration, seed: seed), tokenizer: tokenizer)
    }

    /// Reads a Hugging Face directory of a GPT-2 or a Llama: config.json, model.safetensors and the tokenizer's files.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL) throws {
        try self.init(directory: directory, tokenizer: textTokenizer(ofDirectory: directory))
    }

    /// Reads config.json and model.safetensors of a GPT-2 or a Llama in Hugging Face's layout.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL, tokenizer: any TextTokenizer) throws {
        try self.init(
            decoder: CausalCheckpoint(directory: directory).decoder(holdingPacked: true), tokenizer: tokenizer
        )
    }

    /// Reads a checkpoint of llama2.c.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.shapeMismatch` for the tokenizer.
    public init(llama2c url: URL, tokenizer: any TextTokenizer) throws {
        try self.init(decoder: Llama2CFile(url).decoder(), tokenizer: tokenizer)
    }

    /// The same model with another policy for rows longer than the context.
    ///
    /// - Throws: `.invalidOption` unless 1 ... context length - 1 tokens are kept.
    public func with(contextPolicy: ContextPolicy) throws -> CausalLanguageModel {
        if case .slide(let kept) = contextPolicy {
            try requireOption(
                1..<configuration.contextLength ~= kept, "contextPolicy",
                "to keep 1 to \(configuration.contextLength - 1) tokens", kept)
        }
        var copy = self
        copy.contextPolicy = contextPolicy
        return copy
    }

    /// Writes the model as a Hugging Face directory, which transformers loads: config.json, model.safetensors and the
    /// files of a byte-level or WordPiece tokenizer; other tokenizers have no files. Adapters are put into the weights; to write
    /// these alone, save its `adapter`.
    ///
    /// The directory is written beside its place and exchanged with what stood there.
    ///
    /// - Throws: `.inputOutput`, `.invalidOption` when something else is there; that is then untouched.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "config.json") { path in
            let directory = URL(fileURLWithPath: path)
            try write(to: directory)
            try (tokenizer as? any SavableTokenizer)?.save(to: directory)
        }
    }

    /// Writes config.json and model.safetensors.
    func write(to directory: URL) throws {
        let members = configuration.jsonMembers.sorted { $0.key < $1.key }
        try AtomicFile.write(
            JSONValue.object(members).serialized(pretty: true),
            to: directory.appendingPathComponent("config.json").path)
        var writer = SafeTensorsWriter()
        for (name, value) in CausalCheckpoint.split(decoder.merged().parameters, configuration) {
            writer.add(name, value)
        }
        try writer.write(to: directory.appendingPathComponent("model.safetensors"))
    }
}
