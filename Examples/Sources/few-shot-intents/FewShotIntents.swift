import ArgumentParser
import ExampleSupport
import Foundation
import MarketingML

@main
struct FewShotIntents: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "few-shot-intents",
        abstract: "Learns to tell customers' requests apart from a handful of examples of each.",
        discussion: """
            Draws some texts of each label from --train, fine-tunes a sentence encoder on pairs of them, fits logistic \
            regression on its vectors and judges it on --test, beside the same head on the encoder as it was. Files are \
            CSV or TSV, also compressed (.gz), with column names in the first row. Texts given as arguments are answered.
            """)

    @Option(help: "The texts to draw the examples from.", completion: .file()) var train: String
    @Option(help: "The texts to be judged on.", completion: .file()) var test: String
    @Option(help: "A Hugging Face directory with a sentence encoder.", completion: .directory) var model:
        String
    @Option(help: "The column of the texts.") var text = "text"
    @Option(help: "The column of the labels.") var label = "intent"
    @Option(help: "Examples of each label.") var shots = 8
    @Option(help: "Pairs of each kind (same label, other label) an example.") var pairs = 20
    @Option(help: "Passes over the pairs.") var epochs = 1
    @Option(help: "Pairs a step.") var batchSize = 16
    @Option(help: "The highest learning rate.") var learningRate = 2e-5
    @Option(help: "The weight of the head's loss beside its penalty.") var c = 1.0
    @Option(help: "Every random choice follows from it.") var seed: UInt64 = 42
    @Option(help: "Keep the model in this directory.", completion: .directory) var save: String?
    @Option(help: "Write the figures to this file.", completion: .file()) var json: String?
    @Option(help: "Fail unless accuracy is this far above the encoder as it was.") var assertAboveFrozen:
        Double?
    @Argument(help: "Texts to answer.") var texts: [String] = []

    func validate() throws {
        guard shots >= 2 else { throw ValidationError("--shots must be at least 2.") }
    }

    func run() throws {
        do {
            try tellTheStory()
        } catch let error as ExitCode {
            throw error
        } catch {
            Terminal.write("few-shot-intents: \(error)\n")
            throw ExitCode.failure
        }
    }

    /// Draw, judge the head on the encoder as it is, fine-tune, judge again, answer, save.
    private func tellTheStory() throws {
        var watch = Stopwatch()
        let all = try LabeledTexts(csv: URL(fileURLWithPath: train), text: text, label: label)
        let examples = drawn(from: all)
        let judged = try LabeledTexts(csv: URL(fileURLWithPath: test), text: text, label: label)
        let encoder = try SentenceEncoder(directory: URL(fileURLWithPath: model))
        print(
            "\(examples.count) examples of \(try examples.labelSet().count) labels to learn from, \(judged.count) texts to be judged on"
        )
        fflush(nil)
        _ = watch.lap()

        var options = FewShotOptions(
            pairsPerText: 0,
            fineTuning: FineTuningOptions(
                epochs: epochs, batchSize: batchSize, learningRate: learningRate,
                earlyStoppingPatience: nil, seed: seed),
            c: c)
        let frozen = try FewShotClassifier.train(on: examples, from: encoder, options: options)
        let frozenReport = try frozen.evaluate(judged)
        let frozenSeconds = watch.lap()
        print("encoder as it was: accuracy \(Figures.fixed(frozenReport.accuracy, digits: 4))")
        fflush(nil)

        options.pairsPerText = pairs
        let bar = ProgressBar()
        let classifier: FewShotClassifier<String>
        do {
            defer { bar.finish() }
            classifier = try FewShotClassifier.train(on: examples, from: encoder, options: options) {
                bar.update($0)
            }
        }
        let trainSeconds = watch.lap()
        let report = try classifier.evaluate(judged)
        let evaluateSeconds = watch.lap()
        print("fine-tuned in \(Figures.fixed(trainSeconds, digits: 1)) s")
        print("macro F1 \(Figures.fixed(report.macro.f1, digits: 4))")
        print("accuracy \(Figures.fixed(report.accuracy, digits: 4))")

        let answers = try classifier.predict(texts)
        for (text, answer) in zip(texts, answers) {
            print("\(answer.label) (\(Figures.fixed(answer.probability, digits: 4))): \(text)")
        }
        if let save { try classifier.save(to: URL(fileURLWithPath: save)) }
        if let json {
            try FewShotFigures(
                model: model, options: options, shots: shots, examples: examples.count, judged: judged.count,
                accuracy: report.accuracy, macroF1: report.macro.f1, frozenAccuracy: frozenReport.accuracy,
                frozenMacroF1: frozenReport.macro.f1,
                answers: zip(texts, answers).map {
                    .init(text: $0, label: $1.label, probability: $1.probability)
                },
                seconds: .init(frozen: frozenSeconds, train: trainSeconds, evaluate: evaluateSeconds)
            ).writeJSON(to: URL(fileURLWithPath: json))
        }
        if let margin = assertAboveFrozen, report.accuracy < frozenReport.accuracy + margin {
            throw Failure("accuracy is not \(margin) above that of the encoder as it was")
        }
    }

    /// The first texts of each label after shuffling all by the seed.
    private func drawn(from data: LabeledTexts<String>) -> LabeledTexts<String> {
        var generator = SeededGenerator(seed: seed)
        var taken: [String: Int] = [:]
        var order = Array(data.texts.indices)
        generator.shuffle(&order)
        return data[
            order.filter { index in
                taken[data.labels[index], default: 0] += 1
                return taken[data.labels[index], default: 0] <= shots
            }]
    }
}
