import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Tokenizers in the ways of Llama and of Unigram models agree with the reference library.
@Suite struct SentencePieceTokenizerTests {
    private static let golden = Result { try WordPieceFixture.golden("sentencepiece.json") }
    static let cases = (try? golden.get())?["tokenizers"]?.array ?? []

    private func tokenizer(_ json: String) throws -> SentencePieceTokenizer {
        try SentencePieceTokenizer(
            tokenizerJSON: TokenizerFile("tokenizer.json", Array(json.utf8)), path: "tokenizer.json")
    }

    private func hash(_ text: String) -> String {
        let hash = text.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    @Test func fixtureIsThere() { #expect(Self.cases.count == 5) }

    @Test(arguments: cases.indices) func reference(_ index: Int) throws {
        let item = Self.cases[index]
        let tokenizer = try tokenizer(#require(item["json"]?.string))
        let texts = try #require(Self.golden.get()["texts"]?.array).map {
            String(decoding: $0.base64Bytes, as: UTF8.self)
        }
        let hashes = try #require(item["hashes"]?.array)
        let decoded = try #require(item["decoded"]?.array)
        #expect(texts.count == hashes.count && texts.count == decoded.count)
        let batch = tokenizer.encodeBatch(texts)
        for (row, text) in texts.enumerated() {
            let encoding = tokenizer.encode(text)
            let pieces = encoding.ids.compactMap { tokenizer.token($0) }
            #expect(
                ByteLevelBPEFixture.hash(encoding) == hashes[row].string,
                "\(item["name"]?.string ?? "") \(text.debugDescription): \(pieces) \(encoding.flatOffsets)")
            #expect(batch[row].elementsEqual(encoding.ids))
            guard decoded[row] != .null else { continue }
            let whole = tokenizer.decode(encoding.ids)
            #expect(hash(whole) == decoded[row].string, "\(text.debugDescription): \(whole.debugDescription)")
            var decoder = StreamingDecoder(tokenizer)
            var streamed = ""
            for id in encoding.ids { streamed += decoder.append(id) }
            streamed += decoder.finish()
            #expect(streamed == whole)
        }
    }

    /// The best split of a word among all of them.
    @Test func unigramIsTheBestSplit() throws {
        let pieces: [(String, Double)] = [
            ("?", 0), ("a", -2), ("b", -2.5), ("ab", -4), ("ba", -3.9), ("aab", -5), ("bb", -6),
            ("abab", -7.5),
        ]
        var list = Vocabulary.List()
        for (id, piece) in pieces.enumerated() {
            list.bytes += piece.0.utf8
            list.ends.append(list.bytes.count)
            list.ids.append(Int32(id))
        }
        let model = UnigramModel(list, scores: pieces.map(\.1), unknownID: 0)
        func score(_ piece: Substring) -> Double? {
            pieces.first { $0.0 == piece }?.1 ?? (piece == "c" ? -17.5 : nil)
        }
        func best(_ word: Substring) -> Double {
            if word.isEmpty { return 0 }
            return (1...min(4, word.count)).compactMap { length in
                score(word.prefix(length)).map { $0 + best(word.dropFirst(length)) }
            }.max() ?? -.infinity
        }
        var random = SeededGenerator(seed: 3)
        for length in 0..<40 {
            let word = (0..<length % 12).map { _ in ["a", "b", "a", "c"][random.next(below: 4)] }.joined()
            let found = Array(word.utf8).withUnsafeBufferPointer { model.split($0) }
            #expect(found.reduce(0) { $0 + $1.range.count } == word.count)
            let total = found.reduce(0.0) { sum, piece in
                let text = word.dropFirst(piece.range.lowerBound).prefix(piece.range.count)
                return sum + (piece.isUnknown ? -17.5 * Double(text.count) : score(text) ?? -.infinity)
            }
            #expect(abs(total - best(word[...])) < 1e-9, "\(word)")
        }
    }

    typealias Change = WordPieceFilesTests.Change
    static let changes = [
        Change("\"Unigram\"", "\"WordLevel\"", .unsupported, says: "WordLevel"),
        Change(
            "{\"type\":\"Metaspace\",\"replacement\":\"▁\",\"prepend_scheme\":\"first\"",
            "{\"type\":\"Split\"", .unsupported, says: "Split"),
        Change("\"first\"", "\"often\"", says: "prepend_scheme"),
        Change("\"Prepend\"", "\"NFKC\"", .unsupported, says: "NFKC"),
        Change("{\"String\":\" \"}", "{\"Regex\":\" +\"}", .unsupported, says: "pattern"),
        Change("{\"String\":\" \"}", "{\"String\":\"\"}", says: "pattern"),
        Change("{\"type\":\"Fuse\"},", "", .unsupported, says: "Strip"),
        Change("\"ByteFallback\"", "\"CTC\"", .unsupported, says: "CTC"),
        Change("\"unk_id\":0", "\"unk_id\":9", says: "9"),
        Change("\"unk_id\":0", "\"unk_id\":null", .unsupported, says: "unk_id"),
        Change("[\"b\",-3.5]", "[\"b\"]", says: "score"),
        Change("[\"b\",-3.5]", "[\"b\",-3.5,1]", says: "two"),
        Change("[\"b\",-3.5]", "[\"b\",\"x\"]", says: "number"),
    ]
    private static let json = """
        {"version":"1.0","added_tokens":[{"id":0,"special":true,"content":"<u>","single_word":false,"lstrip":false,
        "rstrip":false,"normalized":false}],"normalizer":{"type":"Sequence","normalizers":[
        {"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
        "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},
        "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
        {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
        "model":{"type":"Unigram","unk_id":0,"byte_fallback":true,
        "vocab":[["<u>",0],["▁",-2],["a",-3],["b",-3.5],["▁ab",-4]]}}
        """

    @Test(arguments: changes) func broken(_ change: Change) throws {
        #expect(Self.json.contains(change.from))
        #expect(try tokenizer(Self.json).ids(of: "ab a") == [4, 1, 2])
        let error = #expect(throws: MarketingMLError.self) {
            try tokenizer(Self.json.replacingOccurrences(of: change.from, with: change.to))
        }
        #expect(error?.code == change.code, "\(String(describing: error))")
        #expect(error?.location.file == "tokenizer.json")
        #expect(error?.message.contains(change.says) == true, "\(String(describing: error))")
    }

