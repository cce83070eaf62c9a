import Tensor

/// Turns texts into the numbers of their words: the tokenizer of models that are trained from scratch.
///
/// ```swift
/// let tokenizer = try WordTokenizer.train(on: texts, options: .init(minimumCount: 2, maximumSize: 20_000))
/// let batch = tokenizer.encodeBatch(texts, maxLength: 200)
/// ```
///
/// Words are runs of letters and digits in lower case, and punctuation marks. Chinese and Japanese characters are words of their
/// own, with pairs of neighbours between them, so that no dictionary is needed. The vocabulary holds the most frequent words
/// of the training texts; id 0 is padding, which texts never have, and id 1 stands for all other words.
public struct WordTokenizer: Sendable {
    /// What the words of languages that leave no spaces are.
    public enum ChineseUnits: String, Sendable, Codable, CaseIterable {
        /// Each character is a word.
        case characters
        /// Each character is a word, and between two neighbours c and d stands the pair cd, if it is in the vocabulary.
        case charactersAndBigrams
    }

    /// What words are and which of them are kept.
    public struct Options: Sendable, Codable, Equatable {
        /// Whether capitals are small letters.
        public var lowercases: Bool
        /// Whether each of the digits 0 to 9 counts as 0, so that numbers of one length are one word.
        public var masksDigits: Bool
        /// Whether punctuation marks are words; else they only end words.
        public var keepsPunctuation: Bool
        /// What the words of Chinese and Japanese are.
        public var chinese: ChineseUnits
        /// How often a word must occur in the training texts, from 1 on.
        public var minimumCount: Int
        /// The most ids, those of padding and of unknown words included, from 3 on: the most frequent words are kept.
        public var maximumSize: Int

        /// Creates options.
        public init(
            lowercases: Bool = true, masksDigits: Bool = false, keepsPunctuation: Bool = true,
            chinese: ChineseUnits = .charactersAndBigrams, minimumCount: Int = 2, maximumSize: Int = 20_000
        ) {
            self.lowercases = lowercases
            self.masksDigits = masksDigits
            self.keepsPunctuation = keepsPunctuation
            self.chinese = chinese
            self.minimumCount = minimumCount
            self.maximumSize = maximumSize
        }
    }

    /// The id of padding: no word has it.
    public static let paddingID: Int32 = 0
    /// The id of words that are not in the vocabulary.
    public static let unknownID: Int32 = 1
    /// The number of ids that are not words of the vocabulary.
    static let reservedCount = 2

    /// What words are and which of them are kept.
    public let options: Options
    /// The words; number n has the id n + 2.
    let words: ByteTable

    init(options: Options, words: ByteTable) {
        self.options = options
        self.words = words
    }

    /// Learns the vocabulary: the most frequent words, of those that are equally frequent the first in the order of their
    /// bytes, the most frequent with the smallest ids.
    ///
    /// - Throws: `.invalidOption`; `.emptyData` if no word is frequent enough.
    /// - Complexity: linear in the length of the texts.
    public static func train(
        on texts: some Sequence<String>, options: Options = Options()
    ) throws(MarketingMLError) -> WordTokenizer {
        try options.check()
        var seen = ByteTable()
        var counts: [Int] = []
        var scanner = WordScanner(options)
        for var text in texts {
            text.withUTF8 { text in
                scanner.forEachWord(text) { word, kind in
                    if kind == .punctuation, !options.keepsPunctuation { return true }
                    let number = Int(seen.insert(word))
                    if number == counts.count { counts.append(0) }
                    counts[number] += 1
                    return true
                }
            }
        }
        var kept = counts.indices.filter { counts[$0] >= options.minimumCount }
        guard !kept.isEmpty else {
            throw MarketingMLError(
                .emptyData, "none of the \(counts.count) words occurs \(options.minimumCount) times or more")
        }
        kept.sort { a, b in
            counts[a] == counts[b]
                ? seen[a].lexicographicallyPrecedes(seen[b]) : counts[a] > counts[b]
        }
        var words = ByteTable()
        for number in kept.prefix(options.maximumSize - reservedCount) {
            _ = seen[number].withUnsafeBufferPointer { words.insert($0) }
        }
        return WordTokenizer(options: options, words: words)
    }

    /// The number of ids: the number of rows an embedding needs.
    public var vocabularySize: Int { words.count + Self.reservedCount }

    /// The id of a word as the tokenizer sees it (in lower case, if it lowers); nil if it is not in the vocabulary.
    public func id(of word: String) -> Int32? {
        words.find(word).map { $0 + Int32(Self.reservedCount) }
    }

    /// The word of an id; nil for ids of no word.
    public func word(_ id: Int32) -> String? {
        let number = Int(id) - Self.reservedCount
        return (0..<words.count).contains(number) ? words.text(number) : nil
    }

    /// The ids of a text's words.
    public func encode(_ text: String) -> [Int32] { encodeBatch([text]).ids }

    /// The ids of many texts, packed row by row; a text without words gives a row without ids.
    ///
    /// - Parameter maxLength: The most ids of a text; what follows is cut off. Nil takes all.
    /// - Complexity: linear in the length of the texts, as far as they are not cut.
    public func encodeBatch(_ texts: some Sequence<String>, maxLength: Int? = nil) -> TokenBatch {
        var batch = TokenBatch()
        var scanner = WordScanner(options)
        for var text in texts {
            let start = batch.ids.count
            let end = maxLength.map { start + min(max(0, $0), .max - start) } ?? .max
            text.withUTF8 { text in
                scanner.forEachWord(text) { word, kind in
                    guard batch.ids.count < end else { return false }
                    if let number = words.find(word) {
                        batch.ids.append(number + Int32(Self.reservedCount))
                    } else if kind == .word || (kind == .punctuation && options.keepsPunctuation) {
                        batch.ids.append(Self.unknownID)
                    }
                    return true
                }
            }
            batch.rowOffsets.append(batch.ids.count)
        }
        batch.typeIDs = [Int32](repeating: 0, count: batch.ids.count)
        return batch
    }
}

extension WordTokenizer: Equatable {
    /// Same options and same words under the same ids.
    public static func == (a: WordTokenizer, b: WordTokenizer) -> Bool {
        a.options == b.options && a.words.count == b.words.count
            && (0..<a.words.count).allSatisfy { a.words[$0] == b.words[$0] }
    }
}

extension WordTokenizer.Options {
    /// - Throws: `.invalidOption`.
    func check() throws(MarketingMLError) {
        guard minimumCount >= 1 else {
            throw MarketingMLError(
                .invalidOption, "must be at least 1, is \(minimumCount)", at: .init(name: "minimumCount"))
        }
        guard (3...Int(Int32.max)).contains(maximumSize) else {
            throw MarketingMLError(
                .invalidOption, "must be from 3 to \(Int32.max), is \(maximumSize)",
                at: .init(name: "maximumSize"))
        }
    }
}
