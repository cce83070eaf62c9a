internal import CTensorKernels
import Synchronization

extension Tensor where Scalar: TensorFloatingPoint {
    /// Multi-head self-attention over packed sequences: softmax(q kᵀ / √(head size)) v for every head and sequence.
    ///
    /// `self` is [N, (H + 2 K) d]: H heads of queries, K of keys and K of values side by side, d the head size. With
    /// fewer heads of keys and values than of queries, H / K neighbouring heads of queries share one (grouped-query
    /// attention, arXiv:2305.13245). Sequence s takes rows `offsets[s] ..< offsets[s + 1]`; no row sees another
    /// sequence. Returns [N, H d]. The backward pass computes the probabilities again instead of keeping them.
    ///
    /// - Parameters:
    ///   - heads: H.
    ///   - keyValueHeads: K, a divisor of H; nil means H.
    ///   - causal: Whether a row sees only itself and what stands before it.
    /// - Complexity: O(Σ L² H d) for sequence lengths L; extra memory O(L) a thread.
    public func selfAttention(
        heads: Int, keyValueHeads: Int? = nil, offsets: [Int], causal: Bool = false,
        dropout: DropoutMask = .none
    ) -> Tensor {
        let shared = keyValueHeads ?? heads
        precondition(
            rank == 2 && heads > 0 && shared > 0 && heads % shared == 0
                && shape[1] % (heads + 2 * shared) == 0 && offsets.first == 0 && offsets.last == shape[0],
            "selfAttention of \(shape) with \(heads) heads, \(shared) of keys, and offsets up to \(String(describing: offsets.last))"
        )
        let rows = zip(offsets, offsets.dropFirst()).map { $0..<$1 }
        let plan = AttentionPlan(
            heads: heads, keyValueHeads: shared, headSize: shape[1] / (heads + 2 * shared), queries: rows,
            keys: rows, causal: causal, dropout: dropout)
        let result = Tensor(uninitialized: [shape[0], plan.width])
        plan.forward(AttentionOperands(packed: self, plan), result)
        let x = detached
        return result.recorded(from: self) { gradient in
            let dout = gradient
            let dx = Tensor(uninitialized: x.shape)
            plan.backward(AttentionOperands(packed: x, plan), dout, AttentionOperands(packed: dx, plan))
            return [dx]
        }
    }

    /// Multi-head attention over the rows of other sequences: softmax(q kᵀ / √(head size)) v for every head and
    /// sequence.
    ///
    /// `self` is [N, D], the queries; sequence s takes its rows `offsets[s] ..< offsets[s + 1]`. It sees rows
    /// `keyOffsets[s] ..< keyOffsets[s + 1]` of the keys and values and no others; where there are none the result is 0.
    /// Returns [N, D].
    ///
    /// - Parameters:
    ///   - keysAndValues: [M, 2 D], keys beside values.
    ///   - heads: A divisor of D.
    ///   - offsets: Where each sequence's queries begin, and N.
    ///   - keyOffsets: Where each sequence's keys begin, and M.
    ///   - dropout: Of the probabilities.
    /// - Complexity: O(Σ L K D) for L queries and K keys a sequence; extra memory O(K) a thread.
    public func crossAttention(
        _ keysAndValues: Tensor, heads: Int, offsets: [Int], keyOffsets: [Int], dropout: DropoutMask = .none
    ) -> Tensor {
        precondition(
            rank == 2 && keysAndValues.shape.last == 2 * shape[1]
                && offsets.count == keyOffsets.count && offsets.first == 0 && offsets.last == shape.first
                && keyOffsets.first == 0 && keyOffsets.last == keysAndValues.shape.first,
            "crossAttention of \(shape) over \(keysAndValues.shape) with offsets \(offsets) and \(keyOffsets)"
        )
        return crossAttention(
            keysAndValues, heads: heads, queries: zip(offsets, offsets.dropFirst()).map { $0..<$1 },
            keys: zip(keyOffsets, keyOffsets.dropFirst()).map { $0..<$1 }, dropout: dropout)
    }

