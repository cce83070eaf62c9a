import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Files of byte-level tokenizers, whole and broken, and what does not need GPT-2's vocabulary.
@Suite struct ByteLevelBPETokenizerTests {
    /// A tokenizer with a few merges, as the reference library writes it, and what it says of some texts.
    private func small() throws -> (
        json: String, vocabulary: String, merges: String, texts: [String], ids: [[Int]]
    ) {
        let small = try #require(WordPieceFixture.golden("bpe-gpt2.json")["small"])
        return try (
            #require(small["json"]?.string), #require(small["vocab"]?.string),
            #require(small["merges"]?.string),
            #require(small["texts"]?.array).compactMap(\.string),
            #require(small["ids"]?.array).map(\.integers)
        )
    }

    private func tokenizer(_ json: String) throws -> ByteLevelBPETokenizer {
        try ByteLevelBPETokenizer(
            SubwordDescription(
                tokenizerJSON: TokenizerFile("tokenizer.json", Array(json.utf8)), path: "tokenizer.json"))
    }

    @Test func referencesFile() throws {
        let small = try small()
        let tokenizer = try tokenizer(small.json)
        #expect(small.texts.count == small.ids.count)
        for (text, ids) in zip(small.texts, small.ids) {
            #expect(tokenizer.ids(of: text).map(Int.init) == ids, "\(text)")
        }
        #expect(tokenizer.decode(tokenizer.ids(of: "the café<|endoftext|>")) == "the café")
        #expect(
            tokenizer.decode(tokenizer.ids(of: "the café<|endoftext|>"), skipSpecialTokens: false)
                == "the café<|endoftext|>")
        #expect(tokenizer.id(of: "Ġthe") == 258)
        #expect(tokenizer.token(258) == "Ġthe")
        #expect(tokenizer.bytes(of: 258) == Array(" the".utf8))
        #expect(tokenizer.bytes(of: 260) == [])
        #expect(tokenizer.bytes(of: 261) == [])
        #expect(tokenizer.bytes(of: -1) == [])
        #expect(tokenizer.token(261) == nil)
    }

    /// What is written for a vocabulary and its merges is what the reference library writes.
    @Test func savesAsTheReference() throws {
        let small = try small()
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path)
            try Data(small.vocabulary.utf8).write(to: directory.appending(path: "vocab.json"))
            try Data(small.merges.utf8).write(to: directory.appending(path: "merges.txt"))
            let tokenizer = try ByteLevelBPETokenizer(directory: directory)
            let copy = directory.appending(path: "copy")
            try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: false)
            try tokenizer.save(to: copy)
            for (name, text) in [("vocab.json", small.vocabulary), ("merges.txt", small.merges)] {
                #expect(try Data(contentsOf: copy.appending(path: name)) == Data(text.utf8))
            }
            let written = try JSONValue(
                parsing: Array(Data(contentsOf: copy.appending(path: "tokenizer.json"))))
            let expected = try JSONValue(parsing: Array(small.json.utf8))
            for part in ["version", "added_tokens", "normalizer", "pre_tokenizer", "model"] {
                #expect(written[part] == expected[part], "\(part)")
            }
            #expect(written["decoder"]?["type"] == "ByteLevel")
            #expect(written["post_processor"]?["trim_offsets"] == false)

            let again = try ByteLevelBPETokenizer(directory: copy)  // now from tokenizer.json
            for text in small.texts { #expect(again.encode(text) == tokenizer.encode(text)) }
            try again.save(to: directory)
            #expect(
                try Data(contentsOf: directory.appending(path: "tokenizer.json"))
                    == Data(contentsOf: copy.appending(path: "tokenizer.json")))
        }
    }

    @Test func addedTokens() throws {
        let small = try small()
        let added = """
            ,{"id":261,"content":"SALE","single_word":true,"lstrip":true,"rstrip":false,"normalized":true,"special":false}],\
            "normalizer"
            """
        var json = small.json
        let end = try #require(json.range(of: "],\"normalizer\""))
        json.replaceSubrange(end, with: added)
        let tokenizer = try tokenizer(json)
        let encoding = tokenizer.encode("the SALE, SALES<|endoftext|>")
        #expect(encoding.ids.contains(261) && encoding.ids.last == 260)
        #expect(encoding.offsets[encoding.ids.firstIndex(of: 261) ?? 0] == ByteRange(start: 3, end: 8))
        #expect(encoding.ids.count { $0 == 261 } == 1)
        #expect(tokenizer.vocabularySize == 262)
        #expect(tokenizer.decode([258, 261]) == " theSALE")
    }

    @Test func unknownBytes() throws {
        let json = """
            {"version":"1.0","added_tokens":[],"normalizer":null,
            "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":false},"post_processor":null,
            "decoder":{"type":"ByteLevel"},
            "model":{"unk_token":UNKNOWN,"fuse_unk":FUSE,"ignore_merges":IGNORE,\
            "vocab":{"a":0,"b":1,"ab":2,"?":3,"ba":4,"aba":5},"merges":["b a","a b"]}}
            """
        func ids(_ text: String, unknown: String = "null", fuse: String = "false", ignore: String = "false")
            throws -> [Int32]
        {
            let text = (
                text,
                json.replacingOccurrences(of: "UNKNOWN", with: unknown)
                    .replacingOccurrences(of: "FUSE", with: fuse).replacingOccurrences(
                        of: "IGNORE", with: ignore)
            )
            return try tokenizer(text.1).ids(of: text.0)
        }
        #expect(try ids("axxb") == [2])
        #expect(try ids("axxb", unknown: "\"?\"") == [0, 3, 3, 1])
        #expect(try ids("axxb", unknown: "\"?\"", fuse: "true") == [0, 3, 1])
        #expect(try ids("aba") == [0, 4])
        #expect(try ids("aba", ignore: "true") == [5])
        #expect(try ids("") == [])
    }

    @Test func batchesAndThreads() throws {
        let tokenizer = try tokenizer(small().json)
        let texts =
            (0..<3_000).map { "the \($0) café the" + String(repeating: " other", count: $0 % 40) } + [""]
        let batch = tokenizer.encodeBatch(texts)
        let threads = ThreadPool.threadCount
        defer { ThreadPool.threadCount = threads }
        ThreadPool.threadCount = 1
        #expect(tokenizer.encodeBatch(texts) == batch)
        #expect(batch == TokenBatch(texts.lazy.map { tokenizer.encode($0) }))
        #expect(tokenizer.encodeBatch([]) == TokenBatch())
    }

    /// Long words go another way through the merges than short ones, and long texts remember words.
    @Test func longWordsAsShort() throws {
        let rules = [("a", "b"), ("ab", "a"), ("b", "b"), ("aba", "ab"), ("bb", "a"), ("a", "a")]
        var merges = BytePairMerges(capacity: rules.count)
        var ids: [String: Int32] = ["a": 0, "b": 1]
        for (rank, (left, right)) in rules.enumerated() {
            let id = ids[left + right] ?? Int32(ids.count)
            ids[left + right] = id
            merges.insert(try #require(ids[left]), try #require(ids[right]), .init(rank: Int32(rank), id: id))
        }
        var random = SeededGenerator(seed: 5)
        var merger = BytePairMerger()
        for length in [1, 2, 3, 10, 47, 48, 49, 50, 100, 1_000] {
            let word = (0..<length).map { _ in Int32(random.next(below: 2)) }
            merger.removeAll()
            for (index, id) in word.enumerated() { merger.append(id, at: index) }
            _ = merges.withTable { merger.merge($0) }
            let found = (0..<merger.count).map { merger[$0].id }
            var expected = word
            while true {
                let ranks = expected.indices.dropLast().map { index in
                    merges.withTable { $0.rule(expected[index], expected[index + 1]) } ?? .none
                }
                guard let best = ranks.indices.min(by: { ranks[$0].rank < ranks[$1].rank }),
                    ranks[best].rank < .max
                else { break }
                expected.replaceSubrange(best...best + 1, with: [ranks[best].id])
            }
            #expect(found == expected, "\(length)")
        }
    }

    typealias Change = WordPieceFilesTests.Change
    static let changes = [
        Change("\"version\":\"1.0\"", "\"version\":\"9\"", .unsupported, says: "9"),
        Change("\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", .unsupported, says: "NFC"),
        Change(
            "\"pre_tokenizer\":{\"type\":\"ByteLevel\"", "\"pre_tokenizer\":{\"type\":\"Split\"",
            .unsupported, says: "Split"),
        Change(
            "\"add_prefix_space\":false,\"trim_offsets\":true", "\"trim_offsets\":true",
            says: "add_prefix_space"),
        Change(
            "\"post_processor\":{\"type\":\"ByteLevel\"", "\"post_processor\":{\"type\":\"X\"", .unsupported,
            says: "X"),
        Change(
            "\"decoder\":{\"type\":\"ByteLevel\"", "\"decoder\":{\"type\":\"BPEDecoder\"", .unsupported,
            says: "BPEDecoder"),
        Change(
            "\"model\":{\"type\":\"BPE\"", "\"model\":{\"type\":\"Unigram\"", .unsupported, says: "Unigram"),
        Change("\"dropout\":null", "\"dropout\":0.1", .unsupported, says: "dropout"),
        Change("\"byte_fallback\":false", "\"byte_fallback\":true", .unsupported, says: "byte_fallback"),
        Change(
            "\"end_of_word_suffix\":null", "\"end_of_word_suffix\":\"</w>\"", .unsupported,
            says: "end_of_word_suffix"),
        Change("\"unk_token\":null", "\"unk_token\":\"[UNK]\"", says: "[UNK]"),
        Change("[\"t\",\"h\"]", "[\"t\",\"h\",\"e\"]", says: "3 tokens"),
        Change("[\"t\",\"h\"]", "\"t h e\"", says: "two tokens"),
        Change("[\"t\",\"h\"]", "[\"t\",\"x\"]", says: "t x"),
        Change("[\"t\",\"h\"]", "7", says: "expected"),
        Change("\"merges\":", "\"other\":", says: "merges"),
        Change("\"vocab\":", "\"other\":", says: "vocab"),
        Change("\"model\":", "\"other\":", says: "model"),
        Change("\"Ġthe\":258", "\"Ġthe\":-1", says: "id"),
        Change("\"Ġthe\":258", "\"Ġthe\":2000000000", says: "2000000000"),
        Change("\"id\":260", "\"id\":300", says: "300"),
    ]

    @Test(arguments: changes) func broken(_ change: Change) throws {
        let json = try small().json
        #expect(json.contains(change.from))
        let error = #expect(throws: MarketingMLError.self) {
            try tokenizer(json.replacingOccurrences(of: change.from, with: change.to))
        }
        #expect(error?.code == change.code, "\(String(describing: error))")
        #expect(error?.location.file == "tokenizer.json")
        #expect(error?.message.contains(change.says) == true, "\(String(describing: error))")
    }

    @Test func mutations() throws {
        // A short file, so that most changes hit something that matters.
        let json = """
            {"version":"1.0","truncation":{"max_length":9,"strategy":"LongestFirst","stride":0},"added_tokens":[{"id":5,
            "special":true,"content":"<e>","single_word":false,"lstrip":false,"rstrip":true,"normalized":false}],
            "normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":true},
            "post_processor":{"type":"RobertaProcessing","sep":["<e>",5],"cls":["<e>",5],"trim_offsets":true},
            "decoder":{"type":"ByteLevel"},"model":{"type":"BPE","unk_token":"a","fuse_unk":true,
            "vocab":{"a":0,"b":1,"ab":2,"Ġ":3,"Ġab":4},"merges":["a b",["Ġ","ab"]]}}
            """
        var loaded = 0
        try forEachMutation(of: Array(json.utf8), count: 10_000, seed: 6) { bytes in
            do {
                let tokenizer = try ByteLevelBPETokenizer(
                    SubwordDescription(tokenizerJSON: TokenizerFile("tokenizer.json", bytes), path: nil))
                let ids = tokenizer.encode("ab ab<e> éab").ids
                _ = tokenizer.decode(ids + [-1, 99])
                loaded += 1
            } catch let error as MarketingMLError {
                #expect(error.code == .malformedFile || error.code == .unsupported, "\(error)")
            }
        }
        #expect(loaded > 100)
    }

    /// Spaces that one added token takes are no other one's.
    @Test func addedTokensThatStripTheSameSpaces() throws {
        let json = """
            {"version":"1.0","added_tokens":[
            {"id":5,"special":true,"content":"<e>","single_word":false,"lstrip":false,"rstrip":true,"normalized":false},
            {"id":6,"special":true,"content":"  ","single_word":false,"lstrip":true,"rstrip":false,"normalized":false}],
            "normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"post_processor":null,
            "decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"Ġ":3,"Ġab":4},
            "merges":["a b","Ġ ab"]}}
            """
        let tokenizer = try ByteLevelBPETokenizer(
            SubwordDescription(
                tokenizerJSON: TokenizerFile("tokenizer.json", Array(json.utf8)), path: nil))
        for spaces in 0..<9 {
            let ids = tokenizer.encode("<e>" + String(repeating: " ", count: spaces) + "ab").ids
            #expect(ids == [5, 2], "\(spaces)")
        }
    }

    @Test func brokenMerges() throws {
        let vocabulary = TokenizerFile("vocab.json", Array(#"{"a":0,"b":1,"ab":2}"#.utf8))
        func load(_ merges: String) throws -> ByteLevelBPETokenizer {
            var description = try SubwordDescription(
                vocabularyFile: vocabulary, "vocab.json",
                mergesFile: TokenizerFile("merges.txt", Array(merges.utf8)), "merges.txt")
            description.describeGPT2()
            return try ByteLevelBPETokenizer(description)
        }
        #expect(try load("#version: 0.2\r\na b\r\n").ids(of: "abb") == [2, 1])
        #expect(try load("").ids(of: "ab") == [0, 1])
        for (merges, row) in [("a b\na\n", 2), ("a  b", 1), ("a b\n\na b", 2)] {
            let error = #expect(throws: MarketingMLError.self) { try load(merges) }
            #expect(error?.code == .malformedFile)
            #expect(error?.location.file == "merges.txt")
            #expect(error?.location.row == row)
        }
        let missing = #expect(throws: MarketingMLError.self) {
            try ByteLevelBPETokenizer(directory: URL(fileURLWithPath: "/no/such/directory"))
        }
        #expect(missing?.code == .fileNotFound)
    }
}
