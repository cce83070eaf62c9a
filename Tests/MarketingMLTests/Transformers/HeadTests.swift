import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// The typed models with other heads on a tiny BERT: what holds whatever they have learnt.
@Suite struct HeadTests {
    private static let texts = TextClassifierTests.texts.texts
    private static let options = FineTuningOptions(epochs: 30, batchSize: 5, learningRate: 3e-3, dropout: 0)

    private func roundTrip<Model>(_ save: (URL) throws -> Void, _ read: (URL) throws -> Model) throws -> Model
    {
        try withTemporaryDirectory { path in
            let folder = URL(fileURLWithPath: path).appending(path: "model")
            try save(folder)
            return try read(folder)
        }
    }

    @Test func numbersOfTexts() throws {
        let values = TextClassifierTests.texts.labels.map { $0 == "good" ? 120.0 : 40 }
        let model = try TextRegressor.fineTune(
            TextClassifierTests.tiny(), on: Self.texts, values: values, options: Self.options)
        let predicted = model.predict(Self.texts)
        expectClose(predicted, values, absolute: 30, "learnt by heart")
        #expect(model.predict(Self.texts[3]) == predicted[3])
        let error = try model.evaluate(Self.texts, values: values).value(of: .meanAbsoluteError).value
        let expected = zip(predicted, values).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(values.count)
        expectClose([error], [expected], absolute: 1e-9, "mean absolute error")
        let again = try roundTrip(model.save) { try TextRegressor(directory: $0) }
        #expect(again.predict(Self.texts) == predicted)
        expectFailure(.shapeMismatch) {
            _ = try TextRegressor.fineTune(TextClassifierTests.tiny(), on: Self.texts, values: [1])
        }
        expectFailure(.notFinite) {
            _ = try TextRegressor.fineTune(TextClassifierTests.tiny(), on: ["a"], values: [.nan])
        }
        expectFailure(.emptyData) {
            _ = try TextRegressor.fineTune(TextClassifierTests.tiny(), on: [], values: [])
        }
        expectFailure(.unsupported, "another problem") {
            _ = try roundTrip(model.save) { try TextClassifier<String>(directory: $0) }
        }
    }

