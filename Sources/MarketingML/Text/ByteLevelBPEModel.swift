import Tensor

/// Everything about a byte-level tokenizer that does not change after loading.
final class ByteLevelBPEModel: Sendable {
    let vocabulary: Vocabulary
    /// One more than the greatest id.
    let idBound: Int
    let added: AddedVocabulary
    /// The ids of the added tokens that decoding leaves out.
    let specialIDs: Set<Int32>
    let template: SequenceTemplate
    /// Whether a space is put in front of a text that does not begin with one.
    let addsPrefixSpace: Bool
    /// Whether a token's place in the text leaves out the spaces at its edges.
    let trimsOffsets: Bool
    /// Whether a token at the beginning of the text then keeps one space.
    let keepsFirstSpace: Bool
    /// Whether text is cut into words before it is merged.
    let splitsWords: Bool
    let merges: BytePairMerges
    /// The token of each byte; -1 if there is none.
    let byteIDs: [Int32]
    /// Stands for bytes without token; nil leaves them out.
    let unknownID: Int32?
    /// Whether bytes without token side by side are one unknown token.
    let fusesUnknown: Bool
    /// What each token stands for.
    let bytes: TokenBytes
    /// The words that are one token, by their bytes.
    let wholeWords: Vocabulary
    /// The pairs that are merged, to be saved.
    let mergeList: SubwordDescription.MergeList
    /// The files that the tokenizer is saved as, byte for byte.
    let files: [TokenizerFile]

    init(_ description: SubwordDescription) throws {
        let file = description.file
        let options = try ByteLevelOptions(description)
        let vocabulary = try Vocabulary(description.vocabulary, continuingPrefix: nil, file: file)
        let merges = try description.rules(vocabulary)
        added = try AddedVocabulary(description.addedTokens, vocabulary, file: file)
        specialIDs = Set(added.tokens.filter(\.isSpecial).map(\.id))
        idBound = max(vocabulary.idBound, Int(added.tokens.last?.id ?? -1) + 1)
        template = options.template
        guard template.greatestID < idBound else {
            throw MarketingMLError(
                .malformedFile,
                "the special token \(template.greatestID) is beyond the \(idBound) ids there are",
                at: .init(file: file, name: "post_processor"))
        }
        unknownID = try description.unknownToken.map { token in
            guard let id = vocabulary.id(of: token.utf8) else {
                throw MarketingMLError(
                    .malformedFile, "the vocabulary lacks the unknown token \"\(token)\"",
                    at: .init(file: file, name: "unk_token"))
            }
            return id
        }
        fusesUnknown = description.fusesUnknown
        let byteIDs = (UInt8.min...UInt8.max).map { byte in
            vocabulary.id(of: ByteLevelAlphabet.spelling(of: CollectionOfOne(byte))) ?? -1
        }
        var bytes = TokenBytes()
        for id in 0..<idBound {
            let spelling = vocabulary.token(id).map { Array($0.utf8) } ?? []
            let text = added.texts[Int32(id)].map { Array($0.utf8) }
            bytes.append(text ?? ByteLevelAlphabet.bytes(ofSpelling: spelling) ?? spelling)
        }
        (self.vocabulary, self.merges, self.byteIDs, self.bytes) = (vocabulary, merges, byteIDs, bytes)
        (addsPrefixSpace, splitsWords) = (options.addsPrefixSpace, options.splitsWords)
        (trimsOffsets, keepsFirstSpace) = (options.trimsOffsets, options.keepsFirstSpace)
        mergeList = description.merges
        files = description.files
        wholeWords = Self.wholeWords(
            vocabulary, bytes, keepsAll: description.ignoresMerges, merges: merges, byteIDs: byteIDs)
    }

    /// The tokens that the merges make of their own bytes: nearly all.
    private static func wholeWords(
        _ vocabulary: Vocabulary, _ bytes: TokenBytes, keepsAll: Bool, merges: BytePairMerges,
        byteIDs: [Int32]
    ) -> Vocabulary {
        let grain = 4_096
        let parts = parallelMap((vocabulary.idBound + grain - 1) / grain) { part -> [Int32] in
            var merger = BytePairMerger()
            let ids = Int32(part * grain)..<Int32(min(vocabulary.idBound, (part + 1) * grain))
            return merges.withTable { rules in
                ids.filter { id in
                    let token = bytes[id]
                    guard !token.isEmpty, vocabulary.token(Int(id)) != nil else { return false }
                    if keepsAll { return true }
                    merger.removeAll()
                    for byte in token {
                        guard byteIDs[Int(byte)] >= 0 else { return false }
                        merger.append(byteIDs[Int(byte)], at: 0)
                    }
                    merger.merge(rules)
                    return merger.count == 1 && merger[0].id == id
                }
            } ?? []
        }
        var list = Vocabulary.List()
        for id in parts.joined() {
            list.bytes += bytes[id]
            list.ends.append(list.bytes.count)
            list.ids.append(id)
        }
        return Vocabulary(list, continuingPrefix: nil)
    }
}

/// What the parts around the model say.
private struct ByteLevelOptions {
    var addsPrefixSpace = false
    var trimsOffsets = false
    var keepsFirstSpace = false
    var splitsWords = true
    var template = SequenceTemplate()

    /// - Throws: `unsupported`, naming the piece, if the parts are not those of a byte-level tokenizer.
    init(_ description: SubwordDescription) throws {
        func fail(_ key: String) -> TokenizerJSON.Fail { .init(file: description.file, key) }
        if description.normalizer != .null {
            throw fail("normalizer").unsupported(try fail("normalizer").type(of: description.normalizer))
        }
        if description.fallsBackToBytes { throw fail("model").unsupported("\"byte_fallback\"") }
        try readPreTokenizer(description.preTokenizer, fail("pre_tokenizer"))
        try readPostProcessor(description.postProcessor, fail("post_processor"))
        let decoder =
            description.decoder == .null ? "null" : try fail("decoder").type(of: description.decoder)
        guard decoder == "ByteLevel" else { throw fail("decoder").unsupported(decoder) }
    }

    private mutating func readPreTokenizer(_ value: JSONValue, _ fail: TokenizerJSON.Fail) throws {
        let type = value == .null ? "null" : try fail.type(of: value)
        guard type == "ByteLevel" else { throw fail.unsupported(type) }
        addsPrefixSpace = try fail.bool(value, "add_prefix_space")
        splitsWords = try value["use_regex"] == nil || fail.bool(value, "use_regex")
    }

    private mutating func readPostProcessor(_ value: JSONValue, _ fail: TokenizerJSON.Fail) throws {
        if value == .null { return }
        switch try fail.type(of: value) {
        case "ByteLevel": try readTrimming(value, fail)
        case "RobertaProcessing":
            try readTrimming(value, fail)
            template = try .roberta(
                cls: fail.id(value["cls"]?.array?.last), sep: fail.id(value["sep"]?.array?.last))
        case "Sequence":
            guard let processors = value["processors"]?.array else {
                throw fail.malformed("\"processors\" is not an array")
            }
            for processor in processors { try readPostProcessor(processor, fail) }
        default: template = try TokenizerJSON.template(value, fail)
        }
    }

    private mutating func readTrimming(_ value: JSONValue, _ fail: TokenizerJSON.Fail) throws {
        trimsOffsets = try fail.bool(value, "trim_offsets")
        keepsFirstSpace = try value["add_prefix_space"] == nil || fail.bool(value, "add_prefix_space")
    }
}
