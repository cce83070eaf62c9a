import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct LibSVMDataTests {
    private func read(_ text: String, featureCount: Int? = nil, zeroBased: Bool = false, blockSize: Int = 64)
        throws -> LibSVMData
    {
        try LibSVMData(
            ByteStream(Array(text.utf8), file: "a.txt"), featureCount: featureCount, zeroBased: zeroBased,
            blockSize: blockSize)
    }

    @Test func lines() throws {
        let text = "+1 1:0.5 7:-2e1\t9:3 # a comment\n\n-1\r\n# only a comment\n2.5 2:1#tail\n"
        for blockSize in [1, 7, 64, 4096] {
            let data = try read(text, blockSize: blockSize)
            #expect(data.labels == [1, -1, 2.5])
            #expect(
                data.features
                    == (try SparseMatrix<Float>(rows: [[0: 0.5, 6: -20, 8: 3], [:], [1: 1]], columnCount: 9)))
        }
        #expect(try read("1 0:4", zeroBased: true).features.dense.elements == [4])
        #expect(try read("1 1:4", featureCount: 3).features.columnCount == 3)
        #expect(try read("1 1:4\n-1 1:2").classes() == [1, -1])
        #expect(throws: MarketingMLError.self) { try read("1.5 1:4").classes() }
    }

    @Test(
        arguments: [
            ("1 1:1\nx 1:2\n", 2, "label"), ("1 1:1\n\n1 2:3 2:4\n", 3, "increase"),
            ("1 3:3 2:4\n", 1, "increase"),
            ("1 0:1\n", 1, "outside"), ("1 1:1\n1 11:2", 2, "outside"), ("1 1:x\n", 1, "index:value"),
            ("1 1:\n", 1, "index:value"),
            ("1 :1\n", 1, "index:value"), ("1 5\n", 1, "index:value"), ("1 1:inf\n", 1, "index:value"),
            ("1 1:1e50\n", 1, "index:value"),
            ("nan 1:1\n", 1, "label"), ("1 qid:3 1:1\n", 1, "index:value"),
            ("1 99999999999999999999:1\n", 1, "index:value"),
            ("1,2 1:1\n", 1, "label"), ("1 1:1:1\n", 1, "index:value"), ("1 -1:1\n", 1, "index:value"),
        ] as [(String, Int, String)])
    func brokenLines(_ text: String, _ row: Int, _ message: String) {
        let error = #expect(throws: MarketingMLError.self) { try read(text, featureCount: 10) }
        #expect(
            error?.code == .malformedFile && error?.location.row == row,
            "\(text): \(error?.description ?? "")")
        #expect(error?.message.contains(message) == true, "\(text): \(error?.description ?? "")")
    }

    @Test func whatIsWrittenReadsBack() throws {
        var random = SeededGenerator(seed: 2)
        var rows: [[Int: Float]] = []
        var labels: [Double] = []
        for index in 0..<200 {
            var row: [Int: Float] = [:]
            for column in 0..<30 where random.next(below: 5) == 0 {
                row[column] = Float(random.nextUniform() - 0.5) * 1e-3
            }
            rows.append(row)
            labels.append(index % 3 == 0 ? Double(index) : 0.1 * Double(index))
        }
        let data = try LibSVMData(features: SparseMatrix(rows: rows, columnCount: 30), labels: labels)
        let again = try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "a.txt")
            try data.write(to: url)
            return try LibSVMData(url, featureCount: 30)
        }
        #expect(again == data)
        #expect(throws: MarketingMLError.self) { try LibSVMData(features: data.features, labels: [1]) }
        #expect(throws: MarketingMLError.self) { try read("") }
        #expect(throws: MarketingMLError.self) { try read("# nothing\n") }
    }

    @Test func mutationsNeverCrash() {
        let text = "+1 1:0.5 3:-2 9:1e-3 # c\n-1 2:1\n+1 1:7 4:2\n"
        forEachMutation(of: Array(text.utf8)) { bytes in
            do throws(MarketingMLError) {
                let data = try LibSVMData(ByteStream(bytes, file: ""), blockSize: 16)
                #expect(data.labels.count == data.features.rowCount)
            } catch {
                #expect([MarketingMLError.Code.malformedFile, .emptyData].contains(error.code))
            }
        }
    }

    @Test func realFiles() throws {
        guard let heart = TestData.shared("heart-scale/heart_scale"),
            let a9a = TestData.shared("adult/a9a.gz")
        else { return }
        let small = try LibSVMData(heart)
        #expect(small.features.rowCount == 270 && small.features.columnCount == 13)
        #expect(try small.classes().count { $0 == 1 } == 120)
        let large = try LibSVMData(a9a)
        #expect(large.features.rowCount == 32_561 && large.features.columnCount == 123)
        #expect(try large.classes().count { $0 == 1 } == 7841)
    }
}
