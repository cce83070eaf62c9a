import Foundation

extension FineTunedTextModel {
    /// The architecture that config.json names for a classifier on mean-pooled tokens, which the reference library
    /// does not have.
    private static let meanArchitecture = "MarketingMLBertMeanClassifier"

    /// Writes config.json, model.safetensors and the tokenizer's files.
    func write(to directory: URL, classes: [String]) throws {
        try BERTCheckpoint.write(
            model, configuration: config(classes: classes), tokenizer: tokenizer, to: directory)
    }

    func config(classes texts: [String]) -> JSONValue {
        var members: [JSONValue.Member] = [.init("problem_type", .string(problem.rawValue))]
        if model.pooling == .mean { members.append(.init("classifier_pooling", "mean")) }
        return model.encoder.configuration.json(
            architecture: model.pooling == .cls ? "BertForSequenceClassification" : Self.meanArchitecture,
            classes: texts, members)
    }

    /// Reads the model of a directory and what its classes are called.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    static func read(
        from directory: URL, maxLength: Int?, problem: TextProblem = .classes
    ) throws -> (model: FineTunedTextModel, classes: [String]) {
        guard maxLength.map({ $0 >= 2 }) ?? true else {
            throw MarketingMLError(
                .malformedFile, "expected at least 2, found \(maxLength ?? 0)",
                at: .init(file: directory.appendingPathComponent("card.json").path, name: "maxLength"))
        }
        let checkpoint = try BERTCheckpoint(directory: directory, holdingPacked: true)
        let reader = ConfigurationReader(
            json: checkpoint.json, file: directory.appendingPathComponent("config.json").path)
        let found = try reader.string("problem_type") ?? problem.rawValue
        guard found == problem.rawValue else {
            throw reader.error(.unsupported, "problem_type", problem.rawValue, found)
        }
        let classes = try reader.classes(atLeast: problem == .classes ? 2 : 1)
        let pooling = try reader.pooling()
        guard problem != .number || classes.count == 1 else {
            throw reader.error(.malformedFile, "id2label", "one output", "\(classes.count)")
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
            encoder: encoder, head: try checkpoint.head(classes: classes.count), pooling: pooling)
        let tokenizer = try WordPieceTokenizer(directory: directory)
        let bert = try BERT(encoder: encoder, tokenizer: tokenizer)
        let length = min(maxLength ?? 512, bert.configuration.maximumPositions)
        let result = FineTunedTextModel(
            model: model, tokenizer: tokenizer.truncating(to: length), length: length, problem: problem)
        return (result, classes)
    }
}

extension ConfigurationReader {
    /// The texts of `id2label`, in the order of their numbers.
    func classes(atLeast minimum: Int = 2) throws -> [String] {
        guard let members = json["id2label"]?.object, members.count >= minimum else {
            throw error(
                .malformedFile, "id2label", "an object of at least \(minimum) labels",
                "\(json["id2label"] ?? .null)")
        }
        var texts = [String?](repeating: nil, count: members.count)
        for member in members {
            guard let index = Int(member.key), texts.indices.contains(index), let text = member.value.string
            else {
                throw error(
                    .malformedFile, "id2label", "texts under 0 ..< \(members.count)",
                    "\(member.key): \(member.value)")
            }
            texts[index] = text
        }
        let classes = texts.compactMap { $0 }
        guard classes.count == members.count else {
            throw error(
                .malformedFile, "id2label", "one text for each of 0 ..< \(members.count)", "an index twice")
        }
        return classes
    }

    /// How a classifier pools.
    func pooling() throws -> Pooling {
        let name = try string("classifier_pooling") ?? "cls"
        guard let pooling = Pooling(rawValue: name) else {
            throw error(.unsupported, "classifier_pooling", "cls or mean", name)
        }
        return pooling
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

extension BERTConfiguration {
    /// A config.json for a model with a head.
    func json(architecture: String, classes texts: [String], _ more: [JSONValue.Member] = []) -> JSONValue {
        var members = jsonMembers + more
        members.append(.init("architectures", [.string(architecture)]))
        if !texts.isEmpty {
            members.append(.init("id2label", .object(texts.enumerated().map { .init("\($0)", .string($1)) })))
            members.append(.init("label2id", .object(texts.enumerated().map { .init($1, .integer($0)) })))
        }
        members.append(.init("pad_token_id", 0))
        return .object(members.sorted { $0.key < $1.key })
    }
}

extension BERTCheckpoint {
    /// Writes config.json, model.safetensors (adapters put into the weights) and the tokenizer's files.
    static func write<Model: AdaptableModel<Float>>(
        _ model: Model, configuration: JSONValue, tokenizer: WordPieceTokenizer, to directory: URL
    ) throws {
        try AtomicFile.write(
            configuration.serialized(pretty: true),
            to: directory.appendingPathComponent("config.json").path)
        var writer = SafeTensorsWriter()
        for (name, value) in split(model.merged().parameters) { writer.add(name, value) }
        try writer.write(to: directory.appendingPathComponent("model.safetensors"))
        try tokenizer.save(to: directory)
    }
}
