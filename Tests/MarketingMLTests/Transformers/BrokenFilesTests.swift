import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Model directories and checkpoints that are damaged: a typed error that names the file and the entry.
@Suite struct BrokenFilesTests {
    private static let config = """
        {"model_type": "bert", "vocab_size": 97, "hidden_size": 40, "num_hidden_layers": 2, "num_attention_heads": 5,
         "intermediate_size": 72, "hidden_act": "gelu", "max_position_embeddings": 40, "layer_norm_eps": 1e-12}
        """

    private func configuration(_ text: String) throws -> BERTConfiguration {
        try BERTConfiguration(
            json: JSONValue(parsing: Array(text.utf8), file: "config.json"), file: "config.json")
    }

    struct Change: Sendable, CustomStringConvertible {
        let from: String
        let to: String
        let code: MarketingMLError.Code
        let name: String?
        var description: String { to.isEmpty ? "without \(from)" : to }
    }

    static let changes = [
        Change(from: "\"vocab_size\": 97,", to: "", code: .malformedFile, name: "vocab_size"),
        Change(
            from: "\"vocab_size\": 97", to: "\"vocab_size\": -1", code: .malformedFile, name: "vocab_size"),
        Change(
            from: "\"vocab_size\": 97", to: "\"vocab_size\": 1e300", code: .malformedFile, name: "vocab_size"),
        Change(
            from: "\"vocab_size\": 97", to: "\"vocab_size\": \"97\"", code: .malformedFile, name: "vocab_size"
        ),
        Change(
            from: "\"hidden_size\": 40", to: "\"hidden_size\": 40.5", code: .malformedFile,
            name: "hidden_size"),
        Change(
            from: "\"num_hidden_layers\": 2", to: "\"num_hidden_layers\": 0", code: .malformedFile,
            name: "num_hidden_layers"),
        Change(
            from: "\"num_attention_heads\": 5", to: "\"num_attention_heads\": 7", code: .malformedFile,
            name: "num_attention_heads"),
        Change(
            from: "\"hidden_act\": \"gelu\"", to: "\"hidden_act\": \"mish\"", code: .unsupported,
            name: "hidden_act"),
        Change(
            from: "\"hidden_act\": \"gelu\"", to: "\"hidden_act\": 3", code: .malformedFile,
            name: "hidden_act"),
        Change(
            from: "\"layer_norm_eps\": 1e-12", to: "\"layer_norm_eps\": -1", code: .malformedFile,
            name: "layer_norm_eps"),
        Change(
            from: "\"layer_norm_eps\": 1e-12", to: "\"hidden_dropout_prob\": 1", code: .malformedFile,
            name: "hidden_dropout_prob"),
        Change(from: "\"bert\"", to: "\"roberta\"", code: .unsupported, name: "model_type"),
        Change(
            from: "\"model_type\": \"bert\"", to: "\"position_embedding_type\": \"relative_key\"",
            code: .unsupported,
            name: "position_embedding_type"),
        Change(from: "{", to: "[", code: .malformedFile, name: nil),
    ]

    @Test(arguments: changes) func brokenConfigurations(_ change: Change) throws {
        #expect(try configuration(Self.config).heads == 5)
        let error = #expect(throws: MarketingMLError.self) {
            try configuration(Self.config.replacingOccurrences(of: change.from, with: change.to))
        }
        #expect(error?.code == change.code, "\(String(describing: error))")
        #expect(error?.location.file == "config.json")
        if let name = change.name { #expect(error?.location.name == name) }
    }

    @Test func mutatedConfigurations() throws {
        var generator = SeededGenerator(seed: 3)
        let original = Array(Self.config.utf8)
        for round in 0..<10_000 {
            var bytes = original
            for _ in 0..<(1 + round % 3) {
                bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(
                    truncatingIfNeeded: generator.next())
            }
            if round % 5 == 0 { bytes.removeLast(Int(generator.next() % UInt64(bytes.count))) }
            do {
                let json = try JSONValue(parsing: bytes, file: "config.json")
                let configuration = try BERTConfiguration(json: json, file: "config.json")
                #expect(configuration.hiddenSize % configuration.heads == 0)
            } catch let error as MarketingMLError {
                #expect(error.location.file == "config.json")
            }
        }
    }

