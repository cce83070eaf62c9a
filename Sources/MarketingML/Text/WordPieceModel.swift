import Tensor

/// Everything about a WordPiece tokenizer that does not change after loading.
final class WordPieceModel: Sendable {
    let vocabulary: Vocabulary
    /// One more than the greatest id.
    let idBound: Int
    let unknownID: Int32
    let continuingPrefix: String
    /// Longer words, in scalars, are unknown.
    let maxScalarsPerWord: Int
    let normalizer: BertNormalizer
    let template: SequenceTemplate
    let decoder: WordPieceDecoder?
    let added: AddedVocabulary
    /// The files that the tokenizer is saved as, byte for byte.
    let files: [TokenizerFile]

    private let byteKinds: [ByteKind]
    /// The id of each ASCII punctuation character as a word.
    private let punctuationIDs: [Int32]

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
        template = description.template
        decoder = description.decoder
        files = description.files

        let normalizer = description.normalizer ?? BertNormalizer.none
        self.normalizer = normalizer
        added = try AddedVocabulary(description.addedTokens, vocabulary, file: file) {
            normalizer.normalizedText(of: $0).bytes
        }
        let idBound = max(vocabulary.idBound, Int(added.tokens.last?.id ?? -1) + 1)
        guard template.greatestID < idBound else {
            throw MarketingMLError(
                .malformedFile,
                "the special token \(template.greatestID) is beyond the \(idBound) ids there are",
                at: .init(file: file, name: "post_processor"))
        }
        self.idBound = idBound

        let cleansText = normalizer.cleansText
        byteKinds = (0..<256).map { Self.kind(of: UInt8($0), cleansText: cleansText) }
        punctuationIDs = (0..<128).map { vocabulary.id(of: CollectionOfOne(UInt8($0))) ?? unknownID }
    }

    fileprivate static func kind(of byte: UInt8, cleansText: Bool) -> ByteKind {
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

// MARK: - Tables of the inner loop

extension WordPieceModel {
    /// What a byte is at the edge of a word.
    enum ByteKind: UInt8 {
        case letterOrDigit
        case space
        case punctuation
        /// Anything that needs the normaliser.
        case other
    }

    /// The model as the inner loop sees it. Valid only inside `withTables`.
    struct Tables {
        let vocabulary: Vocabulary.Table
        let unknownID: Int32
        let maxScalarsPerWord: Int
        let lowercases: Bool
        fileprivate let kinds: UnsafePointer<ByteKind>
        fileprivate let punctuationIDs: UnsafePointer<Int32>

        @inline(__always)
        func kind(_ byte: UInt8) -> ByteKind { kinds[Int(byte)] }

        /// The id of an ASCII punctuation character.
        @inline(__always)
        func punctuationID(_ byte: UInt8) -> Int32 { punctuationIDs[Int(byte & 0x7F)] }

        /// Where the letters and digits from `start` on end.
        func endOfWord(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
            var position = start
            while position < end, kind(text[position]) == .letterOrDigit { position += 1 }
            return position
        }

        /// The next ASCII space or punctuation, where text that is normalised may be cut.
        func endOfStretch(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
            var position = start
            while position < end, kind(text[position]) == .letterOrDigit || kind(text[position]) == .other {
                position += 1
            }
            return position
        }
    }

    /// Calls `body` with the tables.
    func withTables<Result>(_ body: (Tables) -> Result) -> Result? {
        let result = vocabulary.withTable { vocabulary in
            byteKinds.withUnsafeBufferPointer { kinds in
                punctuationIDs.withUnsafeBufferPointer { punctuationIDs -> Result? in
                    guard let kinds = kinds.baseAddress, let punctuationIDs = punctuationIDs.baseAddress
                    else { return nil }
                    return body(
                        Tables(
                            vocabulary: vocabulary, unknownID: unknownID,
                            maxScalarsPerWord: maxScalarsPerWord, lowercases: normalizer.lowercases,
                            kinds: kinds, punctuationIDs: punctuationIDs))
                }
            }
        }
        return result ?? nil
    }
}
