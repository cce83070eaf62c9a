import Tensor

/// The added tokens of a tokenizer: their ids, their texts, and where they stand in a text.
struct AddedVocabulary: Sendable {
    /// In the order of their ids.
    let tokens: [AddedToken]
    /// Their texts, normalised where they match in normalised text, by id.
    let texts: [Int32: String]
    /// The texts of those that decoding leaves out.
    let specialTexts: Set<String>
    /// Those that match in the original text, and those that match in normalised text.
    let originalMatcher: AddedTokenMatcher?
    let normalizedMatcher: AddedTokenMatcher?

    /// Gives added tokens the ids of their texts in the vocabulary, or new ones behind it.
    ///
    /// - Throws: `malformedFile` if a token has another id in the file, or two have the same text.
    init(
        _ tokens: [AddedToken], _ vocabulary: Vocabulary, file: String?,
        normalize: (String) -> [UInt8] = { Array($0.utf8) }
    ) throws {
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
        self.tokens = byID.values.sorted { $0.id < $1.id }
        let patterns = self.tokens.map { token in
            (pattern: token.isNormalized ? normalize(token.content) : Array(token.content.utf8), token: token)
        }
        originalMatcher = try AddedTokenMatcher(patterns.filter { !$0.token.isNormalized }, file: file)
        normalizedMatcher = try AddedTokenMatcher(patterns.filter { $0.token.isNormalized }, file: file)
        texts = Dictionary(
            patterns.map { ($0.token.id, String(decoding: $0.pattern, as: UTF8.self)) },
            uniquingKeysWith: { _, last in last })
        specialTexts = Set(self.tokens.filter(\.isSpecial).map(\.content))
    }

    /// Special tokens with ids from 0 on that are never matched in text.
    init(special names: [String]) {
        tokens = names.enumerated().map { AddedToken(id: Int32($0), content: $1, isSpecial: true) }
        texts = Dictionary(tokens.map { ($0.id, $0.content) }, uniquingKeysWith: { first, _ in first })
        specialTexts = Set(names)
        (originalMatcher, normalizedMatcher) = (nil, nil)
    }

    /// The id of an added token by its text.
    func id(of text: String) -> Int32? { tokens.last { $0.content == text }?.id }
}
