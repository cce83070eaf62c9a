/// A corpus as rows of tokens for pre-training: whole sentences of one document a row, as many as fit.
///
/// How many rows there are depends on the texts alone. What is drawn anew every epoch (order, hidden tokens, passages
/// that do not follow one another) depends on the seed, the epoch and the row, so that a resumed run sees the same.
struct PretrainingData {
    /// Sentences of one document that make a row.
    struct Passage: Sendable {
        var tokens: Range<Int>
        /// Where it can be cut into two passages.
        var cuts: [Int]
        var document: Int
    }

    /// Tokens of a block of the corpus, without special ones.
    struct Block: Sendable {
        var ids: [Int32] = []
        var passages: [Passage] = []
    }

    /// A row of a batch.
    private struct Row {
        var ids: [Int32]
        var typeIDs: [Int32]
        var hidden: [(position: Int, id: Int32)]
        /// nil for a row of one passage.
        var isNext: Bool?
    }

    private let corpus: TextCorpus
    private let tokenizer: WordPieceTokenizer
    private let masker: TokenMasker
    private let special: (cls: Int32, sep: Int32)
    private let makesPairs: Bool
    private let seed: UInt64
    /// Tokens of a row besides special ones.
    private let room: Int
    /// Blocks that are small enough, together, to be kept rather than read again.
    private var kept: [Int: Block] = [:]
    private(set) var rowCount = 0
    private(set) var tokenCount = 0
    /// Tells corpora apart.
    private(set) var fingerprint = FNV1a()

    /// The most tokens that are kept in memory.
    private static let keptTokens = 1 << 24
    /// Rows are put in a new order among at least so many.
    private static let windowRows = 1 << 14

    /// Reads the whole corpus once, to count its rows.
    ///
    /// - Throws: `.emptyData` if there is no text, or no document of two sentences for the next-sentence objective;
    ///   `.unsupported` for a vocabulary without BERT's special tokens; what reading files throws.
    init(
        _ corpus: TextCorpus, _ tokenizer: WordPieceTokenizer, options: PretrainingOptions, makesPairs: Bool,
        progress: ProgressHandler? = nil
    ) throws {
        guard let cls = tokenizer.id(of: "[CLS]"), let sep = tokenizer.id(of: "[SEP]") else {
            throw MarketingMLError(.unsupported, "the vocabulary has no tokens [CLS] and [SEP]")
        }
        self.corpus = corpus
        self.tokenizer = tokenizer.truncating(to: .max)
        self.makesPairs = makesPairs
        masker = try TokenMasker(tokenizer, options.masking)
        special = (cls, sep)
        seed = options.seed
        room = options.maxLength - (makesPairs ? 3 : 2)
        var hasPairs = false
        for index in 0..<corpus.blockCount {
            try Task.checkCancellation()
            let block = try block(index)
            rowCount += block.passages.count
            tokenCount += block.ids.count
            hasPairs = hasPairs || block.passages.contains { !$0.cuts.isEmpty }
            fingerprint.combine(block.ids)
            if tokenCount <= Self.keptTokens { kept[index] = block }
            _ = progress?(ProgressEvent(phase: .loading, step: index + 1, total: corpus.blockCount))
        }
        guard rowCount > 0 else { throw MarketingMLError(.emptyData, "the corpus has no text") }
        guard hasPairs || !makesPairs else {
            throw MarketingMLError(
                .emptyData,
                "the next-sentence objective needs documents of two sentences or more, and there are none")
        }
    }

    /// The tokens of a block, cut into passages.
    private func block(_ index: Int) throws -> Block {
        if let block = kept[index] { return block }
        let documents = try corpus.documents(ofBlock: index)
        let tokens = tokenizer.encodeBatch(documents.flatMap { $0 }, addSpecialTokens: false)
        var block = Block(ids: tokens.ids)
        var first = 0
        for (document, sentences) in documents.enumerated() {
            let ends = tokens.rowOffsets[first...first + sentences.count]
            block.passages += passages(ends: ends, document: document)
            first += sentences.count
        }
        return block
    }

    /// The passages of a document whose sentences end at `ends` (its start in front); longer sentences are cut.
    private func passages(ends: ArraySlice<Int>, document: Int) -> [Passage] {
        var passages: [Passage] = []
        var open: Passage?
        for (start, end) in zip(ends, ends.dropFirst()) {
            for start in stride(from: start, to: end, by: room) {
                let piece = start..<min(end, start + room)
                if var passage = open, piece.upperBound - passage.tokens.lowerBound <= room {
                    passage.cuts.append(piece.lowerBound)
                    passage.tokens = passage.tokens.lowerBound..<piece.upperBound
                    open = passage
                } else {
                    if let passage = open { passages.append(passage) }
                    open = Passage(tokens: piece, cuts: [], document: document)
                }
            }
        }
        if let passage = open { passages.append(passage) }
        return passages
    }

    // MARK: Batches

    /// The epoch number that stands for held-out text: as far from those of training as the draws' numbers allow.
    private static let heldOutEpoch = (1 << 20) - 2

