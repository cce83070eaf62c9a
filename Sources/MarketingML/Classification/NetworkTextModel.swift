import Foundation
import Tensor

/// Layers that were trained from scratch on words.
struct NetworkTextModel: TextModel {
    let tokenizer: WordTokenizer
    /// From token ids to the probabilities of the classes.
    let network: Sequential
    let length: Int

    var maxLength: Int? { length }

    private static let tokenizerFile = "tokenizer.json"
    private static let networkFile = "model.safetensors"
    /// Texts that are computed at a time.
    private static let textsAtATime = 64

    /// Learns the vocabulary and trains the layers.
    ///
    /// - Parameter targets: The class of each text, each of 0 ..< K at least once.
    static func fit(
        _ recipe: TextModelRecipe, _ texts: [String], _ targets: [Int], classes: Int,
        validation: (texts: [String], targets: [Int])?, options: TextTrainingOptions,
        progress: ProgressHandler?
    ) throws -> (model: NetworkTextModel, history: TrainingHistory) {
        try requireOption(options.maxLength >= 1, "maxLength", "at least 1", options.maxLength)
        let tokenizer = try WordTokenizer.train(on: texts, options: options.tokenizer)
        func examples(_ texts: [String], _ targets: [Int]) throws -> Examples {
            try Examples(tokenizer.words(of: texts, maxLength: options.maxLength), targets)
        }
        var network = Sequential(
            recipe.layers(vocabularySize: tokenizer.vocabularySize, classes: classes), seed: options.seed)
        try network.build()
        let history = try network.fit(
            examples(texts, targets), loss: .crossEntropy(labelSmoothing: options.labelSmoothing),
            optimizer: .adamW(learningRate: options.learningRate, weightDecay: options.weightDecay),
            metrics: [.accuracy], epochs: options.epochs, batchSize: options.batchSize,
            validation: validation.map { try examples($0.texts, $0.targets) },
            classWeights: options.classWeights,
            options: TrainingOptions(
                schedule: options.schedule, gradientClipping: options.gradientClipping,
                earlyStopping: options.earlyStoppingPatience.map { EarlyStopping(patience: $0) }),
            progress: progress)
        return (
            NetworkTextModel(tokenizer: tokenizer, network: network, length: options.maxLength), history
        )
    }

    func probabilities(of texts: [String]) throws -> [Float] {
        try network.predict(
            tokenizer.words(of: texts, maxLength: length), batchSize: Self.textsAtATime
        ).elements
    }
}

extension WordTokenizer {
    /// The ids of many texts, of which one without words counts as one unknown word: networks need something to read.
    fileprivate func words(of texts: [String], maxLength: Int) -> TokenBatch {
        let batch = encodeBatch(texts, maxLength: maxLength)
        guard batch.lengths.contains(0) else { return batch }
        return TokenBatch(
            rows: (0..<batch.rowCount).map { row in
                let ids = Array(batch[row])
                return ids.isEmpty ? [Self.unknownID] : ids
            })
    }
}

extension NetworkTextModel {
    func write(to directory: URL, classes: [String]) throws {
        try TextModelFile(model: .network, classes: classes, maxLength: length).write(to: directory)
        try tokenizer.save(to: directory.appendingPathComponent(Self.tokenizerFile))
        try network.save(to: directory.appendingPathComponent(Self.networkFile))
    }

    /// Reads what `write` wrote.
    init(directory: URL, _ file: TextModelFile) throws {
        tokenizer = try WordTokenizer(directory.appendingPathComponent(Self.tokenizerFile))
        let url = directory.appendingPathComponent(Self.networkFile)
        network = try Sequential(
            contentsOf: url, customLayers: [ConvolutionBank.self])
        length = file.maxLength ?? TextTrainingOptions().maxLength
        guard case .tokens(nil) = network.layers?.input, let embedding = network.recipes.first as? Embedding,
            embedding.vocabularySize == tokenizer.vocabularySize,
            network.layers?.output == .vector(width: file.classes.count)
        else {
            throw MarketingMLError(
                .malformedFile,
                "expected layers from \(tokenizer.vocabularySize) words to \(file.classes.count) classes",
                at: .init(file: url.path))
        }
    }
}
