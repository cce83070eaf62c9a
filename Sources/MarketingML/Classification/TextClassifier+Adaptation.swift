import Foundation

extension TextClassifier {
    /// The same classifier with its adapters put into the weights: the same results at the speed of a model without.
    ///
    /// - Throws: `.unsupported` for a classifier that was trained from scratch.
    public func merged() throws -> TextClassifier {
        let model = try transformer()
        return TextClassifier(
            card: card,
            model: FineTunedTextModel(
                model: model.model.merged(), tokenizer: model.tokenizer, length: model.length),
            labelSet: labelSet)
    }

    /// Writes what fine-tuning with ``FineTuningOptions/adaptation`` has learnt, without the model it started from: PEFT's
    /// adapter_config.json and adapter_model.safetensors, labels in config.json, card.json.
    ///
    /// ``save(to:)`` writes the whole model instead, adapters put into its weights.
    ///
    /// - Parameter baseModel: The name or path of the model it started from, for those who read it.
    /// - Throws: `.invalidOption` for a classifier without adapters, `.inputOutput`.
    public func saveAdapter(to directory: URL, baseModel: String = "") throws {
        let model = try transformer()
        guard let adapter = model.model.adapter else {
            throw MarketingMLError(
                .invalidOption, "expected a classifier that was fine-tuned with adapters",
                at: .init(name: "adaptation"))
        }
        try AtomicDirectory.replace(at: directory.path, marker: "card.json") { path in
            let directory = URL(fileURLWithPath: path)
            try adapter.write(to: directory, baseModel: baseModel)
            try AtomicFile.write(
                model.config(classes: labelSet.texts).serialized(pretty: true),
                to: directory.appendingPathComponent("config.json").path)
            try writeCard(to: directory)
        }
    }

    /// A classifier from the model that it was fine-tuned from and what ``saveAdapter(to:baseModel:)`` wrote.
    ///
    /// - Throws: `MarketingMLError` that names the file and what was expected; `.shapeMismatch` for an adapter of another model.
    public init(_ bert: BERT, adapter directory: URL) throws {
        let card = try ModelCard.read(from: directory.appendingPathComponent("card.json"))
        let file = directory.appendingPathComponent("config.json").path
        let reader = ConfigurationReader(
            json: try JSONValue(parsing: InputFile.read(file), file: file), file: file)
        let (classes, pooling) = (try reader.classes(), try reader.pooling())
        let adapter = try LoRAAdapter(directory: directory)
        let size = bert.configuration.hiddenSize
        guard let weight = adapter.parameters["classifier.weight"],
            let bias = adapter.parameters["classifier.bias"],
            weight.shape == [classes.count, size], bias.shape == [classes.count]
        else {
            throw MarketingMLError(
                .shapeMismatch, "expected a head [\(classes.count), \(size)] in the adapter",
                at: .init(file: directory.path, name: "classifier.weight"))
        }
        guard pooling == .mean || bert.encoder.pooler != nil else {
            throw MarketingMLError(
                .shapeMismatch, "the adapter needs an encoder with a pooler", at: .init(file: directory.path))
        }
        let model = try SequenceClassifier(
            encoder: bert.encoder, head: Linear(weight: weight, bias: bias), pooling: pooling
        ).applying(adapter)
        let length = min(card?.maxLength ?? 512, bert.configuration.maximumPositions)
        self.init(
            card: card ?? ModelCard(task: "text-classification"),
            model: FineTunedTextModel(
                model: model, tokenizer: bert.tokenizer.truncating(to: max(2, length)), length: max(2, length)
            ),
            labelSet: try LabelSet(texts: classes))
    }

    /// - Throws: `.unsupported`.
    func transformer() throws -> FineTunedTextModel {
        guard let model = model as? FineTunedTextModel else {
            throw MarketingMLError(
                .unsupported,
                "expected a fine-tuned Transformer, found a classifier that was trained from scratch")
        }
        return model
    }
}
