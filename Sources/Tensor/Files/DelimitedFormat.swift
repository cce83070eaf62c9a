/// How the fields of a table are told apart in a text file, and how numbers are written in it.
public struct DelimitedFormat: Sendable, Hashable {
    /// The byte between two fields.
    public let separator: UInt8
    /// Whether a field may stand in double quotes, which then protect separators and line ends in it.
    public let allowsQuotes: Bool
    /// The byte before a number's decimals.
    public let decimalSign: UInt8

    /// Comma-separated, quotes as in RFC 4180.
    public static let csv = DelimitedFormat(separator: ",", allowsQuotes: true)

    /// As `csv`, with semicolons.
    public static let semicolons = DelimitedFormat(separator: ";", allowsQuotes: true)

    /// Semicolons between fields and decimal commas in numbers: what spreadsheets write in most of Europe.
    public static let decimalCommas = DelimitedFormat(separator: ";", allowsQuotes: true, decimalSign: ",")

    /// One row a line, tabs between fields, nothing quoted.
    public static let tsv = DelimitedFormat(separator: "\t", allowsQuotes: false)

    /// A line a row, which has one field.
    static let lines = DelimitedFormat(separator: "\0", allowsQuotes: false)

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

    private init(separator: Unicode.Scalar, allowsQuotes: Bool, decimalSign: Unicode.Scalar = ".") {
        self.separator = UInt8(ascii: separator)
        self.allowsQuotes = allowsQuotes
        self.decimalSign = UInt8(ascii: decimalSign)
    }
}
