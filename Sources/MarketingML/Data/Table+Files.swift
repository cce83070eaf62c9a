#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

extension Table {
    /// What stands for a missing value unless the caller says otherwise.
    public static let missingMarkers: Set<String> = ["NA", "N/A", "NaN", "nan", "NULL", "null", "?"]

    /// Reads a CSV or TSV file (compressed with gzip or not).
    ///
    /// A column is numeric if each of its fields is a finite decimal number or missing, looked at over the whole file; all others
    /// hold texts. Numbers are the nearest to what the file says. Whole numbers that a Double does not hold (above 2⁵³: names of
    /// customers and orders) are texts. A field is missing if, spaces around it left out, it is empty or one of `missing`. CSV follows
    /// RFC 4180: fields in double quotes may hold separators, line ends and doubled quotes.
    ///
    /// The file is read in blocks, by all threads; at no time is more of it in memory than two blocks.
    ///
    /// - Parameters:
    ///   - csv: The file.
    ///   - format: How fields are told apart; by default what the file's name ends with.
    ///   - hasHeader: Whether the first row names the columns; else they are `column1`, `column2` and so on.
    ///   - missing: What stands for a missing value besides an empty field.
    ///   - kinds: The columns whose kind is given: `["zip": .text]` keeps leading zeros; a numeric one may hold nothing else.
    ///   - limit: The most bytes that the file may have after decompression.
    /// - Throws: `.malformedFile` for rows of another length than the first, quotes that are not in order, two columns of one name, or
    ///   what is no number in a column given as numeric, with row and column; `.missingColumn` for a name in `kinds` that is not
    ///   there; `.emptyData` for an empty file; `.tooLarge`, `.fileNotFound`, `.inputOutput`.
    public init(
        csv: URL, format: DelimitedFormat? = nil, hasHeader: Bool = true,
        missing: Set<String> = Table.missingMarkers, kinds: [String: Column.Kind] = [:], limit: Int = 16 << 30
    ) throws(MarketingMLError) {
        let format = if let format { format } else { try DelimitedFormat(path: csv.path) }
        try self.init(
            ByteStream(path: csv.path, limit: limit), format: format, hasHeader: hasHeader, missing: missing,
            kinds: kinds)
    }

    init(
        _ stream: ByteStream, format: DelimitedFormat, hasHeader: Bool = true,
        missing: Set<String> = Table.missingMarkers, kinds: [String: Column.Kind] = [:],
        blockSize: Int = DelimitedBlocks.blockSize
    ) throws(MarketingMLError) {
        let options = ColumnOptions(
            isNumeric: kinds.mapValues { $0 == .numeric }, missing: missing, hasHeader: hasHeader)
        let (names, values, rowCount) = try readColumns(
            stream, format: format, options: options, blockSize: blockSize)
        self.init(
            trusted: zip(names, values).map { name, values in
                switch values {
                case .numbers(let numbers): Column(name, .numbers(numbers))
                case .texts(let codes, let levels): Column(name, .texts(codes: codes, levels: levels))
                }
            }, rowCount: rowCount)
    }
}
