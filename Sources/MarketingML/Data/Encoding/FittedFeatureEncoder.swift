import Synchronization
import Tensor

/// One fitted encoding of a column.
enum FittedFactor: Sendable, Equatable, Codable {
    case numeric(NumericFactor)
    case spline(SplineFactor)
    case bins(BinsFactor)
    case oneHot(OneHotFactor)
    case target(TargetFactor)
    case text(TextFactor)

    var factor: any FeatureFactor {
        switch self {
        case .numeric(let factor): factor
        case .spline(let factor): factor
        case .bins(let factor): factor
        case .oneHot(let factor): factor
        case .target(let factor): factor
        case .text(let factor): factor
        }
    }
}

/// What a ``FeatureEncoder`` has learned: turns tables with the same columns into features.
public struct FittedFeatureEncoder: Sendable, Equatable {
    /// For each term, its one or two factors.
    let terms: [[FittedFactor]]
    /// Whether features are sparse.
    public let isSparse: Bool
    /// Number of features (D).
    public let featureCount: Int

    init(_ terms: [[FittedFactor]], layout: FeatureEncoder.Layout) throws(MarketingMLError) {
        let stored = terms.reduce(0) { $0 + $1.reduce(1) { $0 * $1.factor.storedPerRow } }
        let count = try Self.featureCount(terms)
        let isSparse =
            switch layout {
            case .automatic: stored < 0.25 * Double(count)
            case .dense: false
            case .sparse: true
            }
        self.init(trusted: terms, featureCount: count, isSparse: isSparse)
    }

    init(trusted terms: [[FittedFactor]], featureCount: Int, isSparse: Bool) {
        self.terms = terms
        self.featureCount = featureCount
        self.isSparse = isSparse
    }

    static func featureCount(_ terms: [[FittedFactor]]) throws(MarketingMLError) -> Int {
        var total = 0
        for factors in terms {
            var count = 1
            for factor in factors {
                let (product, overflow) = count.multipliedReportingOverflow(by: factor.factor.featureCount)
                count = overflow ? .max : product
            }
            guard count <= Int(Int32.max) - total else {
                throw MarketingMLError(.tooLarge, "there are more than \(Int32.max) features")
            }
            total += count
        }
        guard total > 0 else { throw MarketingMLError(.emptyData, "there are no features") }
        return total
    }

    /// What the features are, in order.
    public var featureNames: [FeatureName] {
        terms.flatMap { factors -> [FeatureName] in
            factors.dropFirst().reduce(factors[0].factor.features) { names, factor in
                let further = factor.factor.features
                return names.flatMap { a in further.map { FeatureName.product(a, $0) } }
            }
        }
    }

    /// The columns that a table must have.
    public var columns: [String] {
        var seen = Set<String>()
        return terms.flatMap { $0 }.map(\.factor.column).filter { seen.insert($0).inserted }
    }

    /// The features of a table's rows: [N, D]. Each row's depend on that row alone.
    ///
    /// - Throws: `.missingColumn`; `.unsupported` for texts where numbers are needed; `.notFinite` and `.unknownLabel` for missing
    ///   values and unseen levels where those are errors.
    public func transform(_ table: Table) throws(MarketingMLError) -> EncodedFeatures {
        try transform(table, replacing: [:])
    }

    func transform(
        _ table: Table, replacing replacements: [[Int]: any RowEncoder]
    ) throws(MarketingMLError) -> EncodedFeatures {
        var encoders: [(encoder: any RowEncoder, offset: Int32)] = []
        var offset = 0
        for (index, factors) in terms.enumerated() {
            var product: (any RowEncoder)?
            for (place, factor) in factors.enumerated() {
                let column = try table[factor.factor.column]
                let own: any RowEncoder
                if let replacement = replacements[[index, place]] {
                    own = replacement
                } else {
                    own = try factor.factor.encoder(of: column)
                }
                let count = Int32(factor.factor.featureCount)
                product = product.map { ProductEncoder(first: $0, second: own, secondCount: count) } ?? own
            }
            if let product { encoders.append((product, Int32(offset))) }
            offset += factors.reduce(1) { $0 * $1.factor.featureCount }
        }
        let features: Features =
            isSparse
            ? .sparse(sparse(encoders, table.rowCount)) : .float(dense(encoders, table.rowCount))
        return EncodedFeatures(features: features, encoder: self)
    }

    /// Rows that one task encodes.
    private static let grain = 256

    private func dense(
        _ encoders: [(encoder: any RowEncoder, offset: Int32)], _ rowCount: Int
    ) -> Tensor<Float> {
        var result = Tensor<Float>.zeros([rowCount, featureCount])
        result.withUnsafeMutableElements { elements in
            parallelRanges(rowCount, grain: Self.grain) { rows in
                var entries: [FeatureEntry] = []
                for row in rows {
                    entries.removeAll(keepingCapacity: true)
                    for (encoder, offset) in encoders {
                        encoder.append(row: row, offset: offset, to: &entries)
                    }
                    for entry in entries {
                        elements[row * featureCount + Int(entry.feature)] = Float(entry.value)
                    }
                }
            }
        }
        return result
    }

    private func sparse(
        _ encoders: [(encoder: any RowEncoder, offset: Int32)], _ rowCount: Int
    ) -> SparseMatrix<Float> {
        struct Part {
            var ends: [Int] = []
            var columns: [Int32] = []
            var values: [Float] = []
        }
        let parts = Mutex([Int: Part]())
        parallelRanges(rowCount, grain: Self.grain) { rows in
            var part = Part()
            var entries: [FeatureEntry] = []
            for row in rows {
                entries.removeAll(keepingCapacity: true)
                for (encoder, offset) in encoders {
                    encoder.append(row: row, offset: offset, to: &entries)
                }
                for entry in entries where Float(entry.value) != 0 {
                    part.columns.append(entry.feature)
                    part.values.append(Float(entry.value))
                }
                part.ends.append(part.values.count)
            }
            let finished = part
            parts.withLock { $0[rows.lowerBound] = finished }
        }
        var offsets = [0]
        var columns: [Int32] = []
        var values: [Float] = []
        parts.withLock { parts in
            let total = parts.values.reduce(0) { $0 + $1.values.count }
            offsets.reserveCapacity(rowCount + 1)
            columns.reserveCapacity(total)
            values.reserveCapacity(total)
            for start in stride(from: 0, to: rowCount, by: Self.grain) {
                guard let part = parts.removeValue(forKey: start) else { continue }
                let base = values.count
                offsets.append(contentsOf: part.ends.map { base + $0 })
                columns.append(contentsOf: part.columns)
                values.append(contentsOf: part.values)
            }
        }
        return SparseMatrix(
            trusted: rowCount, featureCount, rowOffsets: offsets, columnIndices: columns, values: values)
    }
}

/// The features of a table's rows, and what they are.
public struct EncodedFeatures: Sendable, FeatureMatrix {
    /// The features: [N, D].
    public let features: Features
    /// The encoder that made them.
    public let encoder: FittedFeatureEncoder

    /// What the features are, in order.
    public var featureNames: [FeatureName] { encoder.featureNames }
}
