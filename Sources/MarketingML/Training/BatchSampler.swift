/// The order in which a run sees its rows: shuffled anew every epoch by the seed, cut into batches.
///
/// Batches are packed, so mixing long and short texts wastes nothing, and no sorting by length biases them.
struct BatchSampler: Sendable {
    let lengths: [Int]
    let batchSize: Int
    let batchTokens: Int?
    let seed: UInt64
    /// Whether rows are in a new random order every epoch, or as they stand.
    var shuffles = true
    /// Fixed orders by epoch, for comparisons with another library.
    var orders: [[Int]]?

    /// The batches of an epoch (from 0): row numbers, every row once.
    func batches(epoch: Int) -> [[Int]] {
        var order = Array(lengths.indices)
        if let orders, epoch < orders.count {
            order = orders[epoch]
        } else if shuffles {
            var generator = SeededGenerator(seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(epoch + 1))
            generator.shuffle(&order)
        }
        var batches: [[Int]] = []
        var batch: [Int] = []
        var tokens = 0
        for row in order {
            let full = batchTokens.map { tokens + lengths[row] > $0 } ?? (batch.count == batchSize)
            if full && !batch.isEmpty {
                batches.append(batch)
                batch = []
                tokens = 0
            }
            batch.append(row)
            tokens += lengths[row]
        }
        if !batch.isEmpty { batches.append(batch) }
        if epoch == 0 && orders == nil && shuffles {
            // The longest batch goes first: if memory does not suffice that shows at once, and if it does, it stays.
            let longest = batches.indices.max { tokenCount(batches[$0]) < tokenCount(batches[$1]) }
            if let longest { batches.swapAt(0, longest) }
        }
        return batches
    }

    /// How many batches an epoch has.
    func batchCount(epoch: Int) -> Int {
        batchTokens == nil ? (lengths.count + batchSize - 1) / batchSize : batches(epoch: epoch).count
    }

    private func tokenCount(_ rows: [Int]) -> Int { rows.reduce(0) { $0 + lengths[$1] } }
}
