import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// GPT-2's tokenizer, and the golden file of Tests/Reference/byte_level_bpe.py.
enum ByteLevelBPEFixture {
    private static let folder = TestData.shared("gpt2-bpe")
    static var isAvailable: Bool { folder != nil }
    private static let loaded = Result { try load() }
    private static let parsed = Result { try WordPieceFixture.golden("bpe-gpt2.json") }

    static func gpt2() throws -> ByteLevelBPETokenizer { try loaded.get() }
    static func golden() throws -> JSONValue { try parsed.get() }

    private static func load() throws -> ByteLevelBPETokenizer {
        let folder = try #require(folder)
        return try ByteLevelBPETokenizer(
            vocabulary: folder.appending(path: "encoder.json.gz"),
            merges: folder.appending(path: "vocab.bpe.gz"))
    }

    /// GPT-2's vocabulary with RoBERTa's parts around it.
    static func roberta() throws -> ByteLevelBPETokenizer {
        let folder = try #require(folder)
        let vocabulary = try TokenizerFile(folder.appending(path: "encoder.json.gz"), named: "vocab.json")
        let merges = try TokenizerFile(folder.appending(path: "vocab.bpe.gz"), named: "merges.txt")
        var description = try SubwordDescription(
            vocabularyFile: vocabulary, nil, mergesFile: merges, nil)
        description.addSpecialTokens(["<|endoftext|>", "<s>", "</s>"])
        description.preTokenizer = ["type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true]
        description.postProcessor = [
            "type": "RobertaProcessing", "sep": ["</s>", 50_258], "cls": ["<s>", 50_257],
            "trim_offsets": true,
            "add_prefix_space": true,
        ]
        description.decoder = ["type": "ByteLevel"]
        return try ByteLevelBPETokenizer(description)
    }

    /// The texts of wordpiece-hard.json.
    static func hardTexts() throws -> [[UInt8]] {
        try #require(WordPieceFixture.golden("wordpiece-hard.json")["single"]?.array).compactMap {
            $0["text"]?.base64Bytes
        }
    }

    static func hash(_ encoding: Encoding) -> String {
        var hash = WordPieceFixture.Hash()
        hash.add(encoding)
        return hash.text
    }
}

