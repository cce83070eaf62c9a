import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Beam search under constraints and with stop strings against all texts, each of them tried.
@Suite struct ConstrainedBeamTests {
    private static let letters = ["a", "b", "c", " ", ""]
    private static let stop: Int32 = 4
    private let model = TableModel(vocabularySize: 5, seed: 11)
    private var generator: TextGenerator<TableModel> {
        TextGenerator(model, tokenizer: ListTokenizer(Self.letters))
    }

    private struct Candidate {
        var tokens: [Int32]
        var text: String
        var score: Double
    }

    /// All texts of at most `length` tokens that the constraints allow, the best first.
    private func allTexts(
        _ constraints: [TextConstraint], stops: [String] = [], length: Int, penalty: Double
    ) throws -> [Candidate] {
        let automaton = try TextAutomaton(constraints, stops: [])
        var maximum = Int.max
        for case .maximumCharacters(let count) in constraints { maximum = count }
        func accepts(_ text: String) -> Bool {
            var state = Int32(TextAutomaton.start)
            for scalar in text.unicodeScalars where state >= 0 {
                state = automaton.next(state, scalar: scalar.value)
            }
            return state >= 0 && automaton.refusedEnd[Int(state)] < 0 && text.count <= maximum
        }
        var found: [Candidate] = []
        func extend(_ tokens: [Int32], _ text: String, _ sum: Double) {
            let scores = model.next(after: [1, 2] + tokens).map(Double.init)
            let logSum = log(scores.reduce(0) { $0 + exp($1) })
            for token in 0..<Int32(5) {
                let next = tokens + [token]
                let total = sum + scores[Int(token)] - logSum
                var longer = text + Self.letters[Int(token)]
                let stopped = stops.first { longer.hasSuffix($0) }
                if let stopped { longer.removeLast(stopped.count) }
                if token == Self.stop || stopped != nil || next.count == length {
                    guard accepts(longer) else { continue }
                    found.append(
                        Candidate(
                            tokens: next, text: longer, score: total / pow(Double(next.count), penalty)))
                } else {
                    extend(next, longer, total)
                }
            }
        }
        extend([], "", 0)
        return found.sorted { $0.score > $1.score }
    }

    private static let cases: [(constraints: [TextConstraint], stops: [String])] = [
        ([.required(["bc"])], []),
        ([.forbidden(["ab"]), .required(["ca"])], []),
        ([.maximumCharacters(3), .forbidden(["b"])], []),
        ([.closedClaims(["c a"], about: ["a"])], []),
        ([.required(["a"]), .maximumCharacters(4), .closedClaims(["b a"], about: ["a", "b"])], []),
        ([], ["cb", " "]),
        ([.required(["b"])], ["cc"]),
    ]

    @Test(arguments: cases.indices) func exhaustive(index: Int) throws {
        let (constraints, stops) = Self.cases[index]
        let length = 5
        for penalty in [0.0, 1] {
            let texts = try allTexts(constraints, stops: stops, length: length, penalty: penalty)
            #expect(texts.count > 5)
            let search = BeamSearch(
                beams: 2_000, returned: 2_000, lengthPenalty: penalty, earlyStopping: .never,
                maxNewTokens: length, stopTokens: [Self.stop], stopStrings: stops)
            let found = try generator.beamSearch([[1, 2]], search, constraints: constraints)[0].filter {
                $0.finishReason != .constraints
            }
            let what = "\(constraints), \(stops)"
            #expect(Set(found.map(\.tokens)) == Set(texts.map(\.tokens)), "\(what)")
            expectClose(found.map(\.score), texts.map(\.score), absolute: 1e-5, what)
            for text in texts {
                let same = try #require(found.first { $0.tokens == text.tokens })
                #expect(same.text == text.text)
                expectClose([same.score], [text.score], absolute: 1e-5, "\(what), \(text.tokens)")
            }
            // A narrow search writes one of them, and one beam what greedy decoding does.
            let narrow = BeamSearch(
                beams: 3, returned: 3, lengthPenalty: penalty, maxNewTokens: length,
                stopTokens: [Self.stop], stopStrings: stops)
            for text in try generator.beamSearch([[1, 2]], narrow, constraints: constraints)[0]
            where text.finishReason != .constraints {
                #expect(texts.contains { $0.tokens == text.tokens }, "\(what), \(text.text)")
            }
            let greedy = try generator.generate(
                [[1, 2]],
                options: .init(maxNewTokens: length, stopTokens: [Self.stop], stopStrings: stops),
                constraints: constraints)[0][0]
            var one = narrow
            (one.beams, one.returned, one.lengthPenalty) = (1, 1, 0)
            let single = try #require(
                try generator.beamSearch([[1, 2]], one, constraints: constraints)[0].first)
            #expect(single.tokens == greedy.tokens && single.text == greedy.text, "\(what)")
            #expect(single.finishReason == greedy.finishReason)
            #expect(single.constraints.map(\.redirections) == greedy.constraints.map(\.redirections))
        }
    }

    @Test func refusals() throws {
        expectFailure(.invalidOption, "cannot be met") {
            _ = try generator.beamSearch(
                "a", .init(maxNewTokens: 3), constraints: [.required(["abca"])])
        }
        expectFailure(.invalidOption, "no tokenizer") {
            _ = try model.beamSearch([[1]], .init(stopStrings: ["a"]))
        }
        expectFailure(.invalidOption, "empty") {
            _ = try generator.beamSearch("a", .init(stopStrings: [""]))
        }
    }
}
