/// How the fields of a table are told apart in a text file.
public struct DelimitedFormat: Sendable, Hashable {
    /// The byte between two fields.
    public let separator: UInt8
    /// Whether a field may stand in double quotes, which then protect separators and line ends in it.
    public let allowsQuotes: Bool

    /// Comma-separated, quotes as in RFC 4180.
    public static let csv = DelimitedFormat(separator: UInt8(ascii: ","), allowsQuotes: true)

    /// As `csv`, with semicolons: what spreadsheets write where the comma is the decimal sign.
    public static let semicolons = DelimitedFormat(separator: UInt8(ascii: ";"), allowsQuotes: true)

    /// One row a line, tabs between fields, nothing quoted.
    public static let tsv = DelimitedFormat(separator: UInt8(ascii: "\t"), allowsQuotes: false)

    /// The format that a file name ends with: `.csv` or `.tsv` (also `.tab`), `.gz` after it or not, in any case.
    ///
    /// - Throws: `.invalidOption` for other endings.
    public init(path: String) throws(MarketingMLError) {
        var name = path.lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        if name.hasSuffix(".csv") {
            self = .csv
        } else if name.hasSuffix(".tsv") || name.hasSuffix(".tab") {
            self = .tsv
        } else {
            throw MarketingMLError(
                .invalidOption, "the name must end in .csv, .tsv, .csv.gz or .tsv.gz, or the format be given",
                at: .init(file: path))
        }
    }

    private init(separator: UInt8, allowsQuotes: Bool) {
        self.separator = separator
        self.allowsQuotes = allowsQuotes
    }
}
