import Foundation
import MarketingML
import TestSupport
import Testing

@Suite struct ConstraintTests {
    /// Tokens of letters, syllables, words, half characters and every byte that they need; the last one ends a text.
    private static let spellings: [[UInt8]] = {
        var strings = [
            "a", "b", "c", "d", "e", "f", "g", "h", "i", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u",
            "v", "w", "y", "S", "A", "B", " ",
            "  ", ".", ",", "!", "-", "$", "%", "€", "0", "1", "2", "5", "9", "19", ".99", " $19", "99", "$",
            "20%", " 20", "5k", "ee", "fr", "free", " Free", "FR",
            "E", " be", "st", "best pr", "ice", " price", "cheap", "er", "che", "ap", " the", "organic",
            " or", "gan", "ic", "a\u{301}", "\u{301}", "ß", "ss", "stra", "e\n",
            "价", "格", "5元", "👩", "👩‍👩‍👧", "é", "ch", "ea", "p.", "x", "z", "K", "R", "\n", "ST", "q",
        ].map { Array($0.utf8) }
        strings += [
            [0xE4], [0xBB], [0xB7], [0xBB, 0xB7], [0xC3], [0xA9], [0xF0, 0x9F], [0x91], [0xA9, 0x21],
            [0xE2, 0x80], [0x8D],
        ]
        strings.append([])
        return strings
    }()
    private static let stop = Int32(spellings.count - 1)

    private func generator(seed: UInt64) -> TextGenerator<NoiseModel> {
        let model = NoiseModel(vocabularySize: Self.spellings.count, seed: seed)
        return TextGenerator(model, tokenizer: ListTokenizer(Self.spellings))
    }

    /// How many random texts are judged.
    private let textCount = 1_000

    private func scalars(_ text: String) -> String {
        text.precomposedStringWithCanonicalMapping.uppercased().lowercased()
    }

