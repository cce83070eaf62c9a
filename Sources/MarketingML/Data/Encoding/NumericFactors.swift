import Tensor

/// What is filled in for missing numbers.
struct Imputation: Sendable, Equatable, Codable {
    /// The number filled in; nil if a missing one is an error.
    let fill: Double?
    /// Whether there is a feature for missing numbers.
    let hasIndicator: Bool

    /// Learns from training rows; gives their numbers with those filled in.
    init(
        _ policy: MissingNumbers, _ column: Table.Column, filled: inout [Double]
    ) throws(MarketingMLError) {
        let numbers = try column.numbers()
        let present = numbers.filter { !$0.isNaN }
        let wantsIndicator: Bool
        switch policy {
        case .error: (fill, wantsIndicator) = (nil, false)
        case .constant(let number, let indicator):
            guard number.isFinite else {
                throw MarketingMLError(
                    .notFinite, "a missing number cannot be replaced by \(number)",
                    at: .init(name: column.name))
            }
            (fill, wantsIndicator) = (number, indicator)
        case .mean(let indicator): (fill, wantsIndicator) = (Moments(present).mean, indicator)
        case .median(let indicator): (fill, wantsIndicator) = (quantiles(of: present, [0.5])[0], indicator)
        }
        guard !present.isEmpty else {
            throw MarketingMLError(
                .emptyData, "all numbers of the column are missing", at: .init(name: column.name))
        }
        hasIndicator = wantsIndicator && present.count < numbers.count
        filled = try apply(numbers, column.name)
    }

    var isValid: Bool { fill?.isFinite ?? true }
    var indicatorCount: Int { hasIndicator ? 1 : 0 }

    func apply(_ numbers: [Double], _ name: String) throws(MarketingMLError) -> [Double] {
        guard let row = numbers.firstIndex(where: { $0.isNaN }) else { return numbers }
        guard let fill else {
            throw MarketingMLError(
                .notFinite, "the number is missing", at: .init(row: row + 1, name: name))
        }
        return numbers.map { $0.isNaN ? fill : $0 }
    }

    func indicatorName(_ column: String) -> [FeatureName] {
        hasIndicator ? [FeatureName("\(column) missing", column, .missingIndicator)] : []
    }
}

/// Mean and population variance, in two passes.
struct Moments {
    let mean: Double
    let variance: Double

    init(_ numbers: [Double]) {
        let count = Double(max(1, numbers.count))
        let mean = numbers.reduce(0, +) / count
        var (squares, rest) = (0.0, 0.0)
        for number in numbers {
            squares += (number - mean) * (number - mean)
            rest += number - mean
        }
        self.mean = mean
        variance = max(0, (squares - rest * rest / count) / count)
    }

    /// The standard deviation; 1 where the variance is no more than rounding makes it.
    func scale(count: Int) -> Double {
        let n = Double(count)
        let rounding =
            n * Double.ulpOfOne * variance + (n * mean * Double.ulpOfOne) * (n * mean * Double.ulpOfOne)
        return variance <= rounding ? 1 : variance.squareRoot()
    }
}

/// Quantiles between 0 and 1, linear between the order statistics (type 7 of Hyndman and Fan, NumPy's default).
func quantiles(of numbers: [Double], _ shares: [Double]) -> [Double] {
    guard !numbers.isEmpty else { return shares.map { _ in .nan } }
    let sorted = numbers.sorted()
    return shares.map { share in
        let place = share * Double(sorted.count - 1)
        let low = Int(place)
        let part = place - Double(low)
        guard part > 0 else { return sorted[low] }
        let step = sorted[low + 1] - sorted[low]
        return part < 0.5 ? sorted[low] + step * part : sorted[low + 1] - step * (1 - part)
    }
}

/// The encoder of a numeric column: a function of the number, then the indicator.
struct NumberEncoder: RowEncoder {
    let filled: [Double]
    /// Where a number was missing, if there is an indicator.
    let isMissing: [Bool]
    let featureCount: Int32
    let basis: @Sendable (Double, Int32, inout [FeatureEntry]) -> Void

    init(
        _ column: Table.Column, _ imputation: Imputation, featureCount: Int,
        _ basis: @escaping @Sendable (Double, Int32, inout [FeatureEntry]) -> Void
    ) throws(MarketingMLError) {
        let numbers = try column.numbers()
        filled = try imputation.apply(numbers, column.name)
        isMissing = imputation.hasIndicator ? numbers.map(\.isNaN) : []
        self.featureCount = Int32(featureCount)
        self.basis = basis
    }

