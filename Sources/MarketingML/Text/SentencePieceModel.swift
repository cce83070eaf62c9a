import Tensor

/// Everything about a SentencePiece-style tokenizer that does not change after loading.
final class SentencePieceModel: Sendable {
    /// How words are split.
    enum Algorithm: Sendable {
        /// By merges; `ignoresMerges` keeps words that are a token whole.
        case bytePair(BytePairMerges, ignoresMerges: Bool)
        case unigram(UnigramModel)
    }

    /// Which spaces decoding drops at the beginning of a text.
    enum FirstSpace: Sendable {
        case kept, one, all
    }

    /// The parts of a model.
    struct Parts {
        var vocabulary: Vocabulary
        var algorithm: Algorithm
        var added: AddedVocabulary
        var template = SequenceTemplate()
        var text = SentencePieceText()
        /// The letters that decoding turns into a space.
        var space: [UInt8] = []
        var firstSpace = FirstSpace.kept
        /// Whether unknown characters are spelled in bytes, and whether tokens such as `<0x0A>` are bytes of a text.
        var fallsBackToBytes = false
        var decodesBytes = false
        var unknownID: Int32?
        var fusesUnknown = false
        var files: [TokenizerFile] = []
    }

    let parts: Parts
    /// One more than the greatest id.
    let idBound: Int
    /// What each token stands for.
    let bytes: TokenBytes
    /// The ids of the added tokens that decoding leaves out.
    let specialIDs: Set<Int32>
    /// The token of each byte; -1 where there is none.
    let byteIDs: [Int32]

    init(_ parts: Parts, file: String?) throws {
        self.parts = parts
        idBound = max(parts.vocabulary.idBound, Int(parts.added.tokens.last?.id ?? -1) + 1)
        guard parts.template.greatestID < idBound else {
            throw MarketingMLError(
                .malformedFile,
                "the special token \(parts.template.greatestID) is beyond the \(idBound) ids there are",
                at: .init(file: file, name: "post_processor"))
        }
        specialIDs = Set(parts.added.tokens.filter(\.isSpecial).map(\.id))
        var bytes = TokenBytes()
        var byteIDs = [Int32](repeating: -1, count: 256)
        for id in 0..<idBound {
            let text = parts.added.texts[Int32(id)] ?? parts.vocabulary.token(id) ?? ""
            let spelling = Array(text.utf8)
            if let byte = Self.byte(ofToken: spelling) {
                byteIDs[Int(byte)] = Int32(id)
                bytes.append(parts.decodesBytes ? [byte] : spelling)
            } else {
                bytes.append(Self.spaced(spelling, parts.space))
            }
        }
        (self.bytes, self.byteIDs) = (bytes, byteIDs)
    }

    /// The byte that a token such as `<0x0A>` stands for.
    static func byte(ofToken token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[3] != UInt8(ascii: "+"),
            token[5] == UInt8(ascii: ">")
        else { return nil }
        return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
    }

    private static func spaced(_ spelling: [UInt8], _ space: [UInt8]) -> [UInt8] {
        if space.isEmpty { return spelling }
        var result: [UInt8] = []
        var position = 0
        while position < spelling.count {
            if spelling[position...].starts(with: space) {
                result.append(UInt8(ascii: " "))
                position += space.count
            } else {
                result.append(spelling[position])
                position += 1
            }
        }
        return result
    }
}
