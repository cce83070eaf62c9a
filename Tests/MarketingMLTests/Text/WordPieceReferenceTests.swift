import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Ids and offsets are exactly those of the reference library with MiniLM's tokenizer.json.
@Suite(.enabled(if: WordPieceFixture.isAvailable)) struct WordPieceReferenceTests {
    @Test func hardTexts() throws {
        let tokenizer = try WordPieceFixture.miniLM()
        let texts = try #require(WordPieceFixture.golden("wordpiece-hard.json")["single"]?.array)
        #expect(texts.count > 500)
        for text in texts {
            let bytes = try #require(text["text"]).base64Bytes
            let encoding = tokenizer.encode(utf8: bytes)
            #expect(
                encoding.ids.map(Int.init) == text["ids"]?.integers,
                "\(String(decoding: bytes, as: UTF8.self))")
            #expect(
                encoding.flatOffsets == text["offsets"]?.integers, "\(String(decoding: bytes, as: UTF8.self))"
            )
        }
    }

    @Test(arguments: ["pairs", "truncated"]) func pairs(_ name: String) throws {
        var tokenizer = try WordPieceFixture.miniLM()
        let pairs = try #require(WordPieceFixture.golden("wordpiece-hard.json")[name]?.array)
        #expect(!pairs.isEmpty)
        for pair in pairs {
            tokenizer.truncation = pair["maxLength"]?.integer.map { Truncation(maxLength: $0) }
            let first = String(decoding: pair["a"]?.base64Bytes ?? [], as: UTF8.self)
            let second = pair["b"]?.string.map {
                String(decoding: JSONValue.string($0).base64Bytes, as: UTF8.self)
            }
            let encoding = second.map { tokenizer.encode(first, pair: $0) } ?? tokenizer.encode(first)
            #expect(encoding.ids.map(Int.init) == pair["ids"]?.integers, "\(pair)")
            #expect(encoding.typeIDs.map(Int.init) == pair["types"]?.integers, "\(pair)")
            #expect(encoding.flatOffsets == pair["offsets"]?.integers, "\(pair)")
        }
    }

    /// Every scalar value that Unicode assigns or may assign, alone and among letters and combining marks.
    @Test func everyScalar() throws {
        let tokenizer = try WordPieceFixture.miniLM()
        let scalars = try #require(WordPieceFixture.golden("wordpiece-hard.json")["scalars"])
        let firsts = try #require(scalars["first"]).integers
        let chunkSize = try #require(scalars["chunkSize"]?.integer)
        let perText = try #require(scalars["perText"]?.integer)
        #expect(firsts.count > 1_000)
        for pattern in try #require(scalars["patterns"]?.array).compactMap(\.string) {
            let hashes = try #require(scalars["hashes"]?[pattern]?.array).compactMap(\.string)
            #expect(hashes.count == firsts.count)
            for (first, expected) in zip(firsts, hashes) {
                var hash = WordPieceFixture.Hash()
                for start in stride(from: first, to: first + chunkSize, by: perText) {
                    let words = (start..<start + perText).map { value in
                        // By scalars: a combining mark makes one character with the star.
                        var word = String.UnicodeScalarView()
                        word += pattern.unicodeScalars.compactMap {
                            $0 == "*" ? Unicode.Scalar(UInt32(value)) : $0
                        }
                        return String(word)
                    }
                    hash.add(tokenizer.encode(words.joined(separator: " ")))
                }
                #expect(hash.text == expected, "\(pattern) from U+\(String(first, radix: 16))")
            }
        }
    }

    static let columns = ((try? WordPieceFixture.golden("wordpiece-corpora.json"))?["columns"]?.array ?? [])

    @Test(arguments: columns.indices) func corpora(_ index: Int) throws {
        let column = Self.columns[index]
        let path = try "\(#require(column["set"]?.string))/\(#require(column["file"]?.string))"
        guard let url = TestData.shared(path) else { return }
        var reader = try DelimitedReader(path: url.path)
        let field = try reader.column(#require(column["column"]?.string))
        let tokenizer = try WordPieceFixture.miniLM()
        var hash = WordPieceFixture.Hash()
        var rows = 0
        var tokens = 0
        while try reader.nextRow() {
            let encoding = tokenizer.encode(reader.text(field))
            hash.add(encoding)
            rows += 1
            tokens += encoding.count
        }
        #expect(rows == column["rows"]?.integer, "\(path)")
        #expect(tokens == column["tokens"]?.integer, "\(path)")
        #expect(hash.text == column["hash"]?.string, "\(path)")
    }

    @Test func storedTruncation() throws {
        let tokenizer = try WordPieceTokenizer(tokenizerJSON: WordPieceFixture.file())
        #expect(tokenizer.truncation == Truncation(maxLength: 128))
        #expect(tokenizer.vocabularySize == 30_522)
        let encoding = tokenizer.encode(String(repeating: "word ", count: 1_000))
        #expect(encoding.count == 128)
        #expect(encoding.ids.last == 102)
    }

    /// What `Tokenizer.decode` of the reference gives.
    @Test func decoding() throws {
        let tokenizer = try WordPieceFixture.miniLM()
        let text = "Don't you think it's unaffable? I'm sure: \"we've 2 of them\", o'clock!"
        let ids = tokenizer.encode(text).ids
        #expect(
            tokenizer.decode(ids)
                == "don ' t you think it ' s unaffable? i ' m sure : \" we ' ve 2 of them \", o ' clock!")
        #expect(tokenizer.decode([101, 7592, 102], skipSpecialTokens: false) == "[CLS] hello [SEP]")
        #expect(tokenizer.decode([]) == "")
        #expect(tokenizer.decode([999_999, -5]) == "")
        #expect(tokenizer.tokens([101, 14477, 20961, 3468]) == ["[CLS]", "una", "##ffa", "##ble"])
        #expect(tokenizer.id(of: "[MASK]") == 103)
        #expect(tokenizer.id(of: "no such token") == nil)
        #expect(tokenizer.token(7592) == "hello")
    }
}