    func append(row: Int, offset: Int32, to entries: inout [FeatureEntry]) {
        basis(filled[row], offset, &entries)
        if !isMissing.isEmpty, isMissing[row] {
            entries.append(FeatureEntry(feature: offset + featureCount, value: 1))
        }
    }
}

/// A number, shifted and scaled.
struct NumericFactor: FeatureFactor {
    let column: String
    let imputation: Imputation
    let center: Double
    let scale: Double

    init(_ column: Table.Column, standardised: Bool, _ missing: MissingNumbers) throws(MarketingMLError) {
        self.column = column.name
        var filled: [Double] = []
        imputation = try Imputation(missing, column, filled: &filled)
        let moments = Moments(filled)
        (center, scale) = standardised ? (moments.mean, moments.scale(count: filled.count)) : (0, 1)
        guard isValid else {
            throw MarketingMLError(
                .notFinite, "the numbers are too large for a mean and a variance",
                at: .init(name: column.name))
        }
    }

    var features: [FeatureName] {
        [FeatureName(column, column, .numeric)] + imputation.indicatorName(column)
    }
    var featureCount: Int { 1 + imputation.indicatorCount }
    var storedPerRow: Double { 1 }
    var isValid: Bool { imputation.isValid && center.isFinite && scale.isFinite && scale > 0 }

    func encoder(of column: Table.Column) throws(MarketingMLError) -> any RowEncoder {
        try NumberEncoder(column, imputation, featureCount: 1) { [center, scale] number, offset, entries in
            let value = (number - center) / scale
            if value != 0 { entries.append(FeatureEntry(feature: offset, value: value)) }
        }
    }
}

/// The bin of a number.
struct BinsFactor: FeatureFactor {
    let column: String
    let imputation: Imputation
    /// Between the bins, ascending: a number on an edge belongs to the bin above it.
    let edges: [Double]
    let dropsFirst: Bool

    init(
        _ column: Table.Column, count: Int, _ missing: MissingNumbers, dropsFirst: Bool
    ) throws(MarketingMLError) {
        guard count >= 2 else {
            throw MarketingMLError(
                .invalidOption, "expected 2 bins or more, found \(count)", at: .init(name: column.name))
        }
        self.column = column.name
        self.dropsFirst = dropsFirst
        var filled: [Double] = []
        imputation = try Imputation(missing, column, filled: &filled)
        let cuts = quantiles(of: filled, (0...count).map { Double($0) / Double(count) })
        var kept = [cuts[0]]
        for cut in cuts.dropFirst() where cut - kept[kept.count - 1] > 1e-8 { kept.append(cut) }
        edges = Array(kept.dropFirst().dropLast())
    }

    private var binNames: [FeatureName] {
        (0...edges.count).map { bin in
            let low = bin == 0 ? nil : decimalText(edges[bin - 1])
            let high = bin == edges.count ? nil : decimalText(edges[bin])
            let level =
                switch (low, high) {
                case (nil, nil): "all"
                case (nil, let high?): "< \(high)"
                case (let low?, nil): "≥ \(low)"
                case (let low?, let high?): "\(low)..<\(high)"
                }
            return FeatureName("\(column) \(level)", column, .bin, level: level)
        }
    }

    var features: [FeatureName] {
        binNames.dropFirst(dropsFirst ? 1 : 0) + imputation.indicatorName(column)
    }
    private var binCount: Int { edges.count + (dropsFirst ? 0 : 1) }
    var featureCount: Int { binCount + imputation.indicatorCount }
    var storedPerRow: Double { 1 }
    var isValid: Bool { imputation.isValid && isIncreasing(edges) }

    func encoder(of column: Table.Column) throws(MarketingMLError) -> any RowEncoder {
        let shift: Int32 = dropsFirst ? 1 : 0
        return try NumberEncoder(column, imputation, featureCount: binCount) {
            [edges] number, offset, entries in
            let bin = Int32(placeAbove(number, edges)) - shift
            if bin >= 0 { entries.append(FeatureEntry(feature: offset + bin, value: 1)) }
        }
    }
}

/// How many of ascending numbers are at most `number`.
func placeAbove(_ number: Double, _ ascending: [Double]) -> Int {
    var (low, high) = (0, ascending.count)
    while low < high {
        let middle = (low + high) / 2
        if ascending[middle] <= number { low = middle + 1 } else { high = middle }
    }
    return low
}

func isIncreasing(_ numbers: [Double]) -> Bool {
    numbers.allSatisfy(\.isFinite) && zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }
}
