#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

extension Interactions where User: LosslessStringConvertible, Item: LosslessStringConvertible {
    /// Reads columns of a CSV or TSV file (compressed with gzip or not) whose first row names them.
    ///
    /// - Parameters:
    ///   - csv: The file.
    ///   - user: The name of the column with the users.
    ///   - item: The name of the column with the items.
    ///   - value: The name of the column with the values; nil: each pair has the value 1.
    ///   - time: The name of the column with the times, whole numbers; nil: they are not known.
    ///   - duplicates: What becomes of pairs that occur more than once. By default the last value counts.
    ///   - format: How fields are told apart; by default what the file's name ends with.
    ///   - limit: The most bytes that the file may have after decompression.
    /// - Throws: `.missingColumn` with the columns that there are; `.malformedFile` with the row, also for a field that is not
    ///   of its type, and for two texts that are the same id (`7` and `07` as numbers); `.notFinite`; `.tooLarge`,
    ///   `.fileNotFound`, `.inputOutput`.
    public init(
        csv: URL, user: String, item: String, value: String? = nil, time: String? = nil,
        duplicates: Duplicates = .last, format: DelimitedFormat? = nil, limit: Int = 2 << 30
    ) throws(MarketingMLError) {
        var reader = try DelimitedReader(path: csv.path, format: format, limit: limit)
        let users = ColumnOfIDs<User>(try reader.column(user))
        let items = ColumnOfIDs<Item>(try reader.column(item))
        let valueColumn: Int? = if let value { try reader.column(value) } else { nil }
        let timeColumn: Int? = if let time { try reader.column(time) } else { nil }
        var builder = Builder(duplicates: duplicates)
        while try reader.nextRow() {
            let amount: Double = if let valueColumn { try reader.value(valueColumn) } else { 1 }
            guard amount.isFinite else {
                throw MarketingMLError(
                    .notFinite, "the value is \(amount), all must be finite",
                    at: reader.location(valueColumn ?? 0))
            }
            let when: Int64? = if let timeColumn { try reader.value(timeColumn) } else { nil }
            builder.append(try users.id(&reader), try items.id(&reader), value: amount, time: when)
        }
        self = builder.interactions
    }
}

/// Reads ids, each text once; two texts may not be the same id.
private final class ColumnOfIDs<ID: LosslessStringConvertible & Hashable> {
    private let column: Int
    private var ids: [String: ID] = [:]
    private var texts: [ID: String] = [:]

    init(_ column: Int) { self.column = column }

    func id(_ reader: inout DelimitedReader) throws(MarketingMLError) -> ID {
        let text = reader.text(column)
        if let known = ids[text] { return known }
        let id: ID = try reader.value(column)
        if let other = texts[id] {
            throw MarketingMLError(
                .malformedFile, "\"\(text)\" and \"\(other)\" are the same \(ID.self)",
                at: reader.location(column)
            )
        }
        ids[text] = id
        texts[id] = text
        return id
    }
}

extension DelimitedReader {
    /// A field of the current row as a number or another type that has a text form.
    fileprivate func value<Value: LosslessStringConvertible>(_ column: Int) throws(MarketingMLError) -> Value
    {
        let text = text(column)
        guard let value = Value(text) else {
            throw MarketingMLError(.malformedFile, "\"\(text)\" is not a \(Value.self)", at: location(column))
        }
        return value
    }
}
