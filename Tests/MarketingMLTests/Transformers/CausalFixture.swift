import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// A small random model that `causal.py` made, with what the reference computes from it.
struct CausalFixture {
    static let names = ["gpt2", "llama", "llama-untied"]

    let file: SafeTensorsFile
    let configuration: CausalConfiguration
    let rows: [[Int32]]
    private let url: URL
    private let json: URL

    init(_ name: String) throws {
        url = TestData.fixture("causal-\(name).safetensors", .module)
        json = TestData.fixture("causal-\(name).json", .module)
        file = try SafeTensorsFile(url)
        configuration = try CausalConfiguration(
            json: JSONValue(parsing: InputFile.read(json.path), file: json.path), file: json.path)
        let ids = try file.integers("batch.ids").elements.map { Int32($0) }
        let offsets = try file.integers("batch.offsets").elements.map { Int($0) }
        rows = zip(offsets, offsets.dropFirst()).map { Array(ids[$0..<$1]) }
    }

    /// The next token of each, -1 at the ends of rows.
    var targets: [Int32] { rows.flatMap { $0.dropFirst() + [-1] } }

    /// A directory as transformers saves it.
    func withDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path)
            let manager = FileManager.default
            try manager.copyItem(at: json, to: directory.appendingPathComponent("config.json"))
            try manager.copyItem(at: url, to: directory.appendingPathComponent("model.safetensors"))
            return try body(directory)
        }
    }

    func decoder<Scalar: TensorFloatingPoint>(_: Scalar.Type = Scalar.self) throws -> CausalDecoder<Scalar> {
        try withDirectory { try CausalCheckpoint(directory: $0).decoder() }
    }

    func model() throws -> CausalLanguageModel {
        try withDirectory {
            try CausalLanguageModel(
                directory: $0, tokenizer: NumberTokenizer(vocabularySize: configuration.vocabularySize))
        }
    }
}

/// Tokens are numbers.
struct NumberTokenizer: TextTokenizer {
    var vocabularySize: Int
    func id(of token: String) -> Int32? { Int32(token) }
    func ids(of text: String) -> [Int32] { text.split(separator: " ").compactMap { Int32($0) } }
    func bytes(of id: Int32) -> [UInt8] { Array("\(id) ".utf8) }
    func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool) -> String {
        ids.map { "\($0)" }.joined(separator: " ")
    }
}
