import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Reading and writing of tokenizer files, whole and broken.
@Suite struct WordPieceFilesTests {
    private static let json = """
        {"version":"1.0","truncation":{"max_length":9,"strategy":"LongestFirst","stride":0},"padding":null,
        "added_tokens":[
        {"id":2,"special":true,"content":"[CLS]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false},
        {"id":7,"special":false,"content":"Sale","single_word":true,"lstrip":true,"rstrip":true,"normalized":true}],
        "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,\
        "lowercase":true},
        "pre_tokenizer":{"type":"BertPreTokenizer"},
        "post_processor":{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]},
        "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
        "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",\
        "max_input_chars_per_word":100,"vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"caf\\u00e9":4,"the":5,"##s":6}}}
        """

    private func tokenizer(_ json: String) throws -> WordPieceTokenizer {
        try WordPieceTokenizer(
            TokenizerDescription(
                tokenizerJSON: TokenizerFile("tokenizer.json", Array(json.utf8)), path: "tokenizer.json"))
    }

    @Test func options() throws {
        var tokenizer = try tokenizer(Self.json)
        #expect(tokenizer.truncation == Truncation(maxLength: 9))
        #expect(tokenizer.vocabularySize == 8)
        #expect(tokenizer.encode("the  SALE  the sales").ids == [2, 5, 7, 5, 1, 3])
        #expect(tokenizer.encode("the  SALE  the").offsets[2] == ByteRange(start: 3, end: 11))
        #expect(tokenizer.decode([2, 5, 7]) == "the sale")
        tokenizer.truncation = nil
        #expect(tokenizer.encode(String(repeating: "the ", count: 20)).count == 22)
    }

    struct Change: Sendable, CustomStringConvertible {
        let from: String
        let to: String
        let code: MarketingMLError.Code
        var says: String
        var description: String { "\(from) → \(to)" }
        init(_ from: String, _ to: String, _ code: MarketingMLError.Code = .malformedFile, says: String = "")
        {
            (self.from, self.to, self.code, self.says) = (from, to, code, says)
        }
    }

    static let changes = [
        Change("\"1.0\"", "\"2.0\"", .unsupported, says: "2.0"),
        Change("\"BertNormalizer\"", "\"NFKC\"", .unsupported, says: "NFKC"),
        Change(
            "{\"type\":\"BertPreTokenizer\"}", "{\"type\":\"Metaspace\"}", .unsupported, says: "Metaspace"),
        Change("{\"type\":\"BertPreTokenizer\"}", "null", .unsupported, says: "null"),
        Change("\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},", "", .unsupported, says: "null"),
        Change("\"BertProcessing\"", "\"RobertaProcessing\"", .unsupported, says: "RobertaProcessing"),
        Change(
            "{\"type\":\"WordPiece\",\"prefix\"", "{\"type\":\"ByteLevel\",\"prefix\"", .unsupported,
            says: "ByteLevel"),
        Change(
            "{\"type\":\"WordPiece\",\"unk_token\"", "{\"type\":\"BPE\",\"unk_token\"", .unsupported,
            says: "BPE"),
        Change("\"stride\":0", "\"stride\":0,\"direction\":\"Left\"", .unsupported, says: "Left"),
        Change("\"LongestFirst\"", "\"Longest\"", says: "strategy"),
        Change("\"max_length\":9", "\"max_length\":-9", says: "max_length"),
        Change("\"clean_text\":true", "\"clean_text\":1", says: "clean_text"),
        Change("\"lowercase\":true", "\"lower\":true", says: "lowercase"),
        Change("\"the\":5", "\"the\":-5", says: "id"),
        Change("\"the\":5", "\"the\":5.5", says: "integer"),
        Change("\"the\":5", "\"the\":2000000000", says: "2000000000"),
        Change("\"the\":5", "\"the\":99999999999", says: "id"),
        Change("\"the\":5", "\"the\":\"5\"", says: "expected a number"),
        Change("\"[UNK]\":1,", "", says: "[UNK]"),
        Change("\"max_input_chars_per_word\":100,", "", says: "max_input_chars_per_word"),
        Change("\"max_input_chars_per_word\":100", "\"max_input_chars_per_word\":-1", says: "negative"),
        Change("\"id\":7", "\"id\":17", says: "17"),
        Change("\"id\":7", "\"id\":\"7\"", says: "id"),
        Change("\"content\":\"Sale\"", "\"content\":\"\u{301}\"", says: "empty"),
        Change("[\"[SEP]\",3]", "[\"[SEP]\"]", says: "id"),
        Change("[\"[SEP]\",3]", "[\"[SEP]\",8]", says: "beyond the 8 ids"),
        Change("\"model\":", "\"other\":", says: "model"),
        Change("\"##s\":6}}}", "\"##s\":6}}", says: "the end of the file"),
        Change("\"##s\":6}}}", "\"##s\":6}}}}", says: "end of the file"),
        Change("\\u00e9", "\\ud800", says: "surrogate"),
        Change("\\u00e9", "\\x", says: "escape"),
        Change("\"version\"", "version", says: "expected"),
    ]

