#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

extension FittedFeatureEncoder: SavableModel {
    private static let kind = "feature encoder"

    private struct Fields: Codable {
        var terms: [[FittedFactor]]
        var isSparse: Bool
    }

    /// Writes the encoder to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        let fields = Fields(terms: terms, isSparse: isSparse)
        try ModelFile.write(to: url, kind: Self.kind, fields: fields) { _ in }
    }

    /// Reads an encoder that `save` wrote: it encodes to the same bits.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported` for another kind of model or a newer format.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields: Fields = try file.decode()
        guard !fields.terms.isEmpty, fields.terms.allSatisfy({ (1...16).contains($0.count) }),
            fields.terms.allSatisfy({ $0.allSatisfy(\.factor.isValid) })
        else {
            throw file.malformed("a term of the encoder is not possible")
        }
        let count: Int
        do throws(MarketingMLError) { count = try Self.featureCount(fields.terms) } catch {
            throw file.malformed(error.message)
        }
        // Sixteen million numbers a row are no dense features, but would be asked of memory.
        guard fields.isSparse || count <= 1 << 24 else {
            throw file.malformed("\(count) features are said to be dense")
        }
        self.init(trusted: fields.terms, featureCount: count, isSparse: fields.isSparse)
    }
}
