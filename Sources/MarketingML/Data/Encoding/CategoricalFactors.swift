import Tensor

/// The distinct levels of a column in a fixed order, found by their bytes.
struct LevelTable: Sendable, Equatable, Codable {
    let levels: [String]
    private let table: ByteTable

    init(_ levels: [String]) {
        self.levels = levels
        var table = ByteTable()
        for level in levels { _ = table.insert(level) }
        self.table = table
    }

    init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode([String].self))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(levels)
    }

    static func == (a: LevelTable, b: LevelTable) -> Bool {
        a.levels.elementsEqual(b.levels) { $0.utf8.elementsEqual($1.utf8) }
    }

    /// Whether no level occurs twice.
    var isValid: Bool { table.count == levels.count }

    /// The place of a level; nil if it is not in the table.
    func place(of level: UnsafeBufferPointer<UInt8>) -> Int32? { table.find(level) }

    /// The place of each row's level: `missing` without a value, `unseen` for a level that is not in the table.
    func places(of column: Table.Column, missing: Int32, unseen: Int32) -> [Int32] {
        let (codes, texts) = column.levels()
        // Only the levels that occur are looked up: a table of one row may know thousands.
        var known = [Int32](repeating: .min, count: texts.count)
        return codes.map { code in
            guard code >= 0 else { return missing }
            if known[Int(code)] == .min { known[Int(code)] = table.find(texts[Int(code)]) ?? unseen }
            return known[Int(code)]
        }
    }

    /// A column's levels with the number of their rows: numbers in numeric order, texts in that of their bytes.
    static func counts(of column: Table.Column) -> [(level: String, count: Int)] {
        let (codes, texts) = column.levels()
        var counts = [Int](repeating: 0, count: texts.count)
        for code in codes where code >= 0 { counts[Int(code)] += 1 }
        let present = texts.indices.filter { counts[$0] > 0 }
        let ordered =
            if column.kind == .numeric {
                present.sorted { (Double(texts[$0]) ?? 0) < (Double(texts[$1]) ?? 0) }
            } else {
                present.sorted { texts[$0].utf8.lexicographicallyPrecedes(texts[$1].utf8) }
            }
        return ordered.map { (texts[$0], counts[$0]) }
    }
}

/// The level of a row as one feature a level.
struct OneHotFactor: FeatureFactor {
    let column: String
    /// The levels with a feature of their own, then those that share one.
    let table: LevelTable
    let ownCount: Int
    let hasOther: Bool
    let hasMissing: Bool
    let unseen: UnseenLevels
    let missing: MissingLevels
    let dropsFirst: Bool

    private static let none: Int32 = -1
    private static let unseenRow: Int32 = -2
    private static let missingRow: Int32 = -3

    init(
        _ column: Table.Column, _ unseen: UnseenLevels, _ missing: MissingLevels, minimumCount: Int,
        dropsFirst: Bool
    ) throws(MarketingMLError) {
        guard minimumCount >= 1 else {
            throw MarketingMLError(
                .invalidOption, "the least number of rows must be 1 or more, found \(minimumCount)",
                at: .init(name: column.name))
        }
        let counts = LevelTable.counts(of: column)
        let own = counts.filter { $0.count >= minimumCount }
        let rare = counts.filter { $0.count < minimumCount }
        self.column = column.name
        table = LevelTable(own.map(\.level) + rare.map(\.level))
        ownCount = own.count
        hasOther = unseen == .other || !rare.isEmpty
        hasMissing = missing == .level && column.missingCount > 0
        self.unseen = unseen
        self.missing = missing
        self.dropsFirst = dropsFirst
        guard featureCount > 0 || dropsFirst else {
            throw MarketingMLError(
                .emptyData, "the column has no values, or too few of each", at: .init(name: column.name))
        }
        _ = try encoder(of: column)  // a missing value may be an error
    }

