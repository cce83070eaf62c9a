import TestSupport
import Testing

@testable import Tensor

@Suite struct JSONReaderTests {
    private func parse(_ text: String) throws -> JSONValue {
        try JSONValue(parsing: Array(text.utf8), file: "file.json")
    }

    @Test func values() throws {
        let text =
            #" {"a": [1, -2.5e3, true, false, null, "x\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00"], "b": {}, "c": []} "#
        let value = try parse(text)
        #expect(
            value["a"]
                == [1, -2500.0, true, false, nil, "x\"\\/\u{8}\u{C}\n\r\té\u{E9}😀"])
        #expect(value["b"] == .object([]))
        #expect(value["c"]?.array?.isEmpty == true)
        #expect(value["d"] == nil)
        #expect(try parse("9223372036854775807").integer == .max)
        #expect(try parse("-9223372036854775808").integer == .min)
        #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
        #expect(try parse("-0.0").number?.sign == .minus)
        #expect(try parse(#"{"a": 1, "b": 2, "a": 3}"#) == .object([.init("a", 3), .init("b", 2)]))
    }

    @Test func pulling() throws {
        var reader = JSONReader(
            Array(#"{"skipped": [{"deep": [1, 2]}, "x"], "wanted": [3, 4], "last": null}"#.utf8))
        var wanted: [Int] = []
        var keys: [String] = []
        try reader.readObject { key, reader in
            keys.append(key)
            if key == "wanted" { try reader.readArray { wanted.append(try $0.readInt()) } }
        }
        try reader.finish()
        #expect(keys == ["skipped", "wanted", "last"])
        #expect(wanted == [3, 4])

        var buffer: [UInt8] = []
        reader = JSONReader(Array(#"{"ab": 1, "\u0063": "d"}"#.utf8))
        try reader.beginObject()
        #expect(try reader.nextKey(appendingTo: &buffer))
        #expect(try reader.peek() == .number)
        #expect(try reader.readDouble() == 1)
        #expect(try reader.nextKey(appendingTo: &buffer))
        try reader.readString(appendingTo: &buffer)
        #expect(try !reader.nextKey(appendingTo: &buffer))
        #expect(buffer == Array("abcd".utf8))
    }

    /// Broken documents with the byte at which they break.
    static let broken: [(String, Int)] = [
        ("", 0), ("  ", 2), ("{", 1), ("[", 1), ("[1", 2), ("[1,", 3), ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3),
        ("{\"a\"", 4), ("{\"a\":", 5), ("{\"a\" 1}", 5), ("{a: 1}", 1), ("{\"a\":1,}", 7),
        ("{\"a\":1 \"b\":2}", 7),
        ("[}", 1), ("{]", 1), ("]", 0), ("tru", 3), ("trUe", 2), ("nul", 3), ("falsy", 4), ("x", 0),
        ("'a'", 0),
        ("01", 1), ("-", 1), ("+1", 0), ("1.", 2), (".5", 0), ("1e", 2), ("1e+", 3), ("0x10", 1),
        ("1e999", 0),
        ("NaN", 0), ("Infinity", 0), ("1 1", 2), ("\"abc", 4), ("\"a\nb\"", 2), ("\"\\q\"", 2),
        ("\"\\u12\"", 5),
        ("\"\\u12g4\"", 5), ("\"\\ud800\"", 1), ("\"\\udc00\"", 1), ("\"\\ud800\\u0041\"", 1),
        ("\"\\ud800\\n\"", 1),
        ("\"\\", 2), ("\u{FEFF}1", 0), ("/* */1", 0),
    ]

    @Test func brokenDocuments() {
        for (text, offset) in Self.broken {
            let error = #expect(throws: MarketingMLError.self, "\(text)") { try parse(text) }
            #expect(error?.code == .malformedFile, "\(text)")
            #expect(
                error?.location == .init(file: "file.json", offset: offset),
                "\(text): \(String(describing: error))")
        }
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] {
            let error = #expect(throws: MarketingMLError.self) { try JSONValue(parsing: bytes) }
            #expect(error?.location.offset == 1)
        }
    }

    @Test func nesting() throws {
        let limit = JSONReader.maximumDepth
        _ = try parse(String(repeating: "[", count: limit) + String(repeating: "]", count: limit))
        #expect(throws: MarketingMLError.self) { try parse(String(repeating: "[", count: limit + 1)) }
        #expect(throws: MarketingMLError.self) { try parse(String(repeating: "{\"a\":", count: 1_000_000)) }
    }

    @Test func typesAreChecked() {
        for (text, read) in [
            ("1", { _ = try $0.readString() }), ("\"1\"", { _ = try $0.readInt() }),
            ("1.5", { _ = try $0.readInt() }),
            ("[]", { try $0.beginObject() }), ("null", { _ = try $0.readBool() }),
            ("true", { try $0.readNull() }),
            ("1e400", { _ = try $0.readDouble() }), ("9223372036854775808", { _ = try $0.readInt() }),
            ("-9223372036854775809", { _ = try $0.readInt() }),
        ] as [(String, (inout JSONReader) throws -> Void)] {
            var reader = JSONReader(Array(text.utf8))
            #expect(throws: MarketingMLError.self, "\(text)") { try read(&reader) }
        }
    }

    @Test func writing() throws {
        let value: JSONValue = [
            "int": 384, "eps": 1e-12, "zero": 0.0, "text": "a\"\\\n\u{1}é😀", "list": [1, 2.5, nil, true],
            "empty": [:],
        ]
        let text = value.serialized()
        #expect(
            text
                == #"{"int":384,"eps":1e-12,"zero":0.0,"text":"a\"\\\n\u0001é😀","list":[1,2.5,null,true],"empty":{}}"#
        )
        #expect(try parse(text) == value)
        #expect(try parse(value.serialized(pretty: true)) == value)
        #expect(
            JSONValue.array([1, .object([.init("a", 2)])]).serialized(pretty: true)
                == "[\n  1,\n  {\n    \"a\": 2\n  }\n]")
        #expect(JSONValue.number(.nan).description == "null")
        var edited = value
        edited["int"] = "new"
        edited["eps"] = nil
        edited["more"] = false
        #expect(edited.object?.map(\.key) == ["int", "zero", "text", "list", "empty", "more"])
    }

    @Test func mutations() throws {
        let text =
            #"{"a": [1, -2.5e3, true, false, null, "x\"\\é\ud83d\ude00"], "b": {"c": [[], {}]}, "d": 12345678901234567890}"#
        try forEachMutation(of: Array(text.utf8), count: 20_000, seed: 9) { bytes in
            do {
                let value = try JSONValue(parsing: bytes)
                #expect(try JSONValue(parsing: Array(value.description.utf8)) == value)
            } catch let error as MarketingMLError {
                #expect(error.code == .malformedFile)
                #expect((0...bytes.count).contains(error.location.offset ?? -1))
            }
        }
    }
}
