import Foundation

extension TextClassifier {
    /// Writes the classifier to a directory.
    ///
    /// A fine-tuned BERT is a Hugging Face directory: config.json, model.safetensors, the tokenizer's files, card.json. With a
    /// `cls` head it is a `BertForSequenceClassification`, which the reference library loads. A network trained from scratch
    /// is classifier.json, tokenizer.json, model.safetensors, card.json; n-grams are classifier.json,
    /// encoder.safetensors, model.safetensors, card.json. The directory is written beside its place and exchanged with what
    /// stood there, so that a reader sees the old or the new one.
    ///
    /// - Throws: `.inputOutput`; the old directory is then still there.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "card.json") { path in
            let directory = URL(fileURLWithPath: path)
            try model.write(to: directory, classes: labelSet.texts)
            try writeCard(to: directory)
        }
    }

    func writeCard(to directory: URL) throws {
        var card = card
        card.maxLength = maxLength
        try card.write(to: directory.appendingPathComponent("card.json"))
    }

    /// Reads a directory that ``save(to:)`` wrote, or a `BertForSequenceClassification` of another library.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL) throws {
        let card = try ModelCard.read(from: directory.appendingPathComponent("card.json"))
        let model: any TextModel
        let classes: [String]
        if let file = try TextModelFile.read(from: directory) {
            classes = file.classes
            model =
                switch file.model {
                case .nGrams: try NGramTextModel(directory: directory, file)
                case .network: try NetworkTextModel(directory: directory, file)
                }
        } else {
            (model, classes) = try FineTunedTextModel.read(from: directory, maxLength: card?.maxLength)
        }
        let labelSet = try LabelSet<Label>(texts: classes)
        self.init(card: card ?? ModelCard(task: "text-classification"), model: model, labelSet: labelSet)
    }
}

extension ModelCard {
    func write(to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(Array(encoder.encode(self)), to: url.path)
    }

    /// The card in a file; nil when there is none.
    static func read(from url: URL) throws -> ModelCard? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        do {
            let card = try JSONDecoder().decode(ModelCard.self, from: Data(contentsOf: url))
            guard card.maxLength.map({ $0 >= 1 }) ?? true else {
                throw MarketingMLError(
                    .malformedFile, "expected at least 1, found \(card.maxLength ?? 0)",
                    at: .init(file: url.path, name: "maxLength"))
            }
            return card
        } catch let error as MarketingMLError {
            throw error
        } catch {
            throw MarketingMLError(.malformedFile, "is not a model card: \(error)", at: .init(file: url.path))
        }
    }
}
