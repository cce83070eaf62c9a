import Foundation

extension [CopyExample] {
    /// Reads briefs and texts from a CSV or TSV file (compressed with gzip or not), an example a row.
    ///
    /// - Parameters:
    ///   - copy: The column of the texts.
    ///   - notation: The column of the briefs in the notation of ``Brief/init(parsing:)``; nil: the other columns are the
    ///     attributes, empty fields left out.
    /// - Throws: `.missingColumn`, `.malformedFile`, `.emptyData`, `.fileNotFound`; `.invalidOption` for a brief, with its row.
    public init(csv: URL, copy: String, notation: String? = nil) throws {
        let names = try Table(csv: csv).names
        for name in [copy] + (notation.map { [$0] } ?? []) where !names.contains(name) {
            throw MarketingMLError(
                .missingColumn, "expected a column of that name, found \(names)",
                at: .init(file: csv.path, name: name))
        }
        // As texts, so that "5.90" stays what it is.
        let kinds = Dictionary(uniqueKeysWithValues: names.map { ($0, Table.Column.Kind.text) })
        let table = try Table(csv: csv, missing: [], kinds: kinds)
        let texts = try table[copy].texts()
        let notations = try notation.map { try table[$0].texts() }
        let attributes = try names.filter { $0 != copy }.map { ($0, try table[$0].texts()) }
        self = try texts.indices.map { row in
            guard let text = texts[row] else {
                throw MarketingMLError(
                    .emptyData, "the text is missing", at: .init(file: csv.path, row: row + 2, name: copy))
            }
            if let notations {
                do {
                    return CopyExample(try Brief(parsing: notations[row] ?? ""), copy: text)
                } catch var error as MarketingMLError {
                    error.location = .init(file: csv.path, row: row + 2, name: notation)
                    throw error
                }
            }
            return CopyExample(
                Brief(attributes.compactMap { name, values in values[row].map { .init(name, $0) } }),
                copy: text)
        }
    }
}
