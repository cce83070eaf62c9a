import Tensor

/// One feature of a row, if it is not 0.
struct FeatureEntry {
    var feature: Int32
    var value: Double
}

/// A fitted encoding of one column: what it has learned, and the features it makes.
protocol FeatureFactor: Sendable, Equatable, Codable {
    /// The column's name.
    var column: String { get }
    /// What the features are, in order.
    var features: [FeatureName] { get }
    /// Their number.
    var featureCount: Int { get }
    /// How many of them are not 0 in a row, on average over the training rows.
    var storedPerRow: Double { get }
    /// Whether what a file says is possible.
    var isValid: Bool { get }

    /// Looks at a column's values, so that its rows can be encoded without a failure.
    ///
    /// - Throws: For missing values and unseen levels as the policies say; `.unsupported` for a column of another kind.
    func encoder(of column: Table.Column) throws(MarketingMLError) -> any RowEncoder
}

/// Encodes the rows of one column.
protocol RowEncoder: Sendable {
    /// Appends the features of a row that are not 0, in ascending order, counted from `offset`.
    func append(row: Int, offset: Int32, to entries: inout [FeatureEntry])
}

/// The products of the features of two columns.
struct ProductEncoder: RowEncoder {
    let first: any RowEncoder
    let second: any RowEncoder
    let secondCount: Int32

    func append(row: Int, offset: Int32, to entries: inout [FeatureEntry]) {
        var a: [FeatureEntry] = []
        var b: [FeatureEntry] = []
        first.append(row: row, offset: 0, to: &a)
        second.append(row: row, offset: 0, to: &b)
        for x in a {
            for y in b {
                entries.append(
                    FeatureEntry(
                        feature: offset + x.feature * secondCount + y.feature, value: x.value * y.value))
            }
        }
    }
}