    var features: [FeatureName] {
        var names = table.levels.prefix(ownCount).map {
            FeatureName("\(column)=\($0)", column, .level, level: $0)
        }
        if hasOther { names.append(FeatureName("\(column) other", column, .otherLevels)) }
        if hasMissing { names.append(FeatureName("\(column) missing", column, .missingLevel)) }
        return Array(names.dropFirst(dropsFirst ? 1 : 0))
    }
    var featureCount: Int {
        max(0, ownCount + (hasOther ? 1 : 0) + (hasMissing ? 1 : 0) - (dropsFirst ? 1 : 0))
    }
    var storedPerRow: Double { 1 }
    var isValid: Bool {
        table.isValid && (0...table.levels.count).contains(ownCount)
            && (hasOther || (ownCount == table.levels.count && unseen != .other))
    }

    func encoder(of column: Table.Column) throws(MarketingMLError) -> any RowEncoder {
        var features = table.places(of: column, missing: Self.missingRow, unseen: Self.unseenRow)
        let other = Int32(ownCount)
        for (row, place) in features.enumerated() {
            switch place {
            case Self.missingRow where hasMissing: features[row] = other + (hasOther ? 1 : 0)
            case Self.missingRow where missing == .error:
                throw MarketingMLError(
                    .notFinite, "the value is missing", at: .init(row: row + 1, name: column.name))
            case Self.missingRow where missing == .zeros: features[row] = Self.none
            case Self.missingRow, Self.unseenRow:
                switch unseen {
                case .ignore: features[row] = Self.none
                case .other: features[row] = other
                case .error:
                    throw MarketingMLError(
                        .unknownLabel,
                        "\"\(column.text(at: row) ?? "")\" is a level that no training row has",
                        at: .init(row: row + 1, name: column.name))
                }
            case other...: features[row] = other
            default: break
            }
        }
        return LevelEncoder(features: dropsFirst ? features.map { $0 - 1 } : features)
    }
}

/// One feature a row, or none where it is negative.
private struct LevelEncoder: RowEncoder {
    let features: [Int32]

    func append(row: Int, offset: Int32, to entries: inout [FeatureEntry]) {
        if features[row] >= 0 { entries.append(FeatureEntry(feature: offset + features[row], value: 1)) }
    }
}

/// The targets that target encodings learn from: a list of numbers for a regression and for two classes (1 where it is the
/// second), one a class for more.
struct EncodingTargets: Sendable {
    let values: [[Double]]
    /// What the lists stand for, where there is more than one.
    let names: [String]
    /// The class of each row.
    let classes: [Int]?

    init(_ numbers: [Double]) {
        (values, names, classes) = ([numbers], [], nil)
    }

    init<Label: Hashable & Sendable & Codable>(_ labels: [Label]) throws(MarketingMLError) {
        let set = try LabelSet(labels)
        let classes = try set.indices(of: labels)
        let positive = set.count <= 2 ? Array((set.count - 1)..<set.count) : Array(0..<set.count)
        values = positive.map { label in classes.map { $0 == label ? 1 : 0 } }
        names = set.count <= 2 ? [] : set.texts
        self.classes = classes
    }

    /// The folds that training rows are encoded over: with equal shares of the classes where there are enough of each.
    func folds(_ count: Int, seed: UInt64) throws(MarketingMLError) -> Folds {
        if let classes, let folds = try? Folds.stratified(classes, count: count, seed: seed) { return folds }
        return try Folds.plain(count: values[0].count, folds: count, seed: seed)
    }
}

/// The smoothed mean target of a row's level.
struct TargetFactor: FeatureFactor {
    let column: String
    let table: LevelTable
    /// What the targets are called, where there is more than one.
    let names: [String]
    /// For each target: the encoding of each level, of the missing one, and of an unseen one.
    let encodings: [[Double]]
    let centers: [Double]
    let scales: [Double]

