#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

extension Popularity.Model {
    private static var formatName: String { "marketingml-popularity" }

    /// What stands in the file.
    private struct Stored: Codable {
        var format: String
        var version: Int
        var users: [User]
        var items: [Item]
        var counts: [Int]
        var taken: [[Int]]

        /// What is wrong with the parts' sizes and numbers, if anything is.
        var fault: String? {
            if counts.count != items.count { return "\(counts.count) counts for \(items.count) items" }
            if taken.count != users.count { return "\(taken.count) lists of items for \(users.count) users" }
            if Set(items).count != items.count { return "an item occurs twice" }
            if Set(users).count != users.count { return "a user occurs twice" }
            if counts.contains(where: { $0 < 0 }) { return "a count is negative" }
            for row in taken {
                if let index = row.first(where: { !items.indices.contains($0) }) {
                    return "item index \(index), expected 0..<\(items.count)"
                }
                if zip(row, row.dropFirst()).contains(where: { $0 >= $1 }) {
                    return "a user's items are not ascending"
                }
            }
            return nil
        }
    }

    /// Writes the model to a JSON file; an older file is there until the new one is complete.
    public func save(to url: URL) throws {
        let stored = Stored(
            format: Self.formatName, version: 1, users: users, items: items, counts: counts, taken: taken)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write([UInt8](encoder.encode(stored)), to: url.path)
    }

    /// Reads a model that `save(to:)` wrote.
    ///
    /// - Throws: `.malformedFile` if it is not one; `.unsupported` if it is of a newer version.
    public init(_ url: URL) throws {
        let data = try Data(InputFile.read(url.path))
        let place = MarketingMLError.Location(file: url.path)
        let stored: Stored
        do {
            stored = try JSONDecoder().decode(Stored.self, from: data)
        } catch {
            throw MarketingMLError(.malformedFile, "is not a saved popularity model: \(error)", at: place)
        }
        guard stored.format == Self.formatName else {
            throw MarketingMLError(
                .malformedFile, "holds \"\(stored.format)\", expected \"\(Self.formatName)\"", at: place)
        }
        guard stored.version == 1 else {
            throw MarketingMLError(
                .unsupported, "has format version \(stored.version), expected 1", at: place)
        }
        if let fault = stored.fault { throw MarketingMLError(.malformedFile, fault, at: place) }
        self.init(users: stored.users, items: stored.items, taken: stored.taken, counts: stored.counts)
    }
}
