#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

extension WordTokenizer: SavableModel {
    private struct Fields: Codable {
        var options: Options
        var words: [String]
    }
    private static let kind = "word tokenizer"

    /// Writes the tokenizer to a JSON file, atomically: its options, and its words in the order of their ids, from 2 on.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        try JSONModelFile.write(Fields(options: options, words: words.texts), kind: Self.kind, to: url)
    }

    /// Reads a tokenizer that `save` wrote.
    ///
    /// - Throws: `.fileNotFound`, `.inputOutput`, `.tooLarge`, `.malformedFile`, `.unsupported` for another kind of file or a newer
    ///   format.
    public init(_ url: URL) throws {
        let fields: Fields = try JSONModelFile.read(url, kind: Self.kind)
        do throws(MarketingMLError) { try fields.options.check() } catch {
            throw MarketingMLError(
                .malformedFile, error.message, at: .init(file: url.path, name: error.location.name))
        }
        var words = ByteTable()
        for (index, word) in fields.words.enumerated() {
            guard !word.isEmpty, words.insert(word) == Int32(index) else {
                throw MarketingMLError(
                    .malformedFile,
                    "the word \"\(word)\" of id \(index + Self.reservedCount) is empty or stands there twice",
                    at: .init(file: url.path, name: "words"))
            }
        }
        guard !fields.words.isEmpty, fields.words.count + Self.reservedCount <= fields.options.maximumSize
        else {
            throw MarketingMLError(
                .malformedFile,
                "expected 1 to \(fields.options.maximumSize - Self.reservedCount) words, found \(fields.words.count)",
                at: .init(file: url.path, name: "words"))
        }
        self.init(options: fields.options, words: words)
    }
}