    /// The same with the rows of each sequence, one behind the other in `self`, whose first D columns are the queries.
    ///
    /// Ranges of keys may be apart and, outside of a gradient computation, the same: beams share their source.
    ///
    /// - Parameter causal: Whether the queries are the last of the keys' positions, and each sees no later ones.
    package func crossAttention(
        _ keysAndValues: Tensor, heads: Int, queries: [Range<Int>], keys: [Range<Int>],
        causal: Bool = false, dropout: DropoutMask = .none
    ) -> Tensor {
        let width = keysAndValues.columnCount / 2
        precondition(
            rank == 2 && heads > 0 && width % heads == 0 && keysAndValues.rank == 2
                && keysAndValues.shape[1] == 2 * width && shape[1] >= width && queries.count == keys.count
                && queries.reduce(0) { $0 + $1.count } == shape[0]
                && keys.allSatisfy { 0 <= $0.lowerBound && $0.upperBound <= keysAndValues.shape[0] }
                && (!causal || zip(queries, keys).allSatisfy { $0.count <= $1.count }),
            "crossAttention of \(shape) with \(heads) heads over \(keysAndValues.shape), \(queries) over \(keys)"
        )
        let plan = AttentionPlan(
            heads: heads, keyValueHeads: heads, headSize: width / heads, queries: queries, keys: keys,
            causal: causal, dropout: dropout)
        let result = Tensor(uninitialized: [shape[0], width])
        plan.forward(AttentionOperands(self, keysAndValues), result)
        let (q, kv) = (detached, keysAndValues.detached)
        return result.recorded(from: self, keysAndValues) { gradient in
            let dout = gradient
            let dq = q.shape[1] == width ? Tensor(uninitialized: q.shape) : .zeros(q.shape)
            let isWhole = keys.reduce(0) { $0 + $1.count } == kv.shape[0]
            let dkv = isWhole ? Tensor(uninitialized: kv.shape) : .zeros(kv.shape)
            plan.backward(AttentionOperands(q, kv), dout, AttentionOperands(dq, dkv))
            return [dq, dkv]
        }
    }
}

/// Where queries, keys and values stand, or their gradients: their first rows, and how far rows are apart.
private struct AttentionOperands<Scalar: TensorFloatingPoint> {
    let query: UnsafeMutablePointer<Scalar>
    let queryStride: Int
    let key: UnsafeMutablePointer<Scalar>
    let value: UnsafeMutablePointer<Scalar>
    let keyStride: Int

    /// [N, (H + 2 K) d]: queries, keys and values beside one another.
    init(packed x: Tensor<Scalar>, _ plan: AttentionPlan) {
        query = x.pointer
        key = x.pointer + plan.width
        value = key + plan.keyValueHeads * plan.headSize
        (queryStride, keyStride) = (x.columnCount, x.columnCount)
    }

    /// [N, D or more] and [M, 2 D].
    init(_ q: Tensor<Scalar>, _ keysAndValues: Tensor<Scalar>) {
        keyStride = keysAndValues.columnCount
        queryStride = q.columnCount
        query = q.pointer
        (key, value) = (keysAndValues.pointer, keysAndValues.pointer + keyStride / 2)
    }
}

/// One task a (sequence, head), longest sequences first so that no thread is left with a long one at the end.
private struct AttentionPlan: Sendable {
    let heads: Int
    let keyValueHeads: Int
    let headSize: Int
    let queries: [Range<Int>]
    let keys: [Range<Int>]
    let causal: Bool
    let dropout: DropoutMask
    private let order: [Int]
    /// Dropout draws before each sequence's first.
    private let firstDraws: [UInt64]

    init(
        heads: Int, keyValueHeads: Int, headSize: Int, queries: [Range<Int>], keys: [Range<Int>],
        causal: Bool, dropout: DropoutMask
    ) {
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headSize = headSize
        self.queries = queries
        self.keys = keys
        self.causal = causal
        self.dropout = dropout
        let sizes = zip(queries, keys).map { $0.count * $1.count }
        order = sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
        firstDraws = sizes.reduce(into: [0]) { draws, size in
            draws.append(draws[draws.count - 1] + UInt64(heads) * Self.drawsOfHead(size))
        }
    }

