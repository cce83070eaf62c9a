/// Splits text into the tokens of a byte-level tokenizer.
///
/// Nearly every word of a text is a token by itself, found in one hash table by its first 16 bytes as two integers. The
/// others are merged from bytes, and in longer texts remembered.
struct ByteLevelBPEEncoder: ~Copyable, TokenEncoder {
    let model: ByteLevelBPEModel
    /// The tokens so far.
    var tokens: TokenBuffer

    private var merger = BytePairMerger()
    /// Nil for a text too short to pay for it.
    private var cache: WordCache?
    /// Reused for text that gets a space in front.
    private var prefixed: [UInt8] = []

    /// Below this number of bytes few words are seen twice.
    private static let shortText = 1 << 14

    /// Creates an encoder for texts of about a number of bytes together.
    init(_ model: ByteLevelBPEModel, byteCount: Int) {
        self.model = model
        tokens = TokenBuffer(capacity: min(byteCount, 1 << 24) / 3 + 8)
        cache = byteCount < Self.shortText ? nil : WordCache()
    }

    /// Appends the tokens of a text, without special tokens around it.
    ///
    /// Stops after the word that reaches `limit` tokens.
    mutating func encode(_ text: UnsafeBufferPointer<UInt8>, limit: Int = .max) {
        guard let bytes = text.baseAddress, !text.isEmpty else { return }
        let first = tokens.count
        let (sum, overflow) = first.addingReportingOverflow(limit)
        let stop = overflow ? Int.max : sum
        _ = model.wholeWords.withTable { words in
            model.merges.withTable { rules in
                let tables = Tables(words: words, rules: rules)
                _ = split(model.added.originalMatcher, text, 0..<text.count) { encoder, plain in
                    encoder.split(encoder.model.added.normalizedMatcher, text, plain) { encoder, plain in
                        encoder.encodePlain(bytes, plain, tables, stop: stop)
                    }
                }
            }
        }
        if model.trimsOffsets { trimOffsets(from: first, in: bytes) }
    }

    private struct Tables {
        let words: Vocabulary.Table
        let rules: BytePairMerges.Table
    }

    /// Appends the added tokens in a range of the text and calls `body` with what is between; false to stop.
    private mutating func split(
        _ matcher: AddedTokenMatcher?, _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>,
        _ body: (inout ByteLevelBPEEncoder, Range<Int>) -> Bool
    ) -> Bool {
        guard let matcher else { return body(&self, range) }
        let start = range.lowerBound
        var isGoingOn = true
        matcher.split(UnsafeBufferPointer(rebasing: text[range])) { plain, match in
            if !plain.isEmpty { isGoingOn = body(&self, plain.lowerBound + start..<plain.upperBound + start) }
            if isGoingOn, let match {
                tokens.append(match.token.id, match.range.lowerBound + start, match.range.upperBound + start)
            }
            return isGoingOn
        }
        return isGoingOn
    }

    /// Encodes a range of the text without added tokens; false once `stop` tokens are reached.
    private mutating func encodePlain(
        _ text: UnsafePointer<UInt8>, _ range: Range<Int>, _ tables: Tables, stop: Int
    ) -> Bool {
        guard model.addsPrefixSpace, !range.isEmpty, text[range.lowerBound] != UInt8(ascii: " ") else {
            return encodeWords(text, range, tables, stop: stop)
        }
        prefixed.removeAll(keepingCapacity: true)
        prefixed.append(UInt8(ascii: " "))
        prefixed += UnsafeBufferPointer(start: text + range.lowerBound, count: range.count)
        let first = tokens.count
        let copy = prefixed  // the same buffer; nothing below changes it
        let isGoingOn = copy.withUnsafeBufferPointer { copy in
            copy.baseAddress.map { encodeWords($0, 0..<copy.count, tables, stop: stop) } ?? true
        }
        for index in first..<tokens.count {
            let place = tokens.offset(index).range
            // The space in front has no place in the text.
            let (start, end) = (max(0, place.lowerBound - 1), max(0, place.upperBound - 1))
            tokens.setOffset(index, start + range.lowerBound, end + range.lowerBound)
        }
        return isGoingOn
    }

    private mutating func encodeWords(
        _ text: UnsafePointer<UInt8>, _ range: Range<Int>, _ tables: Tables, stop: Int
    ) -> Bool {
        guard model.splitsWords else {
            encodeWord(text, range, end: range.upperBound, tables)
            return tokens.count < stop
        }
        return ByteLevelScanner.forEachWord(in: text, range) { word in
            encodeWord(text, word, end: range.upperBound, tables)
            return tokens.count < stop
        }
    }