    private func temporary(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("broken-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test func brokenClassifierDirectories() throws {
        try temporary { folder in
            let good = folder.appendingPathComponent("good")
            try TextClassifierTests.trained(FineTuningOptions(epochs: 1)).save(to: good)
            let config = try String(contentsOf: good.appendingPathComponent("config.json"), encoding: .utf8)
            func code(_ change: (URL) throws -> Void) throws -> (MarketingMLError.Code?, String?) {
                let copy = folder.appendingPathComponent("copy-\(UUID())")
                try FileManager.default.copyItem(at: good, to: copy)
                try change(copy)
                do {
                    _ = try TextClassifier<String>(directory: copy)
                    return (nil, nil)
                } catch let error as MarketingMLError {
                    return (error.code, error.location.name)
                }
            }
            func edit(_ from: String, _ to: String) -> (URL) throws -> Void {
                { folder in
                    #expect(config.contains(from), "\(from)")
                    try config.replacingOccurrences(of: from, with: to).write(
                        to: folder.appendingPathComponent("config.json"), atomically: true, encoding: .utf8)
                }
            }
            func remove(_ name: String) -> (URL) throws -> Void {
                { try FileManager.default.removeItem(at: $0.appendingPathComponent(name)) }
            }
            #expect(try code { _ in } == (nil, nil))
            #expect(try code(remove("config.json")).0 == .fileNotFound)
            #expect(try code(remove("model.safetensors")).0 == .fileNotFound)
            #expect(try code(remove("card.json")) == (nil, nil))
            #expect(try code(edit("\"hidden_size\": 20", "\"hidden_size\": 22")).0 == .shapeMismatch)
            #expect(
                try code(edit("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3")).0 == .missingTensor)
            #expect(try code(edit("\"0\": \"bad\"", "\"7\": \"bad\"")) == (.malformedFile, "id2label"))
            #expect(try code(edit("\"0\": \"bad\"", "\"0\": 5")) == (.malformedFile, "id2label"))
            #expect(try code(edit("\"0\": \"bad\"", "\"0\": \"good\"")).0 == .malformedFile)
            #expect(
                try code { folder in
                    try "{\"format\": 1}".write(
                        to: folder.appendingPathComponent("card.json"), atomically: true, encoding: .utf8)
                }.0 == .malformedFile)
            #expect(
                try code { folder in
                    let url = folder.appendingPathComponent("model.safetensors")
                    try Data(contentsOf: url).dropLast(1).write(to: url)
                }.0 == .malformedFile)
            // Labels that are no whole numbers cannot be read as such.
            #expect(
                #expect(throws: MarketingMLError.self) { try TextClassifier<Int>(directory: good) }?.code
                    == .unknownLabel)
        }
    }

    @Test func brokenCheckpoints() throws {
        try temporary { folder in
            let checkpoint = folder.appendingPathComponent("checkpoint")
            func train(_ change: (inout FineTuningOptions) -> Void = { _ in }) throws -> TextClassifier<
                String
            > {
                var options = FineTuningOptions(epochs: 3, batchSize: 5, learningRate: 1e-3)
                change(&options)
                return try TextClassifier.fineTune(
                    TextClassifierTests.tiny(), on: TextClassifierTests.texts, options: options,
                    checkpoint: CheckpointOptions(directory: checkpoint, interval: 1))
            }
            let whole = try train()
            // The last checkpoint stands before the last update: the same run again only finishes it.
            #expect(try train().card.history == whole.card.history)
            #expect(
                #expect(throws: MarketingMLError.self) { try train { $0.seed = 1 } }?.code == .invalidOption)

            let state = checkpoint.appendingPathComponent("state.json")
            let original = [UInt8](try Data(contentsOf: state))
            let reader = try loader(of: checkpoint, state: original)
            var generator = SeededGenerator(seed: 4)
            for round in 0..<10_000 {
                var bytes = original
                for _ in 0..<(1 + round % 3) {
                    bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(
                        truncatingIfNeeded: generator.next())
                }
                if round % 5 == 0 { bytes.removeLast(Int(generator.next() % UInt64(bytes.count))) }
                try? FileManager.default.removeItem(at: state)
                try Data(bytes).write(to: state)
                do { _ = try reader() } catch is MarketingMLError {}
            }
            try Data(original).write(to: state)
            for name in ["model.safetensors", "optimizer.safetensors"] {
                let url = checkpoint.appendingPathComponent(name)
                let data = try Data(contentsOf: url)
                try data.dropLast(4).write(to: url)
                #expect(#expect(throws: MarketingMLError.self) { try train() }?.code == .malformedFile)
                try data.write(to: url)
            }
        }
    }

    private func loader(of checkpoint: URL, state: [UInt8]) throws -> () throws -> Void {
        let fingerprint = try JSONValue(parsing: state)["fingerprint"]?.string ?? ""
        let checkpoints = TrainingCheckpoints(directory: checkpoint, interval: 1, fingerprint: fingerprint)
        let bert = try TextClassifierTests.tiny()
        let model = SequenceClassifier(encoder: bert.encoder, classes: 2, pooling: .cls, seed: 42)
        return { _ = try checkpoints.load(into: model, optimizer: AdamW<Float>()) }
    }
}