    /// Tokens that were read as another kind's have no scores.
    @Test func vocabularyBeforeItsKind() throws {
        let start = try #require(Self.json.range(of: "\"model\"")).lowerBound
        let model = "\"model\":{\"vocab\":{\"<u>\":0,\"a\":1},\"type\":\"Unigram\",\"unk_id\":0}}"
        expectFailure(.malformedFile) { _ = try tokenizer(String(Self.json[..<start]) + model) }
    }

    @Test func mutations() throws {
        var loaded = 0
        try forEachMutation(of: Array(Self.json.utf8), count: 10_000, seed: 8) { bytes in
            do {
                let tokenizer = try SentencePieceTokenizer(
                    tokenizerJSON: TokenizerFile("tokenizer.json", bytes), path: nil)
                _ = tokenizer.decode(tokenizer.encode("ab é<u> a").ids + [-1, 99])
                loaded += 1
            } catch let error as MarketingMLError {
                #expect(error.code == .malformedFile || error.code == .unsupported, "\(error)")
            }
        }
        #expect(loaded > 100)
    }

    /// The kind of tokenizer follows from the files.
    @Test func anyKind() throws {
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path)
            func load(_ name: String, _ bytes: [UInt8]) throws -> any TextTokenizer {
                let url = directory.appending(path: name)
                try Data(bytes).write(to: url)
                defer { try? FileManager.default.removeItem(at: url) }
                return try PretrainedTokenizer.load(directory)
            }
            let small = try #require(WordPieceFixture.golden("bpe-gpt2.json")["small"])
            #expect(try load("tokenizer.json", Array(Self.json.utf8)) is SentencePieceTokenizer)
            let byteLevel = try load("tokenizer.json", Array(#require(small["json"]?.string).utf8))
            #expect(byteLevel is ByteLevelBPETokenizer)
            #expect(byteLevel.decode(byteLevel.ids(of: "the")) == "the")
            #expect(try load("vocab.txt", Array("[UNK]\n[CLS]\n[SEP]\nthe".utf8)) is WordPieceTokenizer)
            try WordPieceFixture.small().save(to: directory)
            #expect(try PretrainedTokenizer.load(directory) is WordPieceTokenizer)
            let other = #"{"version":"1.0","model":{"type":"WordLevel","vocab":{}}}"#
            let error = #expect(throws: MarketingMLError.self) {
                try load("tokenizer.json", Array(other.utf8))
            }
            #expect(error?.code == .unsupported)
        }
        let missing = #expect(throws: MarketingMLError.self) {
            try PretrainedTokenizer.load(URL(fileURLWithPath: "/no/such/directory"))
        }
        #expect(missing?.code == .fileNotFound)
    }
}
