import Foundation

/// Two texts, and how alike they are.
public struct TextPair: Sendable, Equatable {
    /// One text.
    public var first: String
    /// The other.
    public var second: String
    /// How alike they are: the cosine that their vectors should have, in −1...1.
    public var similarity: Double

    /// Creates a pair; without a similarity its texts belong together.
    public init(_ first: String, _ second: String, similarity: Double = 1) {
        self.first = first
        self.second = second
        self.similarity = similarity
    }
}

/// An encoder of texts as one vector each, as it is trained.
struct SentenceModel<Scalar: TensorFloatingPoint>: AdaptableModel {
    var encoder: BERTEncoder<Scalar>
    let pooling: Pooling

    var adapterFormat: AdapterFormat { .bert }

    /// One vector a row: [rows, D]. The first token's is its own: sentence encoders do not use BERT's pooler.
    func vectors(_ batch: TokenBatch, dropout: inout DropoutStreams?) -> Tensor<Scalar> {
        let hidden = encoder(batch, dropout: &dropout)
        return pooling == .mean
            ? hidden.meanPooled(offsets: batch.rowOffsets) : hidden.rows(at: batch.rowOffsets.dropLast())
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try encoder.forEachParameter("bert", body)
    }

    mutating func forEachLinear(
        _ body: ([LinearModule], inout Linear<Scalar>) throws -> Void
    ) rethrows {
        try encoder.forEachLinear(body)
    }
}

extension SentenceEncoder {
    /// The encoder after contrastive fine-tuning on pairs of texts; this one is not changed.
    ///
    /// Of the options, those that speak of classes and of pooling have no meaning here; a batch takes so many pairs.
    ///
    /// - Throws: `.emptyData`, `.notFinite` for a similarity that is no number, `.invalidOption`, `.notFinite` naming the update,
    ///   `CancellationError`.
    public func fineTuned(
        on pairs: [TextPair], loss: ContrastiveLoss = .multipleNegativesRanking(),
        options: FineTuningOptions = FineTuningOptions(), checkpoint: CheckpointOptions? = nil,
        progress: ProgressHandler? = nil
    ) throws -> SentenceEncoder {
        try options.validate(for: bert.configuration)
        guard !pairs.isEmpty else { throw MarketingMLError(.emptyData, "training has no pairs") }
        if let index = pairs.firstIndex(where: { !(-1...1 ~= $0.similarity) }) {
            throw MarketingMLError(
                .notFinite, "expected a similarity in -1...1, found \(pairs[index].similarity)",
                at: .init(row: index + 1, name: "similarity"))
        }
        if case .multipleNegativesRanking(let scale) = loss {
            try requireOption(scale > 0 && scale.isFinite, "scale", "above 0", scale)
        }
        // Texts recur in many pairs: each is encoded once.
        var numbers: [String: Int] = [:]
        var texts: [String] = []
        func number(_ text: String) -> Int {
            if let known = numbers[text] { return known }
            numbers[text] = texts.count
            texts.append(text)
            return texts.count - 1
        }
        let sides = pairs.map { (first: number($0.first), second: number($0.second)) }
        let tokenizer = bert.tokenizer.truncating(to: min(options.maxLength ?? maxLength, maxLength))
        let batch = tokenizer.encodeBatch(texts)
        let similarities = pairs.map(\.similarity)
        var model = try options.adapting(
            SentenceModel(encoder: options.prepared(bert.encoder), pooling: pooling))
        model.encoder.pooler = nil
        let tuner = FineTuner<SentenceModel<Float>>(
            options: options, batch: batch,
            lengths: sides.map { batch.length(ofRow: $0.first) + batch.length(ofRow: $0.second) },
            loss: { model, rows, dropout in
                let part = batch.select(rows: rows.map { sides[$0].first } + rows.map { sides[$0].second })
                let vectors = model.vectors(part, dropout: &dropout)
                return loss(
                    vectors.rows(0..<rows.count), vectors.rows(rows.count..<2 * rows.count),
                    similarities: rows.map { similarities[$0] })
            },
            addTargets: { hash in
                hash.combine("\(loss)")
                hash.combine(sides.flatMap { [Int32(clamping: $0.first), Int32(clamping: $0.second)] })
                similarities.forEach { hash.combine("\($0)") }
            },
            checkpoint: checkpoint, progress: progress)
        _ = try tuner.run(&model)
        var trained = bert
        var encoder = model.encoder
        encoder.pooler = bert.encoder.pooler
        trained.encoder = encoder
        return try SentenceEncoder(trained, pooling: pooling, maxLength: maxLength)
    }

    /// Writes a directory that this library and sentence-transformers read: config.json, model.safetensors (adapters put into the
    /// weights), the tokenizer's files, modules.json, 1_Pooling/config.json. Replaced as a whole.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "modules.json") { path in
            try write(to: URL(fileURLWithPath: path))
        }
    }

    func write(to directory: URL) throws {
        try BERTCheckpoint.write(
            bert.encoder, configuration: bert.configuration.json(architecture: "BertModel", classes: []),
            tokenizer: tokenizer, to: directory)
        let modules = ["Transformer", "Pooling", "Normalize"].enumerated().map { index, name in
            JSONValue.object([
                .init("idx", .integer(index)), .init("name", .string("\(index)")),
                .init("path", .string(index == 0 ? "" : "\(index)_\(name)")),
                .init("type", .string("sentence_transformers.models.\(name)")),
            ])
        }
        let pooling = JSONValue.object([
            .init("pooling_mode_cls_token", .bool(pooling == .cls)),
            .init("pooling_mode_mean_tokens", .bool(pooling == .mean)),
            .init("word_embedding_dimension", .integer(dimension)),
        ])
        let length = JSONValue.object([
            .init("do_lower_case", false), .init("max_seq_length", .integer(maxLength)),
        ])
        for (name, json) in [
            ("modules.json", .array(modules)), ("1_Pooling/config.json", pooling),
            ("sentence_bert_config.json", length),
        ] {
            let url = directory.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try AtomicFile.write(json.serialized(pretty: true), to: url.path)
        }
        try FileManager.default.createDirectory(
            at: directory.appendingPathComponent("2_Normalize"), withIntermediateDirectories: true)
    }
}
