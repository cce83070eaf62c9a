import Foundation

extension CopyWriter {
    private static let marker = "copywriter.json"

    /// What is no part of the model or the tokenizer.
    private struct Card: Codable {
        var formatVersion = 1
        var copiedAttributes: [String]
    }

    /// Saves the writer as a Hugging Face directory: config.json, model.safetensors and tokenizer.json, which transformers
    /// loads, and copywriter.json.
    ///
    /// The directory is written beside its place and exchanged with what stood there.
    ///
    /// - Throws: `.inputOutput`, `.invalidOption` when something else is there; that is then untouched.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: Self.marker) { path in
            let directory = URL(fileURLWithPath: path)
            try model.write(to: directory)
            try tokenizer.save(to: directory)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            let card = try encoder.encode(Card(copiedAttributes: format.copied))
            try AtomicFile.write(Array(card), to: directory.appendingPathComponent(Self.marker).path)
        }
    }

    /// Reads what ``save(to:)`` wrote.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported`, `.missingTensor`, `.shapeMismatch`, naming the file.
    public init(directory: URL) throws {
        let url = directory.appendingPathComponent(Self.marker)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw MarketingMLError(
                .fileNotFound, "the directory holds no writer: there is no \(Self.marker)",
                at: .init(file: url.path))
        }
        let card: Card
        do {
            card = try JSONDecoder().decode(Card.self, from: Data(contentsOf: url))
        } catch {
            throw MarketingMLError(
                .malformedFile, "is not a writer's card: \(error)", at: .init(file: url.path))
        }
        guard card.formatVersion == 1 else {
            throw MarketingMLError(
                .unsupported, "has the format version \(card.formatVersion), this library reads 1",
                at: .init(file: url.path))
        }
        let tokenizer = try ByteLevelBPETokenizer(directory: directory)
        let model = try CausalLanguageModel(directory: directory, tokenizer: tokenizer)
        try self.init(model: model, tokenizer: tokenizer, format: CopyFormat(copied: card.copiedAttributes))
    }
}
