import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// MiniLM fine-tuned on real sentences, against PyTorch: Tests/Reference/finetune.py has the recipe and wrote the
/// fixtures.
@Suite(.serialized) struct FineTuningParityTests {
    struct Set: Sendable, CustomStringConvertible {
        let name: String
        let label: String
        var description: String { name }

        func read(_ part: String) throws -> LabeledTexts<String>? {
            guard let url = TestData.shared("\(name)/\(part).tsv.gz") else { return nil }
            return try LabeledTexts(csv: url, text: "text", label: label)
        }
    }

    static let recipe = FineTuningOptions(
        epochs: 3, batchSize: 32, maxLength: 128, learningRate: 5e-5, warmupRatio: 0.1, schedule: .linear,
        weightDecay: 0.01,
        gradientClipping: 1, pooling: .cls)

    /// Dropout off, the same head and the same order of texts.
    @Test(arguments: [
        Set(name: "product-reviews-en", label: "sentiment"), Set(name: "sentences-en", label: "label"),
    ])
    func sameLossesAndPredictions(_ set: Set) throws {
        guard let directory = TestData.minilm(), let train = try set.read("train"),
            let test = try set.read("test")
        else { return }
        let file = try SafeTensorsFile(TestData.fixture("finetune-\(set.name).safetensors", .module))
        let order = try file.integers("order")
        let head = Linear<Float>(
            weight: try file.tensor("classifier.weight"), bias: try file.tensor("classifier.bias"))
        let start = FineTunedTextModel.Start(
            head: head, orders: order.elements.map { Int($0) }.chunked(by: order.shape[1]))
        var options = Self.recipe
        options.dropout = 0
        let classifier = try TextClassifier.fineTune(
            BERT(directory: directory), on: train, validation: nil, options: options, checkpoint: nil,
            start: start, progress: nil)
        let losses = classifier.card.history?.losses ?? []
        let expected = try file.tensor("losses", as: Double.self).elements
        #expect(losses.count == expected.count)
        expectClose(
            Array(losses.prefix(50)), Array(expected.prefix(50)), relative: 1e-3, "losses of \(set.name)")
        let predictions = try classifier.predict(test.texts).map {
            classifier.labels.firstIndex(of: $0.label) ?? -1
        }
        let reference = try file.integers("test_predictions").elements.map { Int($0) }
        #expect(predictions.count == reference.count)
        let same = zip(predictions, reference).count { $0 == $1 }
        #expect(
            Double(same) >= 0.99 * Double(reference.count),
            "\(same) of \(reference.count) predictions are the same")
    }

    /// Dropout on, ten seeds: minutes, so only when MARKETINGML_SLOW_TESTS is set.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["MARKETINGML_SLOW_TESTS"] != nil))
    func tenSeedsAreAsAccurate() throws {
        struct Reference: Decodable { var accuracy: [String: Double] }
        let set = Set(name: "product-reviews-en", label: "sentiment")
        guard let directory = TestData.minilm(), let train = try set.read("train"),
            let test = try set.read("test")
        else { return }
        let bert = try BERT(directory: directory)
        var accuracies: [Double] = []
        for seed in 1...10 as ClosedRange<UInt64> {
            var options = Self.recipe
            options.seed = seed
            let accuracy = try TextClassifier.fineTune(bert, on: train, options: options).evaluate(test)
                .accuracy
            print("seed \(seed): accuracy \(accuracy)")
            accuracies.append(accuracy)
        }
        let data = try Data(contentsOf: TestData.fixture("finetune-seeds.json", .module))
        let reference = try JSONDecoder().decode(Reference.self, from: data).accuracy.values
        let (ours, theirs) = (accuracies.reduce(0, +) / 10, reference.reduce(0, +) / Double(reference.count))
        print("mean of ten seeds: \(ours), PyTorch's: \(theirs)")
        #expect(ours >= theirs - 0.005)
    }
}
