import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Claims that are quoted as given or not made at all.
@Suite struct ClosedClaimTests {
    /// Whether a text obeys constraints, by their automaton.
    private func accepts(_ text: String, _ automaton: TextAutomaton) -> Bool {
        var state = Int32(TextAutomaton.start)
        for scalar in text.unicodeScalars {
            state = automaton.next(state, scalar: scalar.value)
            if state < 0 { return false }
        }
        return automaton.refusedEnd[Int(state)] < 0
    }

    @Test func examples() throws {
        let automaton = try TextAutomaton(
            [
                .closedClaims(
                    ["certified organic", "Organic cotton!", "money back guaranteed", "纯有机"],
                    about: ["organic", "guaranteed", "money back", "有机"])
            ], stops: [])
        for text in [
            "", "a plain text", "it is certified organic", "certified organic, and Organic cotton!",
            "organically grown", "inorganic", "money back guaranteed.", "moneyback", "money", "它是纯有机的",
            "certified organic certified organic", "a certified thing", "纯有", "Organi",
        ] {
            #expect(accepts(text, automaton), "\(text)")
        }
        for text in [
            "organic", "it is ORGANIC.", "Certified organic", "certified  organic",
            "certified organic-ish organic",
            "uncertified organic", "organic cotton!", "Organic cotton", "guaranteed", "money back",
            "your money  Back!", "money back guarantee", "有机", "不有机",
        ] {
            #expect(!accepts(text, automaton), "\(text)")
        }
        let none = try TextAutomaton([.closedClaims([], about: ["free"])], stops: [])
        #expect(accepts("carefree", none) && !accepts("It is Free", none))
    }

    /// All texts of a small alphabet, judged by trying every way to lay claims over them.
    @Test func everyShortText() throws {
        let alphabet: [Character] = ["a", "b", "A", " "]
        let sets: [(claims: [String], words: [String])] = [
            (["a b", "ba"], ["a", "ba"]), (["ab a"], ["ab", "a"]), (["b", "b b a"], ["b a", "b"]),
            (["a a"], ["a"]), ([" a", "b a "], ["a", "bb"]), (["aab", "a"], ["aab", "a"]),
        ]
        for (claims, words) in sets {
            let automaton = try TextAutomaton([.closedClaims(claims, about: words)], stops: [])
            var (accepted, refused) = (0, 0)
            func extend(_ text: [Character]) {
                let expected = isCovered(text, claims.map(Array.init), words.map(Array.init))
                if accepts(String(text), automaton) != expected {
                    Issue.record(
                        "\(String(text).debugDescription) under \(claims), \(words): expected \(expected)")
                }
                if expected { accepted += 1 } else { refused += 1 }
                guard text.count < 6 else { return }
                for character in alphabet { extend(text + [character]) }
            }
            extend([])
            #expect(accepted > 100 && refused > 100)
        }
    }

    /// Whether claims, one after the other, can be laid over a text so that each watched word stands within one.
    private func isCovered(_ text: [Character], _ claims: [[Character]], _ words: [[Character]]) -> Bool {
        func isWord(_ index: Int) -> Bool { text.indices.contains(index) && text[index] != " " }
        // Whether the ends of [start, end) are those of words.
        func stands(_ start: Int, _ end: Int) -> Bool {
            !(isWord(start - 1) && isWord(start)) && !(isWord(end - 1) && isWord(end))
        }
        // White space in a word stands for a run of any length.
        func ends(of word: [Character], from start: Int) -> [Int] {
            var places: Set<Int> = [start]
            for character in word {
                var next: Set<Int> = []
                for place in places where place < text.count {
                    if character != " " {
                        if text[place].lowercased() == character.lowercased() { next.insert(place + 1) }
                        continue
                    }
                    var end = place
                    while end < text.count, text[end] == " " {
                        end += 1
                        next.insert(end)
                    }
                }
                places = next
            }
            return places.sorted()
        }
        var watched: [Range<Int>] = []
        for start in text.indices {
            for word in words {
                watched += ends(of: word, from: start).filter { stands(start, $0) }.map { start..<$0 }
            }
        }
        func covers(from start: Int, _ quotes: [Range<Int>]) -> Bool {
            if start >= text.count {
                return watched.allSatisfy { word in
                    quotes.contains { $0.lowerBound <= word.lowerBound && word.upperBound <= $0.upperBound }
                }
            }
            if covers(from: start + 1, quotes) { return true }
            return claims.contains { claim in
                let end = start + claim.count
                return end <= text.count && Array(text[start..<end]) == claim && stands(start, end)
                    && covers(from: end, quotes + [start..<end])
            }
        }
        return covers(from: 0, [])
    }

    @Test func refusals() throws {
        let generator = TextGenerator(
            TableModel(vocabularySize: 3, seed: 1), tokenizer: ListTokenizer(["a", "b", " "]))
        func reason(_ constraints: [TextConstraint]) -> String {
            do {
                _ = try generator.generate("a", options: .init(maxNewTokens: 9), constraints: constraints)
                return "none"
            } catch { return (error as? MarketingMLError)?.message ?? "\(error)" }
        }
        #expect(
            reason([.required([" b b "]), .closedClaims(["b a"], about: ["b"])])
                == "the constraints cannot be met: no text is with \" b b \" and with \"b\" only as in \"b a\""
        )
        #expect(reason([.closedClaims(["b a"], about: [])]).contains("only the claims"))
        #expect(reason([.closedClaims([""], about: ["b"])]).contains("not empty"))
        #expect(reason([.closedClaims(["b a"], about: ["b"])]) == "none")
    }
}
