import ExampleSupport
import Foundation
import MarketingML

/// What pre-training is good for: the same network, fine-tuned from what it has learned and from random weights.
struct StartComparison: Codable {
    /// Test accuracy of each seed.
    var pretrained: [Double] = []
    var random: [Double] = []
    /// Share of the most frequent label.
    var majority = 0.0

    init(
        _ model: PretrainedBERT, train: FileAndColumns, test: FileAndColumns, seeds: Int, epochs: Int,
        learningRate: Double
    ) throws {
        let (train, test) = (try train.labeledTexts(), try test.labeledTexts())
        print("\n\(train.count) texts to fine-tune on, \(test.count) to be judged on; test accuracy by seed:")
        let bert = try model.bert
        for seed in 1...UInt64(seeds) {
            let untrained = try BERT(
                configuration: bert.configuration, tokenizer: bert.tokenizer, seed: seed)
            for (start, isPretrained) in [(bert, true), (untrained, false)] {
                let classifier = try TextClassifier.fineTune(
                    start, on: train,
                    options: FineTuningOptions(
                        epochs: epochs, batchSize: 16, learningRate: learningRate, pooling: .mean, seed: seed)
                )
                let report = try classifier.evaluate(test)
                majority = report.majorityShare
                if isPretrained {
                    pretrained.append(report.accuracy)
                } else {
                    random.append(report.accuracy)
                }
            }
            print(
                "seed \(seed): pre-trained \(Figures.fixed(pretrained[pretrained.count - 1], digits: 4)), "
                    + "random weights \(Figures.fixed(random[random.count - 1], digits: 4))")
            fflush(nil)
        }
        print(
            "mean ± standard deviation: pre-trained \(Self.summary(pretrained)), random weights "
                + "\(Self.summary(random)); always the most frequent label \(Figures.fixed(majority, digits: 4))"
        )
    }

    private static func summary(_ values: [Double]) -> String {
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let deviation = (squares / Double(max(1, values.count - 1))).squareRoot()
        return "\(Figures.fixed(mean, digits: 4)) ± \(Figures.fixed(deviation, digits: 4))"
    }
}
