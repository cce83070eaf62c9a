import ArgumentParser
import ExampleSupport
import Foundation
import MarketingML

@main
struct Sentiment: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tunes a BERT on labelled texts, judges it on others and answers new ones.",
        discussion: """
            Files are CSV or TSV, also compressed (.gz), with column names in the first row. The test texts are used \
            for the report alone. Without texts as arguments it asks for them on a terminal, and elsewhere takes three \
            sentences of its own.
            """)

    @Option(help: "The texts to learn from.", completion: .file()) var train: String?
    @Option(help: "Texts that choose which epoch's weights are kept.", completion: .file()) var dev: String?
    @Option(help: "The texts to be judged on.", completion: .file()) var test: String?
    @Option(help: "The column of the texts.") var text = "text"
    @Option(help: "The column of the labels.") var label = "label"
    @Option(help: "A Hugging Face directory with a pretrained BERT.", completion: .directory) var model:
        String?
    @Flag(help: "Use the built-in sample and train a small BERT from scratch; needs no files.") var embedded =
        false
    @Option(help: "Passes over the training texts. (default: 3; with --embedded 12)") var epochs: Int?
    @Option(help: "Texts a step. (default: 32; with --embedded 16)") var batchSize: Int?
    @Option(help: "The highest learning rate. (default: 5e-5; with --embedded 5e-4)") var learningRate:
        Double?
    @Option(help: "Longest text in tokens; the rest is cut.") var maxLength = 128
    @Option(help: "What stands for a text: its first token (cls) or the mean of its tokens (mean).")
    var pooling = Pooling.cls
    @Option(help: "Every random choice follows from it.") var seed: UInt64 = 42
    @Option(help: "Keep the model in this directory.", completion: .directory) var save: String?
    @Option(help: "Write the figures to this file.", completion: .file()) var json: String?
    @Option(help: "Fail unless accuracy is this far above always guessing the most frequent label.")
    var assertAboveMajority: Double?
    @Argument(help: "Texts to judge.") var texts: [String] = []

    func validate() throws {
        if embedded {
            guard train == nil, dev == nil, test == nil, model == nil else {
                throw ValidationError("--embedded takes no --train, --dev, --test or --model.")
            }
        } else if train == nil || test == nil || model == nil {
            throw ValidationError("Give --train, --test and --model, or --embedded.")
        }
    }

    func run() throws {
        do {
            try tellTheStory()
        } catch let error as ExitCode {
            throw error
        } catch {
            Terminal.write("sentiment: \(error)\n")
            throw ExitCode.failure
        }
    }

    /// Load, fine-tune, judge, answer, save, reload: in the order in which a reader wants to see it.
    private func tellTheStory() throws {
        var watch = Stopwatch()
        let data = try loadData()
        let bert = try loadModel(data)
        let loadSeconds = watch.lap()
        print(
            "\(data.train.count) texts to learn from, \(data.dev?.count ?? 0) to choose by, \(data.test.count) to be judged on"
        )
        fflush(nil)

        let bar = ProgressBar()
        let options = options
        let classifier: TextClassifier<String>
        do {
            defer { bar.finish() }
            classifier = try TextClassifier.fineTune(
                bert, on: data.train, validation: data.dev, options: options
            ) {
                bar.update($0)
            }
        }
        let trainSeconds = watch.lap()
        print("fine-tuned in \(Figures.fixed(trainSeconds, digits: 1)) s\n")

        let report = try classifier.evaluate(data.test)
        let evaluateSeconds = watch.lap()
        print("\(report)\n")

        let questions = Terminal.sentencesToJudge(given: texts)
        let answers = try classifier.predict(questions)
        for (text, answer) in zip(questions, answers) {
            print("\(answer.label) (\(Figures.fixed(answer.probability, digits: 4))): \(text)")
        }
        _ = watch.lap()

        let directory =
            save.map { URL(fileURLWithPath: $0) }
            ?? FileManager.default.temporaryDirectory.appending(path: "sentiment-\(UUID().uuidString)")
        defer { if save == nil { try? FileManager.default.removeItem(at: directory) } }
        try classifier.save(to: directory)
        let saveSeconds = watch.lap()
        let reloaded = try TextClassifier<String>(directory: directory)
        let reloadSeconds = watch.lap()
        let isSame = try reloaded.predict(questions) == answers
        print(
            "\nsaved\(save.map { " to \($0)" } ?? ""), read back from disk: the answers are \(isSame ? "" : "NOT ")the same"
        )

        print("majority \(Figures.fixed(report.majorityShare, digits: 4))")
        print("accuracy \(Figures.fixed(report.accuracy, digits: 4))")
        if let json {
            let figures = SentimentFigures(
                model: model ?? "small BERT trained from scratch",
                texts: .init(train: data.train.count, dev: data.dev?.count ?? 0, test: data.test.count),
                options: options, accuracy: report.accuracy, majority: report.majorityShare, report: report,
                answers: zip(questions, answers).map {
                    .init(text: $0, label: $1.label, probability: $1.probability)
                },
                reloadedAnswersAreTheSame: isSame,
                seconds: .init(
                    load: loadSeconds, train: trainSeconds, evaluate: evaluateSeconds, save: saveSeconds,
                    reload: reloadSeconds))
            try figures.writeJSON(to: URL(fileURLWithPath: json))
        }
        guard isSame else { throw Failure("the reloaded model answers differently") }
        if let margin = assertAboveMajority, report.accuracy < report.majorityShare + margin {
            throw Failure("accuracy is not \(margin) above the majority's share")
        }
    }

    private func loadData() throws -> ReviewData {
        guard let train, let test else { return try .embedded() }
        return try ReviewData(
            train: URL(fileURLWithPath: train), dev: dev.map { URL(fileURLWithPath: $0) },
            test: URL(fileURLWithPath: test), text: text, label: label)
    }

    private func loadModel(_ data: ReviewData) throws -> BERT {
        if let model { return try BERT(directory: URL(fileURLWithPath: model)) }
        let tokenizer = try WordPieceTokenizer.train(on: data.train.texts, vocabularySize: 2000)
        return try BERT(
            configuration: .tiny(vocabularySize: tokenizer.vocabularySize), tokenizer: tokenizer, seed: seed
        )
    }

    private var options: FineTuningOptions {
        .init(
            epochs: epochs ?? (embedded ? 12 : 3), batchSize: batchSize ?? (embedded ? 16 : 32),
            maxLength: maxLength,
            learningRate: learningRate ?? (embedded ? 5e-4 : 5e-5), warmupRatio: 0.1, pooling: pooling,
            seed: seed)
    }
}

extension Pooling: @retroactive ExpressibleByArgument {}