    init(
        _ column: Table.Column, _ targets: EncodingTargets, _ smoothing: TargetSmoothing, standardised: Bool
    ) throws(MarketingMLError) {
        if case .count(let number) = smoothing, !(number >= 0 && number.isFinite) {
            throw MarketingMLError(
                .invalidOption, "the smoothing must be 0 or more, found \(number)",
                at: .init(name: column.name))
        }
        self.column = column.name
        table = LevelTable(LevelTable.counts(of: column).map(\.level))
        names = targets.names
        let levelCount = table.levels.count
        let places = table.places(of: column, missing: Int32(levelCount), unseen: Int32(levelCount + 1))
        encodings = targets.values.map {
            Self.encodings($0, places, Array(places.indices), smoothing, levelCount + 2)
        }
        let moments = encodings.map { encoding in Moments(places.map { encoding[Int($0)] }) }
        centers = standardised ? moments.map(\.mean) : moments.map { _ in 0 }
        scales = standardised ? moments.map { $0.scale(count: places.count) } : moments.map { _ in 1 }
        guard isValid else {
            throw MarketingMLError(
                .notFinite, "a target mean is not finite; are the targets?", at: .init(name: column.name))
        }
    }

    /// The encoding of each place, learned from some of the rows; places without a row get the mean of all.
    private static func encodings(
        _ targets: [Double], _ places: [Int32], _ rows: [Int], _ smoothing: TargetSmoothing, _ count: Int
    ) -> [Double] {
        let all = Moments(rows.map { targets[$0] })
        var sums = [Double](repeating: 0, count: count)
        var counts = [Double](repeating: 0, count: count)
        var squares = [Double](repeating: 0, count: count)
        for row in rows {
            sums[Int(places[row])] += targets[row]
            counts[Int(places[row])] += 1
        }
        for row in rows {
            let place = Int(places[row])
            let difference = targets[row] - sums[place] / counts[place]
            squares[place] += difference * difference
        }
        return (0..<count).map { place in
            let n = counts[place]
            guard n > 0 else { return all.mean }
            switch smoothing {
            case .count(let m): return (sums[place] + m * all.mean) / (n + m)
            case .automatic:
                let between = all.variance * n
                let total = between + squares[place] / n
                guard total > 0 else { return all.mean }
                let weight = between / total
                return weight * sums[place] / n + (1 - weight) * all.mean
            }
        }
    }

    var features: [FeatureName] {
        guard !names.isEmpty else { return [FeatureName("\(column) target", column, .targetMean)] }
        return names.map { FeatureName("\(column) target \($0)", column, .targetMean, level: $0) }
    }
    var featureCount: Int { encodings.count }
    var storedPerRow: Double { Double(encodings.count) }
    var isValid: Bool {
        table.isValid && !encodings.isEmpty
            && (names.isEmpty ? encodings.count == 1 : names.count == encodings.count)
            && centers.count == encodings.count && scales.count == encodings.count
            && encodings.allSatisfy { $0.count == table.levels.count + 2 && $0.allSatisfy(\.isFinite) }
            && centers.allSatisfy(\.isFinite) && scales.allSatisfy { $0.isFinite && $0 > 0 }
    }

    private func places(of column: Table.Column) -> [Int32] {
        let levelCount = Int32(table.levels.count)
        return table.places(of: column, missing: levelCount, unseen: levelCount + 1)
    }

    func encoder(of column: Table.Column) throws(MarketingMLError) -> any RowEncoder {
        let places = places(of: column)
        return TargetEncoder(
            values: encodings.indices.map { target in
                places.map { (encodings[target][Int($0)] - centers[target]) / scales[target] }
            })
    }

    /// The encoder of the training rows, each with the means of the folds that it is not in.
    func crossFitted(
        _ column: Table.Column, _ targets: EncodingTargets, _ smoothing: TargetSmoothing, folds: Folds
    ) -> any RowEncoder {
        let places = places(of: column)
        var values = targets.values
        for fold in folds.folds {
            for target in values.indices {
                let encoding = Self.encodings(
                    targets.values[target], places, fold.train, smoothing, table.levels.count + 2)
                for row in fold.test {
                    values[target][row] =
                        (encoding[Int(places[row])] - centers[target]) / scales[target]
                }
            }
        }
        return TargetEncoder(values: values)
    }
}

private struct TargetEncoder: RowEncoder {
    /// For each target, a number a row.
    let values: [[Double]]

    func append(row: Int, offset: Int32, to entries: inout [FeatureEntry]) {
        for (target, values) in values.enumerated() where values[row] != 0 {
            entries.append(FeatureEntry(feature: offset + Int32(target), value: values[row]))
        }
    }
}