    private var scale: Double { 1 / Double(headSize).squareRoot() }
    /// Elements of an output row.
    var width: Int { heads * headSize }
    /// Heads of queries that share one of keys and values.
    private var groupSize: Int { heads / keyValueHeads }

    /// Each head's draws start at a multiple of 128, where drawing them is fastest.
    private static func drawsOfHead(_ size: Int) -> UInt64 { UInt64((size + 127) / 128 * 128) }

    func forward<Scalar: TensorFloatingPoint>(_ x: AttentionOperands<Scalar>, _ result: Tensor<Scalar>) {
        forEachHead(backward: false) { (sequence, head, first, scratch: Tensor<Scalar>) in
            let (rows, seen) = (queries[sequence], keys[sequence])
            let column = head * headSize
            let key = seen.lowerBound * x.keyStride + head / groupSize * headSize
            var spec = dropout.kernel
            mml_attention_forward(
                Scalar.kernelType, rows.count, seen.count, headSize, scale, causal ? 1 : 0,
                x.query + rows.lowerBound * x.queryStride + column, x.queryStride, x.key + key, x.value + key,
                x.keyStride, &spec, first, result.pointer + rows.lowerBound * width + column, width,
                scratch.pointer)
        }
    }

    func backward<Scalar: TensorFloatingPoint>(
        _ x: AttentionOperands<Scalar>, _ dout: Tensor<Scalar>, _ dx: AttentionOperands<Scalar>
    ) {
        forEachHead(backward: true) { (sequence, head, first, scratch: Tensor<Scalar>) in
            let (rows, seen) = (queries[sequence], keys[sequence])
            let column = head * headSize
            let query = rows.lowerBound * x.queryStride + column
            let key = seen.lowerBound * x.keyStride + head / groupSize * headSize
            var spec = dropout.kernel
            mml_attention_backward(
                Scalar.kernelType, rows.count, seen.count, headSize, scale, causal ? 1 : 0,
                x.query + query, x.queryStride, x.key + key, x.value + key, x.keyStride, &spec, first,
                dout.pointer + rows.lowerBound * width + column, width, head % groupSize == 0 ? 0 : 1,
                dx.query + query, dx.key + key, dx.value + key, scratch.pointer)
        }
    }

    private func forEachHead<Scalar: TensorFloatingPoint>(
        backward: Bool, _ body: (Int, Int, UInt64, Tensor<Scalar>) -> Void
    ) {
        let most = (queries.map(\.count).max() ?? 0, keys.map(\.count).max() ?? 0)
        let scratchCount = mml_attention_scratch(
            Scalar.kernelType, most.0, most.1, headSize, backward ? 1 : 0)
        // A few heads a task when sequences are short: waking and scratch are then shared. Heads that share keys are
        // one task's, in order.
        let groupsPerTask = max(1, min(keyValueHeads, 4096 / max(1, most.0 * most.1 * groupSize)))
        let headsPerTask = groupsPerTask * groupSize
        let tasksPerSequence = (heads + headsPerTask - 1) / headsPerTask
        let tasks = order.count * tasksPerSequence
        // As many as can be in use, whoever turns up: what is allocated must not depend on timing.
        let slots = Slots(min(tasks, ThreadPool.threadCount))
        let spare = (0..<slots.count).map { _ in Tensor<Scalar>(uninitialized: [scratchCount]) }
        parallel(tasks) { task in
            let sequence = order[task / tasksPerSequence]
            let size = queries[sequence].count * keys[sequence].count
            if queries[sequence].isEmpty && keys[sequence].isEmpty { return }
            let slot = slots.take()
            defer { if let slot { slots.giveBack(slot) } }
            let scratch = slot.map { spare[$0] } ?? Tensor<Scalar>(uninitialized: [scratchCount])
            let draws = Self.drawsOfHead(size)
            let first = task % tasksPerSequence * headsPerTask
            for head in first..<min(heads, first + headsPerTask) {
                body(sequence, head, firstDraws[sequence] + UInt64(head) * draws, scratch)
            }
        }
    }
}
