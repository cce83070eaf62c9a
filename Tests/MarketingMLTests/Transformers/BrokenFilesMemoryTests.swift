import Foundation
import MarketingML
import TestSupport
import Testing

#if os(Linux)
    /// A damaged file may claim anything about itself; reading it takes less than ten times its size more than reading the
    /// whole one. Not under sanitizers, which hold freed memory back.
    @Suite(
        .serialized, .enabled(if: ProcessInfo.processInfo.environment["MARKETINGML_EXACT_ALLOCATION"] == nil))
    struct BrokenFilesMemoryTests {
        private func growth(_ format: String, _ file: URL) throws -> Int {
            let process = Process()
            let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            process.executableURL = tests.deletingLastPathComponent().appendingPathComponent("ReaderChild")
            process.arguments = [format, file.path]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            try #require(process.terminationReason == .exit && process.terminationStatus == 0, "\(output)")
            return try #require(output.split(separator: " ").last.flatMap { Int($0.dropLast()) })
        }

        private func expectSmall(_ format: String, _ file: URL) throws {
            let size = try #require(try file.resourceValues(forKeys: [.fileSizeKey]).fileSize)
            let growth = try growth(format, file)
            #expect(growth < 10 * size, "\(format) of \(size) bytes: \(growth)")
        }

        @Test func mutatedFilesTakeLittleMemory() throws {
            try withTemporaryDirectory { path in
                let folder = URL(fileURLWithPath: path)
                var words = (0..<60_000).map { "word\($0)" }
                let vocabulary = folder.appending(path: "vocab.txt")
                words.insert(contentsOf: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], at: 0)
                try words.joined(separator: "\n").write(to: vocabulary, atomically: true, encoding: .utf8)
                try expectSmall("vocab.txt", vocabulary)

                let tokenizer = try WordPieceTokenizer(directory: folder)
                let bert = try BERT(
                    configuration: BERTConfiguration(
                        vocabularySize: tokenizer.vocabularySize, hiddenSize: 8, layers: 2, heads: 2,
                        intermediateSize: 16),
                    tokenizer: tokenizer)
                let model = folder.appending(path: "model")
                let texts = LabeledTexts(texts: ["word1", "word2"], labels: ["a", "b"])
                try TextClassifier.fineTune(bert, on: texts, options: .init(epochs: 1)).save(to: model)
                try expectSmall("safetensors", model.appending(path: "model.safetensors"))
                try expectSmall("tokenizer.json", model.appending(path: "tokenizer.json"))

                // A configuration is small; this one carries what other libraries may have put in.
                let config = model.appending(path: "config.json")
                let entries = (0..<8_000).map {
                    "\"entry\($0)\": \"made by a program that notes where its data came from, \($0)\""
                }
                var text = try String(contentsOf: config, encoding: .utf8)
                text.removeLast(text.reversed().prefix { $0 != "}" }.count + 1)
                try (text + "," + entries.joined(separator: ",") + "}").write(
                    to: config, atomically: true, encoding: .utf8)
                try expectSmall("config.json", config)

                let table = folder.appending(path: "table.csv")
                let rows = (0..<30_000).map { "\"it is, so \($0)\",\($0 % 3)" }
                try (["text,label"] + rows).joined(separator: "\n").write(
                    to: table, atomically: true, encoding: .utf8)
                try expectSmall("csv", table)
            }
        }
    }
#endif