    @Test(arguments: changes) func broken(_ change: Change) throws {
        #expect(Self.json.contains(change.from))
        let error = #expect(throws: MarketingMLError.self) {
            try tokenizer(Self.json.replacingOccurrences(of: change.from, with: change.to))
        }
        #expect(error?.code == change.code, "\(String(describing: error))")
        #expect(error?.location.file == "tokenizer.json")
        #expect(error?.message.contains(change.says) == true, "\(String(describing: error))")
    }

    @Test func mutatedJSON() throws {
        var loaded = 0
        try forEachMutation(of: Array(Self.json.utf8), count: 10_000, seed: 1) { bytes in
            do {
                let tokenizer = try WordPieceTokenizer(
                    TokenizerDescription(
                        tokenizerJSON: TokenizerFile("tokenizer.json", bytes), path: "mutated"))
                _ = tokenizer.encode("the cafés SALE [CLS] 中\u{0}é")
                loaded += 1
            } catch let error as MarketingMLError {
                #expect(error.code == .malformedFile || error.code == .unsupported, "\(error)")
            }
        }
        #expect(loaded > 100)
    }

    @Test func mutatedVocabulary() throws {
        let lines = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "##s", "café", "中", ""]
        let vocabulary = Array(lines.joined(separator: "\n").utf8)
        try forEachMutation(of: vocabulary, count: 10_000, seed: 2) { bytes in
            do {
                let tokenizer = try WordPieceTokenizer(
                    TokenizerDescription(
                        vocabularyFile: TokenizerFile("vocab.txt", bytes), path: "vocab.txt",
                        normalizer: BertNormalizer(lowercase: true)))
                _ = tokenizer.encode("the cafés [CLS] 中\u{0}é")
            } catch let error as MarketingMLError {
                #expect(error.code == .malformedFile, "\(error)")
            }
        }
    }

    @Test func vocabularyFiles() throws {
        let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Café", "cafe", "the"]
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path)
            let vocabulary = directory.appendingPathComponent("vocab.txt")
            let text = tokens.map { $0 + "  \r\n" }.joined()
            try Data(text.utf8).write(to: vocabulary)
            #expect(try WordPieceTokenizer(vocabulary: vocabulary).encode("Café").ids == [2, 6, 3])
            #expect(
                try WordPieceTokenizer(vocabulary: vocabulary, lowercase: false).encode("Café").ids == [
                    2, 5, 3,
                ])
            #expect(try WordPieceTokenizer(directory: directory).encode("Café [MASK]").ids == [2, 6, 4, 3])
            let configuration = Data(#"{"do_lower_case": false, "sep_token": {"content": "the"}}"#.utf8)
            try configuration.write(to: directory.appendingPathComponent("tokenizer_config.json"))
            #expect(try WordPieceTokenizer(directory: directory).encode("Café").ids == [2, 5, 7])

            let copy = directory.appendingPathComponent("copy")
            try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: false)
            try WordPieceTokenizer(directory: directory).save(to: copy)
            #expect(try Data(contentsOf: copy.appendingPathComponent("vocab.txt")) == Data(text.utf8))
            #expect(
                try Data(contentsOf: copy.appendingPathComponent("tokenizer_config.json")) == configuration)
            let again = try WordPieceTokenizer(directory: copy)  // now from tokenizer.json
            #expect(again.encode("Café [MASK] the").ids == [2, 5, 4, 7, 7])
            #expect(again.encode("Café", pair: "cafe").typeIDs == [0, 0, 0, 1, 1])
        }
    }

    @Test func savesByteForByte() throws {
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path)
            let original = try tokenizer(Self.json)
            try original.save(to: directory)
            #expect(
                try Data(contentsOf: directory.appendingPathComponent("tokenizer.json"))
                    == Data(Self.json.utf8))
            let again = try WordPieceTokenizer(directory: directory)
            #expect(again.truncation == original.truncation)
            #expect(again.encode("the sale").ids == original.encode("the sale").ids)
            let configuration = try JSONValue(
                parsing: Array(Data(contentsOf: directory.appendingPathComponent("tokenizer_config.json"))))
            #expect(configuration["tokenizer_class"] == "BertTokenizer")
            #expect(configuration["sep_token"] == "[SEP]")
        }
    }

    @Test func missingFiles() throws {
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path)
            for load in [
                { _ = try WordPieceTokenizer(directory: directory) },
                {
                    _ = try WordPieceTokenizer(
                        tokenizerJSON: directory.appendingPathComponent("tokenizer.json"))
                },
                { _ = try WordPieceTokenizer(vocabulary: directory.appendingPathComponent("vocab.txt")) },
            ] {
                let error = #expect(throws: MarketingMLError.self) { try load() }
                #expect(error?.code == .fileNotFound)
            }
        }
        let error = #expect(throws: MarketingMLError.self) {
            try WordPieceTokenizer(vocabulary: ["[UNK]", "a"])
        }
        #expect(error?.code == .malformedFile)
        #expect(error?.message.contains("[CLS]") == true)
    }

    @Test func training() throws {
        let texts = ["low lower lowest", "new newer newest", "low low slow", "Newest!"]
        let tokenizer = try WordPieceTokenizer.train(on: texts, vocabularySize: 40)
        #expect(
            tokenizer.tokens(tokenizer.encode("lowest newest!").ids) == [
                "[CLS]", "low", "##est", "newest", "!", "[SEP]",
            ])
        #expect(
            try WordPieceTokenizer.train(on: texts, vocabularySize: 40).model.files == tokenizer.model.files)
        #expect(tokenizer.encode("slowest").ids.contains(tokenizer.unknownID) == false)
        let frequent = try WordPieceTokenizer.train(on: texts, vocabularySize: 1_000)
        #expect(frequent.vocabularySize < 50)
        for (texts, size, code) in [
            ([" "], 100, MarketingMLError.Code.emptyData), (["abc"], 7, .invalidOption),
        ] {
            let error = #expect(throws: MarketingMLError.self) {
                try WordPieceTokenizer.train(on: texts, vocabularySize: size)
            }
            #expect(error?.code == code)
        }
    }
}
