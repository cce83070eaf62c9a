import Foundation
import MarketingML

/// Token ids and offsets of the peers' generated text with GPT-2's vocabulary, line by line on one thread, and all
/// lines as one batch on two.
struct BytePairEncodingCase: BenchmarkCase {
    let isBatch: Bool

    static let all = [BytePairEncodingCase(isBatch: false), BytePairEncodingCase(isBatch: true)]

    var name: String { isBatch ? "bpe-batch/20mb" : "bpe/20mb" }
    var threads: Int? { isBatch ? 2 : 1 }

    func measure(repeats: Int) throws -> Measurement {
        let tokenizer = try BytePairCorpus.gpt2()
        let lines = try BytePairCorpus.lines()
        var tokens = 0
        let runs = Measurement.time(repeats: repeats) {
            tokens =
                isBatch
                ? tokenizer.encodeBatch(lines).tokenCount
                : lines.reduce(0) { $0 + tokenizer.encode($1).ids.count }
        }
        return BytePairCorpus.measurement(lines, tokens: tokens, runs)
    }
}

/// A vocabulary of 8,000 learned from the same text.
struct VocabularyTrainingCase: BenchmarkCase {
    enum Algorithm: String, CaseIterable {
        case bytePair = "bpe-train"
        case wordPiece = "wordpiece-train"
    }

    let algorithm: Algorithm

    static let all = Algorithm.allCases.map { VocabularyTrainingCase(algorithm: $0) }

    var name: String { "\(algorithm.rawValue)/20mb" }
    var threads: Int? { 2 }

    func measure(repeats: Int) throws -> Measurement {
        let lines = try BytePairCorpus.lines()
        var tokens = 0
        let runs = try Measurement.time(repeats: repeats) {
            switch algorithm {
            case .bytePair:
                tokens = try ByteLevelBPETokenizer.train(on: lines, vocabularySize: 8_000).vocabularySize
            case .wordPiece:
                tokens = try WordPieceTokenizer.train(on: lines, vocabularySize: 8_000).vocabularySize
            }
        }
        return BytePairCorpus.measurement(lines, tokens: tokens, runs)
    }
}

/// The inputs of the byte-pair cases.
private enum BytePairCorpus {
    /// GPT-2's tokenizer, of the folder gpt2-bpe in $MARKETINGML_SHARED_DATA.
    static func gpt2() throws -> ByteLevelBPETokenizer {
        guard let folder = ProcessInfo.processInfo.environment["MARKETINGML_SHARED_DATA"] else {
            throw MarketingMLError(
                .invalidOption, "must name the folder that holds gpt2-bpe",
                at: .init(name: "MARKETINGML_SHARED_DATA"))
        }
        let directory = URL(fileURLWithPath: folder).appendingPathComponent("gpt2-bpe")
        return try ByteLevelBPETokenizer(
            vocabulary: directory.appendingPathComponent("encoder.json.gz"),
            merges: directory.appendingPathComponent("vocab.bpe.gz"))
    }

    static func lines() throws -> [String] {
        let url = PeerData.root.appendingPathComponent("corpus/text_20mb.txt")
        return String(decoding: try Data(contentsOf: url), as: UTF8.self).split(separator: "\n").map {
            String($0)
        }
    }

    static func measurement(_ lines: [String], tokens: Int, _ runs: [Double]) -> Measurement {
        let bytes = lines.reduce(0) { $0 + $1.utf8.count + 1 }
        return Measurement(
            runs: runs,
            throughput: { ["MB_per_s": Double(bytes) / 1e6 / $0, "tok_per_s": Double(tokens) / $0] },
            quality: ["tokens": Double(tokens), "lines": Double(lines.count), "bytes": Double(bytes)])
    }
}
