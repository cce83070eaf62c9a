import Foundation
import MarketingML

/// A training run in a process of its own, for tests that kill it or count what it allocates.
///
/// Usage: TrainingChild CHECKPOINT OUTPUT trains with accumulation, validation and checkpoints; with "none" as
/// CHECKPOINT without them. Prints a line an update, and at the end how many blocks of memory were taken from the
/// system between the first step and the last.
@main
struct TrainingChild {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { throw MarketingMLError(.invalidOption, "needs two directories") }
        let texts = sample(count: 60)
        let tokenizer = try WordPieceTokenizer.train(on: texts.texts, vocabularySize: 120)
        var configuration = BERTConfiguration(
            vocabularySize: tokenizer.vocabularySize, hiddenSize: 24, layers: 2, heads: 3,
            intermediateSize: 40)
        configuration.maximumPositions = 32
        let bert = try BERT(configuration: configuration, tokenizer: tokenizer, seed: 3)
        let parts = try texts.split(validation: 0.2, test: 0, seed: 1)
        let plain = arguments[1] == "none"
        let options = FineTuningOptions(
            epochs: 6, batchSize: 4, accumulation: plain ? 1 : 3, learningRate: 2e-3,
            earlyStoppingPatience: 3, seed: 9)
        var afterFirstStep: Int?
        var afterLastStep = 0
        let classifier = try TextClassifier.fineTune(
            bert, on: parts.train, validation: plain ? nil : parts.validation, options: options,
            checkpoint: plain
                ? nil : CheckpointOptions(directory: URL(fileURLWithPath: arguments[1]), interval: 2)
        ) { event in
            if case .training = event.phase {
                afterLastStep = TensorMemory.statistics.systemAllocations
                if afterFirstStep == nil { afterFirstStep = afterLastStep }
                print("update \(event.step)")
                fflush(nil)
                // Gives whoever wants to kill this process the time to.
                usleep(8000)
            }
            return .continue
        }
        try classifier.save(to: URL(fileURLWithPath: arguments[2]))
        print("allocations \(afterLastStep - (afterFirstStep ?? 0))")
    }

    /// Sentences of changing length from a few words, with a label that depends on them.
    private static func sample(count: Int) -> LabeledTexts<String> {
        let good = ["lovely", "great", "fine", "solid"]
        let bad = ["poor", "broken", "late", "rude"]
        let filler = ["the", "phone", "arrived", "today", "with", "a", "box", "and", "cable"]
        var texts: [String] = []
        var labels: [String] = []
        for index in 0..<count {
            let positive = index % 2 == 0
            let words = (0..<(index * 5) % 17 + 1).map { filler[(index * 7 + $0 * 3) % filler.count] }
            texts.append((words + [(positive ? good : bad)[index / 2 % 4]]).joined(separator: " "))
            labels.append(positive ? "positive" : "negative")
        }
        return LabeledTexts(texts: texts, labels: labels)
    }
}
