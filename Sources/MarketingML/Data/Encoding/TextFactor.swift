import Foundation
import Tensor

/// The weighted terms of a text.
struct TextFactor: FeatureFactor {
    let column: String
    let encoding: TextEncoding
    /// The terms in the order of their bytes; empty if they are hashed.
    let terms: LevelTable
    /// What each term's count is multiplied by.
    let weights: [Double]
    let storedPerRow: Double

    init(_ column: Table.Column, _ encoding: TextEncoding) throws(MarketingMLError) {
        guard encoding.isValid else {
            throw MarketingMLError(
                .invalidOption,
                "terms of \(encoding.range), from \(encoding.minimumTexts) texts on, in a share of at "
                    + "most \(encoding.maximumShare): lengths must be 1 to 100, numbers 1 or more, the share above 0 and at most 1",
                at: .init(name: column.name))
        }
        self.column = column.name
        self.encoding = encoding
        let (codes, texts) = column.levels()
        if encoding.buckets != nil {
            (terms, weights) = (LevelTable([]), [])
            storedPerRow = Self.distinctTerms(codes, texts, encoding)
            return
        }
        // Texts in order of first appearance, each analysed once and counted as often as it occurs.
        var copies = [Int](repeating: 0, count: texts.count)
        for code in codes where code >= 0 { copies[Int(code)] += 1 }
        var analyzer = TextAnalyzer(encoding)
        var table = ByteTable()
        var totals: [Int] = []
        var textCounts: [Int] = []
        var lastText: [Int] = []
        for (text, count) in copies.enumerated() where count > 0 {
            analyzer.forEachTerm(texts[text]) { bytes in
                let term = Int(table.insert(bytes))
                if term == totals.count {
                    totals.append(0)
                    textCounts.append(0)
                    lastText.append(-1)
                }
                totals[term] += count
                if lastText[term] != text {
                    lastText[term] = text
                    textCounts[term] += count
                }
            }
        }
        let most = encoding.maximumShare * Double(codes.count)
        var kept = textCounts.indices.filter {
            textCounts[$0] >= encoding.minimumTexts && Double(textCounts[$0]) <= most
        }
        kept.sort { table[$0].lexicographicallyPrecedes(table[$1]) }
        if let limit = encoding.maximumTerms, kept.count > limit {
            let ranks = kept.indices.sorted { (totals[kept[$1]], $0) < (totals[kept[$0]], $1) }
            kept = ranks.prefix(limit).sorted().map { kept[$0] }
        }
        guard !kept.isEmpty else {
            throw MarketingMLError(
                .emptyData, "no term of the texts is frequent enough, or none rare enough, to be kept",
                at: .init(name: column.name))
        }
        terms = LevelTable(kept.map { table.text($0) })
        let count = Double(codes.count)
        weights = kept.map {
            encoding.inverseFrequencies
                ? log((1 + count) / (1 + Double(textCounts[$0]))) + 1 : 1
        }
        storedPerRow = kept.reduce(0) { $0 + Double(textCounts[$1]) } / max(1, count)
    }

    private static func distinctTerms(_ codes: [Int32], _ texts: [String], _ encoding: TextEncoding) -> Double
    {
        // An estimate from the first texts: it decides between dense and sparse only.
        var analyzer = TextAnalyzer(encoding)
        let sample = codes.prefix(1000)
        let total = sample.reduce(0) { total, code in
            var seen = Set<UInt32>()
            if code >= 0 { analyzer.forEachTerm(texts[Int(code)]) { seen.insert(murmurHash3($0)) } }
            return total + seen.count
        }
        return Double(total) / Double(max(1, sample.count))
    }

    var features: [FeatureName] {
        if let buckets = encoding.buckets {
            return (0..<buckets).map { FeatureName("\(column) bucket \($0)", column, .bucket) }
        }
        return terms.levels.map { FeatureName("\(column): \"\($0)\"", column, .term, level: $0) }
    }
    var featureCount: Int { encoding.buckets ?? terms.levels.count }
    var isValid: Bool {
        encoding.isValid && terms.isValid && weights.count == terms.levels.count
            && weights.allSatisfy { $0.isFinite && $0 > 0 } && storedPerRow >= 0 && storedPerRow.isFinite
            && (encoding.buckets == nil ? !weights.isEmpty : weights.isEmpty)
    }

    func encoder(of column: Table.Column) throws(MarketingMLError) -> any RowEncoder {
        let (codes, texts) = column.levels()
        return TermEncoder(factor: self, codes: codes, texts: texts)
    }
}

private struct TermEncoder: RowEncoder {
    let factor: TextFactor
    let codes: [Int32]
    let texts: [String]

    func append(row: Int, offset: Int32, to entries: inout [FeatureEntry]) {
        guard codes[row] >= 0 else { return }
        let encoding = factor.encoding
        var analyzer = TextAnalyzer(encoding)
        // The features of the terms in the text, each with its sign; equal ones become neighbours.
        var found: [(feature: Int32, sign: Double)] = []
        analyzer.forEachTerm(texts[Int(codes[row])]) { bytes in
            if let buckets = encoding.buckets {
                let hash = Int32(bitPattern: murmurHash3(bytes))
                found.append((Int32(hash.magnitude % UInt32(buckets)), hash >= 0 ? 1 : -1))
            } else if let term = factor.terms.place(of: bytes) {
                found.append((term, 1))
            }
        }
        found.sort { $0.feature < $1.feature }
        let first = entries.count
        var (index, squares) = (0, 0.0)
        while index < found.count {
            let feature = found[index].feature
            var count = 0.0
            while index < found.count, found[index].feature == feature {
                count += found[index].sign
                index += 1
            }
            if count == 0 { continue }
            if encoding.sublinear { count = count < 0 ? -1 - log(-count) : 1 + log(count) }
            let value = encoding.buckets == nil ? count * factor.weights[Int(feature)] : count
            squares += value * value
            entries.append(FeatureEntry(feature: offset + feature, value: value))
        }
        guard encoding.normalised, squares > 0 else { return }
        let norm = squares.squareRoot()
        for place in first..<entries.count { entries[place].value /= norm }
    }
}
