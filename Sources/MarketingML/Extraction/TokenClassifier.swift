import Foundation

/// Finds names, products and prices in texts.
///
/// ```swift
/// let finder = try TokenClassifier.fineTune(bert, on: tagged)
/// try finder.entities(in: "The Cocum near The Sorrento")   // restaurant 4..<9, landmark 15..<27
/// ```
///
/// Each word (a piece of the tokenizer together with the pieces that continue it) gets one of the tags `O`, `B-X`, `I-X`
/// from the vector of its first piece.
public struct TokenClassifier: Sendable {
    /// A piece of a text with how sure the model is of it.
    public struct Finding: Sendable, Equatable {
        /// What it is and where it stands.
        public let entity: TextEntity
        /// The mean probability of its words' tags, in 0...1.
        public let probability: Double
    }

    /// The tags in the order of the outputs: `O`, then `B-X` and `I-X` of each label.
    public let tags: [String]
    /// The longest text in tokens; longer ones are cut.
    public let maxLength: Int
    /// How it was trained; empty for a model read from another library's files.
    public let card: ModelCard
    let model: TokenScorer<Float>
    let tokenizer: WordPieceTokenizer

    /// Fine-tunes a BERT on texts with entities, by cross-entropy over the words' tags.
    ///
    /// - Parameter validation: Texts that decide when to stop and which epoch's weights to keep; never the test texts.
    /// - Throws: `.emptyData` (also without any entity), `.unknownLabel` for a validation label that training lacks,
    ///   `.invalidOption`, `.notFinite` naming the update, `CancellationError`.
    public static func fineTune(
        _ bert: consuming BERT, on texts: [TaggedText], validation: [TaggedText]? = nil,
        options: FineTuningOptions = FineTuningOptions(), checkpoint: CheckpointOptions? = nil,
        progress: ProgressHandler? = nil
    ) throws -> TokenClassifier {
        try options.validate(for: bert.configuration)
        guard !texts.isEmpty, validation?.isEmpty != true else {
            throw MarketingMLError(
                .emptyData, "\(texts.isEmpty ? "training" : "the validation data") has no texts")
        }
        let labels = Set(texts.flatMap { $0.entities.map(\.label) }).sorted()
        guard !labels.isEmpty else {
            throw MarketingMLError(.emptyData, "the training texts have no entities")
        }
        let tags = ["O"] + labels.flatMap { ["B-\($0)", "I-\($0)"] }
        let length = options.length(for: bert.configuration)
        let tokenizer = bert.tokenizer.truncating(to: length)
        let examples = try TaggedBatch(texts, tags: tags, tokenizer: tokenizer)
        let validationExamples = try validation.map { try TaggedBatch($0, tags: tags, tokenizer: tokenizer) }
        var model = try options.adapting(
            TokenScorer(
                encoder: options.prepared(bert.encoder), outputs: tags.count, name: "classifier",
                dropsInputs: true, seed: options.seed))
        _ = consume bert
        let tuner = FineTuner<TokenScorer<Float>>(
            options: options, batch: examples.batch, weight: { Double(examples.words[$0].count) },
            loss: { model, rows, dropout in
                let (places, targets) = examples.targets(ofRows: rows)
                let scores = model.scores(examples.batch.select(rows: rows), dropout: &dropout)
                return crossEntropy(
                    scores.rows(at: places), targets, labelSmoothing: options.labelSmoothing)
            },
            validate: validationExamples.map { examples in
                { model in
                    let (places, targets) = examples.targets(ofRows: Array(0..<examples.batch.rowCount))
                    let scores = model.scores(of: examples.batch).rows(at: places)
                    return (Double(crossEntropy(scores, targets).item), [:])
                }
            },
            addTargets: { hash in examples.words.forEach { hash.combine($0.map(\.tag)) } },
            checkpoint: checkpoint, progress: progress)
        let history = try tuner.run(&model)
        let card = ModelCard(
            task: "token-classification", options: options, trainingTexts: texts.count,
            validationTexts: validation?.count, history: history)
        return TokenClassifier(tags: tags, maxLength: length, card: card, model: model, tokenizer: tokenizer)
    }

    /// The entities of one text, in order.
    public func entities(in text: String) -> [Finding] { entities(in: [text])[0] }

    /// The entities of each text, in order; each the same as for that text alone.
    public func entities(in texts: [String]) -> [[Finding]] {
        let encodings = texts.map { tokenizer.encode($0) }
        let probabilities = model.scores(of: TokenBatch(encodings)).softmax().elements
        var start = 0
        return encodings.map { encoding in
            defer { start += encoding.count }
            var names: [String] = []
            var chances: [Double] = []
            let words = encoding.words(tokenizer)
            for word in words {
                let row = (start + word.place) * tags.count
                let best = tags.indices.max { probabilities[row + $0] < probabilities[row + $1] } ?? 0
                names.append(tags[best])
                chances.append(Double(probabilities[row + best]))
            }
            // The tags are the model's own: all of the scheme.
            let found = (try? TaggedText.entities(inTags: names)) ?? []
            return found.map { entity in
                let bytes =
                    words[entity.range.lowerBound].bytes
                    .lowerBound..<words[entity.range.upperBound - 1].bytes.upperBound
                let chance = chances[entity.range].reduce(0, +) / Double(entity.range.count)
                return Finding(entity: TextEntity(label: entity.label, bytes: bytes), probability: chance)
            }
        }
    }

