import ArgumentParser
import ExampleSupport
import Foundation
import MarketingML

@main
struct PretrainBERT: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain-bert",
        abstract:
            "Pre-trains a BERT on raw text, or trains one further, and says how well it knows held-out text.",
        discussion: """
            A corpus file is plain text, with blank lines between documents, or a CSV or TSV file with column names in the \
            first row, of which a column is read: FILE:COLUMN. Any of them may be compressed (.gz). Without --corpus a \
            built-in sample of made-up reviews serves. The result is a Hugging Face directory that fine-tuning starts from.

            With --judge-train and --judge-test the network is then fine-tuned on labelled texts, once from what it has \
            learned here and once from random weights, for several seeds. Every text of --exclude files is left out of the \
            corpus and so of the vocabulary.
            """)

    @Option(parsing: .upToNextOption, help: "The text to learn from.", completion: .file()) var corpus:
        [String] =
            []
    @Option(parsing: .upToNextOption, help: "Texts that must not be learned from.", completion: .file())
    var exclude: [String] = []
    @Option(help: "Text to measure perplexity on. (default: a twentieth of the documents)") var heldOut:
        String?
    @Flag(help: "Every line of a text file is a document.") var lines = false
    @Option(name: .customLong("continue"), help: "A BERT directory to train further, with its vocabulary.")
    var start: String?
    @Option(help: "Keep the model in this directory.", completion: .directory) var save: String?
    @Option(help: "Save the run here on its way, and go on from what is there.", completion: .directory)
    var checkpoint: String?

    @Option(help: "Most tokens of the vocabulary.") var vocabulary = 8000
    @Option(help: "Size of the hidden states.") var hidden = 128
    @Option(help: "Transformer layers.") var layers = 2
    @Option(help: "Heads of attention.") var heads = 2
    @Option(help: "Size of the feed-forward layers. (default: 4 times the hidden size)") var wide: Int?
    @Flag(help: "Leave out the next-sentence objective.") var tokensOnly = false
    @Flag(help: "Hide whole words rather than tokens.") var wholeWords = false

    @Option(help: "Passes over the corpus. (default: 10; with the sample 20)") var epochs: Int?
    @Option(help: "Rows of text a step.") var batchSize = 32
    @Option(help: "Longest row in tokens.") var maxLength = 128
    @Option(help: "The highest learning rate. (default: 1e-3; with --continue 5e-5)") var learningRate:
        Double?
    @Option(help: "Every random choice follows from it.") var seed: UInt64 = 42

    @Option(help: "Labelled texts to fine-tune on afterwards, FILE:TEXT:LABEL.") var judgeTrain: String?
    @Option(help: "Labelled texts to be judged on, FILE:TEXT:LABEL.") var judgeTest: String?
    @Option(help: "Fine-tuning runs from each start.") var seeds = 5
    @Option(help: "Passes of a fine-tuning run.") var judgeEpochs = 4
    @Option(help: "Learning rate of fine-tuning.") var judgeLearningRate = 3e-4
    @Option(help: "Write the figures to this file.", completion: .file()) var json: String?
    @Argument(help: "Texts with [MASK] to fill.") var texts: [String] = []

    func validate() throws {
        guard (judgeTrain == nil) == (judgeTest == nil) else {
            throw ValidationError("Give both --judge-train and --judge-test, or neither.")
        }
        guard seeds >= 1 else { throw ValidationError("--seeds must be at least 1.") }
    }

    func run() throws {
        do {
            try tellTheStory()
        } catch {
            Terminal.write("pretrain-bert: \(error)\n")
            throw ExitCode.failure
        }
    }

    /// Read, learn, measure, fill, save, compare: in the order in which a reader wants to see it.
    private func tellTheStory() throws {
        var watch = Stopwatch()
        let text = try RawText(
            corpus: corpus, exclude: exclude, heldOut: heldOut, layout: lines ? .documentPerLine : .blankLines
        )
        print("\(text.description)")
        fflush(nil)

        let pretrained = try pretrain(text)
        let seconds = watch.lap()
        print(
            "vocabulary of \(pretrained.tokenizer.vocabularySize) tokens, "
                + "\(Figures.short(Double(pretrained.model.parameterCount))) parameters, "
                + "pre-trained in \(Figures.time(seconds))")
        let judged = try pretrained.evaluate(on: text.heldOut, options: options)
        print(
            "held-out text: perplexity \(Figures.fixed(judged.perplexity, digits: 2)) of hidden tokens, "
                + "\(Figures.fixed(100 * judged.accuracy, digits: 1)) % of them named"
                + (judged.nextSentenceAccuracy.map {
                    ", next sentence \(Figures.fixed(100 * $0, digits: 1)) % right"
                } ?? "") + "\n")

        for text in texts.isEmpty ? ["I [MASK] this product.", "The battery lasts for [MASK]."] : texts {
            print(text)
            for candidates in pretrained.candidates(forMasksIn: text) {
                let words = candidates.map {
                    "\($0.token) (\(Figures.fixed(Double($0.probability), digits: 3)))"
                }
                print("  " + words.joined(separator: ", "))
            }
        }
        if let save {
            try pretrained.save(to: URL(fileURLWithPath: save))
            print("\nsaved to \(save)")
        }
        var comparison: StartComparison?
        if let judgeTrain, let judgeTest {
            comparison = try StartComparison(
                pretrained, train: .init(argument: judgeTrain), test: .init(argument: judgeTest),
                seeds: seeds,
                epochs: judgeEpochs, learningRate: judgeLearningRate)
        }
        if let json {
            let figures = PretrainingFigures(
                options: options, vocabulary: pretrained.tokenizer.vocabularySize,
                parameters: pretrained.model.parameterCount, seconds: seconds, perplexity: judged.perplexity,
                heldOut: judged, comparison: comparison)
            try figures.writeJSON(to: URL(fileURLWithPath: json))
        }
    }

    private func pretrain(_ text: RawText) throws -> PretrainedBERT {
        let bar = ProgressBar()
        defer { bar.finish() }
        let checkpoint = checkpoint.map { CheckpointOptions(directory: URL(fileURLWithPath: $0)) }
        if let start {
            return try BERT.pretrain(
                continuing: PretrainedBERT(
                    directory: URL(fileURLWithPath: start), objectives: tokensOnly ? objectives : nil),
                corpus: text.corpus, heldOut: text.heldOut, options: options, checkpoint: checkpoint
            ) { bar.update($0) }
        }
        let configuration = BERTConfiguration(
            vocabularySize: vocabulary, hiddenSize: hidden, layers: layers, heads: heads,
            intermediateSize: wide ?? 4 * hidden)
        return try BERT.pretrain(
            corpus: text.corpus, configuration: configuration, objectives: objectives, heldOut: text.heldOut,
            options: options, checkpoint: checkpoint
        ) { bar.update($0) }
    }

    private var objectives: Set<PretrainingObjective> {
        tokensOnly ? [.maskedLanguageModel] : [.maskedLanguageModel, .nextSentence]
    }

    private var options: PretrainingOptions {
        .init(
            epochs: epochs ?? (corpus.isEmpty ? 20 : 10), batchSize: batchSize, maxLength: maxLength,
            learningRate: learningRate ?? (start == nil ? 1e-3 : 5e-5),
            masking: MaskingOptions(wholeWords: wholeWords), seed: seed)
    }
}
