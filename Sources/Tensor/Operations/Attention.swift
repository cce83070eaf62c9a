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
        let plan = AttentionPlan(
            heads: heads, keyValueHeads: shared, headSize: shape[1] / (heads + 2 * shared), offsets: offsets,
            causal: causal, dropout: dropout
        )
        let result = Tensor(uninitialized: [shape[0], heads * plan.headSize])
        plan.forward(self, result)
        let x = detached
        return result.recorded(from: self) { gradient in
            let dout = gradient
            let dx = Tensor(uninitialized: x.shape)
            plan.backward(x, dout, dx)
            return [dx]
        }
    }
}

/// One task a (sequence, head), longest sequences first so that no thread is left with a long one at the end.
private struct AttentionPlan: Sendable {
    let heads: Int
    let keyValueHeads: Int
    let headSize: Int
    let offsets: [Int]
    let causal: Bool
    let dropout: DropoutMask
    private let order: [Int]
    /// Dropout draws before each sequence's first.
    private let firstDraws: [UInt64]

    init(
        heads: Int, keyValueHeads: Int, headSize: Int, offsets: [Int], causal: Bool, dropout: DropoutMask
    ) {
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headSize = headSize
        self.offsets = offsets
        self.causal = causal
        self.dropout = dropout
        let lengths = zip(offsets.dropFirst(), offsets).map(-)
        order = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        // Each head's draws start at a multiple of 128, where drawing them is fastest.
        firstDraws = lengths.reduce(into: [0]) { draws, length in
            draws.append(draws[draws.count - 1] + UInt64(heads) * UInt64((length * length + 127) / 128 * 128))
        }
    }

    private var scale: Double { 1 / Double(headSize).squareRoot() }
    /// Elements of an input and of an output row.
    private var stride: Int { (heads + 2 * keyValueHeads) * headSize }
    private var width: Int { heads * headSize }
    /// Heads of queries that share one of keys and values.
    private var groupSize: Int { heads / keyValueHeads }

    /// From a head's queries to its keys; from there to its values it is `keyValueHeads * headSize`.
    private func keys(ofHead head: Int) -> Int { width + (head / groupSize - head) * headSize }

    func forward<Scalar: TensorFloatingPoint>(_ x: Tensor<Scalar>, _ result: Tensor<Scalar>) {
        let type = Scalar.kernelType
        forEachHead(backward: false) { (rows, head, first, scratch: Tensor<Scalar>) in
            let q = x.pointer + rows.lowerBound * stride + head * headSize
            let k = q + keys(ofHead: head)
            var spec = dropout.kernel
            mml_attention_forward(
                type, rows.count, headSize, scale, causal ? 1 : 0, q, k, k + keyValueHeads * headSize, stride,
                &spec, first,
                result.pointer + rows.lowerBound * width + head * headSize, width, scratch.pointer)
        }
    }

    func backward<Scalar: TensorFloatingPoint>(
        _ x: Tensor<Scalar>, _ dout: Tensor<Scalar>, _ dx: Tensor<Scalar>
    ) {
        let type = Scalar.kernelType
        forEachHead(backward: true) { (rows, head, first, scratch: Tensor<Scalar>) in
            let start = rows.lowerBound * stride + head * headSize
            let (q, dq) = (x.pointer + start, dx.pointer + start)
            let (k, dk) = (q + keys(ofHead: head), dq + keys(ofHead: head))
            var spec = dropout.kernel
            mml_attention_backward(
                type, rows.count, headSize, scale, causal ? 1 : 0, q, k, k + keyValueHeads * headSize, stride,
                &spec, first,
                dout.pointer + rows.lowerBound * width + head * headSize, width,
                head % groupSize == 0 ? 0 : 1, dq, dk, dk + keyValueHeads * headSize, scratch.pointer)
        }
    }

    private func forEachHead<Scalar: TensorFloatingPoint>(
        backward: Bool, _ body: (Range<Int>, Int, UInt64, Tensor<Scalar>) -> Void
    ) {
        let longest = order.first.map { offsets[$0 + 1] - offsets[$0] } ?? 0
        let scratchCount = mml_attention_scratch(Scalar.kernelType, longest, headSize, backward ? 1 : 0)
        // A few heads a task when sequences are short: waking and scratch are then shared. Heads that share keys are
        // one task's, in order.
        let groupsPerTask = max(1, min(keyValueHeads, 4096 / max(1, longest * longest * groupSize)))
        let headsPerTask = groupsPerTask * groupSize
        let tasksPerSequence = (heads + headsPerTask - 1) / headsPerTask
        let tasks = order.count * tasksPerSequence
        // As many as can be in use, whoever turns up: what is allocated must not depend on timing.
        let spare = Mutex(
            (0..<min(tasks, ThreadPool.threadCount)).map { _ in Tensor<Scalar>(uninitialized: [scratchCount])
            })
        parallel(tasks) { task in
            let sequence = order[task / tasksPerSequence]
            let rows = offsets[sequence]..<offsets[sequence + 1]
            if rows.isEmpty { return }
            let scratch = spare.withLock { $0.popLast() } ?? Tensor<Scalar>(uninitialized: [scratchCount])
            defer { spare.withLock { $0.append(scratch) } }
            let draws = UInt64((rows.count * rows.count + 127) / 128 * 128)
            let first = task % tasksPerSequence * headsPerTask
            for head in first..<min(heads, first + headsPerTask) {
                body(rows, head, firstDraws[sequence] + UInt64(head) * draws, scratch)
            }
        }
    }
}