    /// 1,000 random texts under random constraints, judged by plain searches in the finished text.
    @Test func neverViolated() throws {
        var random = SeededGenerator(seed: 17)
        func some(_ strings: [String], upTo count: Int) -> [String] {
            Array(
                random.permutation(strings.count).map { strings[$0] }.prefix(
                    random.next(below: count + 1)))
        }
        var written = 0
        var redirections = 0
        while written < textCount {
            let forbidden = some(["cheap", "FREE", "best price", "straße", "é", "q", "s"], upTo: 4)
            let required = some(["organic", "the best", "$19.99", "价格", "Free", "a\u{301}"], upTo: 2)
            let values = some(["$19.99", "20%", "5", "5元", "from $5", "99"], upTo: 4)
            let limit = random.next(below: 2) == 0 ? nil : 18 + random.next(below: 30)
            let stops = random.next(below: 3) == 0 ? ["\n", " the"] : []
            var constraints: [TextConstraint] = [
                .forbidden(forbidden), .closedNumbers(values), .required(required),
            ]
            if let limit { constraints.append(.maximumCharacters(limit)) }
            let options = GenerationOptions(
                maxNewTokens: 12 + random.next(below: 30), stopTokens: [Self.stop], stopStrings: stops,
                candidates: 10,
                sampling: .init(temperature: 1.2, noRepeatNGram: 3, seed: random.next()))
            let texts: [GeneratedText]
            do {
                texts = try generator(seed: random.next()).generate(
                    "a", options: options, constraints: constraints)
            } catch let error as MarketingMLError {
                #expect(error.code == .invalidOption && error.message.contains("cannot be met"), "\(error)")
                continue
            }
            for text in texts {
                let what = "\(text.text.debugDescription) under \(constraints), \(text.finishReason)"
                for phrase in forbidden {
                    #expect(!scalars(text.text).contains(scalars(phrase)), "\(phrase): \(what)")
                }
                for phrase in required { #expect(text.text.contains(phrase), "\(phrase): \(what)") }
                if let limit { #expect(text.text.count <= limit, "\(what)") }
                #expect(!text.text.contains("\u{FFFD}"), "\(what)")
                #expect(numbersAreQuoted(text.text, values), "\(what)")
                if case .stopString = text.finishReason {
                } else {
                    #expect(
                        text.text.utf8.elementsEqual(text.tokens.flatMap { Self.spellings[Int($0)] }),
                        "\(what)")
                }
                redirections += text.constraints.reduce(0) { $0 + $1.redirections }
                written += 1
            }
        }
        #expect(redirections > textCount)
    }

    /// Every run of digits, currency and percent signs (with the . and , between digits) stands in an occurrence of a value
    /// that does not go on.
    private func numbersAreQuoted(_ text: String, _ values: [String]) -> Bool {
        let characters = Array(text)
        func isNumeric(_ character: Character) -> Bool {
            character.isNumber && !"一二三".contains(character) || character.isCurrencySymbol || character == "%"
        }
        var covered = [Bool](repeating: false, count: characters.count)
        for value in values.map(Array.init) where value.count <= characters.count {
            for start in 0...characters.count - value.count
            where Array(characters[start..<start + value.count]) == value {
                let end = start + value.count
                let before = start == 0 ? " " : characters[start - 1]
                let after = end < characters.count ? characters[end] : " "
                let beyond = end + 1 < characters.count ? characters[end + 1] : " "
                if isNumeric(before) || isNumeric(after) && isNumeric(value[value.count - 1]) { continue }
                if after.isASCII && after.isLetter && isNumeric(value[value.count - 1]) { continue }
                if ".,-".contains(after), isNumeric(beyond) { continue }
                if ".,-".contains(before), isNumeric(value[0]) { continue }
                for index in start..<end { covered[index] = true }
            }
        }
        return characters.indices.allSatisfy { !isNumeric(characters[$0]) || covered[$0] }
    }

    /// Whether a text could be written under constraints: by a model that wants nothing else.
    private func isAllowed(_ text: String, _ constraints: [TextConstraint]) throws -> Bool {
        let path = text.unicodeScalars.map { Array(String($0).utf8) }
        let others = (UInt8(0x20)..<0x7F).map { [$0] } + [Array("é".utf8)]
        let tokens = path + [[]] + others
        let generator = TextGenerator(
            PathModel(vocabularySize: tokens.count), tokenizer: ListTokenizer(tokens))
        let stop = Int32(path.count)
        let options = GenerationOptions(maxNewTokens: path.count + 1, stopTokens: [stop])
        do {
            let result = try generator.generate([[stop]], options: options, constraints: constraints)[0][0]
            return result.text == text && result.finishReason == .stopToken(stop)
        } catch let error as MarketingMLError where error.message.contains("cannot be met") {
            return false
        }
    }

    @Test func forbiddenPhrases() throws {
        func allows(_ text: String, _ phrases: [String], ignoringCase: Bool = true, wholeWords: Bool = false)
            throws -> Bool
        {
            try isAllowed(text, [.forbidden(phrases, ignoringCase: ignoringCase, wholeWords: wholeWords)])
        }
        #expect(try allows("a fine place", ["cheap"]))
        #expect(try !allows("a Cheap place", ["cheap"]))
        #expect(try !allows("chechEAPer", ["cheap"]))
        #expect(try allows("a Cheap place", ["cheap"], ignoringCase: false))
        #expect(try !allows("a cheaper place", ["cheap"]))
        #expect(try allows("a cheaper place", ["cheap"], wholeWords: true))
        #expect(try !allows("a cheap, fine place", ["cheap"], wholeWords: true))
        #expect(try !allows("it is cheap", ["cheap"], wholeWords: true))
        #expect(try allows("nocheap thing", ["cheap"], wholeWords: true))
        #expect(try !allows("the best \n\t price now", ["best price"]))
        #expect(try allows("the best of price", ["best price"]))
        #expect(try !allows("GROẞE STRASSE 1", ["straße"]))
        #expect(try !allows("Straße", ["STRASSE"]))
        #expect(try !allows("cafe\u{301}", ["café"]))
        #expect(try !allows("这是最便宜的", ["最便宜"]))
        // Broken off within a word of the phrase, but not within a word that only ends like its beginning.
        #expect(try !allows("no miracle cu", ["miracle cure"]))
        #expect(try allows("no miracle", ["miracle cure"]))
        #expect(try allows("shopping", ["guaranteed"]))
        #expect(try !allows("plain g", ["guaranteed"]))
        #expect(try allows("anything", []))
    }

    @Test func requiredPhrases() throws {
        func allows(_ text: String, _ phrases: [String], ignoringCase: Bool = false, wholeWords: Bool = false)
            throws -> Bool
        {
            try isAllowed(text, [.required(phrases, ignoringCase: ignoringCase, wholeWords: wholeWords)])
        }
        #expect(try allows("visit Alimentum today", ["Alimentum"]))
        #expect(try !allows("visit alimentum today", ["Alimentum"]))
        #expect(try allows("visit alimentum today", ["Alimentum"], ignoringCase: true))
        #expect(try !allows("visit Alimentu", ["Alimentum"]))
        #expect(try allows("wholesale", ["sale"]))
        #expect(try !allows("wholesale", ["sale"], wholeWords: true))
        #expect(try allows("a sale", ["sale"], wholeWords: true))
        #expect(try allows("ababac", ["abac", "ba"]))
        #expect(try !allows("cafe\u{301}", ["cafe"]))
        #expect(try allows("cafe\u{301}", ["café"]))
    }

    @Test func closedNumbers() throws {
        func allows(_ text: String, _ values: [String]) throws -> Bool {
            try isAllowed(text, [.closedNumbers(values)])
        }
        let values = ["$19.99", "20%", "from $5", "24/7", "5 GB"]
        for text in [
            "no numbers at all", "only $19.99!", "$19.99.", "save 20%, now", "from $5 a month", "open 24/7.",
            "get 5 GB: 20%",
            "一起来，20%，十分好", "U.S. - it's", "$19.99, 20%",
        ] {
            #expect(try allows(text, values), "\(text)")
        }
        for text in [
            "only $19.9", "only $19.990", "$19.99.5", "$19.99k", "-20%", "120%", "20%0", "20 %", "only $5",
            "A20%", "two for 2", "5 GBs",
            "1", "½ off", "٢", "２０％", "$", "24/7/365", "US$19.99", "20%-5", "20%万",
        ] {
            #expect(try !allows(text, values), "\(text)")
        }
        #expect(try allows("5元一份", ["5元"]))
        #expect(try !allows("15元", ["5元"]))
        #expect(try !allows("7", []))
    }

    @Test func length() throws {
        #expect(try isAllowed("12345", [.maximumCharacters(5)]))
        #expect(try !isAllowed("123456", [.maximumCharacters(5)]))
        #expect(try isAllowed("👩‍👩‍👧 and more", [.maximumCharacters(20)]))
        // Without a stop token the constraints end the text themselves.
        let text = try generator(seed: 3).generate(
            "a", options: .init(maxNewTokens: 50), constraints: [.maximumCharacters(1), .forbidden(["e"])])[0]
        #expect(text.text.count <= 1)
        #expect(text.finishReason == .constraints || text.finishReason == .maxNewTokens)
    }

    @Test func impossible() throws {
        func reason(_ constraints: [TextConstraint], maxNewTokens: Int = 40) -> String {
            do {
                _ = try generator(seed: 1).generate(
                    "a", options: .init(maxNewTokens: maxNewTokens), constraints: constraints)
                return "none"
            } catch let error as MarketingMLError {
                #expect(error.code == .invalidOption)
                return error.message
            } catch {
                return "\(error)"
            }
        }
        #expect(
            reason([.forbidden(["cheap", "free"]), .required(["organic", "Free of"])])
                == "the constraints cannot be met: no text is without \"free\" and with \"Free of\"")
        #expect(
            reason([.required(["only $5"]), .closedNumbers(["$19.99"])])
                == "the constraints cannot be met: no text is with \"only $5\" and no numbers but \"$19.99\"")
        #expect(
            reason([.required(["organic", "best"]), .maximumCharacters(9)])
                == "the constraints cannot be met: what is required takes at least 11 characters, the maximum is 9"
        )
        #expect(
            reason([.required(["organic", "xyz"])], maxNewTokens: 3)
                == "the constraints cannot be met: what is required takes at least 4 tokens, there is room for 3"
        )
        #expect(
            reason([.required(["Q"])])
                == "the constraints cannot be met: the vocabulary has no tokens for a text that is required")
        #expect(reason([.required([""])]).contains("not empty"))
        #expect(reason([.maximumCharacters(0)]).contains("at least 1"))
        #expect(reason([.required(["organic"]), .forbidden(["cheap"])]) == "none")
    }

    /// The report says which constraint changed what.
    @Test func effects() throws {
        let model = TableModel(
            vocabularySize: 4,
            scores: (0..<64).map { $0 % 4 == 0 ? 3 : $0 % 4 == 1 ? 2 : $0 % 4 == 2 ? 1 : 0 })
        let generator = TextGenerator(model, tokenizer: ListTokenizer(["a", "b", "c", ""]))
        let constraints: [TextConstraint] = [.forbidden(["aa"]), .required(["bc"]), .forbidden(["zz"])]
        let text = try generator.generate(
            "c", options: .init(maxNewTokens: 4, stopTokens: [3]), constraints: constraints)[0]
        // a, then b since aa is forbidden, then what remains is required.
        #expect(text.text == "abbc" || text.text == "abac" || text.text == "abab" || text.text.contains("bc"))
        #expect(text.constraints.map(\.constraint) == constraints.map(\.description))
        #expect(text.constraints[0].redirections >= 1)
        #expect(text.constraints[2].redirections == 0 && text.constraints[2].refusedProbability == 0)
        let shares = [3.0, 2, 1, 0].map(exp)
        // At the first position the required phrase refuses nothing but the end.
        #expect(text.constraints[1].refusedProbability >= shares[3] / shares.reduce(0, +) - 1e-6)
    }

    @Test func streaming() async throws {
        let generator = generator(seed: 5)
        let options = GenerationOptions(maxNewTokens: 25, stopTokens: [Self.stop], sampling: .init(seed: 4))
        let constraints: [TextConstraint] = [
            .required(["organic"]), .maximumCharacters(30), .closedNumbers([]),
        ]
        var text = ""
        for try await piece in generator.stream("a", options: options, constraints: constraints) {
            text += piece
        }
        #expect(text.contains("organic"))
        #expect(text == (try generator.generate("a", options: options, constraints: constraints)[0].text))
    }
}
