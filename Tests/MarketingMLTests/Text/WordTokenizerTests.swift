import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct WordTokenizerTests {
    /// The words that a tokenizer sees in a text.
    private func words(_ text: String, _ options: WordTokenizer.Options = .init(minimumCount: 1)) throws
        -> [String]
    {
        let tokenizer = try WordTokenizer.train(on: [text], options: options)
        return tokenizer.encode(text).map { tokenizer.word($0) ?? "?" }
    }

    @Test func wordsNumbersAndPunctuation() throws {
        #expect(
            try words("Don't pay 1,000.50 EUR, it’s $3.5! OK?")
                == [
                    "don't", "pay", "1,000.50", "eur", ",", "it's", "$", "3.5", "!", "ok", "?",
                ])
        #expect(
            try words("a.b 1.a 'quoted' rock'n'roll 5,")
                == "a . b 1 . a ' quoted ' rock'n'roll 5 ,".split(separator: " ").map(String.init))
        #expect(try words("ÄRGER Straße İstanbul") == ["ärger", "straße", "i\u{307}stanbul"])
        #expect(try words("tab\tnew\nline\u{a0}space\u{0}nul") == ["tab", "new", "line", "space", "nul"])
        var options = WordTokenizer.Options(minimumCount: 1)
        options.keepsPunctuation = false
        #expect(try words("Well, well... (yes) don't", options) == ["well", "well", "yes", "don't"])
        options.lowercases = false
        options.masksDigits = true
        #expect(try words("Call 08712460324 NOW 4U", options) == ["Call", "00000000000", "NOW", "0U"])
    }

    @Test func chineseCharactersAndPairs() throws {
        #expect(
            try words("质量很好，OK很")
                == ["质", "质量", "量", "量很", "很", "很好", "好", "，", "ok", "很"])
        #expect(
            try words("质量 很好", .init(chinese: .characters, minimumCount: 1)) == ["质", "量", "很", "好"])
        #expect(try words("カメラ好き") == ["カ", "カメ", "メ", "メラ", "ラ", "ラ好", "好", "好き", "き"])
        // A pair outside the vocabulary is left out; its characters stand for it. An unknown character does not hide.
        let tokenizer = try WordTokenizer.train(on: ["很好", "好很"], options: .init(minimumCount: 2))
        #expect(tokenizer.encode("很好大").map { tokenizer.word($0) } == ["很", "好", nil])
        #expect(tokenizer.encode("大") == [WordTokenizer.unknownID])
    }

    @Test func vocabularyByFrequency() throws {
        let texts = ["b a c", "a b d", "a e"]
        let tokenizer = try WordTokenizer.train(on: texts, options: .init(minimumCount: 1, maximumSize: 6))
        #expect((0..<7).map { tokenizer.word(Int32($0)) } == [nil, nil, "a", "b", "c", "d", nil])
        #expect(tokenizer.vocabularySize == 6)
        #expect(tokenizer.id(of: "a") == 2 && tokenizer.id(of: "e") == nil)
        #expect(tokenizer.encode("a e c") == [2, 1, 4])
        #expect(try WordTokenizer.train(on: texts.reversed(), options: tokenizer.options) == tokenizer)
        #expect(try WordTokenizer.train(on: texts, options: .init(minimumCount: 2)).vocabularySize == 4)
    }

    @Test func packedBatches() throws {
        let texts = ["one two three", "", "four", " \n", "two one two"]
        let tokenizer = try WordTokenizer.train(on: texts, options: .init(minimumCount: 1))
        let batch = tokenizer.encodeBatch(texts)
        #expect(batch.lengths == [3, 0, 1, 0, 3])
        for (row, text) in texts.enumerated() { #expect(Array(batch[row]) == tokenizer.encode(text)) }
        #expect(batch.typeIDs == [Int32](repeating: 0, count: 7))
        let cut = tokenizer.encodeBatch(texts, maxLength: 2)
        #expect(cut.lengths == [2, 0, 1, 0, 2])
        #expect(Array(cut[4]) == Array(batch[4].prefix(2)))
    }

    /// The same as a plain reading, scalar by scalar, on random texts.
    @Test func equalsAPlainReading() throws {
        let alphabet = Array("aAbB zZ09.,'’!-_éÉßΣ中文字カな👍\u{301}\t\n\u{3000}，。").flatMap(\.unicodeScalars)
        var random = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<random.next(below: 24) {
                text.unicodeScalars.append(alphabet[random.next(below: alphabet.count)])
            }
            let expected = plainWords(text)
            guard !expected.isEmpty else { continue }
            #expect(try words(text) == expected, "\(text.debugDescription)")
        }
    }

    private func plainWords(_ text: String) -> [String] {
        let scalars = Array(text.unicodeScalars)
        func isSpace(_ s: Unicode.Scalar) -> Bool { s.properties.isWhitespace }
        func isIdeograph(_ s: Unicode.Scalar) -> Bool { "中文字カな".unicodeScalars.contains(s) }
        func isMark(_ s: Unicode.Scalar) -> Bool { ".,'’!-_，。".unicodeScalars.contains(s) }
        func isDigit(_ s: Unicode.Scalar) -> Bool { s == "0" || s == "9" }
        var result: [String] = []
        var word = ""
        func end() {
            if !word.isEmpty { result.append(word) }
            word = ""
        }
        for (index, scalar) in scalars.enumerated() {
            let next = index + 1 < scalars.count ? scalars[index + 1] : nil
            let last = word.unicodeScalars.last
            let isInner: Bool =
                switch scalar {
                case "'", "’":
                    (last.map { !isDigit($0) && !isMark($0) } ?? false)
                        && (next.map { !isDigit($0) && !isSpace($0) && !isMark($0) && !isIdeograph($0) }
                            ?? false)
                case ".", ",": (last.map(isDigit) ?? false) && (next.map(isDigit) ?? false)
                default: false
                }
            if isInner {
                word.unicodeScalars.append(scalar == "’" ? "'" : scalar)
            } else if isSpace(scalar) || isMark(scalar) || isIdeograph(scalar) {
                end()
                if isIdeograph(scalar), index > 0, isIdeograph(scalars[index - 1]) {
                    result.append(String(scalars[index - 1]) + String(scalar))
                }
                if !isSpace(scalar) { result.append(String(scalar)) }
            } else {
                word += String(scalar).lowercased()
            }
        }
        end()
        return result
    }

    @Test func savedAndReadAgain() throws {
        try withTemporaryDirectory { directory in
            let url = URL(fileURLWithPath: directory + "/tokenizer.json")
            let tokenizer = try WordTokenizer.train(
                on: ["“quotes” \\ \u{1F44D} 很好 e\u{301} é"], options: .init(minimumCount: 1))
            try tokenizer.save(to: url)
            let again = try WordTokenizer(url)
            #expect(again == tokenizer)
            #expect(again.encode("é e\u{301} 很好") == tokenizer.encode("é e\u{301} 很好"))
            #expect(tokenizer.id(of: "é") != tokenizer.id(of: "e\u{301}"))

            let bytes = Array(try Data(contentsOf: url))
            var readable = 0
            try forEachMutation(of: bytes) { copy in
                try Data(copy).write(to: url)
                do {
                    let changed = try WordTokenizer(url)
                    readable += 1
                    let ids = changed.encode("很好 quotes \u{1F44D}")
                    #expect(ids.allSatisfy { $0 >= 1 && $0 < changed.vocabularySize })
                } catch is MarketingMLError {}
            }
            #expect(readable > 0)
        }
    }

    @Test func badOptionsAndFiles() throws {
        func code(_ options: WordTokenizer.Options, _ texts: [String] = ["a b"]) -> MarketingMLError.Code? {
            do {
                _ = try WordTokenizer.train(on: texts, options: options)
                return nil
            } catch { return error.code }
        }
        #expect(code(.init(minimumCount: 0)) == .invalidOption)
        #expect(code(.init(maximumSize: 2)) == .invalidOption)
        #expect(code(.init(minimumCount: 2)) == .emptyData)
        #expect(code(.init(minimumCount: 1), []) == .emptyData)
        try withTemporaryDirectory { directory in
            let url = URL(fileURLWithPath: directory + "/t.json")
            func read(_ text: String) -> MarketingMLError? {
                try? Data(text.utf8).write(to: url)
                return #expect(throws: MarketingMLError.self) { try WordTokenizer(url) }
            }
            let options =
                #"{"lowercases":true,"masksDigits":false,"keepsPunctuation":true,"chinese":"characters","minimumCount":1,"maximumSize":4}"#
            func file(_ words: String, kind: String = "word tokenizer", version: Int = 1) -> String {
                #"{"kind":"\#(kind)","version":\#(version),"fields":{"options":\#(options),"words":\#(words)}}"#
            }
            #expect(read(file(#"["a","a"]"#))?.code == .malformedFile)
            #expect(read(file(#"["a","b","c"]"#))?.code == .malformedFile)
            #expect(read(file(#"[""]"#))?.code == .malformedFile)
            #expect(read(file("[]"))?.code == .malformedFile)
            #expect(read(file(#"["a"]"#, kind: "popularity"))?.code == .unsupported)
            #expect(read(file(#"["a"]"#, version: 2))?.code == .unsupported)
            #expect(read("{}")?.code == .malformedFile)
        }
    }
}
