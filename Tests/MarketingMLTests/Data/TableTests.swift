import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct TableTests {
    private func table(
        _ text: String, _ format: DelimitedFormat = .csv, header: Bool = true,
        missing: Set<String> = Table.missingMarkers, kinds: [String: Table.Column.Kind] = [:],
        blockSize: Int = 1 << 16
    ) throws -> Table {
        try Table(
            ByteStream(Array(text.utf8), file: "a.csv"), format: format, hasHeader: header, missing: missing,
            kinds: kinds, blockSize: blockSize)
    }

    @Test func typesAreInferredOverTheWholeColumn() throws {
        let rows = (0..<500).map { "\($0),\($0 == 499 ? "x" : "7"),0\($0),,\($0 == 0 ? "" : "1e3")" }
        let table = try table(
            "a,late,code,empty,gap\n" + rows.joined(separator: "\n"), kinds: ["code": .text])
        #expect(table.columns.map(\.kind) == [.numeric, .text, .text, .numeric, .numeric])
        #expect(try table["a"].numbers() == (0..<500).map { Double($0) })
        // Texts keep the digits of the file, also where the first blocks looked like numbers.
        #expect(try table["late"].texts().suffix(2) == ["7", "x"])
        #expect(try table["code"].texts()[7] == "07")
        #expect(try table["empty"].missingCount == 500)
        #expect(try table["gap"].missingCount == 1)
    }

    @Test func missingValues() throws {
        let table = try table("n,t\n1,a\n?,?\n NA ,\n\"\",\" \"\n2,None\n", missing: ["?", "NA"])
        #expect(try table["n"].numbers().map { $0.isNaN ? -1 : $0 } == [1, -1, -1, -1, 2])
        #expect(try table["t"].texts() == ["a", nil, nil, nil, "None"])
    }

    @Test func numbersAreTheNearest() throws {
        let texts = [
            "0.1", "123456789.123456789123456789", "1e-310", "4.9406564584124654e-324",
            "1.7976931348623157e308",
            " 12 ", "9007199254740992", "0.000000000000000000000000000001234567890123456789",
        ]
        let table = try table("x\n" + texts.joined(separator: "\n"))
        let expected = texts.map { Double($0.trimmingCharacters(in: .whitespaces)) }
        #expect(try table["x"].numbers() == expected)
    }

    @Test(arguments: [
        "x\n9007199254740993\n1", "x\n1\n12345678901234567890", "x\ninf\n", "x\nnan1\n", "x\n1e999\n",
        "x\n0x10",
        "x\n1\n2\nTRUE", "x\n1 2\n",
    ])
    func whatIsNoFiniteNumberMakesTexts(_ text: String) throws {
        #expect(try table(text)["x"].kind == .text)
    }

    @Test func decimalCommasAndHeaderlessFiles() throws {
        let table = try table("1,5;a\n2,25;b", .decimalCommas, header: false)
        #expect(table.names == ["column1", "column2"])
        #expect(try table["column1"].numbers() == [1.5, 2.25])
    }

    @Test(
        arguments: [
            ("a,b\n1,2\n3\n", nil, .malformedFile, 3), ("a,b\n1,\"2\n", nil, .malformedFile, 2),
            ("a,b\n\"1\n2\",3\nx,\"y\"z\n", nil, .malformedFile, 4), ("a,a\n1,2\n", nil, .malformedFile, 1),
            ("", nil, .emptyData, nil), ("a,b\n1,2\n\n\n3,z\n", "b", .malformedFile, 5),
            ("a,b\n1,2\n3,4\n", "c", .missingColumn, 1),
            ("a,b\n1,\"\n\n\n\"\n1e999,3\n", "a", .malformedFile, 6),
        ] as [(String, String?, MarketingMLError.Code, Int?)])
    func brokenFiles(_ text: String, _ numeric: String?, _ code: MarketingMLError.Code, _ row: Int?) {
        for blockSize in [1, 5, 1 << 16] {
            let error = #expect(throws: MarketingMLError.self) {
                try table(text, kinds: numeric.map { [$0: .numeric] } ?? [:], blockSize: blockSize)
            }
            #expect(error?.code == code && error?.location.row == row, "\(text): \(error?.description ?? "")")
            #expect(numeric == nil || error?.location.name == numeric, "\(text): \(error?.description ?? "")")
        }
    }

    /// Any size of blocks and any number of threads give the same table as reading row by row.
    @Test func blocksAndThreadsDoNotMatter() throws {
        var random = SeededGenerator(seed: 3)
        let pieces = ["12", "-3.5", "", "a", "\"x,\ny\"", "\"q\"\"q\"", "é", "?", "\"\"", "0.1", "1e2"]
        for round in 0..<60 {
            let numeric = [0, 1, 2, 5, 7, 8, 9, 10]
            let newline = ["\n", "\r\n", "\r"][round % 3]
            let lines = (0..<random.next(below: 40)).map { _ in
                let cells = [
                    pieces[numeric[random.next(below: 3)]], pieces[random.next(below: 11)],
                    pieces[random.next(below: 11)],
                ]
                return cells.joined(separator: ",") + (random.next(below: 9) == 0 ? newline : "")
            }
            let text = (["n,m,t"] + lines).joined(separator: newline)
            var reader = try DelimitedReader(bytes: Array(text.utf8), format: .csv, file: "")
            var expected: [[String?]] = []
            while try reader.nextRow() {
                expected.append(
                    (0..<3).map { [nil, reader.text($0)][["", "?"].contains(reader.text($0)) ? 0 : 1] })
            }
            let whole = try table(text)
            for row in 0..<whole.rowCount {
                for (column, value) in zip(whole.columns, expected[row]) {
                    if column.kind == .text {
                        #expect(column.text(at: row) == value)
                    } else {
                        #expect(
                            try column.numbers()[row].isNaN
                                ? value == nil : column.numbers()[row] == Double(value ?? ""))
                    }
                }
            }
            #expect(whole.rowCount == expected.count)
            for blockSize in [1, 2, 3, 17, 64, 333] {
                #expect(
                    try table(text, blockSize: blockSize) == whole, "\(blockSize): \(text.debugDescription)")
            }
        }
    }

    /// Texts are told apart by what they say, not by how they are written in the file; long ones too.
    @Test func textsAreStoredOnce() throws {
        let long = String(repeating: "x\"\"", count: 200)
        let lines = [
            "\"a\"\"b\"", "a\"\"b", " NA", "a\"b", "\"\(long)\"", "NA ", "\"a\"\"b\"", "\"\(long)\"", "\"\"",
        ]
        for blockSize in [1, 64, 1 << 16] {
            let column = try table("t\n" + lines.joined(separator: "\n") + "\n", blockSize: blockSize)["t"]
            let plain = String(repeating: "x\"", count: 200)
            #expect(column.texts() == ["a\"b", "a\"\"b", nil, "a\"b", plain, nil, "a\"b", plain, nil])
            #expect(column.levels().levels == ["a\"b", "a\"\"b", plain])
        }
    }

    @Test func rowsColumnsAndMatrices() throws {
        let table = try table("a,b,c\n1,x,2\n3,y,4\n5,x,6")
        #expect(table[rows: [2, 0, 2]] == (try self.table("a,b,c\n5,x,6\n1,x,2\n5,x,6")))
        #expect(try table.dropping(["b"]).matrix() == Tensor<Float>(shape: [3, 2], [1, 2, 3, 4, 5, 6]))
        #expect(try table.selecting(["c", "a"]).names == ["c", "a"])
        #expect(try table.adding(.init("d", [1, 2, 3])).names == ["a", "b", "c", "d"])
        #expect(
            try table.adding(.init("a", [7, 8, 9])).matrix(of: ["a"], as: Double.self).elements == [7, 8, 9])
        #expect(try table["b"].labels() == ["x", "y", "x"])
        #expect(try table["a"].labels() == ["1", "3", "5"])
        #expect(table.description.hasPrefix("3 rows, 3 columns\na  numeric  1, 3, 5"))
        let missing = #expect(throws: MarketingMLError.self) { try table["z"] }
        #expect(missing?.code == .missingColumn && missing?.message.contains("\"a\", \"b\", \"c\"") == true)
        #expect(throws: MarketingMLError.self) { try table.matrix() }
        #expect(throws: MarketingMLError.self) { try table.dropping(["z"]) }
        #expect(throws: MarketingMLError.self) { try table.adding(.init("d", [1])) }
        #expect(throws: MarketingMLError.self) { try Table([.init("d", [1]), .init("d", [1])]) }
        #expect(throws: MarketingMLError.self) { try Table.Column("d", [.infinity]) }
    }

    @Test func mutationsNeverCrash() {
        let text = "id,text,label\n1,\"a, \"\"b\"\"\nc\",x\n2,é好,y\r\n\"3\",,\"\"\n4,-5e3,7.25\n"
        forEachMutation(of: Array(text.utf8)) { bytes in
            for blockSize in [9, 1 << 12] {
                do throws(MarketingMLError) {
                    _ = try Table(ByteStream(bytes, file: ""), format: .csv, blockSize: blockSize)
                } catch {
                    #expect([MarketingMLError.Code.malformedFile, .emptyData].contains(error.code))
                }
            }
        }
    }

    @Test func matricesOfNumbersAlone() throws {
        func matrix(_ text: String, missing: Set<String>? = nil, blockSize: Int = 40) throws -> Tensor<Float>
        {
            try Tensor<Float>(
                ByteStream(Array(text.utf8), file: "a.csv"), format: .csv, missing: missing,
                blockSize: blockSize)
        }
        let rows = (0..<300).map { "\($0),\(Double($0) / 7),-\($0)e-3" }
        let expected = Tensor<Float>(
            shape: [300, 3],
            (0..<300).flatMap { [Float($0), Float("\(Double($0) / 7)") ?? 0, Float("-\($0)e-3") ?? 0] })
        for blockSize in [1, 40, 1000, 1 << 19] {
            #expect(try matrix("a,b,c\n" + rows.joined(separator: "\n"), blockSize: blockSize) == expected)
        }
        let gaps = try matrix("a,b\n1,\nNA,2\n", missing: ["NA"])
        #expect(gaps.elements.map { $0.isNaN ? -1 : $0 } == [1, -1, -1, 2])
        for (text, row, name) in [
            ("a,b\n1,2\n3,x\n", 3, "b"), ("a,b\n1,2\n,4\n", 3, "a"), ("a,b\n1,1e60\n", 2, "b"),
            ("a,b\n1,2\n\n\n3,\n5,z", 5, "b"),
        ] {
            let error = #expect(throws: MarketingMLError.self) { try matrix(text) }
            #expect(
                error?.location.row == row && error?.location.name == name,
                "\(text): \(error?.description ?? "")")
        }
        #expect(throws: MarketingMLError.self) { try matrix("a,b\n") }
    }
}
