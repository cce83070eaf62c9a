import Foundation

/// A baseline without learning: the target of the training source whose words are most similar.
///
/// Similar is the cosine of word counts, each word weighed by ln(N / sources that have it) + 1.
struct NearestSource {
    private let targets: [String]
    /// For each word the sources that have it, and its weight in them.
    private var index: [String: [(source: Int, weight: Double)]] = [:]
    private var idf: [String: Double] = [:]

    init(_ pairs: [(source: String, target: String)]) {
        targets = pairs.map(\.target)
        let counts = pairs.map { Self.counts($0.source) }
        var documents: [String: Int] = [:]
        for words in counts { for word in words.keys { documents[word, default: 0] += 1 } }
        idf = documents.mapValues { log(Double(pairs.count) / Double($0)) + 1 }
        for (source, words) in counts.enumerated() {
            let weights = words.map { ($0.key, $0.value * (idf[$0.key] ?? 0)) }
            let norm = weights.reduce(0) { $0 + $1.1 * $1.1 }.squareRoot()
            for (word, weight) in weights { index[word, default: []].append((source, weight / norm)) }
        }
    }

    /// The target of the most similar source, of equals the first; the first of all if no word is known.
    func target(for text: String) -> String {
        var scores: [Int: Double] = [:]
        for (word, count) in Self.counts(text).sorted(by: { $0.key < $1.key }) {
            for (source, weight) in index[word] ?? [] {
                scores[source, default: 0] += weight * count * (idf[word] ?? 0)
            }
        }
        let best = scores.max { ($0.value, $1.key) < ($1.value, $0.key) }
        return targets[best?.key ?? 0]
    }

    private static func counts(_ text: String) -> [String: Double] {
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "'" }
        return Dictionary(words.map { (String($0), 1) }, uniquingKeysWith: +)
    }
}
