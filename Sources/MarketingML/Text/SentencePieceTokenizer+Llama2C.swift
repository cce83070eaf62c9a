import Tensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SentencePieceTokenizer {
    /// Loads the tokenizer file of llama2.c, such as `tokenizer.bin` or `tok512.bin`.
    ///
    /// Little endian: the length of the longest token (Int32), then for each id a score (Float), a length (Int32) and
    /// that many bytes. Ids 0, 1 and 2 are `<unk>`, `<s>` (begins a text) and `</s>` (ends it); `<0x0A>` stands for a
    /// byte. Of two neighbours that make a token, those whose token has the highest score are joined first.
    ///
    /// - Throws: `fileNotFound`, `inputOutput`, `malformedFile`.
    public init(llama2C url: URL) throws {
        try self.init(llama2C: TokenizerFile(url, named: "tokenizer.bin"), path: url.path)
    }

    init(llama2C tokenizerFile: TokenizerFile, path file: String?) throws {
        let entries = try Llama2CEntry.read(tokenizerFile.bytes, file: file)
        let specialNames = ["<unk>", "<s>", "</s>"]
        guard entries.count >= specialNames.count else {
            throw MarketingMLError(
                .malformedFile, "the file has \(entries.count) tokens, but the first three are always there",
                at: .init(file: file))
        }
        var list = Vocabulary.List()
        var isPiece = [Bool](repeating: false, count: entries.count)
        for (id, entry) in entries.enumerated() {
            let spelling = id < specialNames.count ? Array(specialNames[id].utf8) : entry.text
            isPiece[id] = id >= specialNames.count && SentencePieceModel.byte(ofToken: spelling) == nil
            list.bytes += spelling
            list.ends.append(list.bytes.count)
            list.ids.append(Int32(id))
        }
        let vocabulary = try Vocabulary(list, continuingPrefix: nil, file: file)
        var parts = SentencePieceModel.Parts(
            vocabulary: vocabulary,
            algorithm: .bytePair(Self.merges(entries, vocabulary, isPiece), ignoresMerges: false),
            added: AddedVocabulary(special: specialNames))
        parts.template.single.insert(.special(ids: [1], type: 0), at: 0)
        parts.text.steps = [.prepend([UInt8(ascii: " ")])]
        parts.firstSpace = .one
        (parts.fallsBackToBytes, parts.decodesBytes, parts.unknownID) = (true, true, 0)
        parts.files = [tokenizerFile]
        try self.init(parts, file: file)
    }

    /// Every way to put a token together from two others, the highest score first.
    private static func merges(
        _ entries: [Llama2CEntry], _ vocabulary: Vocabulary, _ isPiece: [Bool]
    ) -> BytePairMerges {
        var rules: [(left: Int32, right: Int32, id: Int)] = []
        for (id, entry) in entries.enumerated()
        where isPiece[id] && vocabulary.id(of: entry.text) == Int32(id) {
            for cut in entry.text.indices.dropFirst() {
                guard let left = vocabulary.id(of: entry.text[..<cut]), isPiece[Int(left)],
                    let right = vocabulary.id(of: entry.text[cut...]), isPiece[Int(right)]
                else { continue }
                rules.append((left, right, id))
            }
        }
        rules.sort { (-entries[$0.id].score, $0.id) < (-entries[$1.id].score, $1.id) }
        var merges = BytePairMerges(capacity: rules.count)
        var rank: Int32 = -1
        var score = Float.nan
        for rule in rules {
            // Equal scores share a rank: among them the leftmost pair goes first.
            if entries[rule.id].score != score { rank += 1 }
            score = entries[rule.id].score
            merges.insert(rule.left, rule.right, .init(rank: rank, id: Int32(rule.id)))
        }
        return merges
    }
}

/// A token of the file.
private struct Llama2CEntry {
    var score: Float
    var text: [UInt8]

    static func read(_ bytes: [UInt8], file: String?) throws -> [Llama2CEntry] {
        var position = 0
        func integer(_ what: String) throws -> UInt32 {
            guard position + 4 <= bytes.count else {
                throw MarketingMLError(
                    .malformedFile, "the file ends inside \(what)", at: .init(file: file, offset: position))
            }
            defer { position += 4 }
            return (0..<4).reduce(0) { $0 | UInt32(bytes[position + $1]) << UInt32(8 * $1) }
        }
        _ = try integer("the length of the longest token")
        var entries: [Llama2CEntry] = []
        while position < bytes.count {
            let start = position
            let score = Float(bitPattern: try integer("a score"))
            let length = Int32(bitPattern: try integer("a length"))
            guard score.isFinite, length >= 0, Int(length) <= bytes.count - position else {
                throw MarketingMLError(
                    .malformedFile,
                    "token \(entries.count) has score \(score) and length \(length), with \(bytes.count - position) "
                        + "bytes left", at: .init(file: file, offset: start))
            }
            entries.append(.init(score: score, text: Array(bytes[position..<position + Int(length)])))
            position += Int(length)
        }
        return entries
    }
}
