import TestSupport
import Testing

@testable import MarketingML

/// Laws that hold for any vocabulary, on a small one.
@Suite struct WordPieceTokenizerTests {
    /// Seeded texts out of pieces that tokenizers find hard.
    private func texts(_ count: Int, seed: UInt64) -> [String] {
        let pieces = [
            "the", "cats", "sat", "unaffable", "UNAFFABLE", ".", ",", " ", "  ", "\n", "café", "cafe\u{301}",
            "中", "\u{0}",
            "[SEP]", "[MASK]", "xyz", "😀", "\u{200B}", "aaaaaaaaaaaaaaaaaaaaaaaaa", "İ", "한국", "\u{302E}",
            "\u{A0}",
        ]
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            (0..<random.next(below: 20)).map { _ in
                pieces[random.next(below: pieces.count)] + (random.next(below: 2) == 0 ? " " : "")
            }.joined()
        }
    }

    @Test func piecesAndOffsets() throws {
        let tokenizer = try WordPieceFixture.small()
        let encoding = tokenizer.encode("Unaffable cats, Café!")
        #expect(
            tokenizer.tokens(encoding.ids)
                == ["[CLS]", "un", "##aff", "##able", "cat", "##s", ",", "cafe", "[UNK]", "[SEP]"])
        #expect(
            encoding.flatOffsets == [0, 0, 0, 2, 2, 5, 5, 9, 10, 13, 13, 14, 14, 15, 16, 21, 21, 22, 0, 0])
        #expect(encoding.first == 1..<9)
        #expect(encoding.second.isEmpty)
        let text = "Unaffable cats, Café!"
        #expect(encoding.characterRanges(in: text)[7..<9].map { text[$0] } == ["Café", "!"])
        #expect(tokenizer.encode("", addSpecialTokens: false).ids.isEmpty)
        #expect(tokenizer.unknownID == 1)
    }

    @Test func batchEqualsSingle() throws {
        var tokenizer = try WordPieceFixture.small()
        for maxLength in [nil, .min, 0, 1, 2, 3, 7, 20, .max] as [Int?] {
            tokenizer.truncation = maxLength.map { Truncation(maxLength: $0) }
            let texts = texts(300, seed: 1)
            for special in [true, false] {
                let batch = tokenizer.encodeBatch(texts, addSpecialTokens: special)
                let singles = texts.map { tokenizer.encode($0, addSpecialTokens: special) }
                #expect(batch == TokenBatch(singles))
                #expect(
                    singles.allSatisfy {
                        $0.ids.count == $0.offsets.count && $0.ids.count == $0.typeIDs.count
                    })
            }
            let pairs = zip(texts, texts.reversed()).map { ($0, $1) }
            #expect(
                tokenizer.encodeBatch(pairs: pairs)
                    == TokenBatch(pairs.map { tokenizer.encode($0, pair: $1) }))
        }
    }

    @Test func concurrentUseGivesTheSame() async throws {
        let tokenizer = try WordPieceFixture.small()
        let texts = texts(200, seed: 2)
        let expected = tokenizer.encodeBatch(texts)
        await withTaskGroup(of: TokenBatch.self) { group in
            for _ in 0..<8 { group.addTask { tokenizer.encodeBatch(texts) } }
            for await batch in group { #expect(batch == expected) }
        }
    }

    @Test func truncationKeepsThePrefix() throws {
        var tokenizer = try WordPieceFixture.small()
        for text in texts(200, seed: 3) {
            tokenizer.truncation = nil
            let whole = tokenizer.encode(text)
            for maxLength in 0..<12 {
                tokenizer.truncation = Truncation(maxLength: maxLength)
                let short = tokenizer.encode(text)
                #expect(short.count == max(2, min(maxLength, whole.count)))
                #expect(short.ids.dropLast() == whole.ids.prefix(short.count - 1))
                #expect(short.offsets.dropLast() == whole.offsets.prefix(short.count - 1))
                #expect(short.ids.last == 3)
            }
        }
    }

    @Test(arguments: [Truncation.Strategy.longestFirst, .onlyFirst, .onlySecond])
    func truncationOfPairs(_ strategy: Truncation.Strategy) throws {
        var tokenizer = try WordPieceFixture.small()
        let texts = texts(60, seed: 4)
        for (first, second) in zip(texts, texts.dropFirst()) {
            tokenizer.truncation = nil
            let whole = tokenizer.encode(first, pair: second)
            for maxLength in [0, 3, 4, 5, 9, 16, 30] {
                tokenizer.truncation = Truncation(maxLength: maxLength, strategy: strategy)
                let short = tokenizer.encode(first, pair: second)
                #expect(short.count == max(3, min(maxLength, whole.count)))
                #expect(short.ids[short.first] == whole.ids[whole.first].prefix(short.first.count))
                #expect(short.ids[short.second] == whole.ids[whole.second].prefix(short.second.count))
                let excess = whole.count - maxLength
                if strategy == .onlyFirst, excess < whole.first.count {
                    #expect(short.second.count == whole.second.count)
                }
                if strategy == .onlySecond, excess < whole.second.count {
                    #expect(short.first.count == whole.first.count)
                }
            }
        }
    }

    @Test func offsetsAreInOrderAndCutScalarsNever() throws {
        let tokenizer = try WordPieceFixture.small()
        for text in texts(500, seed: 5) {
            let encoding = tokenizer.encode(text, addSpecialTokens: false)
            let bytes = Array(text.utf8)
            var last = 0
            for offset in encoding.offsets.map(\.range) {
                #expect(!offset.isEmpty && offset.upperBound <= bytes.count && offset.lowerBound >= last)
                #expect(String(validating: bytes[offset], as: UTF8.self) != nil)
                last = offset.lowerBound
            }
        }
    }

    @Test func anyBytesAreText() throws {
        let tokenizer = try WordPieceFixture.small()
        let text = Array("the cats, café 中 [SEP] \u{301}İ😀 한국 unaffable sat.".utf8)
        forEachMutation(of: text, count: 10_000, seed: 6) { bytes in
            let encoding = tokenizer.encode(utf8: bytes)
            let repaired = tokenizer.encode(String(decoding: bytes, as: UTF8.self))
            #expect(encoding.ids == repaired.ids)
            #expect(encoding.offsets.allSatisfy { $0.start <= $0.end && $0.end <= bytes.count })
        }
    }

    @Test func longInputTakesLinearTime() throws {
        let tokenizer = try WordPieceFixture.small()
        let long = String(repeating: "a", count: 1_000_000)
        #expect(tokenizer.encode(long).ids == [2, 1, 3])
        #expect(tokenizer.encode(String(repeating: "a", count: 100)).count == 102)
        #expect(tokenizer.encode(String(repeating: "中", count: 300_000)).count == 300_002)
        #expect(tokenizer.encode(String(repeating: "[", count: 1_000_000)).count == 1_000_002)
        #expect(
            tokenizer.encode("a" + String(repeating: "\u{301}\u{302E}", count: 100_000)).ids == [2, 1, 3])
        #expect(tokenizer.encode(String(repeating: "[SEP]", count: 200_000)).count == 200_002)
    }

    @Test func tokenBatch() throws {
        var batch = TokenBatch(rows: [[1, 2, 3], [], [4]])
        batch.append([5, 6], typeIDs: [0, 1])
        #expect(batch.rowCount == 4)
        #expect(batch.tokenCount == 6)
        #expect(batch.lengths == [3, 0, 1, 2])
        #expect(batch.rowOffsets == [0, 3, 3, 4, 6])
        #expect(Array(batch[0]) == [1, 2, 3])
        #expect(batch[1].isEmpty)
        let chosen = batch.select(rows: [3, 0, 3])
        #expect(chosen.ids == [5, 6, 1, 2, 3, 5, 6])
        #expect(chosen.typeIDs == [0, 1, 0, 0, 0, 0, 1])
        #expect(chosen.lengths == [2, 3, 2])
        #expect(TokenBatch().rowCount == 0)
    }
}
