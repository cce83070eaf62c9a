#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

extension Interactions where User: LosslessStringConvertible, Item: LosslessStringConvertible {
    /// Reads two columns of a CSV or TSV file (compressed with gzip or not) whose first row names the columns.
    ///
    /// - Parameters:
    ///   - csv: The file.
    ///   - user: The name of the column with the users.
    ///   - item: The name of the column with the items.
    ///   - format: How fields are told apart; by default what the file's name ends with.
    ///   - limit: The most bytes that the file may have after decompression.
    /// - Throws: `.missingColumn` with the columns that there are; `.malformedFile` with the row, also for an id that
    ///   is not of its type; `.tooLarge`, `.fileNotFound`, `.inputOutput`.
    public init(
        csv: URL, user: String, item: String, format: DelimitedFormat? = nil, limit: Int = 2 << 30
    ) throws(MarketingMLError) {
        var reader = try DelimitedReader(path: csv.path, format: format, limit: limit)
        let userColumn = try reader.column(user)
        let itemColumn = try reader.column(item)
        var users: [User] = []
        var items: [Item] = []
        while try reader.nextRow() {
            users.append(try reader.value(userColumn))
            items.append(try reader.value(itemColumn))
        }
        self.init(users: users, items: items)
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
