/// What a feature of an encoded table is.
public struct FeatureName: Sendable, Equatable, Codable, CustomStringConvertible {
    /// How a feature was made.
    public enum Kind: String, Sendable, Codable {
        /// A number, standardised or as it was.
        case numeric
        /// 1 where a number was missing.
        case missingIndicator
        /// A function of a spline's basis.
        case spline
        /// 1 where a number falls in a bin.
        case bin
        /// 1 where a row has a level.
        case level
        /// 1 where a row has a rare or unseen level.
        case otherLevels
        /// 1 where a row has no value.
        case missingLevel
        /// The mean target of a level.
        case targetMean
        /// A term of a text.
        case term
        /// The terms of a text that share a bucket.
        case bucket
        /// A product of features of two columns.
        case interaction
    }

    /// The name in tables: `job=admin.`, `age`, `review: "free"`.
    public let name: String
    /// The columns that it comes from: one, or those of an interaction.
    public let columns: [String]
    /// How it was made.
    public let kind: Kind
    /// The level, bin or term, where there is one.
    public let level: String?

    init(_ name: String, _ column: String, _ kind: Kind, level: String? = nil) {
        self.init(name: name, columns: [column], kind: kind, level: level)
    }

    private init(name: String, columns: [String], kind: Kind, level: String?) {
        self.name = name
        self.columns = columns
        self.kind = kind
        self.level = level
    }

    /// The product of two features.
    static func product(_ a: FeatureName, _ b: FeatureName) -> FeatureName {
        FeatureName(
            name: "\(a.name) × \(b.name)", columns: a.columns + b.columns, kind: .interaction, level: nil)
    }

    /// The name.
    public var description: String { name }
}