    /// Compares the entities that it finds with the true ones.
    ///
    /// - Throws: `.emptyData` without texts.
    public func evaluate(_ texts: [TaggedText]) throws -> EntityReport {
        try EntityReport(
            truth: texts.map(\.entities), predicted: entities(in: texts.map(\.text)).map { $0.map(\.entity) })
    }
}

/// Encoded texts with the tags of their words.
struct TaggedBatch {
    let batch: TokenBatch
    /// For each row, the places in it of the words' first pieces, and their tags.
    let words: [[(place: Int, tag: Int32)]]

    /// - Throws: `.unknownLabel` for a label without tags.
    init(_ texts: [TaggedText], tags: [String], tokenizer: WordPieceTokenizer) throws(MarketingMLError) {
        let numbers = Dictionary(uniqueKeysWithValues: tags.enumerated().map { ($1, Int32($0)) })
        var encodings: [Encoding] = []
        var rows: [[(place: Int, tag: Int32)]] = []
        for text in texts {
            let encoding = tokenizer.encode(text.text)
            var row: [(place: Int, tag: Int32)] = []
            var (next, last) = (0, -1)
            for word in encoding.words(tokenizer) {
                while next < text.entities.count,
                    text.entities[next].bytes.upperBound <= word.bytes.lowerBound
                { next += 1 }
                var name = "O"
                if next < text.entities.count, text.entities[next].bytes.lowerBound < word.bytes.upperBound {
                    name = (last == next ? "I-" : "B-") + text.entities[next].label
                    last = next
                }
                guard let tag = numbers[name] else {
                    throw MarketingMLError(
                        .unknownLabel, "\"\(name.dropFirst(2))\" is no label of the training texts")
                }
                row.append((word.place, tag))
            }
            encodings.append(encoding)
            rows.append(row)
        }
        batch = TokenBatch(encodings)
        words = rows
    }

    /// The words of some rows: their places in the batch of these rows, and their tags.
    func targets(ofRows rows: [Int]) -> (places: [Int], tags: [Int32]) {
        var places: [Int] = []
        var tags: [Int32] = []
        var start = 0
        for row in rows {
            for word in words[row] {
                places.append(start + word.place)
                tags.append(word.tag)
            }
            start += batch.length(ofRow: row)
        }
        return (places, tags)
    }
}

extension Encoding {
    /// The words of the text: the place of the first piece, and the bytes of all pieces.
    func words(_ tokenizer: WordPieceTokenizer) -> [(place: Int, bytes: Range<Int>)] {
        var words: [(place: Int, bytes: Range<Int>)] = []
        for place in first {
            let bytes = offsets[place].range
            if tokenizer.token(ids[place])?.hasPrefix("##") == true, let last = words.last {
                words[words.count - 1].bytes =
                    last.bytes.lowerBound..<max(last.bytes.upperBound, bytes.upperBound)
            } else {
                words.append((place, bytes))
            }
        }
        return words
    }
}

extension TokenClassifier {
    /// Writes a Hugging Face directory, a `BertForTokenClassification`; see ``TextClassifier/save(to:)``.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "card.json") { path in
            let directory = URL(fileURLWithPath: path)
            try BERTCheckpoint.write(
                model,
                configuration: model.encoder.configuration.json(
                    architecture: "BertForTokenClassification", classes: tags),
                tokenizer: tokenizer, to: directory)
            var card = card
            card.maxLength = maxLength
            try card.write(to: directory.appendingPathComponent("card.json"))
        }
    }

    /// Reads what ``save(to:)`` wrote, or a `BertForTokenClassification` of another library whose tags are `O`, `B-X` and `I-X`.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL) throws {
        let checkpoint = try BERTCheckpoint(directory: directory, holdingPacked: true)
        let reader = ConfigurationReader(
            json: checkpoint.json, file: directory.appendingPathComponent("config.json").path)
        tags = try reader.classes()
        if let odd = tags.first(where: { $0 != "O" && !$0.hasPrefix("B-") && !$0.hasPrefix("I-") }) {
            throw reader.error(.unsupported, "id2label", "O, B-… or I-…", odd)
        }
        let card = try ModelCard.read(from: directory.appendingPathComponent("card.json"))
        maxLength = max(2, min(card?.maxLength ?? 512, checkpoint.configuration.maximumPositions))
        self.card = card ?? ModelCard(task: "token-classification")
        model = TokenScorer(
            encoder: try checkpoint.encoder(), head: try checkpoint.head(classes: tags.count),
            name: "classifier", dropsInputs: true)
        tokenizer = try BERT(encoder: model.encoder, tokenizer: WordPieceTokenizer(directory: directory))
            .tokenizer.truncating(to: maxLength)
    }
}
