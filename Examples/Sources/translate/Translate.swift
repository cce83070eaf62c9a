import ArgumentParser
import ExampleSupport
import Foundation
import MarketingML

@main
struct Translate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Trains an encoder–decoder Transformer on pairs of texts, scores it beside a baseline, and translates.",
        discussion: """
            Files are CSV or TSV, also compressed (.gz), with column names in the first row. A translation is only one of the \
            things to train: summaries, titles and sentences from attributes are the same. Without --train a built-in sample \
            teaches to make a sentence from a product's attributes. The baseline answers with the target of the most similar \
            training source. The test pairs are used for the scores alone; those with one source, capitals aside, are \
            references of each other.
            """)

    @Option(help: "The pairs to learn from.", completion: .file()) var train: String?
    @Option(help: "Pairs that choose which epoch's weights are kept.", completion: .file()) var dev: String?
    @Option(help: "The pairs to be scored on.", completion: .file()) var test: String?
    @Option(help: "The column of the sources.") var source = "source"
    @Option(help: "The column of the targets.") var target = "target"
    @Option(help: "Use the model in this directory instead of training one.", completion: .directory)
    var load: String?
    @Option(help: "tiny, small or base.") var size = Size.tiny
    @Option(help: "Most tokens of each vocabulary. (default: that of the size; with the sample 400)")
    var vocabulary: Int?
    @Option(help: "Share of numbers left out while training.") var dropout = 0.1
    @Option(help: "Passes over the pairs. (default: 12; with the sample 40)") var epochs: Int?
    @Option(help: "Tokens of sources and targets a step. (default: 1500; with the sample 400)")
    var batchTokens: Int?
    @Option(help: "The highest learning rate.") var learningRate = 2e-3
    @Option(help: "Longest text in tokens; the rest is cut.") var maxLength = 64
    @Option(help: "Every random choice follows from it.") var seed: UInt64 = 42
    @Option(help: "Width of the beam search.") var beams = 4
    @Option(help: "Exponent of the length that scores are divided by.") var lengthPenalty = 1.0
    @Option(help: "How BLEU cuts texts: 13a, zh or char.") var tokens = BLEUTokenization.mteval13a
    @Option(help: "Keep the model in this directory.", completion: .directory) var save: String?
    @Option(help: "Save the run here on its way, and go on from what is there.", completion: .directory)
    var checkpoint: String?
    @Option(help: "Write the figures to this file.", completion: .file()) var json: String?
    @Option(help: "Fail unless BLEU is this far above the baseline's.") var assertAboveBaseline: Double?
    @Argument(help: "Texts to translate.") var texts: [String] = []

    enum Size: String, ExpressibleByArgument, CaseIterable {
        case tiny, small, base
    }

    func validate() throws {
        guard train != nil || (dev == nil && (test == nil || load != nil)) else {
            throw ValidationError("--dev and --test go with --train; --test with --load, too.")
        }
    }

    func run() throws {
        do {
            try tellTheStory()
        } catch {
            Terminal.write("translate: \(error)\n")
            throw ExitCode.failure
        }
    }

    /// Load, train, score, translate, save: in the order in which a reader wants to see it.
    private func tellTheStory() throws {
        var watch = Stopwatch()
        let data = try loadPairs()
        print(
            "\(data.train.count) pairs to learn from, \(data.dev?.count ?? 0) to choose by, \(data.test.count) to be scored on"
        )
        fflush(nil)
        let translator = try translator(data)
        let trainSeconds = watch.lap()
        print(
            "\(Figures.short(Double(translator.model.parameterCount))) parameters, vocabularies of "
                + "\(translator.sourceTokenizer.vocabularySize) and \(translator.targetTokenizer.vocabularySize) tokens, "
                + "ready in \(Figures.time(trainSeconds))\n")

        let samples = texts.isEmpty ? Array(data.test.prefix(5).map(\.source)) : texts
        for (text, translation) in zip(samples, try translate(translator, samples)) {
            print("\(text)\n  → \(translation)")
        }

        var figures = TranslationFigures(
            parameters: translator.model.parameterCount, trainSeconds: trainSeconds)
        if !data.test.isEmpty {
            _ = watch.lap()
            let groups = ReferenceGroups(data.test)
            let bar = ProgressBar()
            let translations = try translator.translate(
                groups.sources, beams: beams, lengthPenalty: lengthPenalty, maxLength: maxLength - 1
            ) { bar.update($0) }
            bar.finish()
            let seconds = watch.lap()
            print(
                "\n\(groups.sources.count) sources translated, \(Figures.fixed(Double(groups.sources.count) / seconds, digits: 1)) a second"
            )
            try figures.score("model", translations, groups, tokens)
            if !data.train.isEmpty {
                let baseline = NearestSource(data.train)
                try figures.score(
                    "nearest training source", groups.sources.map(baseline.target(for:)), groups, tokens)
            }
        }
        if let save {
            try translator.save(to: URL(fileURLWithPath: save))
            print("\nsaved to \(save)")
        }
        if let json { try figures.writeJSON(to: URL(fileURLWithPath: json)) }
        if let margin = assertAboveBaseline, let model = figures.scores["model"],
            let baseline = figures.scores["nearest training source"], model.bleu < baseline.bleu + margin
        {
            throw Failure("BLEU is not \(margin) above the baseline's")
        }
    }

    private func translate(_ translator: SequenceToSequence, _ texts: [String]) throws -> [String] {
        try translator.translate(texts, beams: beams, lengthPenalty: lengthPenalty, maxLength: maxLength - 1)
    }

    private func loadPairs() throws -> PairData {
        func pairs(_ file: String?) throws -> [(source: String, target: String)]? {
            guard let file else { return nil }
            let texts = try LabeledTexts(csv: URL(fileURLWithPath: file), text: source, label: target)
            return zip(texts.texts, texts.labels).map { ($0, $1) }
        }
        if train == nil, load == nil { return .embedded }
        return PairData(train: try pairs(train) ?? [], dev: try pairs(dev), test: try pairs(test) ?? [])
    }

    private func translator(_ data: PairData) throws -> SequenceToSequence {
        if let load { return try SequenceToSequence(directory: URL(fileURLWithPath: load)) }
        var configuration: EncoderDecoderConfiguration =
            switch size {
            case .tiny: .tiny
            case .small: .small
            case .base: .base
            }
        if let most = vocabulary ?? (train == nil ? 400 : nil) {
            configuration.sourceVocabularySize = most
            configuration.targetVocabularySize = most
        }
        configuration.dropout = dropout
        let bar = ProgressBar()
        defer { bar.finish() }
        return try SequenceToSequence.train(
            on: data.train, configuration: configuration, validation: data.dev,
            options: SequenceToSequenceOptions(
                epochs: epochs ?? (train == nil ? 40 : 12),
                batchTokens: batchTokens ?? (train == nil ? 400 : 1500), maxLength: maxLength,
                learningRate: learningRate, earlyStoppingPatience: data.dev == nil ? nil : 3, seed: seed),
            checkpoint: checkpoint.map { CheckpointOptions(directory: URL(fileURLWithPath: $0)) }
        ) { bar.update($0) }
    }
}

extension BLEUTokenization: @retroactive ExpressibleByArgument {}
