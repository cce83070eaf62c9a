/// How briefs and texts become tokens.
///
/// A row is `<|brief|>`, the brief, `<|copy|>`, the text, `<|endoftext|>`. The brief is one line an attribute, `name: value`,
/// and its words on a line of their own. Where an attribute is copied, its value is the token `<|=name|>` in brief and
/// text: the model learns where the value goes, and any value can be put there, also one that it has never read.
struct CopyFormat: Sendable, Codable, Equatable {
    static let brief = "<|brief|>"
    static let copy = "<|copy|>"
    static let end = "<|endoftext|>"

    /// The attributes whose values are copied.
    var copied: [String]

    static func placeholder(_ attribute: String) -> String { "<|=\(attribute)|>" }

    /// The tokens that the tokenizer must know.
    var specialTokens: [String] { [Self.end, Self.brief, Self.copy] + copied.map(Self.placeholder) }

    /// The tokens of a brief and where the text begins: the prompt.
    ///
    /// - Throws: `.invalidOption` for a brief that holds nothing or the name of a special token.
    func prompt(_ brief: Brief, _ tokenizer: ByteLevelBPETokenizer) throws -> [Int32] {
        guard !brief.attributes.isEmpty || !brief.text.isEmpty else {
            throw MarketingMLError(
                .emptyData, "the brief has neither attributes nor text", at: .init(name: "brief"))
        }
        var ids = special(Self.brief, tokenizer)
        var line = ""
        for (index, attribute) in brief.attributes.enumerated() {
            try check(attribute.name)
            try check(attribute.value)
            line += (index == 0 ? "" : "\n") + "\(attribute.name): "
            if copied.contains(attribute.name) {
                ids += tokenizer.ids(of: line) + special(Self.placeholder(attribute.name), tokenizer)
                line = ""
            } else {
                line += attribute.value
            }
        }
        try check(brief.text)
        if !brief.text.isEmpty { line += (brief.attributes.isEmpty ? "" : "\n") + brief.text }
        return ids + tokenizer.ids(of: line) + special(Self.copy, tokenizer)
    }

    /// The tokens of a text for a brief, values of copied attributes as placeholders; with the end.
    func text(_ example: CopyExample, _ tokenizer: ByteLevelBPETokenizer) throws -> [Int32] {
        try check(example.copy)
        var parts: [(text: Substring, placeholder: String?)] = [(example.copy[...], nil)]
        let values = example.brief.attributes.filter { copied.contains($0.name) && !$0.value.isEmpty }
        // Longer values first: one may hold another.
        for attribute in values.sorted(by: { $0.value.count > $1.value.count }) {
            parts = parts.flatMap { part -> [(text: Substring, placeholder: String?)] in
                guard part.placeholder == nil else { return [part] }
                let pieces = part.text.split(separator: attribute.value, omittingEmptySubsequences: false)
                return pieces.enumerated().flatMap { index, piece in
                    (index > 0 ? [(Substring(), Self.placeholder(attribute.name))] : []) + [(piece, nil)]
                }
            }
        }
        return parts.flatMap { part in
            part.placeholder.map { special($0, tokenizer) } ?? tokenizer.ids(of: String(part.text))
        } + special(Self.end, tokenizer)
    }

    private func special(_ token: String, _ tokenizer: ByteLevelBPETokenizer) -> [Int32] {
        tokenizer.id(of: token).map { [$0] } ?? []
    }

    private func check(_ text: String) throws {
        if let token = specialTokens.first(where: { text.contains($0) }) {
            throw MarketingMLError(
                .invalidOption, "holds \(token), which has a meaning of its own", at: .init(name: "brief"))
        }
    }
}

/// A writer's tokenizer for one brief: placeholders stand for the brief's values.
struct BriefTokenizer: TextTokenizer {
    let base: ByteLevelBPETokenizer
    private let values: [Int32: [UInt8]]

    init(_ base: ByteLevelBPETokenizer, _ format: CopyFormat, _ brief: Brief) {
        self.base = base
        var values: [Int32: [UInt8]] = [:]
        for attribute in brief.attributes.reversed() where format.copied.contains(attribute.name) {
            if let id = base.id(of: CopyFormat.placeholder(attribute.name)) {
                values[id] = Array(attribute.value.utf8)
            }
        }
        self.values = values
    }

    var vocabularySize: Int { base.vocabularySize }
    func id(of token: String) -> Int32? { base.id(of: token) }
    func ids(of text: String) -> [Int32] { base.ids(of: text) }
    func bytes(of id: Int32) -> [UInt8] { values[id] ?? base.bytes(of: id) }
}
