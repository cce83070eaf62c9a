import Tensor

extension TokenBatch {
    /// The tokens of texts, which are encoded in parts on all threads.
    ///
    /// - Parameters:
    ///   - texts: The texts, one row each.
    ///   - encode: Appends a text's tokens to an encoder, and their segments.
    ///   - makeEncoder: Makes an encoder for texts of a number of bytes together.
    init<Encoder: TokenEncoder & ~Copyable>(
        encoding texts: [String],
        _ encode: (UnsafeBufferPointer<UInt8>, inout Encoder, inout [Int32]) -> Void,
        makeEncoder: (Int) -> Encoder
    ) {
        let parts = Self.parts(texts)
        let batches = parallelMap(parts.count) { part in
            var batch = TokenBatch()
            var encoder = makeEncoder(texts[parts[part]].reduce(0) { $0 + $1.utf8.count })
            for var text in texts[parts[part]] {
                text.withUTF8 { encode($0, &encoder, &batch.typeIDs) }
                batch.rowOffsets.append(encoder.tokens.count)
            }
            batch.ids = Array(encoder.tokens.idBuffer)
            return batch
        }
        self.init()
        ids.reserveCapacity(batches.reduce(0) { $0 + $1.tokenCount })
        for batch in batches {
            let start = ids.count
            ids += batch.ids
            typeIDs += batch.typeIDs
            rowOffsets += batch.rowOffsets.dropFirst().map { $0 + start }
        }
    }

    /// Cuts rows into parts of about as many bytes, enough to balance threads and few enough for caches to fill.
    private static func parts(_ texts: [String]) -> [Range<Int>] {
        let total = texts.reduce(0) { $0 + $1.utf8.count }
        let limit = max(total / 16, 1 << 16)
        var parts: [Range<Int>] = []
        var start = 0
        var size = 0
        for (index, text) in texts.enumerated() {
            size += text.utf8.count
            if size >= limit || index + 1 == texts.count {
                parts.append(start..<index + 1)
                (start, size) = (index + 1, 0)
            }
        }
        return parts
    }
}
