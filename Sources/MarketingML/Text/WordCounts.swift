import Tensor

/// How often each word stands in a corpus: what vocabularies are learned from.
struct WordCounts: Sendable {
    private(set) var words = ByteTable()
    private(set) var counts: [Int] = []

    /// Counts a word.
    mutating func add(_ word: UnsafeBufferPointer<UInt8>, count: Int = 1) {
        let index = Int(words.insert(word))
        if index == counts.count { counts.append(count) } else { counts[index] += count }
    }

    /// The words of texts, counted in parts on all threads.
    ///
    /// - Parameters:
    ///   - texts: The corpus; it is read once, and a block of it held at a time.
    ///   - progress: Told the number of texts read; `.stop` leaves the rest out.
    ///   - forEachWord: Calls its second argument with each word of the first.
    /// - Throws: `CancellationError`.
    static func counting(
        _ texts: some Sequence<String>, progress: ProgressHandler?,
        _ forEachWord: (String, (UnsafeBufferPointer<UInt8>) -> Void) -> Void
    ) throws -> WordCounts {
        var total = WordCounts()
        var textCount = 0
        var iterator = texts.makeIterator()
        while true {
            let block = Block(&iterator)
            if block.texts.isEmpty { return total }
            try Task.checkCancellation()
            let parts = parallelMap(block.parts.count) { part in
                var counts = WordCounts()
                for text in block.texts[block.parts[part]] { forEachWord(text) { counts.add($0) } }
                return counts
            }
            for part in parts { total.add(part) }
            textCount += block.texts.count
            if progress?(ProgressEvent(phase: .loading, step: textCount)) == .stop { return total }
        }
    }

    private mutating func add(_ other: WordCounts) {
        for index in other.counts.indices {
            other.words[index].withUnsafeBufferPointer { add($0, count: other.counts[index]) }
        }
    }

    /// The next texts of a corpus, some 16 MB, in parts of one.
    private struct Block: Sendable {
        var texts: [String] = []
        var parts: [Range<Int>] = []

        init(_ iterator: inout some IteratorProtocol<String>) {
            var size = 0
            while parts.count < 16, let text = iterator.next() {
                texts.append(text)
                size += text.utf8.count
                if size >= 1 << 20 {
                    parts.append((parts.last?.upperBound ?? 0)..<texts.count)
                    size = 0
                }
            }
            let start = parts.last?.upperBound ?? 0
            if start < texts.count { parts.append(start..<texts.count) }
        }
    }
}