    /// How many batches an epoch has.
    func batchCount(of size: Int) -> Int { (rowCount + size - 1) / size }

    /// The batches of an epoch (from 0), shuffled.
    func open(epoch: Int, batchSize: Int) -> () throws -> PretrainingBatch? {
        var generator = SeededGenerator(seed: seed, stream: UInt64(epoch))
        let order = generator.permutation(corpus.blockCount)
        return batches(order, epoch: epoch, batchSize: batchSize, shuffling: generator)
    }

    /// The batches of held-out text, in order, always with the same tokens hidden.
    func heldOutBatches(batchSize: Int) -> () throws -> PretrainingBatch? {
        batches(
            Array(0..<corpus.blockCount), epoch: Self.heldOutEpoch, batchSize: batchSize, shuffling: nil)
    }

    private func batches(_ order: [Int], epoch: Int, batchSize: Int, shuffling: SeededGenerator?)
        -> () throws -> PretrainingBatch?
    {
        var generator = shuffling
        var order = order[...]
        var ready: ArraySlice<Row> = []
        return {
            while ready.count < batchSize, !order.isEmpty {
                var window: [(index: Int, block: Block)] = []
                var rows = 0
                while rows < Self.windowRows, let index = order.popFirst() {
                    try Task.checkCancellation()
                    window.append((index, try block(index)))
                    rows += window[window.count - 1].block.passages.count
                }
                ready += self.rows(of: window, epoch: epoch, shuffling: &generator)
            }
            guard !ready.isEmpty else { return nil }
            defer { ready = ready.dropFirst(batchSize) }
            return Self.batch(of: ready.prefix(batchSize))
        }
    }

    private func rows(
        of window: [(index: Int, block: Block)], epoch: Int, shuffling: inout SeededGenerator?
    ) -> [Row] {
        var places = window.indices.flatMap { place in
            window[place].block.passages.indices.map { (place: place, passage: $0) }
        }
        shuffling?.shuffle(&places)
        return places.map { place, passage in
            var generator = SeededGenerator(
                seed: seed,
                stream: UInt64(epoch + 1) << 44 ^ UInt64(window[place].index) << 22 ^ UInt64(passage))
            return row(place, passage, window, places, &generator)
        }
    }

    /// A row from a passage: as it is; cut in two; or its first part with a passage of another document.
    private func row(
        _ place: Int, _ index: Int, _ window: [(index: Int, block: Block)],
        _ places: [(place: Int, passage: Int)], _ generator: inout SeededGenerator
    ) -> Row {
        let block = window[place].block
        let passage = block.passages[index]
        var first = Array(block.ids[passage.tokens])
        var second: [Int32] = []
        var isNext: Bool?
        if makesPairs, !passage.cuts.isEmpty {
            let cut = passage.cuts[generator.next(below: passage.cuts.count)]
            first = Array(block.ids[passage.tokens.lowerBound..<cut])
            second = Array(block.ids[cut..<passage.tokens.upperBound])
            isNext = true
            if generator.nextUniform() < 0.5,
                let other = drawnPassage(notOf: (place, passage.document), window, places, &generator)
            {
                second = Array(other.prefix(room - first.count))
                isNext = false
            }
        }
        var ids = [special.cls] + first + [special.sep]
        var typeIDs = [Int32](repeating: 0, count: ids.count)
        if isNext != nil {
            ids += second + [special.sep]
            typeIDs += repeatElement(1, count: ids.count - typeIDs.count)
        }
        let hidden = masker.mask(&ids, using: &generator)
        return Row(ids: ids, typeIDs: typeIDs, hidden: hidden, isNext: isNext)
    }

    /// Sentences of another document of the window; nil if ten draws find none, for then there hardly is one.
    private func drawnPassage(
        notOf own: (place: Int, document: Int), _ window: [(index: Int, block: Block)],
        _ places: [(place: Int, passage: Int)], _ generator: inout SeededGenerator
    ) -> ArraySlice<Int32>? {
        for _ in 0..<10 {
            let drawn = places[generator.next(below: places.count)]
            let block = window[drawn.place].block
            let found = block.passages[drawn.passage]
            if drawn.place == own.place, found.document == own.document { continue }
            let starts = [found.tokens.lowerBound] + found.cuts
            return block.ids[starts[generator.next(below: starts.count)]..<found.tokens.upperBound]
        }
        return nil
    }

    private static func batch(of rows: some Sequence<Row>) -> PretrainingBatch {
        var batch = PretrainingBatch()
        for row in rows {
            let start = batch.tokens.tokenCount
            if let isNext = row.isNext {
                batch.pairs.append(batch.tokens.rowCount)
                batch.pairTargets.append(isNext ? 0 : 1)
            }
            batch.tokens.append(row.ids, typeIDs: row.typeIDs)
            batch.positions += row.hidden.map { start + $0.position }
            batch.targets += row.hidden.map(\.id)
        }
        batch.pairWeight = Double(batch.pairs.count) / Double(max(1, batch.tokens.rowCount))
        return batch
    }
}
