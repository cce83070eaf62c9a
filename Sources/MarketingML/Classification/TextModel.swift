#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a ``TextClassifier`` predicts with, whatever its labels are called.
protocol TextModel: Sendable {
    /// The longest text in tokens, of which longer ones are cut; nil if none is cut.
    var maxLength: Int? { get }

    /// The probability of each class for each text: [N, K], row by row. A text's row depends on that text alone.
    func probabilities(of texts: [String]) throws -> [Float]

    /// Writes all files of the classifier but its card to a directory.
    ///
    /// - Parameter classes: What the classes are called.
    func write(to directory: URL, classes: [String]) throws
}

/// The file that says which kind of model stands in a directory of this library's own layout; Hugging Face's has none.
struct TextModelFile: Codable {
    /// The kinds of models.
    enum Kind: String, Codable {
        case nGrams
        case network
    }

    static let name = "classifier.json"
    private static let kind = "text classifier"

    var model: Kind
    /// What the classes are called, in order.
    var classes: [String]
    /// The longest text in tokens.
    var maxLength: Int?

    func write(to directory: URL) throws {
        try JSONModelFile.write(
            self, kind: Self.kind, pretty: true, to: directory.appendingPathComponent(Self.name))
    }

    /// The file of a directory; nil if there is none.
    ///
    /// - Throws: `.malformedFile`, `.unsupported`.
    static func read(from directory: URL) throws -> TextModelFile? {
        let url = directory.appendingPathComponent(name)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let file: TextModelFile = try JSONModelFile.read(url, kind: kind)
        guard file.classes.count >= 2, file.maxLength.map({ (1...1 << 30).contains($0) }) ?? true else {
            throw MarketingMLError(
                .malformedFile,
                "expected 2 or more classes and a positive length, found \(file.classes.count) and \(file.maxLength ?? 0)",
                at: .init(file: url.path))
        }
        return file
    }
}
