import Foundation
import MarketingML
import TestSupport
import Testing

/// Runs Tests/TrainingChild in processes of its own.
@Suite(.serialized) struct InterruptionTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "interruption-\(UUID())")

    private func child(_ checkpoint: String, _ output: String) -> (Process, Pipe) {
        let process = Process()
        let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        process.executableURL = tests.deletingLastPathComponent().appendingPathComponent("TrainingChild")
        process.arguments = [
            checkpoint == "none" ? checkpoint : folder.appendingPathComponent(checkpoint).path,
            folder.appendingPathComponent(output).path,
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        return (process, pipe)
    }

    private func weights(_ output: String) throws -> Data {
        try Data(
            contentsOf: folder.appendingPathComponent(output).appendingPathComponent("model.safetensors"))
    }

    /// Batches of changing length after the first step: all memory comes from the cache.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["MARKETINGML_EXACT_ALLOCATION"] == nil))
    func nothingIsAllocatedAfterTheFirstStep() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (process, pipe) = child("none", "a")
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(output.split(separator: "\n").last == "allocations 0", "\(output)")
    }

    @Test func aKilledRunGoesOnToTheSameBytes() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (undisturbed, pipe) = child("checkpoint-a", "a")
        try undisturbed.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        undisturbed.waitUntilExit()
        try #require(undisturbed.terminationStatus == 0, "\(output)")
        var generator = SeededGenerator(seed: 5)
        var kills = 0
        while true {
            let (process, pipe) = child("checkpoint-b", "b")
            try process.run()
            if kills < 8 {
                // After one to seven updates and some of the next: inside windows, epochs and checkpoints.
                var updates = 1 + Int(generator.next() % 7)
                while updates > 0 {
                    let output = pipe.fileHandleForReading.availableData
                    if output.isEmpty { break }
                    updates -= output.count { $0 == UInt8(ascii: "\n") }
                }
                usleep(UInt32(generator.next() % 10_000))
                kill(process.processIdentifier, SIGKILL)
            }
            _ = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            if process.terminationReason == .exit { break }
            kills += 1
        }
        #expect(kills >= 2)
        #expect(try weights("a") == weights("b"))
        #expect(
            try Set(FileManager.default.contentsOfDirectory(atPath: folder.path)).isSuperset(of: [
                "a", "b", "checkpoint-b",
            ]))
    }
}
