import Tensor

/// What the files of a byte-pair encoding, or of a Unigram model, say, before tables are built from it.
struct SubwordDescription {
    /// The file's path, for errors.
    var file: String?
    /// "BPE" or "Unigram".
    var kind = "BPE"
    var vocabulary = Vocabulary.List()
    /// A Unigram model's logarithms of probabilities, by id, and the id of its unknown token.
    var scores: [Double] = []
    var unknownID: Int32?
    var merges = MergeList()
    var unknownToken: String?
    /// Whether unknown characters side by side are one unknown token.
    var fusesUnknown = false
    /// Whether unknown characters are spelled in tokens such as `<0x0A>`.
    var fallsBackToBytes = false
    /// Whether a word that is a token stays whole, even if merges would not make it.
    var ignoresMerges = false
    var addedTokens: [AddedToken] = []
    var template = SequenceTemplate()
    var truncation: Truncation?
    /// The parts that differ between kinds of tokenizers, as they stand in the file.
    var normalizer = JSONValue.null
    var preTokenizer = JSONValue.null
    var postProcessor = JSONValue.null
    var decoder = JSONValue.null
    var files: [TokenizerFile] = []

    /// The spellings of the pairs that are merged, the first to go first.
    struct MergeList {
        var bytes: [UInt8] = []
        /// Two ends a pair.
        var ends: [Int] = []

        /// The number of pairs.
        var count: Int { ends.count / 2 }

        /// Adds one half of a pair.
        mutating func append(_ part: some Sequence<UInt8>) {
            bytes += part
            ends.append(bytes.count)
        }

        /// Adds a pair written as two words with a space between; false if it is written otherwise.
        mutating func append(line: some Collection<UInt8>) -> Bool {
            let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 2 else { return false }
            append(parts[0])
            append(parts[1])
            return true
        }

        /// One half of a pair: halves count from 0.
        func half(_ index: Int) -> ArraySlice<UInt8> {
            bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
        }
    }

    /// The rules that the merges are, by the ids of the vocabulary.
    ///
    /// - Throws: `malformedFile` if a half or the whole of a pair is no token.
    func rules(_ vocabulary: Vocabulary) throws -> BytePairMerges {
        var rules = BytePairMerges(capacity: merges.count)
        for index in 0..<merges.count {
            let left = merges.half(2 * index)
            let right = merges.half(2 * index + 1)
            guard let leftID = vocabulary.id(of: left), let rightID = vocabulary.id(of: right),
                let id = vocabulary.id(of: merges.bytes[left.startIndex..<right.endIndex])
            else {
                let pair =
                    "\"\(String(decoding: left, as: UTF8.self)) \(String(decoding: right, as: UTF8.self))\""
                throw MarketingMLError(
                    .malformedFile, "merge \(index) is \(pair), whose parts or whole the vocabulary lacks",
                    at: .init(file: file, name: "merges"))
            }
            rules.insert(leftID, rightID, .init(rank: Int32(index), id: id))
        }
        return rules
    }
}

// MARK: - tokenizer.json

extension SubwordDescription {
    /// Reads a `tokenizer.json` whose model is of one of some kinds.
    ///
    /// - Throws: `malformedFile` where the file does not follow the format; `unsupported`, naming the piece, where
    ///   it describes something else.
    init(tokenizerJSON: TokenizerFile, path: String?, kinds: Set<String> = ["BPE"]) throws {
        file = path
        files = [tokenizerJSON]
        var hasModel = false
        var reader = JSONReader(tokenizerJSON.bytes, file: path)
        try reader.readObject { key, reader in
            let fail = TokenizerJSON.Fail(reader, key, file: path)
            switch key {
            case "version": try TokenizerJSON.checkVersion(&reader, fail)
            case "truncation": truncation = try TokenizerJSON.truncation(JSONValue(from: &reader), fail)
            case "added_tokens": addedTokens = try TokenizerJSON.addedTokens(JSONValue(from: &reader), fail)
            case "normalizer": normalizer = try JSONValue(from: &reader)
            case "pre_tokenizer": preTokenizer = try JSONValue(from: &reader)
            case "post_processor": postProcessor = try JSONValue(from: &reader)
            case "decoder": decoder = try JSONValue(from: &reader)
            case "model":
                try readModel(&reader, fail, kinds)
                hasModel = true
            default: break  // padding is never applied
            }
        }
        try reader.finish()
        guard hasModel else { throw reader.error("\"model\" is missing") }
    }

