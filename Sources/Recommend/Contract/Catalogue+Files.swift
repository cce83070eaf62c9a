import Foundation
import Tensor

extension Catalogue {
    /// What of a catalogue is no array.
    struct Stored: Codable {
        var users: [User]
        var items: [Item]
    }

    var stored: Stored { Stored(users: users, items: items) }

    /// Adds the histories to a model's file.
    func add(to writer: inout SafeTensorsWriter) {
        history.add("history", to: &writer)
    }

    /// Reads a catalogue, everything checked.
    init(_ stored: Stored, from file: ModelFile) throws {
        guard let users = IDIndex(distinct: stored.users), let items = IDIndex(distinct: stored.items) else {
            throw file.malformed("a user or an item occurs twice")
        }
        history = try SparseMatrix(from: file, "history", rows: users.ids.count, columns: items.ids.count)
        userIndex = users
        itemIndex = items
    }
}

/// Fields of a model's file that are checked when they are read.
protocol CheckedFields: Codable {
    /// - Throws: `.invalidOption` naming the first one out of its range.
    func check() throws(MarketingMLError)
}

/// The fields of a model's file: the catalogue's ids and whatever the kind of model adds.
struct StoredModel<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable, Fields: Codable>:
    Codable
{
    var catalogue: Catalogue<User, Item>.Stored
    var fields: Fields
}

extension RecommenderModel {
    /// Writes catalogue, fields and what `body` adds.
    func write(
        to url: URL, kind: String, fields: some Codable, _ body: (inout SafeTensorsWriter) -> Void
    ) throws {
        try ModelFile.write(
            to: url, kind: kind, fields: StoredModel(catalogue: catalogue.stored, fields: fields)
        ) { writer in
            catalogue.add(to: &writer)
            body(&writer)
        }
    }

    /// Opens a file that `write` made.
    static func read<Fields: Codable>(
        _ url: URL, kind: String, _ fields: Fields.Type
    ) throws -> (ModelFile, Catalogue<User, Item>, Fields) {
        let file = try ModelFile(url, kind: kind)
        let stored = try file.decode(StoredModel<User, Item, Fields>.self)
        if let checked = stored.fields as? any CheckedFields {
            do { try checked.check() } catch { throw file.malformed("\(error)") }
        }
        return (file, try Catalogue(stored.catalogue, from: file), stored.fields)
    }
}

extension SparseMatrix<Float> {
    /// Adds its three arrays to a model's file.
    func add(_ name: String, to writer: inout SafeTensorsWriter) {
        writer.add(name + ".offsets", Tensor<Int64>(rowOffsets.map(Int64.init)))
        writer.add(name + ".items", Tensor<Int64>(columnIndices.map(Int64.init)))
        writer.add(name + ".values", Tensor<Float>(values))
    }

    /// Reads what `add` wrote, everything checked.
    init(from file: ModelFile, _ name: String, rows: Int, columns: Int) throws {
        let offsets = try file.integers(name + ".offsets").elements
        let indices = try file.integers(name + ".items").elements
        let values: Tensor<Float> = try file.tensor(name + ".values")
        do {
            self = try SparseMatrix(
                rowCount: rows, columnCount: columns, rowOffsets: offsets.map { Int(clamping: $0) },
                columnIndices: indices.map { Int32(clamping: $0) }, values: values.elements)
        } catch {
            throw file.malformed("rows are not in order: \(error)", name)
        }
    }
}