/// Ids and offsets are exactly those of the reference library.
@Suite(.enabled(if: ByteLevelBPEFixture.isAvailable)) struct ByteLevelBPEReferenceTests {
    @Test(arguments: ["hard", "roberta"]) func hardTexts(_ name: String) throws {
        let tokenizer = try name == "hard" ? ByteLevelBPEFixture.gpt2() : ByteLevelBPEFixture.roberta()
        let texts = try ByteLevelBPEFixture.hardTexts()
        let hashes = try #require(ByteLevelBPEFixture.golden()[name]?.array)
        #expect(texts.count == hashes.count)
        for (bytes, expected) in zip(texts, hashes) where expected != .null {
            let encoding = tokenizer.encode(utf8: bytes)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(ByteLevelBPEFixture.hash(encoding) == expected.string, "\(text.prefix(200)): \(encoding)")
        }
    }

    @Test func firstIDs() throws {
        let tokenizer = try ByteLevelBPEFixture.gpt2()
        #expect(tokenizer.ids(of: "Hello world") == [15_496, 995])
        #expect(tokenizer.id(of: "<|endoftext|>") == 50_256)
        #expect(tokenizer.vocabularySize == 50_257)
        let first = try #require(ByteLevelBPEFixture.golden()["first"]?.array)
        for (bytes, ids) in zip(try ByteLevelBPEFixture.hardTexts(), first) {
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(tokenizer.ids(of: text).map(Int.init) == ids.integers, "\(text)")
        }
    }

    @Test(arguments: ["pairs", "truncated"]) func pairs(_ name: String) throws {
        var tokenizer = try ByteLevelBPEFixture.roberta()
        let pairs = try #require(ByteLevelBPEFixture.golden()[name]?.array)
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

    /// Every scalar value among letters, numbers, spaces and apostrophes.
    @Test func everyScalar() throws {
        let tokenizer = try ByteLevelBPEFixture.gpt2()
        let scalars = try #require(ByteLevelBPEFixture.golden()["scalars"])
        let firsts = try #require(scalars["first"]).integers
        let step = try #require(scalars["step"]?.integer)
        for pattern in try #require(scalars["patterns"]?.array).compactMap(\.string) {
            let hashes = try #require(scalars["hashes"]?[pattern]?.array)
            #expect(hashes.count == firsts.count)
            let parts = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
            for (first, expected) in zip(firsts, hashes) {
                var text: [UInt8] = []
                for value in first..<first + step {
                    guard let scalar = Unicode.Scalar(UInt32(value)) else { continue }
                    for (index, part) in parts.enumerated() {
                        if index > 0 { text += String(scalar).utf8 }
                        text += part
                    }
                }
                let hash = ByteLevelBPEFixture.hash(tokenizer.encode(utf8: text))
                #expect(hash == expected.string, "\(pattern) from U+\(String(first, radix: 16))")
            }
        }
    }

    @Test func decoding() throws {
        let tokenizer = try ByteLevelBPEFixture.gpt2()
        let cases = try #require(ByteLevelBPEFixture.golden()["decoded"]?.array)
        #expect(cases.count > 100)
        for item in cases {
            let ids = try #require(item["ids"]).integers.map { Int32($0) }
            #expect(tokenizer.decode(ids) == item["text"]?.string, "\(ids)")
            #expect(tokenizer.decode(ids, skipSpecialTokens: false) == item["whole"]?.string, "\(ids)")
            var decoder = StreamingDecoder(tokenizer)
            var streamed = ""
            for id in ids { streamed += decoder.append(id) }
            streamed += decoder.finish()
            #expect(streamed == item["text"]?.string, "\(ids)")
        }
    }

    @Test func anyBytesComeBack() throws {
        let tokenizer = try ByteLevelBPEFixture.gpt2()
        var random = SeededGenerator(seed: 9)
        for round in 0..<2_000 {
            let bytes = (0..<random.next(below: 40)).map { _ in
                round % 2 == 0
                    ? UInt8(random.next(below: 256))
                    : [0x20, 0x27, 0x73, 0x61, 0x31, 0xC3, 0xA9, 0xE4, 0xFF, 0x0A][random.next(below: 10)]
            }
            let encoding = tokenizer.encode(utf8: bytes)
            #expect(tokenizer.bytes(of: encoding.ids) == bytes)
            #expect(encoding.offsets.allSatisfy { $0.start < $0.end && $0.end <= bytes.count }, "\(bytes)")
        }
    }

    static let columns = ((try? ByteLevelBPEFixture.golden())?["columns"]?.array ?? [])

    /// The texts of a column of the data.
    static func texts(_ column: JSONValue) throws -> [String]? {
        let path = try "\(#require(column["set"]?.string))/\(#require(column["file"]?.string))"
        guard let url = TestData.shared(path) else { return nil }
        var reader = try DelimitedReader(path: url.path)
        let field = try reader.column(#require(column["column"]?.string))
        var texts: [String] = []
        while try reader.nextRow() { texts.append(reader.text(field)) }
        return texts
    }

    @Test(arguments: columns.indices) func corpora(_ index: Int) throws {
        let column = Self.columns[index]
        guard let texts = try Self.texts(column) else { return }
        let tokenizer = try ByteLevelBPEFixture.gpt2()
        let batch = tokenizer.encodeBatch(texts)
        var hash = WordPieceFixture.Hash()
        for (row, text) in texts.enumerated() {
            let encoding = tokenizer.encode(text)
            hash.add(encoding)
            // Comparing element by element in words would say no more.
            #expect(batch[row].elementsEqual(encoding.ids), "row \(row)")
            #expect(tokenizer.decode(encoding.ids) == text, "row \(row)")
        }
        #expect(texts.count == column["rows"]?.integer)
        #expect(batch.tokenCount == column["tokens"]?.integer)
        #expect(hash.text == column["hash"]?.string, "\(column)")
    }
}
