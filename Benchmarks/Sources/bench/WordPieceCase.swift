import Foundation
import MarketingML

/// Token ids and offsets of lines of text, on one thread.
struct WordPieceCase: BenchmarkCase {
    static let all = [WordPieceCase()]

    var name: String { "wordpiece/20mb" }
    var threads: Int? { 1 }

    func measure(repeats: Int) throws -> Measurement {
        let folder = PeerData.root.appendingPathComponent("corpus")
        let tokenizer = try WordPieceTokenizer(tokenizerJSON: folder.appendingPathComponent("tokenizer.json"))
        let data = try Data(contentsOf: folder.appendingPathComponent("text_20mb.txt"))
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map { String($0) }
        var tokens = 0
        let runs = Measurement.time(repeats: repeats) {
            tokens = lines.reduce(0) { $0 + tokenizer.encode($1).ids.count }
        }
        let megabytes = Double(data.count) / 1e6
        return Measurement(
            runs: runs,
            throughput: { [tokens] in ["MB_per_s": megabytes / $0, "tok_per_s": Double(tokens) / $0] },
            quality: ["tokens": Double(tokens), "lines": Double(lines.count), "bytes": Double(data.count)])
    }
}
