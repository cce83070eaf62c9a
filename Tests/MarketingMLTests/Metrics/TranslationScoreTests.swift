import Foundation
import MarketingML
import TestSupport
import Testing

/// Against `Tests/Reference/text_scores.py`.
@Suite struct TranslationScoreTests {
    private struct Fixture: Decodable {
        struct BLEUCase: Decodable {
            var name: String
            var hypotheses: [String]
            var references: [[String]]
            var tokenize: String
            var lowercase: Bool
            var smoothing: String
            var effectiveOrder: Bool
            var order: Int
            var value: Double
            var precisions: [Double]
            var brevityPenalty: Double
            var hypothesisLength: Int
            var referenceLength: Int
            var signature: String
        }
        struct ChrFCase: Decodable {
            var name: String
            var hypotheses: [String]
            var references: [[String]]
            var wordOrder: Int
            var lowercase: Bool
            var beta: Double
            var value: Double
            var signature: String
        }
        var lines: [String]
        var tokenizations: [String: [String]]
        var bleu: [BLEUCase]
        var chrf: [ChrFCase]

        static func load() throws -> Fixture {
            let url = TestData.fixture("text-scores.json", .module)
            return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
        }
    }

    @Test func tokens() throws {
        let fixture = try Fixture.load()
        #expect(fixture.tokenizations.count == BLEUTokenization.allCases.count)
        for tokenization in BLEUTokenization.allCases {
            let expected = try #require(fixture.tokenizations[tokenization.rawValue])
            for (line, expected) in zip(fixture.lines, expected) {
                // Words of spaces stand between the tokens of `char`: compare as BLEU sees them.
                let words = expected.unicodeScalars.split {
                    $0.properties.isWhitespace || ("\u{1C}"..."\u{1F}").contains($0)
                }.map { String($0) }
                #expect(
                    tokenization.tokens(of: line) == words,
                    "\(tokenization.rawValue): \(line.debugDescription)")
            }
        }
    }

    @Test func bleu() throws {
        for example in try Fixture.load().bleu {
            let smoothing: BLEU.Smoothing =
                switch example.smoothing {
                case "floor": .floor()
                case "add-k": .add()
                case "none": .none
                default: .exponential
                }
            let metric = BLEU(
                try #require(BLEUTokenization(rawValue: example.tokenize)), lowercase: example.lowercase,
                smoothing: smoothing, effectiveOrder: example.effectiveOrder, order: example.order)
            let score = try metric.score(example.hypotheses, references: example.references)
            let what = "\(example.name) \(example.signature)"
            expectClose(
                score.precisions + [score.value, score.brevityPenalty],
                example.precisions + [example.value, example.brevityPenalty], absolute: 1e-10,
                relative: 1e-12,
                what)
            #expect(score.hypothesisLength == example.hypothesisLength, "\(what)")
            #expect(score.referenceLength == example.referenceLength, "\(what)")
            #expect(score.signature == example.signature)
        }
    }

    @Test func chrF() throws {
        for example in try Fixture.load().chrf {
            let metric = ChrF(wordOrder: example.wordOrder, beta: example.beta, lowercase: example.lowercase)
            let score = try metric.score(example.hypotheses, references: example.references)
            expectClose(
                [score.value], [example.value], absolute: 1e-10, "\(example.name) \(example.signature)")
            #expect(score.signature == example.signature)
        }
    }

    @Test func errors() {
        expectFailure(.emptyData) { _ = try BLEU().score([], references: []) }
        expectFailure(.shapeMismatch) { _ = try BLEU().score(["a"], references: []) }
        expectFailure(.emptyData) { _ = try ChrF().score(["a"], references: [[]]) }
        expectFailure(.invalidOption) { _ = try BLEU(order: 0).score(["a"], references: [["a"]]) }
        expectFailure(.invalidOption) { _ = try ChrF(beta: 0).score(["a"], references: [["a"]]) }
    }
}
