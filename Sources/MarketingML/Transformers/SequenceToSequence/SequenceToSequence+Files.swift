import Foundation

extension SequenceToSequence {
    private static let kind = "marketingml-encoder-decoder"

    private struct Header: Codable {
        var model_type = SequenceToSequence.kind
        var format = 1
        var configuration: EncoderDecoderConfiguration
    }

    /// Writes config.json, model.safetensors, card.json and the tokenizers' folders `source` and `target` into a directory,
    /// which is replaced as a whole.
    ///
    /// - Throws: `.unsupported` for a tokenizer that cannot be written; `.inputOutput`; the old directory is then still there.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "card.json") { path in
            let directory = URL(fileURLWithPath: path)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try AtomicFile.write(
                Array(encoder.encode(Header(configuration: model.configuration))),
                to: directory.appendingPathComponent("config.json").path)
            try AtomicFile.write(
                Array(encoder.encode(card)), to: directory.appendingPathComponent("card.json").path)
            var writer = SafeTensorsWriter()
            for (name, value) in model.parameters { writer.add(name, value) }
            try writer.write(to: directory.appendingPathComponent("model.safetensors"))
            for (name, tokenizer) in [("source", sourceTokenizer), ("target", targetTokenizer)] {
                guard let tokenizer = tokenizer as? any SavableTokenizer else {
                    throw MarketingMLError(.unsupported, "a \(type(of: tokenizer)) cannot be written")
                }
                let folder = directory.appendingPathComponent(name)
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
                try tokenizer.save(to: folder)
            }
        }
    }

    /// Reads a directory that ``save(to:)`` wrote.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL) throws {
        let header: Header = try Self.decoded(directory.appendingPathComponent("config.json"))
        let card: Card = try Self.decoded(directory.appendingPathComponent("card.json"))
        guard header.model_type == Self.kind, header.format == 1 else {
            throw MarketingMLError(
                .unsupported,
                "expected a \(Self.kind) of format 1, found \(header.model_type) of format \(header.format)",
                at: .init(file: directory.appendingPathComponent("config.json").path))
        }
        let file = try SafeTensorsFile(directory.appendingPathComponent("model.safetensors"))
        try header.configuration.validate(against: file)
        if let length = card.options?.maxLength, !(2...header.configuration.maximumPositions ~= length) {
            throw MarketingMLError(
                .malformedFile,
                "expected from 2 to the model's \(header.configuration.maximumPositions) positions, found \(length)",
                at: .init(file: directory.appendingPathComponent("card.json").path, name: "maxLength"))
        }
        var model = try EncoderDecoder<Float>(configuration: header.configuration, seed: 0)
        try model.forEachParameter { name, value in value = try file.tensor(name, shape: value.shape) }
        try self.init(
            model: model,
            sourceTokenizer: textTokenizer(ofDirectory: directory.appendingPathComponent("source")),
            targetTokenizer: textTokenizer(ofDirectory: directory.appendingPathComponent("target")),
            card: card)
    }

    private static func decoded<Value: Decodable>(_ url: URL) throws -> Value {
        let bytes = try InputFile.read(url.path)
        do { return try JSONDecoder().decode(Value.self, from: Data(bytes)) } catch {
            throw MarketingMLError(.malformedFile, "is not as expected: \(error)", at: .init(file: url.path))
        }
    }
}

extension EncoderDecoderConfiguration {
    /// Compares with the tensors of a file before anything of that size is made, so that a damaged configuration is an
    /// error and no allocation.
    fileprivate func validate(against file: SafeTensorsFile) throws {
        try validate()
        let expected: [(String, [Int])] = [
            ("target_embeddings.weight", [targetVocabularySize, hiddenSize]),
            (
                "source_embeddings.weight",
                [sharesEmbeddings ? targetVocabularySize : sourceVocabularySize, hiddenSize]
            ),
            ("encoder.\(encoderLayers - 1).feed_forward.hidden.weight", [intermediateSize, hiddenSize]),
            ("decoder.\(decoderLayers - 1).feed_forward.hidden.weight", [intermediateSize, hiddenSize]),
        ]
        for (name, shape) in expected where !(sharesEmbeddings && name.hasPrefix("source")) {
            guard let found = file.shape(of: name) else {
                throw MarketingMLError(.missingTensor, "is not in the file", at: .init(name: name))
            }
            guard found == shape else {
                throw MarketingMLError(
                    .shapeMismatch, "expected the shape \(shape), found \(found)", at: .init(name: name))
            }
        }
        let positions =
            positions == .learned
            ? file.shape(of: "source_positions.weight")?.first ?? 0 : Self.longestSinusoids
        try requireOption(
            maximumPositions <= positions, "maximumPositions", "at most \(positions)", maximumPositions)
    }

    private static let longestSinusoids = 1 << 16
}
