import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct InputFileTests {
    @Test(arguments: [0, 1, 2, 65_535, 65_536, 200_000])
    func wholeFiles(_ count: Int) throws {
        try withTemporaryDirectory { folder in
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let path = folder + "/data.bin"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            #expect(try InputFile.read(path) == bytes)
            #expect(try InputFile.read(path, limit: count) == bytes)
            if count > 0 {
                let error = #expect(throws: MarketingMLError.self) {
                    try InputFile.read(path, limit: count - 1)
                }
                #expect(error?.code == .tooLarge)
            }
        }
    }

    @Test func missingFileAndDirectory() throws {
        try withTemporaryDirectory { folder in
            let missing = #expect(throws: MarketingMLError.self) { try InputFile.read(folder + "/no.csv") }
            #expect(missing?.code == .fileNotFound)
            #expect(missing?.location.file == folder + "/no.csv")
            let directory = #expect(throws: MarketingMLError.self) { try InputFile.read(folder) }
            #expect(directory?.code == .inputOutput)
        }
    }

    @Test func namesThatAreNotFiles() {
        for path in ["", "\0", "/dev/null/x"] {
            #expect(throws: MarketingMLError.self) { try InputFile.read(path) }
        }
    }

    @Test func endlessDevicesStopAtTheLimit() {
        let error = #expect(throws: MarketingMLError.self) { try InputFile.read("/dev/zero", limit: 1 << 20) }
        #expect(error?.code == .tooLarge)
    }
}
