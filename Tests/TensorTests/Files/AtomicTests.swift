import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct AtomicTests {
    private struct Failure: Error {}

    private func contents(_ path: String) throws -> String {
        String(decoding: try InputFile.read(path), as: UTF8.self)
    }

    @Test func filesAreReplaced() throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/a.txt"
            for text in ["one", "", "three, longer"] {
                try AtomicFile.write(text, to: path)
                #expect(try contents(path) == text)
            }
            #expect(try FilePath.entries(of: folder) == ["a.txt"])
        }
    }

    @Test func failedFileLeavesTheOldOne() throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/a.txt"
            try AtomicFile.write("old", to: path)
            #expect(throws: Failure.self) {
                try AtomicFile.write(to: path) { writer in
                    try writer.write("half of the new")
                    #expect(try contents(path) == "old")
                    throw Failure()
                }
            }
            #expect(try contents(path) == "old")
            #expect(try FilePath.entries(of: folder) == ["a.txt"])
        }
    }

    @Test func fileInMissingDirectory() throws {
        try withTemporaryDirectory { folder in
            let error = #expect(throws: MarketingMLError.self) {
                try AtomicFile.write("x", to: folder + "/no/a")
            }
            #expect(error?.code == .fileNotFound)
        }
    }

    @Test func linksStayLinks() throws {
        try withTemporaryDirectory { folder in
            try AtomicFile.write("old", to: folder + "/real")
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/link", withDestinationPath: folder + "/real")
            try AtomicFile.write("new", to: folder + "/link")
            #expect(try contents(folder + "/real") == "new")
        }
    }

    @Test func directoriesAreCreatedAndReplaced() throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/deep/er/model"
            for round in 1...3 {
                try AtomicDirectory.replace(at: path + (round == 2 ? "/" : ""), marker: "card.json") { new in
                    try AtomicFile.write("\(round)", to: new + "/card.json")
                    try FilePath.createDirectory(new + "/sub")
                    try AtomicFile.write("x", to: new + "/sub/file-\(round)")
                }
                #expect(try contents(path + "/card.json") == "\(round)")
                #expect(try FilePath.entries(of: path + "/sub") == ["file-\(round)"])
                #expect(try FilePath.entries(of: folder + "/deep/er") == ["model"])
            }
        }
    }

    @Test func failedDirectoryLeavesTheOldOne() throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/model"
            try AtomicDirectory.replace(at: path, marker: "card.json") {
                try AtomicFile.write("old", to: $0 + "/card.json")
            }
            #expect(throws: Failure.self) {
                try AtomicDirectory.replace(at: path, marker: "card.json") { new in
                    try AtomicFile.write("new", to: new + "/card.json")
                    #expect(try contents(path + "/card.json") == "old")
                    throw Failure()
                }
            }
            #expect(try contents(path + "/card.json") == "old")
            #expect(try FilePath.entries(of: folder) == ["model"])
        }
    }

    @Test func somebodyElsesFilesAreNotDeleted() throws {
        try withTemporaryDirectory { folder in
            try AtomicFile.write("dear diary", to: folder + "/diary.txt")
            for path in [folder, folder + "/diary.txt"] {
                let error = #expect(throws: MarketingMLError.self) {
                    try AtomicDirectory.replace(at: path, marker: "card.json") { _ in }
                }
                #expect(error?.code == .invalidOption)
            }
            #expect(try contents(folder + "/diary.txt") == "dear diary")
        }
    }

    @Test func whatTheDeadLeftIsRemovedWhatTheLivingHoldIsNot() throws {
        try withTemporaryDirectory { folder in
            try FilePath.createDirectory(folder + "/.model.tmp-abandoned")
            try AtomicFile.write("x", to: folder + "/.model.tmp-abandoned/weights")
            try AtomicDirectory.replace(at: folder + "/model", marker: "m") { outer in
                try AtomicFile.write("outer", to: outer + "/m")
                try AtomicDirectory.replace(at: folder + "/model", marker: "m") { inner in
                    try AtomicFile.write("inner", to: inner + "/m")
                }
                #expect(try contents(folder + "/model/m") == "inner")
                #expect(try contents(outer + "/m") == "outer")
            }
            #expect(try contents(folder + "/model/m") == "outer")
            #expect(try FilePath.entries(of: folder) == ["model"])
        }
    }

    @Test(arguments: [
        ("a", ".", "a"), ("a/", ".", "a"), ("/a", "/", "a"), ("/a/b//", "/a", "b"), ("x/y/z", "x/y", "z"),
    ])
    func pathParts(_ path: String, _ parent: String, _ name: String) {
        #expect(FilePath.split(path) == (parent, name))
    }
}