    @Test func severalLabels() throws {
        let labels = Self.texts.map { text in
            ["late", "broken", "lovely"].filter { text.contains($0) }
        }
        var options = Self.options
        options.epochs = 60
        options.learningRate = 1e-2
        let model = try MultiLabelTextClassifier.fineTune(
            TextClassifierTests.tiny(), on: Self.texts, labels: labels, options: options)
        #expect(model.labels == ["broken", "late", "lovely"] && model.thresholds == [0.5, 0.5, 0.5])
        let tuned = try model.withThresholds(bestOn: Self.texts, labels: labels)
        let report = try tuned.evaluate(Self.texts, labels: labels)
        #expect(report.exactMatch >= 0.8)
        #expect(try report.micro.f1 >= model.evaluate(Self.texts, labels: labels).micro.f1)
        let again = try roundTrip(tuned.save) { try MultiLabelTextClassifier<String>(directory: $0) }
        #expect(
            again.predict(Self.texts) == tuned.predict(Self.texts) && again.thresholds == tuned.thresholds)
        expectFailure(.unknownLabel) { _ = try model.evaluate(["a"], labels: [["other"]]) }
        expectFailure(.emptyData) { _ = try model.evaluate([], labels: []) }
        // 1 of 2 above, then 2 of 3: the best F1 is that of all three.
        let threshold = MultiLabelTextClassifier<String>.bestThreshold([
            (0.9, true), (0.6, false), (0.4, true), (0.2, false),
        ])
        expectClose([threshold ?? 0], [0.3], absolute: 1e-12, "threshold")
        let exact = try MultiLabelReport(
            truth: [[true, false], [true, true], [false, false]],
            predicted: [[true, true], [false, true], [false, false]], labels: ["a", "b"])
        let third = 1.0 / 3
        let actual = [
            exact.micro.precision, exact.micro.recall, exact.macroF1, exact.exactMatch, exact.hammingLoss,
        ]
        expectClose(actual, [2 * third, 2 * third, 2 * third, third, third], absolute: 1e-12, "report")
    }

    @Test func entitiesInTexts() throws {
        let things = ["phone", "box", "cable", "thing"]
        let tagged = try Self.texts.map { text in
            let found = things.compactMap { thing in
                text.range(of: thing).map { TextEntity(label: "product", $0, in: text) }
            }
            return try TaggedText(text, entities: found)
        }
        let model = try TokenClassifier.fineTune(
            TextClassifierTests.tiny(), on: tagged, options: Self.options)
        #expect(model.tags == ["O", "B-product", "I-product"])
        #expect(try model.evaluate(tagged).micro.f1 >= 0.9)
        let found = model.entities(in: Self.texts)
        #expect(
            found[1].map { String(Self.texts[1][$0.entity.range(in: Self.texts[1])]) } == ["box", "cable"])
        #expect(model.entities(in: Self.texts[1]) == found[1])
        let again = try roundTrip(model.save) { try TokenClassifier(directory: $0) }
        #expect(again.entities(in: Self.texts) == found)
        #expect(model.entities(in: "").isEmpty)
        expectFailure(.emptyData) {
            _ = try TokenClassifier.fineTune(
                TextClassifierTests.tiny(), on: [TaggedText("none", entities: [])])
        }
        expectFailure(.invalidOption, "overlap") {
            _ = try TaggedText(
                "abc", entities: [.init(label: "x", bytes: 0..<2), .init(label: "y", bytes: 1..<3)])
        }
        let words = try TaggedText(
            words: ["The", "Café", "du", "Nord"], tags: ["O", "B-place", "I-place", "I-place"])
        #expect(words.entities.map { String(words.text[$0.range(in: words.text)]) } == ["Café du Nord"])
        expectFailure(.shapeMismatch) { _ = try TaggedText(words: ["a"], tags: []) }
    }

    @Test func answersInDocuments() throws {
        let colors = ["red", "blue", "green"]
        var examples = colors.map {
            QuestionExample(question: "what", context: "the box is \($0) and fine", answers: [$0])
        }
        examples.append(QuestionExample(question: "what", context: "rude people", answers: []))
        let tokenizer = try WordPieceTokenizer.train(
            on: examples.flatMap { [$0.question, $0.context] }, vocabularySize: 120)
        var configuration = BERTConfiguration(
            vocabularySize: tokenizer.vocabularySize, hiddenSize: 24, layers: 2, heads: 2,
            intermediateSize: 48)
        configuration.maximumPositions = 64
        let bert = try BERT(configuration: configuration, tokenizer: tokenizer, seed: 2)
        var options = Self.options
        options.epochs = 40
        let model = try QuestionAnswerer.fineTune(
            bert, on: examples, reading: AnswerOptions(maxLength: 40, stride: 4), options: options)
        let agreement = try model.evaluate(examples)
        #expect(agreement.exactMatch == 1, "\(agreement)")
        let answer = try #require(try model.answer("what", in: "the box is blue and fine"))
        #expect(answer.text == "blue" && answer.bytes == 11..<15 && answer.margin > 0)
        let again = try roundTrip(model.save) { try QuestionAnswerer(directory: $0, options: model.options) }
        #expect(try again.answer("what", in: "the box is blue and fine") == answer)
        expectFailure(.invalidOption, "answer elsewhere") {
            _ = try QuestionAnswerer.fineTune(
                bert, on: [QuestionExample(question: "what", context: "a", answers: ["b"])])
        }
        expectFailure(.tooLarge) {
            _ = try model.answer(String(repeating: "what ", count: 60), in: "the box")
        }
    }

    /// Every token of a long document stands in a window, and two neighbours share the stride.
    @Test(arguments: [0, 1, 5]) func windowsCoverADocument(_ stride: Int) throws {
        let tokenizer = try WordPieceTokenizer.train(on: Self.texts, vocabularySize: 100)
        let context = Self.texts.joined(separator: " ")
        let whole = tokenizer.truncating(to: 1 << 20).encode("late again", pair: context)
        let windows = try AnswerWindow.windows(
            of: context, question: "late again", AnswerOptions(maxLength: 20, stride: stride),
            .tiny(vocabularySize: 100), tokenizer)
        #expect(windows.count > 2)
        var next = 0
        let all = whole.second.map { whole.offsets[$0] }
        for (index, window) in windows.enumerated() {
            let part = window.encoding.second.map { window.encoding.offsets[$0] }
            let start = index == 0 ? 0 : next - stride
            #expect(part == Array(all[start..<start + part.count]))
            #expect(window.encoding.count <= 20)
            #expect(
                window.encoding.ids.prefix(whole.second.lowerBound)
                    == whole.ids.prefix(whole.second.lowerBound))
            next = start + part.count
        }
        #expect(next == all.count)
        let place = all[all.count / 2].range
        let holding = windows.filter { $0.span(of: place) != [0, 0] }
        #expect(!holding.isEmpty)
        for window in holding { #expect(window.bytes(Int(window.span(of: place)[0])) == place) }
    }

    @Test func fewExamples() throws {
        let data = TextClassifierTests.texts
        let encoder = try SentenceEncoder(TextClassifierTests.tiny())
        let options = FewShotOptions(
            pairsPerText: 4, fineTuning: FineTuningOptions(epochs: 2, batchSize: 8, learningRate: 1e-3), c: 10
        )
        let model = try FewShotClassifier.train(on: data, from: encoder, options: options)
        let answers = try model.predict(data.texts)
        #expect(
            try FewShotClassifier.train(on: data, from: encoder, options: options).predict(data.texts)
                == answers)
        #expect(try model.predict(data.texts[2]).label == answers[2].label)
        let again = try roundTrip(model.save) { try FewShotClassifier<String>(directory: $0) }
        for (a, b) in zip(try again.predict(data.texts), answers) {
            expectClose(a.probabilities, b.probabilities, absolute: 1e-6, "read again")
        }
        let pairs = ContrastivePairs.drawn(from: data, count: 3, seed: 1)
        #expect(pairs.count == 2 * 3 * data.count)
        let labels = Dictionary(uniqueKeysWithValues: zip(data.texts, data.labels))
        for pair in pairs {
            #expect(pair.first != pair.second)
            #expect((labels[pair.first] == labels[pair.second]) == (pair.similarity == 1))
        }
        #expect(ContrastivePairs.drawn(from: data, count: 0, seed: 1).isEmpty)
        expectFailure(.emptyData) { _ = try encoder.fineTuned(on: []) }
        expectFailure(.notFinite) { _ = try encoder.fineTuned(on: [TextPair("a", "b", similarity: .nan)]) }
        expectFailure(.emptyData) {
            _ = try FewShotClassifier.train(on: LabeledTexts(texts: ["a"], labels: ["x"]), from: encoder)
        }
        let ranked = try encoder.fineTuned(
            on: [TextPair("late", "late again"), TextPair("lovely", "fine")],
            options: FineTuningOptions(epochs: 3))
        #expect(try ranked.embed("late") != encoder.embed("late"))
    }
}
