import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// A small demonstration of each head on real texts: MiniLM fine-tuned on some hundred descriptions of restaurants and judged on
/// others, half of whose names it has never read. A minute or two each, so only when MARKETINGML_SLOW_TESTS is set.
@Suite(
    .serialized,
    .enabled(
        if: ProcessInfo.processInfo.environment["MARKETINGML_SLOW_TESTS"] != nil
            && TestData.minilm() != nil && TestData.shared("e2e-restaurants/test.tsv.gz") != nil))
struct RealHeadTests {
    /// A description and what it was written from.
    private struct Restaurant {
        let text: String
        let slots: [String: String]
    }

    /// Every so-and-so-many-th text of a file.
    private func restaurants(_ part: String, every step: Int) throws -> [Restaurant] {
        let file = try #require(TestData.shared("e2e-restaurants/\(part).tsv.gz"))
        let data = try LabeledTexts<String>(csv: file, text: "text", label: "mr")
        return stride(from: 0, to: data.count, by: step).map { index in
            var slots: [String: String] = [:]
            for slot in data.labels[index].split(separator: "]") {
                let parts = slot.drop { " ,".contains($0) }.split(separator: "[", maxSplits: 1)
                if parts.count == 2 { slots[String(parts[0])] = String(parts[1]) }
            }
            return Restaurant(text: data.texts[index], slots: slots)
        }
    }

    private func bert() throws -> BERT { try BERT(directory: #require(TestData.minilm())) }

    private static let options = FineTuningOptions(epochs: 2, batchSize: 16, learningRate: 1e-4)

    @Test func namesOfRestaurants() throws {
        func tagged(_ restaurants: [Restaurant]) throws -> [TaggedText] {
            try restaurants.map { restaurant in
                var entities: [TextEntity] = []
                for slot in ["name", "near"] {
                    guard let value = restaurant.slots[slot],
                        let range = restaurant.text.range(of: value)
                    else { continue }
                    let entity = TextEntity(label: slot, range, in: restaurant.text)
                    if !entities.contains(where: { $0.bytes.overlaps(entity.bytes) }) {
                        entities.append(entity)
                    }
                }
                return try TaggedText(restaurant.text, entities: entities)
            }
        }
        let model = try TokenClassifier.fineTune(
            bert(), on: tagged(restaurants("train", every: 6)), options: Self.options)
        let report = try model.evaluate(tagged(restaurants("test", every: 16)))
        #expect(report.micro.f1 > 0.65, "\(report)")
    }

    @Test func questionsOnRestaurants() throws {
        func examples(_ restaurants: [Restaurant]) -> [QuestionExample] {
            restaurants.flatMap { restaurant in
                [
                    ("name", "What is the restaurant called?"), ("near", "What is it near?"),
                    ("food", "What food does it serve?"),
                ]
                .map { slot, question in
                    let value = restaurant.slots[slot].flatMap { restaurant.text.contains($0) ? $0 : nil }
                    return QuestionExample(
                        question: question, context: restaurant.text, answers: value.map { [$0] } ?? [])
                }
            }
        }
        let model = try QuestionAnswerer.fineTune(
            bert(), on: examples(restaurants("train", every: 8)),
            reading: AnswerOptions(maxLength: 128, stride: 16),
            options: Self.options)
        let agreement = try model.evaluate(examples(restaurants("test", every: 24)))
        #expect(agreement.exactMatch > 0.8, "\(agreement)")
    }

    @Test func attributesOfRestaurants() throws {
        let train = try restaurants("train", every: 6), test = try restaurants("test", every: 16)
        let model = try MultiLabelTextClassifier.fineTune(
            bert(), on: train.map(\.text), labels: train.map { $0.slots.keys.sorted() }, options: Self.options
        )
        let report = try model.evaluate(test.map(\.text), labels: test.map { $0.slots.keys.sorted() })
        #expect(report.micro.f1 > 0.9, "\(report)")
    }

    @Test func ratingsOfClothes() throws {
        let file = try #require(TestData.shared("clothing-reviews/train.tsv.gz"))
        let data = try LabeledTexts<String>(csv: file, text: "text", label: "rating")
        let train = data[stride(from: 0, to: data.count, by: 25)],
            test = data[stride(from: 7, to: data.count, by: 50)]
        var options = Self.options
        options.maxLength = 96
        let model = try TextRegressor.fineTune(
            bert(), on: train.texts, values: train.labels.compactMap { Double($0) }, options: options)
        let stars = test.labels.compactMap { Double($0) }
        let share = try model.evaluate(test.texts, values: stars).value(of: .rSquared).value
        #expect(share > 0.4, "\(share)")
    }
}
