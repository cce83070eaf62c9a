/// Where a training run gets its batches from, epoch by epoch, in groups whose gradients make one update.
struct BatchPlan<Batch> {
    /// The updates of all epochs; 0 when that is not known beforehand.
    let total: Int
    /// Starts an epoch (from 0): the returned function gives its next group, nil at the end.
    let open: (_ epoch: Int) throws -> () throws -> [Batch]?

    /// Batches of rows in the sampler's order.
    init(_ sampler: BatchSampler, epochs: Int, accumulation: Int, _ batch: @escaping ([Int]) -> Batch) {
        total = (0..<epochs).reduce(0) { sum, epoch in
            sum + (sampler.batchCount(epoch: epoch) + accumulation - 1) / accumulation
        }
        open = { epoch in
            var groups = sampler.batches(epoch: epoch).chunked(by: accumulation).makeIterator()
            return { groups.next()?.map(batch) }
        }
    }

    /// Batches of a stream.
    init(_ stream: BatchStream<Batch>, epochs: Int, accumulation: Int) {
        total =
            stream.batchesPerEpoch.map { (min($0, 1 << 32) + accumulation - 1) / accumulation * epochs } ?? 0
        open = { epoch in
            let next = try stream.open(epoch)
            return {
                var group: [Batch] = []
                while group.count < accumulation, let batch = try next() { group.append(batch) }
                return group.isEmpty ? nil : group
            }
        }
    }
}

/// Batches that are made while training runs, for data that do not fit in memory.
public struct BatchStream<Batch> {
    let batchesPerEpoch: Int?
    let open: (_ epoch: Int) throws -> () throws -> Batch?

    /// Creates a stream.
    ///
    /// - Parameters:
    ///   - batchesPerEpoch: How many batches an epoch has, if known: schedules that end somewhere need it.
    ///   - open: Starts an epoch (from 0) and returns a function that gives its next batch, nil at the end. For an exact
    ///     resume it must give the same batches for the same epoch.
    public init(batchesPerEpoch: Int? = nil, open: @escaping (_ epoch: Int) throws -> () throws -> Batch?) {
        self.batchesPerEpoch = batchesPerEpoch
        self.open = open
    }
}
