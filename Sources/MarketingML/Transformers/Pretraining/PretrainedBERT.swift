import Foundation

/// A BERT that was pre-trained on raw text, with the heads it was trained with.
///
/// ``bert`` is what fine-tuning starts from. Saved, it is a Hugging Face directory that ``BERT/init(directory:)`` and
/// transformers' `BertForPreTraining` or `BertForMaskedLM` load.
public struct PretrainedBERT: Sendable {
    /// The encoder and its heads.
    public let model: BERTPretrainingModel<Float>
    /// Turns texts into token ids.
    public let tokenizer: WordPieceTokenizer
    /// How it came about.
    public let card: ModelCard

    init(model: BERTPretrainingModel<Float>, tokenizer: WordPieceTokenizer, card: ModelCard) {
        self.model = model
        self.tokenizer = tokenizer
        self.card = card
    }

    /// The encoder and its tokenizer, to be fine-tuned.
    public var bert: BERT {
        get throws { try BERT(encoder: model.encoder, tokenizer: tokenizer) }
    }

    /// What it was trained for, and can be trained for further.
    public var objectives: Set<PretrainingObjective> {
        model.nextSentence == nil ? [.maskedLanguageModel] : [.maskedLanguageModel, .nextSentence]
    }

    /// Judges the model on text that it has not learned from: perplexity and accuracy of hidden tokens, which are the same
    /// ones at every call with the same options.
    ///
    /// - Throws: `.emptyData`; what reading files throws; `CancellationError`.
    public func evaluate(on corpus: TextCorpus, options: PretrainingOptions = PretrainingOptions()) throws
        -> PretrainingEvaluation
    {
        let makesPairs = model.nextSentence != nil
        try options.validate(for: model.encoder.configuration)
        try tokenizer.checkSegments(ofPairs: makesPairs, for: model.encoder.configuration)
        let data = try PretrainingData(corpus, tokenizer, options: options, makesPairs: makesPairs)
        return try model.evaluation(of: data.heldOutBatches(batchSize: options.batchSize))
    }

    /// A token that may stand at a `[MASK]`.
    public struct Candidate: Sendable, Equatable {
        /// The token in the vocabulary's spelling.
        public var token: String
        /// Its probability.
        public var probability: Float
    }

    /// The likeliest tokens for every `[MASK]` in a text, the likeliest first.
    ///
    /// - Parameter count: How many for each.
    public func candidates(forMasksIn text: String, count: Int = 5) -> [[Candidate]] {
        let length = model.encoder.configuration.maximumPositions
        let batch = tokenizer.truncating(to: length).encodeBatch([text])
        let mask = tokenizer.id(of: "[MASK]")
        let positions = batch.ids.indices.filter { batch.ids[$0] == mask }
        guard !positions.isEmpty, count > 0 else { return positions.map { _ in [] } }
        var none: DropoutStreams?
        let hidden = model.encoder(batch, dropout: &none).rows(at: positions)
        let probabilities = model.tokenScores(hidden).softmax()
        let columns = probabilities.columnCount
        return probabilities.elements.chunked(by: columns).map { row in
            row.indices.sorted { (row[$1], $0) < (row[$0], $1) }.prefix(count).map {
                Candidate(token: tokenizer.token(Int32($0)) ?? "", probability: row[$0])
            }
        }
    }
}

// MARK: - Files

extension PretrainedBERT {
    /// Writes config.json, model.safetensors, the tokenizer's files and card.json into a directory, which is replaced as a
    /// whole.
    ///
    /// - Throws: `.inputOutput`; the old directory is then still there.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "config.json") { path in
            let directory = URL(fileURLWithPath: path)
            let architecture = model.nextSentence == nil ? "BertForMaskedLM" : "BertForPreTraining"
            let members =
                model.encoder.configuration.jsonMembers + [
                    .init("architectures", [.string(architecture)]), .init("pad_token_id", 0),
                    .init("tie_word_embeddings", true),
                ]
            try AtomicFile.write(
                JSONValue.object(members.sorted { $0.key < $1.key }).serialized(pretty: true),
                to: directory.appendingPathComponent("config.json").path)
            var writer = SafeTensorsWriter()
            for (name, value) in BERTCheckpoint.split(model.parameters) { writer.add(name, value) }
            try writer.write(to: directory.appendingPathComponent("model.safetensors"))
            try tokenizer.save(to: directory)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try AtomicFile.write(
                Array(encoder.encode(card)), to: directory.appendingPathComponent("card.json").path)
        }
    }

    /// Reads a BERT directory to pre-train it further or to fill masks.
    ///
    /// Heads that the checkpoint lacks (most published encoders come without) are new, and so of no use before training.
    ///
    /// - Parameters:
    ///   - directory: As ``save(to:)`` or transformers write it.
    ///   - objectives: What it is to be trained for; nil: what the checkpoint has heads for.
    ///   - seed: Of heads that the checkpoint lacks.
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL, objectives: Set<PretrainingObjective>? = nil, seed: UInt64 = 42) throws {
        let checkpoint = try BERTCheckpoint(directory: directory)
        let tokenizer = try WordPieceTokenizer(directory: directory)
        let encoder: BERTEncoder<Float> = try checkpoint.encoder()
        _ = try BERT(encoder: encoder, tokenizer: tokenizer)
        let found: Set<PretrainingObjective> =
            checkpoint.tensors.contains("cls.seq_relationship.weight")
            ? [.maskedLanguageModel, .nextSentence] : [.maskedLanguageModel]
        var model = BERTPretrainingModel(encoder: encoder, objectives: objectives ?? found, seed: seed)
        try model.readHeads(from: checkpoint.tensors)
        let card = try ModelCard.read(from: directory.appendingPathComponent("card.json"))
        self.init(
            model: model, tokenizer: tokenizer, card: card ?? ModelCard(task: "masked-language-model"))
    }
}

extension BERTPretrainingModel {
    /// Takes over the heads that a checkpoint has.
    mutating func readHeads(from file: SafeTensorsFile) throws {
        try forEachParameter { name, parameter in
            guard name.hasPrefix("cls.") else { return }
            // The first published checkpoints call weight and bias gamma and beta.
            let old =
                name.replacingOccurrences(of: "LayerNorm.weight", with: "LayerNorm.gamma")
                .replacingOccurrences(of: "LayerNorm.bias", with: "LayerNorm.beta")
            for name in [name, old] where file.contains(name) {
                parameter = try file.tensor(name, shape: parameter.shape)
                return
            }
        }
    }
}
