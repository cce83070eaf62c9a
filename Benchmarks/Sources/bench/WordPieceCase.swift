import Foundation
import MarketingML

/// Token ids and offsets of lines of text, on one thread.
struct WordPieceCase: BenchmarkCase {
    enum Corpus: String {
        /// The peers' generated text.
        case generated = "20mb"
        /// Real reviews: train.tsv.gz of the folder clothing-reviews in $MARKETINGML_SHARED_DATA.
        case clothing = "clothing-reviews"
    }

    let corpus: Corpus

    static let all = [WordPieceCase(corpus: .generated), WordPieceCase(corpus: .clothing)]

    var name: String { "wordpiece/\(corpus.rawValue)" }
    var threads: Int? { 1 }

    func measure(repeats: Int) throws -> Measurement {
        let tokenizer = try WordPieceTokenizer(
            tokenizerJSON: PeerData.root.appendingPathComponent("corpus/tokenizer.json"))
        let lines = try lines()
        var tokens = 0
        let runs = Measurement.time(repeats: repeats) {
            tokens = lines.reduce(0) { $0 + tokenizer.encode($1).ids.count }
        }
        let bytes = lines.reduce(0) { $0 + $1.utf8.count + 1 }
        let megabytes = Double(bytes) / 1e6
        return Measurement(
            runs: runs,
            throughput: { [tokens] in ["MB_per_s": megabytes / $0, "tok_per_s": Double(tokens) / $0] },
            quality: ["tokens": Double(tokens), "lines": Double(lines.count), "bytes": Double(bytes)])
    }

    private func lines() throws -> [String] {
        switch corpus {
        case .generated:
            let url = PeerData.root.appendingPathComponent("corpus/text_20mb.txt")
            return String(decoding: try Data(contentsOf: url), as: UTF8.self).split(separator: "\n").map {
                String($0)
            }
        case .clothing:
            guard let folder = ProcessInfo.processInfo.environment["MARKETINGML_SHARED_DATA"] else {
                throw MarketingMLError(
                    .invalidOption, "must name the folder that holds clothing-reviews",
                    at: .init(name: "MARKETINGML_SHARED_DATA"))
            }
            let url = URL(fileURLWithPath: folder).appendingPathComponent("clothing-reviews/train.tsv.gz")
            return try LabeledTexts(csv: url, text: "text", label: "recommended").texts
        }
    }
}