    private mutating func readModel(
        _ reader: inout JSONReader, _ fail: TokenizerJSON.Fail, _ kinds: Set<String>
    ) throws {
        var missing: Set = ["vocab", "merges"]
        try reader.readObject { key, reader in
            missing.remove(key)
            switch key {
            case "type":
                kind = try reader.readString()
                guard kinds.contains(kind) else { throw fail.unsupported(kind) }
            case "dropout":
                if try reader.readNullIfPresent() { return }
                guard try reader.readDouble() == 0 else { throw fail.unsupported("dropout") }
            case "unk_token":
                unknownToken = try reader.readNullIfPresent() ? nil : reader.readString()
            case "continuing_subword_prefix", "end_of_word_suffix":
                if try reader.readNullIfPresent() { return }
                guard try reader.readString().isEmpty else { throw fail.unsupported("\"\(key)\"") }
            case "fuse_unk": fusesUnknown = try reader.readBool()
            case "byte_fallback": fallsBackToBytes = try reader.readBool()
            case "ignore_merges": ignoresMerges = try reader.readBool()
            case "unk_id":
                unknownID = try reader.readNullIfPresent() ? nil : Int32(exactly: reader.readInt())
            case "vocab" where kind == "Unigram": try readScores(&reader)
            case "vocab": vocabulary = try TokenizerJSON.vocabulary(&reader)
            case "merges": try readMerges(&reader, fail)
            default: break
            }
        }
        if kind == "Unigram" { missing.remove("merges") }
        if let name = missing.min() { throw fail.malformed("\"\(name)\" is missing") }
        if kind == "Unigram", scores.count != vocabulary.ids.count {
            throw fail.malformed("\"vocab\" stands before \"type\", or its tokens have no scores")
        }
        if let id = unknownID, !(0..<Int32(clamping: vocabulary.ids.count)).contains(id) {
            throw fail.malformed("\"unk_id\" is \(id), beyond the \(vocabulary.ids.count) tokens")
        }
    }

    /// Reads pairs of a token and its score; their positions are the ids.
    private mutating func readScores(_ reader: inout JSONReader) throws {
        (vocabulary, scores) = (Vocabulary.List(), [])
        try reader.readArray { reader in
            try reader.beginArray()
            guard try reader.nextElement() else { throw reader.error("expected a token and its score") }
            try reader.readString(appendingTo: &vocabulary.bytes)
            vocabulary.ends.append(vocabulary.bytes.count)
            vocabulary.ids.append(Int32(clamping: scores.count))
            guard try reader.nextElement() else { throw reader.error("expected a token's score") }
            scores.append(try reader.readDouble())
            guard try !reader.nextElement() else { throw reader.error("expected two elements") }
        }
    }

    private mutating func readMerges(_ reader: inout JSONReader, _ fail: TokenizerJSON.Fail) throws {
        merges = MergeList()
        var line: [UInt8] = []
        try reader.readArray { reader in
            line.removeAll(keepingCapacity: true)
            if try reader.peek() == .string {
                try reader.readString(appendingTo: &line)
                guard merges.append(line: line) else {
                    throw fail.malformed("merge \(merges.count) is not two tokens with a space between")
                }
                return
            }
            var count = 0
            try reader.readArray { reader in
                line.removeAll(keepingCapacity: true)
                try reader.readString(appendingTo: &line)
                merges.append(line)
                count += 1
            }
            guard count == 2 else { throw fail.malformed("a merge has \(count) tokens, expected 2") }
        }
    }
}

// MARK: - vocab.json and merges.txt

extension SubwordDescription {
    /// Reads a vocabulary, `{"token": id, …}`, and its merges, a pair of tokens a line, the first to go first.
    ///
    /// - Throws: `malformedFile`, with the row of `merges.txt`.
    init(
        vocabularyFile: TokenizerFile, _ vocabularyPath: String?, mergesFile: TokenizerFile,
        _ mergesPath: String?
    ) throws {
        file = vocabularyPath
        files = [vocabularyFile, mergesFile]
        var reader = JSONReader(vocabularyFile.bytes, file: vocabularyPath)
        vocabulary = try TokenizerJSON.vocabulary(&reader)
        try reader.finish()
        let lines = mergesFile.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (row, line) in lines.enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty && row + 1 == lines.count || line.starts(with: "#version".utf8) { continue }
            guard String(validating: line, as: UTF8.self) != nil, merges.append(line: line) else {
                throw MarketingMLError(
                    .malformedFile, "expected two tokens with a space between",
                    at: .init(file: mergesPath, row: row + 1))
            }
        }
    }

    /// Makes tokens special; those that the vocabulary lacks get new ids behind it.
    mutating func addSpecialTokens(_ names: [String]) {
        var ids: [String: Int32] = [:]
        var start = 0
        for (end, id) in zip(vocabulary.ends, vocabulary.ids) {
            ids[String(decoding: vocabulary.bytes[start..<end], as: UTF8.self)] = id
            start = end
        }
        var next = Int32(clamping: ids.count)
        for name in names where !addedTokens.contains(where: { $0.content == name }) {
            addedTokens.append(AddedToken(id: ids[name] ?? next, content: name, isSpecial: true))
            if ids[name] == nil { next += 1 }
        }
    }

    /// The parts around the model as GPT-2 has them.
    mutating func describeGPT2() {
        let byteLevel: JSONValue = [
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true,
        ]
        (preTokenizer, postProcessor, decoder) = (byteLevel, byteLevel, byteLevel)
    }
}
