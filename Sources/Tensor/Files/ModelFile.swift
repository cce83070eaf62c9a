#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The one file in which a fitted model is kept: safetensors, with the model's kind, the format's version and all that
/// is no array, as JSON, in its metadata.
package struct ModelFile {
    private let file: SafeTensorsFile
    private let url: URL
    private let fields: String

    /// Opens a file that `write` made for the same kind.
    ///
    /// - Throws: `.unsupported` for another kind or a version above `version`; what `SafeTensorsFile` throws.
    package init(_ url: URL, kind: String, version: Int = 1) throws {
        let file = try SafeTensorsFile(url)
        guard let found = file.metadata["marketingml.kind"], let fields = file.metadata["marketingml.fields"],
            let number = file.metadata["marketingml.version"].flatMap({ Int($0) })
        else {
            throw MarketingMLError(
                .unsupported, "is not a model of this library, expected a \(kind)", at: .init(file: url.path))
        }
        guard found == kind else {
            throw MarketingMLError(
                .unsupported, "holds a \(found), expected a \(kind)", at: .init(file: url.path))
        }
        guard (1...version).contains(number) else {
            throw MarketingMLError(
                .unsupported, "has the format version \(number), this library reads 1 to \(version)",
                at: .init(file: url.path))
        }
        self.file = file
        self.url = url
        self.fields = fields
    }

    /// What is no array.
    ///
    /// - Throws: `.malformedFile`.
    package func decode<Fields: Decodable>(
        _ type: Fields.Type = Fields.self, userInfo: (key: CodingUserInfoKey?, value: any Sendable)? = nil
    ) throws -> Fields {
        let decoder = JSONDecoder()
        if let userInfo, let key = userInfo.key { decoder.userInfo[key] = userInfo.value }
        do {
            return try decoder.decode(type, from: Data(fields.utf8))
        } catch let error as MarketingMLError {
            throw error
        } catch {
            throw MarketingMLError(
                .malformedFile, "the model's fields are not as expected: \(error)",
                at: .init(file: url.path, name: "marketingml.fields"))
        }
    }

    /// The number of elements of all arrays.
    package var elementCount: Int {
        file.names.reduce(0) { $0 + (file.shape(of: $1)?.reduce(1, *) ?? 0) }
    }

    /// Whether there is an array of that name.
    package func contains(_ name: String) -> Bool { file.contains(name) }

    /// An array, all finite.
    ///
    /// - Parameter shape: The shape that it must have; nil takes any.
    /// - Throws: `.missingTensor`, `.shapeMismatch`, `.notFinite`.
    package func tensor<Scalar: TensorFloatingPoint>(
        _ name: String, as type: Scalar.Type = Scalar.self, shape: [Int]? = nil
    ) throws -> Tensor<Scalar> {
        let tensor = try file.tensor(name, as: type, shape: shape)
        guard tensor.allFinite else {
            throw MarketingMLError(
                .notFinite, "holds NaN or infinity", at: .init(file: url.path, name: name))
        }
        return tensor
    }

    /// An array of whole numbers.
    package func integers(_ name: String) throws -> Tensor<Int64> { try file.integers(name) }

    /// An error about the file's contents.
    package func malformed(_ message: String, _ name: String? = nil) -> MarketingMLError {
        MarketingMLError(.malformedFile, message, at: .init(file: url.path, name: name))
    }

    /// Writes a model: `fields` as JSON and what `body` adds.
    ///
    /// - Throws: `.inputOutput`.
    package static func write(
        to url: URL, kind: String, version: Int = 1, fields: some Encodable,
        _ body: (inout SafeTensorsWriter) -> Void
    ) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = try encoder.encode(fields)
        var writer = SafeTensorsWriter(metadata: [
            "marketingml.kind": kind, "marketingml.version": "\(version)",
            "marketingml.fields": String(decoding: json, as: UTF8.self),
        ])
        body(&writer)
        try writer.write(to: url)
    }
}
