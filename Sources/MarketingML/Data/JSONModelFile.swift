#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A JSON file of the library: an object with the `kind` of what is in it, the `version` of its layout and the `fields`.
enum JSONModelFile {
    private struct Header: Decodable {
        var kind: String
        var version: Int
    }
    struct Body<Fields> {
        var kind: String
        var version: Int
        var fields: Fields
    }

    /// Writes a file, atomically; equal fields give equal bytes.
    ///
    /// - Throws: `.inputOutput`.
    static func write(
        _ fields: some Encodable, kind: String, version: Int = 1, pretty: Bool = false, to url: URL
    ) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        let body = Body(kind: kind, version: version, fields: fields)
        try AtomicFile.write(Array(encoder.encode(body)), to: url.path)
    }

    /// Reads a file that `write` wrote for the same kind.
    ///
    /// - Throws: `.fileNotFound`, `.inputOutput`, `.tooLarge`, `.malformedFile`; `.unsupported` for another kind or a version above
    ///   `version`.
    static func read<Fields: Decodable>(
        _ url: URL, kind: String, version: Int = 1, as type: Fields.Type = Fields.self
    ) throws -> Fields {
        let data = Data(try InputFile.read(url.path))
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            do { return try JSONDecoder().decode(type, from: data) } catch {
                throw MarketingMLError(
                    .malformedFile, "is not a saved \(kind): \(error)", at: .init(file: url.path))
            }
        }
        let header = try decode(Header.self)
        guard header.kind == kind else {
            throw MarketingMLError(
                .unsupported, "holds a \(header.kind), expected a \(kind)", at: .init(file: url.path))
        }
        guard (1...version).contains(header.version) else {
            throw MarketingMLError(
                .unsupported, "has the format version \(header.version), this library reads 1 to \(version)",
                at: .init(file: url.path))
        }
        return try decode(Body<Fields>.self).fields
    }
}

extension JSONModelFile.Body: Encodable where Fields: Encodable {}
extension JSONModelFile.Body: Decodable where Fields: Decodable {}
