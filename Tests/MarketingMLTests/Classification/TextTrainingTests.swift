import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Classifiers that are trained from scratch: what holds for all kinds.
@Suite struct TextTrainingTests {
    static let texts = LabeledTexts(
        texts: (0..<40).map { row in
            let good = [
                "lovely phone", "great box, works", "solid and fine", "很好 质量很好", "a lovely solid thing",
            ]
            let bad = [
                "rude people", "poor cable, late", "it arrived broken", "太差 质量太差", "late again, broken",
            ]
            return (row % 2 == 0 ? good : bad)[row / 2 % 5] + " no. \(row / 10)"
        },
        labels: (0..<40).map { $0 % 2 == 0 ? "good" : "bad" })

    static let recipes: [TextModelRecipe] = [
        .nGrams(), .nGrams([.characterGrams, .wordGrams], c: 1),
        .lstm(units: 6, dimension: 8, dropout: 0.1), .gru(units: 6, dimension: 8, dropout: 0.1),
        .convolution(filters: 6, widths: [1, 2], dimension: 8, dropout: 0.1),
    ]

    static func trained(
        _ recipe: TextModelRecipe, _ texts: LabeledTexts<String> = texts, seed: UInt64 = 1
    ) throws -> TextClassifier<String> {
        try TextClassifier.train(
            recipe, on: texts,
            options: TextTrainingOptions(
                tokenizer: .init(minimumCount: 1), epochs: 20, batchSize: 8, learningRate: 0.02, seed: seed))
    }

    @Test(arguments: recipes)
    func learnsAndAnswers(_ recipe: TextModelRecipe) throws {
        let classifier = try Self.trained(recipe)
        #expect(classifier.labels == ["bad", "good"])
        #expect(try classifier.evaluate(Self.texts).accuracy == 1)
        let texts = Self.texts.texts + ["", " ", "\u{0}\u{FFFD}👩‍👩‍👧", String(repeating: "late ", count: 3000)]
        let answers = try classifier.predict(texts)
        #expect(try answers == texts.map { try classifier.predict($0) })
        #expect(try classifier.predict(texts.reversed()) == answers.reversed())
        #expect(try classifier.predict([]).isEmpty)
        for answer in answers {
            let sum = answer.probabilities.reduce(0, +)
            #expect(abs(sum - 1) < 1e-6)
            #expect(answer.probability == answer.probabilities.max())
        }
        #expect(classifier.card.recipe == recipe && classifier.card.trainingTexts == 40)
    }

    @Test(arguments: recipes)
    func savedAndReadAgain(_ recipe: TextModelRecipe) throws {
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path + "/model")
            let classifier = try Self.trained(recipe)
            try classifier.save(to: directory)
            try classifier.save(to: directory)
            let again = try TextClassifier<String>(directory: directory)
            #expect(try again.predict(Self.texts.texts) == classifier.predict(Self.texts.texts))
            #expect(again.labels == classifier.labels && again.maxLength == classifier.maxLength)
            #expect(again.card.recipe == recipe && again.card.history == classifier.card.history)
            try again.save(to: directory)
            #expect(
                try TextClassifier<String>(directory: directory).predict("late") == classifier.predict("late")
            )
            #expect(throws: MarketingMLError.self) { try TextClassifier<Int>(directory: directory) }
        }
    }

    /// Every file of a saved classifier, damaged in many ways: a typed error, or a classifier that answers.
    @Test(arguments: recipes)
    func damagedFiles(_ recipe: TextModelRecipe) throws {
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path + "/model")
            try Self.trained(recipe).save(to: directory)
            for file in try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() {
                let url = directory.appendingPathComponent(file)
                let bytes = Array(try Data(contentsOf: url))
                // Large files are mostly weights, which may be any number: their heads are what can be wrong.
                let head = min(bytes.count, 4096)
                try forEachMutation(of: Array(bytes[..<head]), count: 300, seed: 7) { copy in
                    try Data(copy + bytes[head...]).write(to: url)
                    do {
                        let classifier = try TextClassifier<String>(directory: directory)
                        #expect(try classifier.predict(["lovely", ""]).count == 2)
                    } catch is MarketingMLError {}
                }
                try FileManager.default.removeItem(at: url)
                if file != "card.json" {
                    #expect(throws: MarketingMLError.self, "\(file)") {
                        try TextClassifier<String>(directory: directory)
                    }
                }
                try Data(bytes).write(to: url)
            }
        }
    }

    @Test(arguments: recipes)
    func theSameForEveryNumberOfThreads(_ recipe: TextModelRecipe) throws {
        let count = ThreadPool.threadCount
        defer { ThreadPool.threadCount = count }
        ThreadPool.threadCount = 1
        let one = try Self.trained(recipe).predict(Self.texts.texts)
        ThreadPool.threadCount = 2
        #expect(try Self.trained(recipe).predict(Self.texts.texts) == one)
    }

    @Test func moreClassesOfOtherTypes() throws {
        let labels = (0..<40).map { [3, 1, 2][$0 % 3] }
        let texts = (0..<40).map { ["three drei", "one eins", "two zwei"][$0 % 3] + " \($0 / 3)" }
        for recipe in Self.recipes {
            let classifier = try TextClassifier.train(
                recipe, on: LabeledTexts(texts: texts, labels: labels),
                options: TextTrainingOptions(
                    tokenizer: .init(minimumCount: 1), epochs: 20, batchSize: 8, learningRate: 0.02))
            #expect(classifier.labels == [1, 2, 3])
            #expect(try classifier.predict(["one", "drei"]).map(\.label) == [1, 3])
        }
    }

    @Test func badDataAndOptions() throws {
        func code(
            _ recipe: TextModelRecipe, _ data: LabeledTexts<String> = Self.texts,
            _ change: (inout TextTrainingOptions) -> Void = { _ in }
        ) -> MarketingMLError.Code? {
            var options = TextTrainingOptions(epochs: 1)
            change(&options)
            do {
                _ = try TextClassifier.train(recipe, on: data, options: options)
                return nil
            } catch { return (error as? MarketingMLError)?.code }
        }
        for recipe in Self.recipes {
            #expect(code(recipe, LabeledTexts(texts: [], labels: [])) == .emptyData)
            #expect(code(recipe, LabeledTexts(texts: ["a", "b"], labels: ["x", "x"])) == .emptyData)
            #expect(code(recipe, LabeledTexts(texts: ["", " "], labels: ["x", "y"])) == .emptyData)
            #expect(code(recipe) { $0.classWeights = .values([1]) } == .invalidOption)
        }
        #expect(code(.nGrams(c: 0)) == .invalidOption)
        #expect(code(.nGrams([])) == .emptyData)
        #expect(code(.nGrams([TextEncoding(range: 0...2)])) == .invalidOption)
    }

    /// The baselines that reports name, on the sets' own parts; settings are the defaults, which were chosen on their dev parts.
    @Test(arguments: [("reviews-zh", 0.848), ("sms-spam", 0.991)])
    func accuracyOfNGrams(_ set: String, _ least: Double) throws {
        guard let train = TestData.shared(set + "/train.tsv.gz"),
            let test = TestData.shared(set + "/test.tsv.gz")
        else { return }
        let classifier = try TextClassifier.train(
            .nGrams(), on: LabeledTexts(tsv: train, text: "text", label: "label"))
        let report = try classifier.evaluate(LabeledTexts(tsv: test, text: "text", label: "label"))
        #expect(report.accuracy >= least)
        print("\(set), n-grams: accuracy \(report.accuracy), confusion \(report.confusion.counts)")
    }
}
