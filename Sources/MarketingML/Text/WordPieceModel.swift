import Tensor

/// Everything about a WordPiece tokenizer that does not change after loading.
final class WordPieceModel: Sendable {
    let vocabulary: Vocabulary
    let unknownID: Int32
    let continuingPrefix: String
    /// Longer words, in scalars, are unknown.
    let maxScalarsPerWord: Int
    let normalizer: BertNormalizer
    let template: SequenceTemplate
    let decoder: WordPieceDecoder?
    let addedTokens: [AddedToken]
    /// Added tokens that match in the original text, and those that match in normalised text.
    let originalMatcher: AddedTokenMatcher?
    let normalizedMatcher: AddedTokenMatcher?
    /// The texts of added tokens by id.
    let addedTexts: [Int32: String]
    let specialTexts: Set<String>
    /// The files that the tokenizer is saved as, byte for byte.
    let files: [TokenizerFile]

    /// The kinds of ASCII bytes for the fast path.
    enum ByteKind: UInt8 {
        case letterOrDigit
        case space
        case punctuation
        /// Anything that needs the normaliser.
        case other
    }
    let byteKinds: [ByteKind]
    /// The id of each ASCII punctuation character as a word.
    let punctuationIDs: [Int32]

    init(_ description: TokenizerDescription) throws {
        let file = description.file
        let vocabulary = try Vocabulary(
            description.vocabulary, continuingPrefix: Array(description.continuingPrefix.utf8), file: file)
        guard let unknownID = vocabulary.id(of: description.unknownToken.utf8) else {
            throw MarketingMLError(
                .malformedFile, "the vocabulary lacks the unknown token \"\(description.unknownToken)\"",
                at: .init(file: file, name: "unk_token"))
        }
        self.vocabulary = vocabulary
        self.unknownID = unknownID
        continuingPrefix = description.continuingPrefix
        maxScalarsPerWord = description.maxScalarsPerWord
        normalizer = description.normalizer ?? BertNormalizer.none
        template = description.template
        decoder = description.decoder
        files = description.files

        let added = try Self.assignIDs(description.addedTokens, vocabulary, file: file)
        addedTokens = added
        var patterns: [(pattern: [UInt8], token: AddedToken)] = []
        for token in added {
            let text = token.isNormalized ? normalizer.normalize(token.content) : Array(token.content.utf8)
            patterns.append((text, token))
        }
        originalMatcher = try AddedTokenMatcher(patterns.filter { !$0.token.isNormalized }, file: file)
        normalizedMatcher = try AddedTokenMatcher(patterns.filter { $0.token.isNormalized }, file: file)
        addedTexts = Dictionary(
            patterns.map { ($0.token.id, String(decoding: $0.pattern, as: UTF8.self)) },
            uniquingKeysWith: { _, last in last })
        specialTexts = Set(added.filter(\.isSpecial).map(\.content))

        let cleansText = normalizer.cleansText
        byteKinds = (0..<256).map { Self.kind(of: UInt8($0), cleansText: cleansText) }
        punctuationIDs = (0..<128).map { vocabulary.id(of: CollectionOfOne(UInt8($0))) ?? unknownID }
    }

    /// Gives added tokens the ids of their texts in the vocabulary, or new ones behind it.
    private static func assignIDs(
        _ tokens: [AddedToken], _ vocabulary: Vocabulary, file: String?
    ) throws -> [AddedToken] {
        var next = Int32(vocabulary.count)
        var byContent: [String: Int32] = [:]
        var byID: [Int32: AddedToken] = [:]
        for var token in tokens where !token.content.isEmpty {
            let stated = token.id
            if let id = byContent[token.content] ?? vocabulary.id(of: token.content.utf8) {
                token.id = id
            } else {
                token.id = next
                next += 1
            }
            guard token.id == stated else {
                throw MarketingMLError(
                    .malformedFile,
                    "the added token \"\(token.content)\" has id \(stated), but its place is \(token.id)",
                    at: .init(file: file, name: "added_tokens"))
            }
            byContent[token.content] = token.id
            byID[token.id] = token
        }
        return byID.values.sorted { $0.id < $1.id }
    }

    private static func kind(of byte: UInt8, cleansText: Bool) -> ByteKind {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            .letterOrDigit
        case 0x20, 0x09, 0x0A, 0x0D: .space
        case 0x0B, 0x0C: cleansText ? .other : .space
        case 0x21..<0x7F: .punctuation
        default: .other
        }
    }
}
