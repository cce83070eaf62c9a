import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct GzipTests {
    /// `gzip.GzipFile(mtime=0, filename="")` of a header and eight equal rows.
    private let compressed = [UInt8](
        Data(
            base64Encoded: "H4sIAAAAAAAC/8tJTErN0SlJrSjhKsgvzizJLEvV8SxRKM8vyi5WSMxLQWfpjSpDVwYAnBflP0MBAAA=")
            ?? Data())
    private let plain =
        "label,text\n" + String(repeating: "positive,It works and works and works.\n", count: 8)

    private func decompress(_ bytes: [UInt8], limit: Int = 1 << 20) throws -> String {
        String(decoding: try Gzip.decompress(bytes, limit: limit, file: "a.gz"), as: UTF8.self)
    }

    @Test func oneMember() throws {
        #expect(try decompress(compressed) == plain)
    }

    @Test func severalMembersAndPadding() throws {
        #expect(try decompress(compressed + compressed) == plain + plain)
        #expect(try decompress(compressed + [0, 0, 0]) == plain)
    }

    @Test func everyTruncationIsAnError() throws {
        for count in 3..<compressed.count {
            let error = #expect(throws: MarketingMLError.self) { try decompress(Array(compressed[..<count])) }
            #expect(error?.code == .malformedFile)
            #expect(error?.location.file == "a.gz")
        }
    }

    @Test func brokenFiles() {
        let end = compressed.count
        let broken: [(String, [UInt8])] = [
            ("trailing text", compressed + [65, 66, 67]),
            ("second member cut", compressed + compressed[..<12]),
            ("wrong check sum", compressed[..<(end - 8)] + [1, 2, 3, 4] + compressed[(end - 4)...]),
            ("wrong length", compressed[..<(end - 4)] + [9, 9, 9, 9]),
            ("reserved flags", compressed[..<3] + [0xE0] + compressed[4...]),
            ("damaged block", compressed[..<10] + [0x07] + compressed[11...]),
        ]
        for (what, bytes) in broken {
            let error = #expect(throws: MarketingMLError.self, "\(what)") { try decompress(bytes) }
            #expect(error?.code == .malformedFile, "\(what)")
        }
    }

    @Test func limit() throws {
        #expect(try decompress(compressed, limit: plain.utf8.count) == plain)
        let error = #expect(throws: MarketingMLError.self) {
            try decompress(compressed, limit: plain.utf8.count - 1)
        }
        #expect(error?.code == .tooLarge)
    }

    @Test func mutationsNeverCrash() {
        forEachMutation(of: compressed) { bytes in
            do throws(MarketingMLError) {
                let output = try Gzip.decompress(bytes, limit: 1 << 16, file: "a.gz")
                #expect(output.count <= 1 << 16)
            } catch {
                #expect([MarketingMLError.Code.malformedFile, .tooLarge].contains(error.code))
            }
        }
    }
}
