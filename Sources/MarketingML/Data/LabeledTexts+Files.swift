#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

extension LabeledTexts where Label == String {
    /// Reads two columns of a CSV or TSV file (compressed with gzip or not) whose first row names the columns.
    ///
    /// - Parameters:
    ///   - csv: The file.
    ///   - text: The name of the column with the texts; they may be empty.
    ///   - label: The name of the column with the labels; they may not be empty.
    ///   - format: How fields are told apart; by default what the file's name ends with.
    ///   - limit: The most bytes that the file may have after decompression.
    /// - Throws: `.missingColumn` with the columns that there are; `.malformedFile` with the row; `.emptyData` if
    ///   there are no rows; `.tooLarge`, `.fileNotFound`, `.inputOutput`.
    public init(
        csv: URL, text: String, label: String, format: DelimitedFormat? = nil, limit: Int = 2 << 30
    ) throws(MarketingMLError) {
        var reader = try DelimitedReader(path: csv.path, format: format, limit: limit)
        let textColumn = try reader.column(text)
        let labelColumn = try reader.column(label)
        var texts: [String] = []
        var labels: [String] = []
        // Labels are few and repeat: one string for all rows that have the same.
        var known: [String: String] = [:]
        while try reader.nextRow() {
            let found = reader.text(labelColumn)
            guard !found.isEmpty else {
                throw MarketingMLError(.malformedFile, "the label is empty", at: reader.location(labelColumn))
            }
            texts.append(reader.text(textColumn))
            labels.append(known[found] ?? found)
            known[found] = known[found] ?? found
        }
        guard !texts.isEmpty else {
            throw MarketingMLError(
                .emptyData, "has no rows below the column names", at: .init(file: csv.path))
        }
        self.init(texts: texts, labels: labels)
    }

    /// As `init(csv:text:label:format:limit:)`; the name for a call with a TSV file.
    public init(
        tsv: URL, text: String, label: String, limit: Int = 2 << 30
    ) throws(MarketingMLError) {
        try self.init(csv: tsv, text: text, label: label, format: .tsv, limit: limit)
    }
}
