import Tensor

/// A table of typed columns: numbers or texts, each of which may be missing.
///
/// ```swift
/// let table = try Table(csv: url, missing: ["NA", "?"])
/// let ages = try table["age"].numbers()
/// let training = table[rows: split.train].dropping(["row"])
/// ```
public struct Table: Sendable, Equatable {
    /// The columns, in order; all of one length.
    public let columns: [Column]
    /// The number of rows (N).
    public let rowCount: Int
    private let places: [String: Int]

    /// Creates a table from columns.
    ///
    /// - Throws: `.shapeMismatch` if they are not of one length; `.invalidOption` if two have the same name.
    public init(_ columns: [Column]) throws(MarketingMLError) {
        for column in columns where column.count != columns[0].count {
            throw MarketingMLError(
                .shapeMismatch,
                "has \(column.count) rows, the column \"\(columns[0].name)\" has \(columns[0].count)",
                at: .init(name: column.name))
        }
        self.init(trusted: columns, rowCount: columns.first?.count ?? 0)
        guard places.count == columns.count else {
            throw MarketingMLError(.invalidOption, "two of the columns \(names) have the same name")
        }
    }

    init(trusted columns: [Column], rowCount: Int) {
        self.columns = columns
        self.rowCount = rowCount
        places = Dictionary(
            columns.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The columns' names, in order.
    public var names: [String] { columns.map(\.name) }

    /// Whether there is a column of that name.
    public func contains(_ name: String) -> Bool { places[name] != nil }

    /// The column of that name.
    ///
    /// - Throws: `.missingColumn` with the names that there are.
    public subscript(name: String) -> Column {
        get throws(MarketingMLError) {
            guard let place = places[name] else {
                let found = names.map { "\"\($0)\"" }.joined(separator: ", ")
                throw MarketingMLError(
                    .missingColumn, "no column with this name; there are \(found)", at: .init(name: name))
            }
            return columns[place]
        }
    }

    /// The rows at these indices, in this order; a row may occur more than once.
    public subscript(rows rows: [Int]) -> Table {
        Table(trusted: columns.map { $0.rows(rows) }, rowCount: rows.count)
    }

    /// The table without some columns.
    ///
    /// - Throws: `.missingColumn` for a name that is not in the table.
    public func dropping(_ names: [String]) throws(MarketingMLError) -> Table {
        for name in names { _ = try self[name] }
        let dropped = Set(names)
        return Table(trusted: columns.filter { !dropped.contains($0.name) }, rowCount: rowCount)
    }

    /// The table with these columns alone, in this order.
    ///
    /// - Throws: `.missingColumn` for a name that is not in the table.
    public func selecting(_ names: [String]) throws(MarketingMLError) -> Table {
        var chosen: [Column] = []
        for name in names { chosen.append(try self[name]) }
        return try Table(chosen)
    }

    /// The table with one more column, or another one in the place of that of the same name.
    ///
    /// - Throws: `.shapeMismatch` if it has another number of rows.
    public func adding(_ column: Column) throws(MarketingMLError) -> Table {
        var columns = columns
        if let place = places[column.name] { columns[place] = column } else { columns.append(column) }
        return try Table(columns)
    }

    /// Columns of numbers as a matrix: [N, D].
    ///
    /// - Parameter names: The columns, in the order of the matrix; nil takes all.
    /// - Throws: `.missingColumn`; `.unsupported` for a column of texts; `.notFinite` for a missing number, with row and column.
    public func matrix<Scalar: TensorFloatingPoint>(
        of names: [String]? = nil, as type: Scalar.Type = Float.self
    ) throws(MarketingMLError) -> Tensor<Scalar> {
        let names = names ?? self.names
        var result = Tensor<Scalar>.zeros([rowCount, names.count])
        for (place, name) in names.enumerated() {
            let numbers = try self[name].presentNumbers()
            result.withUnsafeMutableElements { elements in
                for (row, number) in numbers.enumerated() {
                    elements[row * names.count + place] = Scalar(number)
                }
            }
        }
        return result
    }
}

extension Table: CustomStringConvertible {
    /// The columns with their types, how many values they miss, and some of the values.
    public var description: String {
        let width = names.map(\.count).max() ?? 0
        let lines = columns.map { column in
            let name = column.name + String(repeating: " ", count: width - column.name.count)
            let missing = column.missingCount == 0 ? "" : ", \(column.missingCount) missing"
            let examples = (0..<min(4, rowCount)).map { column.text(at: $0) ?? "-" }.joined(separator: ", ")
            return "\(name)  \(column.kind.rawValue)\(missing)  \(examples)"
        }
        return (["\(rowCount) rows, \(columns.count) columns"] + lines).joined(separator: "\n")
    }
}
