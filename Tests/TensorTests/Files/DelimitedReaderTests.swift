import Tensor
import TestSupport
import Testing

@Suite struct DelimitedReaderTests {
    private func rows(_ bytes: [UInt8], _ format: DelimitedFormat = .csv) throws(MarketingMLError)
        -> [[String]]
    {
        var reader = try DelimitedReader(bytes: bytes, format: format, file: "a.csv")
        var rows = [reader.columns]
        while try reader.nextRow() { rows.append(reader.columns.indices.map { reader.text($0) }) }
        return rows
    }

    private func rows(_ text: String, _ format: DelimitedFormat = .csv) throws(MarketingMLError) -> [[String]]
    {
        try rows(Array(text.utf8), format)
    }

    @Test(arguments: [
        ("plain", "a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("no last line end", "a,b\n1,2", [["a", "b"], ["1", "2"]]),
        ("CRLF", "a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
        ("CR", "a,b\r1,2\r3,4", [["a", "b"], ["1", "2"], ["3", "4"]]),
        ("byte order mark", "\u{FEFF}a,b\n1,2", [["a", "b"], ["1", "2"]]),
        ("quoted separator", "a,b\n\"1,5\",2", [["a", "b"], ["1,5", "2"]]),
        ("quoted line ends", "a,b\n\"1\n2\r\n3\",4", [["a", "b"], ["1\n2\r\n3", "4"]]),
        ("doubled quotes", "a,b\n\"say \"\"hi\"\"\",\"\"\"\"", [["a", "b"], ["say \"hi\"", "\""]]),
        ("quoted header", "\"a,x\",\"b\"\n1,2", [["a,x", "b"], ["1", "2"]]),
        ("empty fields", "a,b,c\n,,\n\"\",x,", [["a", "b", "c"], ["", "", ""], ["", "x", ""]]),
        ("empty lines", "\n\na,b\n\n1,2\n\r\n3,4\n\n", [["a", "b"], ["1", "2"], ["3", "4"]]),
        ("quote inside a plain field", "a,b\n5\" disk,x", [["a", "b"], ["5\" disk", "x"]]),
        ("spaces are kept", "a,b\n 1 , 2", [["a", "b"], [" 1 ", " 2"]]),
        ("beyond ASCII", "a,b\n好,naïve 🎉", [["a", "b"], ["好", "naïve 🎉"]]),
        ("one column", "a\n1\n\"\"\n2", [["a"], ["1"], [""], ["2"]]),
        ("header only", "a,b", [["a", "b"]]),
    ])
    func csv(_ what: String, _ text: String, _ expected: [[String]]) throws {
        #expect(try rows(text) == expected, "\(what)")
    }

    @Test(arguments: [
        ("quotes are text", "a\tb\n\"x\ty\"\n", [["a", "b"], ["\"x", "y\""]]),
        ("commas are text", "a\tb\n1,2\t3\r\n", [["a", "b"], ["1,2", "3"]]),
        ("CR inside is text", "a\tb\n1\r2\t3\r", [["a", "b"], ["1\r2", "3"]]),
    ])
    func tsv(_ what: String, _ text: String, _ expected: [[String]]) throws {
        #expect(try rows(text, .tsv) == expected, "\(what)")
    }

    @Test func semicolons() throws {
        #expect(try rows("a;b\n1,5;\"x;y\"", .semicolons) == [["a", "b"], ["1,5", "x;y"]])
    }

    @Test func invalidUTF8BecomesReplacementCharacters() throws {
        #expect(try rows([97, 10, 0x61, 0xFF, 0x62, 0xC3]) == [["a"], ["a\u{FFFD}b\u{FFFD}"]])
    }

    @Test(
        arguments: [
            ("ragged, short", "a,b\n1,2\n3\n", .malformedFile, 3, "1 fields, expected 2"),
            ("ragged, long", "a,b\n1,2,3\n", .malformedFile, 2, "3 fields, expected 2"),
            ("ragged after quoted lines", "a,b\n\"1\n2\",3\n4", .malformedFile, 4, "1 fields"),
            ("unclosed quote", "a,b\n1,\"2\n3,4\n", .malformedFile, 2, "not closed"),
            ("quote open at the end", "a,b\n1,\"", .malformedFile, 2, "not closed"),
            ("text after a quote", "a,b\n\"1\"x,2\n", .malformedFile, 2, "closing quote"),
            ("unclosed quote in the header", "a,\"b\n1,2", .malformedFile, 1, "not closed"),
            ("empty file", "", .emptyData, nil, "empty"),
            ("only line ends", "\n\r\n\n", .emptyData, nil, "empty"),
            ("only a byte order mark", "\u{FEFF}", .emptyData, nil, "empty"),
        ] as [(String, String, MarketingMLError.Code, Int?, String)])
    func brokenFiles(
        _ what: String, _ text: String, _ code: MarketingMLError.Code, _ row: Int?, _ message: String
    ) throws {
        let error = #expect(throws: MarketingMLError.self, "\(what)") { try rows(text) }
        #expect(error?.code == code, "\(what)")
        #expect(error?.location.row == row, "\(what)")
        #expect(error?.message.contains(message) == true, "\(what): \(error?.message ?? "")")
    }

    @Test func utf16IsNamed() {
        let error = #expect(throws: MarketingMLError.self) { try rows([0xFF, 0xFE, 97, 0, 44, 0]) }
        #expect(error?.message.contains("UTF-16") == true)
    }

    @Test func columns() throws {
        let reader = try DelimitedReader(bytes: Array("id,text,id\n".utf8), format: .csv, file: "a.csv")
        #expect(try reader.column("text") == 1)
        let missing = #expect(throws: MarketingMLError.self) { try reader.column("label") }
        #expect(missing?.code == .missingColumn)
        #expect(missing?.message.contains("\"id\", \"text\", \"id\"") == true)
        let double = #expect(throws: MarketingMLError.self) { try reader.column("id") }
        #expect(double?.code == .malformedFile)
    }

    @Test func formatsByName() throws {
        #expect(try DelimitedFormat(path: "/x/A.CSV.gz") == .csv)
        #expect(try DelimitedFormat(path: "b.tsv") == .tsv)
        let error = #expect(throws: MarketingMLError.self) { try DelimitedFormat(path: "b.parquet") }
        #expect(error?.code == .invalidOption)
    }

    @Test(arguments: [DelimitedFormat.csv, .tsv])
    func mutationsNeverCrash(_ format: DelimitedFormat) {
        let text = "id,text\tlabel\n1,\"a, \"\"b\"\"\nc\",x\n2,é好,y\r\n\"3\",,\"\"\n4\tb\tc\n"
        forEachMutation(of: Array(text.utf8)) { bytes in
            do throws(MarketingMLError) {
                for row in try rows(bytes, format) { #expect(row.joined().utf8.count <= 3 * bytes.count) }
            } catch {
                #expect([MarketingMLError.Code.malformedFile, .emptyData].contains(error.code))
            }
        }
    }

    /// What a writer quotes, the reader gives back.
    @Test func roundTrip() throws {
        var random = SeededGenerator(seed: 5)
        let pieces = ["a", "\"", ",", "\n", "\r\n", " ", "好", ""]
        for _ in 0..<500 {
            let table = (0..<(2 + random.next(below: 3))).map { _ in
                (0..<3).map { _ in
                    (0..<random.next(below: 6)).map { _ in pieces[random.next(below: 8)] }.joined()
                }
            }
            let text = table.map { row in
                row.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",")
            }.joined(separator: "\n")
            #expect(try rows(text) == table)
        }
    }
}
