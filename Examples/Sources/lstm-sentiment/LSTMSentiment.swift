import ArgumentParser
import ExampleSupport
import Foundation
import MarketingML

@main
struct LSTMSentiment: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lstm-sentiment",
        abstract: "Trains a text classifier from scratch, judges it beside n-grams and draws how it learned.",
        discussion: """
            Files are CSV or TSV, also compressed (.gz), with column names in the first row; without --train a built-in \
            sample of made-up reviews serves. The test texts are used for the report alone.
            """)

    @Option(help: "The texts to learn from.", completion: .file()) var train: String?
    @Option(
        help: "Texts that choose which epoch's weights are kept. (default: a tenth of the training texts)")
    var dev: String?
    @Option(help: "The texts to be judged on.", completion: .file()) var test: String?
    @Option(help: "The column of the texts.") var text = "text"
    @Option(help: "The column of the labels.") var label = "label"
    @Option(help: "\(ModelKind.allCases.map(\.rawValue).joined(separator: ", ")).") var kind = ModelKind.lstm
    @Option(help: "Units of a recurrent layer, or filters of a convolution of each width.") var units: Int?
    @Option(help: "Size of the word vectors.") var dimension = 128
    @Option(help: "Share of numbers left out while training.") var dropout = 0.5
    @Option(help: "Passes over the training texts.") var epochs = 6
    @Option(help: "Texts a step.") var batchSize = 32
    @Option(help: "The highest learning rate.") var learningRate = 1e-3
    @Option(help: "Longest text in words; the rest is cut.") var maxLength = 256
    @Flag(help: "Each digit counts as 0, so that numbers of one length are one word.") var maskDigits = false
    @Option(help: "The n-grams' weight of the loss beside the penalty.") var c = 64.0
    @Flag(help: "N-grams of words beside those of characters.") var wordGrams = false
    @Option(help: "Every random choice follows from it.") var seed: UInt64 = 42
    @Option(help: "Keep the model in this directory.", completion: .directory) var save: String?
    @Option(help: "Draw the learning curve (of n-grams: the confusion matrix) into this file.")
    var svg = "lstm-sentiment.svg"
    @Option(help: "Write the figures to this file.", completion: .file()) var json: String?
    @Option(help: "Fail unless accuracy is this far above always guessing the most frequent label.")
    var assertAboveMajority: Double?
    @Argument(help: "Texts to judge.") var texts: [String] = []

    func validate() throws {
        guard (train == nil) == (test == nil), train != nil || dev == nil else {
            throw ValidationError("Give --train and --test, or neither for the built-in sample.")
        }
    }

    func run() throws {
        do {
            try tellTheStory()
        } catch {
            Terminal.write("lstm-sentiment: \(error)\n")
            throw ExitCode.failure
        }
    }

    /// Load, train, judge, answer, draw, save: in the order in which a reader wants to see it.
    private func tellTheStory() throws {
        var watch = Stopwatch()
        let data = try loadData()
        let dev = data.dev
        print(
            "\(data.train.count) texts to learn from, \(dev?.count ?? 0) to choose by, \(data.test.count) to be judged on"
        )
        let baseline = try fit(.ngrams, data)
        let baselineReport = try baseline.evaluate(data.test)
        print("n-grams fitted in \(Figures.fixed(watch.lap(), digits: 1)) s")
        fflush(nil)

        let classifier = kind == .ngrams ? baseline : try fit(kind, data)
        let trainSeconds = watch.lap()
        if let history = classifier.card.history {
            print("\(kind.rawValue) trained in \(Figures.fixed(trainSeconds, digits: 1)) s\n")
            printHistory(history)
        }
        let report = try classifier.evaluate(data.test)
        let evaluateSeconds = watch.lap()
        print("\n\(report)\n")
        try judgeTexts(classifier)
        try draw(classifier, report, to: URL(fileURLWithPath: svg))
        if let save {
            try classifier.save(to: URL(fileURLWithPath: save))
            print("saved to \(save)")
        }

        print("majority \(Figures.fixed(report.majorityShare, digits: 4))")
        print("n-gram baseline \(Figures.fixed(baselineReport.accuracy, digits: 4))")
        print("accuracy \(Figures.fixed(report.accuracy, digits: 4))")
        if let json {
            try LSTMSentimentFigures(
                kind: kind.rawValue,
                texts: .init(train: data.train.count, dev: dev?.count ?? 0, test: data.test.count),
                card: classifier.card, accuracy: report.accuracy, majority: report.majorityShare,
                baseline: baselineReport.accuracy, report: report,
                seconds: .init(train: trainSeconds, evaluate: evaluateSeconds)
            ).writeJSON(to: URL(fileURLWithPath: json))
        }
        if let margin = assertAboveMajority, report.accuracy < report.majorityShare + margin {
            throw Failure("accuracy is not \(margin) above the majority's share")
        }
    }

    /// The texts; without ones to choose by, a tenth of those to learn from is held back.
    private func loadData() throws -> ReviewData {
        var data: ReviewData
        if let train, let test {
            data = try ReviewData(
                train: URL(fileURLWithPath: train), dev: dev.map { URL(fileURLWithPath: $0) },
                test: URL(fileURLWithPath: test), text: text, label: label)
        } else {
            data = try .embedded()
        }
        if data.dev == nil {
            let parts = try data.train.split(test: 0.1, seed: seed)
            (data.train, data.dev) = (parts.train, parts.test)
        }
        return data
    }

    private func fit(_ kind: ModelKind, _ data: ReviewData) throws -> TextClassifier<String> {
        let bar = ProgressBar()
        defer { bar.finish() }
        let options = TextTrainingOptions(
            tokenizer: .init(masksDigits: maskDigits), maxLength: maxLength, epochs: epochs,
            batchSize: batchSize, learningRate: learningRate, seed: seed)
        return try TextClassifier.train(
            kind.recipe(units: units, dimension: dimension, dropout: dropout, wordGrams: wordGrams, c: c),
            on: data.train, validation: data.dev, options: options
        ) { bar.update($0) }
    }

    private func printHistory(_ history: TrainingHistory) {
        print("epoch  loss    validation loss  accuracy")
        for (index, epoch) in history.epochs.enumerated() {
            func text(_ value: Double?) -> String { value.map { Figures.fixed($0, digits: 4) } ?? "-" }
            print(
                "\(index + 1)      \(text(epoch.loss))  \(text(epoch.validationLoss))           "
                    + "\(text(epoch.validationAccuracy))\(history.bestEpoch == index ? "  kept" : "")")
        }
        if history.end == .stoppedEarly { print("stopped early: the validation loss did not fall any more") }
    }

    private func judgeTexts(_ classifier: TextClassifier<String>) throws {
        let questions = Terminal.sentencesToJudge(given: texts)
        for (text, answer) in zip(questions, try classifier.predict(questions)) {
            print("\(answer.label) (\(Figures.fixed(answer.probability, digits: 4))): \(text)")
        }
    }

    private func draw(
        _ classifier: TextClassifier<String>, _ report: ClassificationReport<String>, to url: URL
    ) throws {
        if let history = classifier.card.history {
            try LineChart.learningCurve(title: "\(kind.rawValue): learning curve", history).save(to: url)
        } else {
            try ConfusionChart(title: "\(kind.rawValue): confusion matrix", report).save(to: url)
        }
        print("\ndrawn into \(url.path)")
    }
}

/// The kinds of models that the example knows.
enum ModelKind: String, CaseIterable, ExpressibleByArgument {
    case lstm
    case gru
    case convolution
    case ngrams

    func recipe(units: Int?, dimension: Int, dropout: Double, wordGrams: Bool, c: Double) -> TextModelRecipe {
        switch self {
        case .lstm: .lstm(units: units ?? 64, dimension: dimension, dropout: dropout)
        case .gru: .gru(units: units ?? 64, dimension: dimension, dropout: dropout)
        case .convolution: .convolution(filters: units ?? 128, dimension: dimension, dropout: dropout)
        case .ngrams: .nGrams(wordGrams ? [.characterGrams, .wordGrams] : [.characterGrams], c: c)
        }
    }
}