    @inline(__always)
    private mutating func encodeWord(
        _ text: UnsafePointer<UInt8>, _ word: Range<Int>, end: Int, _ tables: Tables
    ) {
        if word.count > 16 {
            encodeLong(text, word, end: end, tables)
            return
        }
        let key = Vocabulary.Key(loading: text, word, end: end)
        let id = tables.words.find(key, continuing: false)
        if id >= 0 {
            tokens.append(id, word.lowerBound, word.upperBound)
        } else if let entry = cache?.entry(key) {
            var start = word.lowerBound
            entry.forEach { id in
                let length = model.bytes.length(id)
                append(id, start..<start + length, of: word, in: text)
                start += length
            }
        } else {
            merge(text, word, tables)
            // Where bytes were left out, the tokens alone do not tell where they stand.
            let length = (0..<merger.count).reduce(0) { $0 + model.bytes.length(merger[$1].id) }
            if length == word.count { cache?.insert(key, merger) }
        }
    }

    /// A word of more than 16 bytes.
    private mutating func encodeLong(
        _ text: UnsafePointer<UInt8>, _ word: Range<Int>, end: Int, _ tables: Tables
    ) {
        // At least 16 bytes are readable from the word's beginning.
        let id = tables.words.find(text + word.lowerBound, length: word.count, continuing: false)
        if id >= 0 {
            tokens.append(id, word.lowerBound, word.upperBound)
        } else {
            merge(text, word, tables)
        }
    }

    @inline(never)
    private mutating func merge(_ text: UnsafePointer<UInt8>, _ word: Range<Int>, _ tables: Tables) {
        merger.removeAll()
        var afterUnknown = false
        for index in word {
            let id = model.byteIDs[Int(text[index])]
            if id >= 0 {
                merger.append(id, at: index - word.lowerBound)
            } else if let unknown = model.unknownID, !(afterUnknown && model.fusesUnknown) {
                merger.append(unknown, at: index - word.lowerBound)
            }
            afterUnknown = id < 0
        }
        merger.merge(tables.rules)
        for index in 0..<merger.count {
            let start = word.lowerBound + Int(merger[index].start)
            let end =
                index + 1 < merger.count ? word.lowerBound + Int(merger[index + 1].start) : word.upperBound
            append(merger[index].id, start..<end, of: word, in: text)
        }
    }

    /// Appends a token of a word. A token of a part of a character has the place of the whole character.
    @inline(__always)
    private mutating func append(
        _ id: Int32, _ range: Range<Int>, of word: Range<Int>, in text: UnsafePointer<UInt8>
    ) {
        var (start, end) = (range.lowerBound, range.upperBound)
        if text[start] & 0xC0 == 0x80 { start = character(around: start, of: word, in: text).lowerBound }
        if end < word.upperBound, text[end] & 0xC0 == 0x80 {
            end = character(around: end, of: word, in: text).upperBound
        }
        tokens.append(id, start, end)
    }

    /// The character that has a continuation byte at `position`; the byte alone if there is none.
    private func character(
        around position: Int, of word: Range<Int>, in text: UnsafePointer<UInt8>
    ) -> Range<Int> {
        for start in stride(from: position - 1, through: max(word.lowerBound, position - 3), by: -1)
        where text[start] & 0xC0 != 0x80 {
            let end = start + decodeScalar(text, at: start, end: word.upperBound).length
            return end > position ? start..<end : position..<position + 1
        }
        return position..<position + 1
    }

    /// Takes the white space at the edges of tokens out of their places.
    private mutating func trimOffsets(from first: Int, in text: UnsafePointer<UInt8>) {
        for index in first..<tokens.count {
            let place = tokens.offset(index).range
            var (start, end) = (place.lowerBound, place.upperBound)
            while start < end, text[start] == UInt8(ascii: " ") { start += 1 }
            if model.keepsFirstSpace, place.lowerBound == 0, start > 0 { start -= 1 }
            while end > start, text[end - 1] == UInt8(ascii: " ") { end -= 1 }
            if start > place.lowerBound || end < place.upperBound { tokens.setOffset(index, start, end) }
        }
    }
}

extension Vocabulary.Key {
    /// Loads a word of at most 16 bytes from a text of which nothing behind `end` may be read.
    @inline(__always)
    fileprivate init(loading text: UnsafePointer<UInt8>, _ word: Range<Int>, end: Int) {
        if word.lowerBound + 16 <= end {
            self.init(loading: text + word.lowerBound, length: word.count)
            return
        }
        var (low, high): (UInt64, UInt64) = (0, 0)
        for index in word.reversed() {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(text[index])
        }
        self.init(low: low, high: high, length: word.count)
    }
}
