import Foundation
import MarketingML
import TestSupport
import Testing

/// What the tests of the tokenizer share: MiniLM's tokenizer and the golden files of Tests/Reference/wordpiece.py.
enum WordPieceFixture {
    /// MiniLM's tokenizer without its limit of 128 tokens.
    static func miniLM() throws -> WordPieceTokenizer {
        var tokenizer = try WordPieceTokenizer(tokenizerJSON: file())
        tokenizer.truncation = nil
        return tokenizer
    }

    static func file() throws -> URL {
        try #require(TestData.shared("minilm/tokenizer.json.gz"))
    }

    static var isAvailable: Bool { TestData.shared("minilm/tokenizer.json.gz") != nil }

    static func golden(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: Array(Data(contentsOf: TestData.fixture(name, .module))), file: name)
    }

    /// FNV-1a over id, start and end of each token, and a mark after each text.
    struct Hash {
        private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

        mutating func add(_ encoding: Encoding) {
            for (id, offset) in zip(encoding.ids, encoding.offsets) {
                add(UInt32(bitPattern: id))
                add(UInt32(bitPattern: offset.start))
                add(UInt32(bitPattern: offset.end))
            }
            add(UInt32.max)
        }

        private mutating func add(_ word: UInt32) {
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                value = (value ^ UInt64(word >> shift & 0xFF)) &* 0x100_0000_01B3
            }
        }

        var text: String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
    }

    /// A small tokenizer that needs no data.
    static func small() throws -> WordPieceTokenizer {
        try WordPieceTokenizer(
            vocabulary: [
                "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##aff", "##able", "the", "cat", "##s",
                "sat", ".",
                ",", "cafe", "中", "a", "##a",
            ])
    }
}

extension JSONValue {
    var base64Bytes: [UInt8] { string.flatMap { Data(base64Encoded: $0) }.map(Array.init) ?? [] }
    var integers: [Int] { array?.compactMap(\.integer) ?? [] }
}

extension Encoding {
    var flatOffsets: [Int] { offsets.flatMap { [Int($0.start), Int($0.end)] } }
}
