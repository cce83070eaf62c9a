import Foundation

extension TextClassifier {
    /// The architecture that config.json names for a classifier on mean-pooled tokens, which the reference library
    /// does not have.
    private static var meanArchitecture: String { "MarketingMLBertMeanClassifier" }

    /// Writes a Hugging Face directory: config.json, model.safetensors, the tokenizer's files, card.json.
    ///
    /// A `cls` classifier is a `BertForSequenceClassification`, which the reference library loads. The directory is
    /// written beside its place and exchanged with what stood there, so that a reader sees the old or the new one.
    ///
    /// - Throws: `.inputOutput`; the old directory is then still there.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "card.json") { path in
            let directory = URL(fileURLWithPath: path)
            try AtomicFile.write(
                config.serialized(pretty: true), to: directory.appendingPathComponent("config.json").path)
            var writer = SafeTensorsWriter()
            for (name, value) in BERTCheckpoint.split(model.parameters) { writer.add(name, value) }
            try writer.write(to: directory.appendingPathComponent("model.safetensors"))
            try tokenizer.save(to: directory)
            var card = card
            card.maxLength = maxLength
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try AtomicFile.write(
                Array(encoder.encode(card)), to: directory.appendingPathComponent("card.json").path)
        }
    }

    private var config: JSONValue {
        let texts = labelSet.texts
        var members = model.encoder.configuration.jsonMembers
        let architecture = model.pooling == .cls ? "BertForSequenceClassification" : Self.meanArchitecture
        members.append(.init("architectures", [.string(architecture)]))
        members.append(.init("id2label", .object(texts.enumerated().map { .init("\($0)", .string($1)) })))
        members.append(.init("label2id", .object(texts.enumerated().map { .init($1, .integer($0)) })))
        members.append(.init("pad_token_id", 0))
        members.append(.init("problem_type", "single_label_classification"))
        if model.pooling == .mean { members.append(.init("classifier_pooling", "mean")) }
        return .object(members.sorted { $0.key < $1.key })
    }

    /// Reads a directory that ``save(to:)`` wrote, or a `BertForSequenceClassification` of another library.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL) throws {
        let checkpoint = try BERTCheckpoint(directory: directory, holdingPacked: true)
        let file = directory.appendingPathComponent("config.json").path
        let reader = ConfigurationReader(json: checkpoint.json, file: file)
        guard let members = checkpoint.json["id2label"]?.object, members.count >= 2 else {
            throw reader.error(
                .malformedFile, "id2label", "an object of at least 2 labels",
                "\(checkpoint.json["id2label"] ?? .null)")
        }
        var texts = [String?](repeating: nil, count: members.count)
        for member in members {
            guard let index = Int(member.key), texts.indices.contains(index), let text = member.value.string
            else {
                throw reader.error(
                    .malformedFile, "id2label", "texts under 0 ..< \(members.count)",
                    "\(member.key): \(member.value)")
            }
            texts[index] = text
        }
        let labelSet = try LabelSet<Label>(texts: texts.compactMap { $0 })
        guard labelSet.count == members.count else {
            throw reader.error(
                .malformedFile, "id2label", "one text for each of 0 ..< \(members.count)", "an index twice")
        }
        let pooling = try reader.string("classifier_pooling") ?? "cls"
        guard let pooling = Pooling(rawValue: pooling) else {
            throw reader.error(.unsupported, "classifier_pooling", "cls or mean", pooling)
        }
        let encoder: BERTEncoder<Float> = try checkpoint.encoder()
        guard pooling == .mean || encoder.pooler != nil else {
            throw MarketingMLError(
                .missingTensor, "is not in the file",
                at: .init(
                    file: directory.appendingPathComponent("model.safetensors").path,
                    name: "bert.pooler.dense.weight"))
        }
        let model = SequenceClassifier(
            encoder: encoder, head: try checkpoint.head(classes: labelSet.count), pooling: pooling)
        let tokenizer = try WordPieceTokenizer(directory: directory)
        let bert = try BERT(encoder: encoder, tokenizer: tokenizer)
        let card = try ModelCard.read(from: directory.appendingPathComponent("card.json"))
        let maxLength = min(card?.maxLength ?? 512, bert.configuration.maximumPositions)
        self.init(
            maxLength: maxLength, card: card ?? ModelCard(task: "text-classification"), model: model,
            tokenizer: tokenizer.truncating(to: maxLength), labelSet: labelSet)
    }
}

extension ModelCard {
    /// The card in a file; nil when there is none.
    static func read(from url: URL) throws -> ModelCard? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        do {
            let card = try JSONDecoder().decode(ModelCard.self, from: Data(contentsOf: url))
            guard card.maxLength.map({ $0 >= 2 }) ?? true else {
                throw MarketingMLError(
                    .malformedFile, "expected at least 2, found \(card.maxLength ?? 0)",
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

extension SequenceClassifier where Scalar == Float {
    /// Reads the weights of a `BertForSequenceClassification` directory, without its tokenizer and labels.
    ///
    /// - Throws: `MarketingMLError` that names the file, the tensor and what was expected.
    public init(directory: URL, classes: Int) throws {
        let checkpoint = try BERTCheckpoint(directory: directory, holdingPacked: true)
        self.init(
            encoder: try checkpoint.encoder(), head: try checkpoint.head(classes: classes), pooling: .cls)
    }
}
