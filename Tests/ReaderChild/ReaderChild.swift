import Foundation
import MarketingML
import TestSupport

/// Reads damaged files in a process of its own, for the test of how much memory that takes.
///
/// Usage: ReaderChild FORMAT FILE reads 200 mutations of FILE and prints by how many bytes the process grew beyond what
/// reading the whole file had taken, at most. FORMAT is safetensors, csv, tokenizer.json, vocab.txt or config.json; a file of the last
/// three is read under its name from a folder of its own, for the last one with the weights beside FILE.
@main
struct ReaderChild {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else {
            throw MarketingMLError(.invalidOption, "needs a format and a file")
        }
        let (format, file) = (arguments[1], URL(fileURLWithPath: arguments[2]))
        let folder = FileManager.default.temporaryDirectory.appending(path: "reader-child-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        if format == "config.json" {
            for name in ["model.safetensors", "vocab.txt"] {
                try FileManager.default.copyItem(
                    at: file.deletingLastPathComponent().appending(path: name),
                    to: folder.appending(path: name))
            }
        }
        let target = folder.appending(path: format.contains(".") ? format : "file.\(format)")
        let bytes = [UInt8](try Data(contentsOf: file))
        try Data(bytes).write(to: target)
        try read(format, target)
        let before = kilobytes("VmHWM")
        try forEachMutation(of: bytes, count: 200, seed: 11) { mutation in
            try Data(mutation).write(to: target)
            do { try read(format, target) } catch is MarketingMLError {}
        }
        print("grew \((kilobytes("VmHWM") - before) * 1024)")
    }

    private static func read(_ format: String, _ file: URL) throws {
        switch format {
        case "safetensors":
            let file = try SafeTensorsFile(file)
            for name in file.names { _ = try file.tensor(name, as: Float.self) }
        case "csv": _ = try LabeledTexts(csv: file, text: "text", label: "label")
        case "config.json": _ = try BERT(directory: file.deletingLastPathComponent())
        default: _ = try WordPieceTokenizer(directory: file.deletingLastPathComponent())
        }
    }

    private static func kilobytes(_ key: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") }
        return line?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0
    }
}
