internal import CTensorKernels
import Synchronization

extension Tensor where Scalar: TensorFloatingPoint {
    /// Multi-head self-attention over packed sequences: softmax(q kᵀ / √(head size)) v for every head and sequence.
    ///
    /// `self` is [N, 3 D]: the queries, keys and values of all sequences below one another, D = heads · head size.
    /// Sequence s takes rows `offsets[s] ..< offsets[s + 1]`; no row sees another sequence. Returns [N, D].
    /// The backward pass computes the probabilities again instead of keeping them.
    ///
    /// - Complexity: O(Σ L² D) for sequence lengths L; extra memory O(L) a thread.
    public func selfAttention(heads: Int, offsets: [Int], causal: Bool = false, dropout: DropoutMask = .none)
        -> Tensor
    {
        precondition(
            rank == 2 && heads > 0 && shape[1] % (3 * heads) == 0 && offsets.first == 0
                && offsets.last == shape[0],
            "selfAttention of \(shape) with \(heads) heads and offsets up to \(String(describing: offsets.last))"
        )
        let plan = AttentionPlan(
            heads: heads, headSize: shape[1] / (3 * heads), offsets: offsets, causal: causal, dropout: dropout
        )
        let result = Tensor(uninitialized: [shape[0], shape[1] / 3])
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
    let headSize: Int
    let offsets: [Int]
    let causal: Bool
    let dropout: DropoutMask
    private let order: [Int]
    /// Dropout words before each sequence's first.
    private let firstWords: [UInt64]

    init(heads: Int, headSize: Int, offsets: [Int], causal: Bool, dropout: DropoutMask) {
        self.heads = heads
        self.headSize = headSize
        self.offsets = offsets
        self.causal = causal
        self.dropout = dropout
        let lengths = zip(offsets.dropFirst(), offsets).map(-)
        order = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        // Each head's words start at a multiple of 64, where drawing them is fastest.
        firstWords = lengths.reduce(into: [0]) { words, length in
            words.append(words[words.count - 1] + UInt64(heads) * UInt64((length * length + 63) / 64 * 64))
        }
    }

    private var scale: Double { 1 / Double(headSize).squareRoot() }

    func forward<Scalar: TensorFloatingPoint>(_ x: Tensor<Scalar>, _ result: Tensor<Scalar>) {
        let type = Scalar.kernelType
        let width = heads * headSize
        forEachHead(backward: false) { (rows, head, first, scratch: Tensor<Scalar>) in
            let q = x.pointer + rows.lowerBound * 3 * width + head * headSize
            var spec = dropout.kernel
            mml_attention_forward(
                type, rows.count, headSize, scale, causal ? 1 : 0, q, q + width, q + 2 * width, 3 * width,
                &spec, first,
                result.pointer + rows.lowerBound * width + head * headSize, width, scratch.pointer)
        }
    }

    func backward<Scalar: TensorFloatingPoint>(
        _ x: Tensor<Scalar>, _ dout: Tensor<Scalar>, _ dx: Tensor<Scalar>
    ) {
        let type = Scalar.kernelType
        let width = heads * headSize
        forEachHead(backward: true) { (rows, head, first, scratch: Tensor<Scalar>) in
            let q = x.pointer + rows.lowerBound * 3 * width + head * headSize
            let dq = dx.pointer + rows.lowerBound * 3 * width + head * headSize
            var spec = dropout.kernel
            mml_attention_backward(
                type, rows.count, headSize, scale, causal ? 1 : 0, q, q + width, q + 2 * width, 3 * width,
                &spec, first,
                dout.pointer + rows.lowerBound * width + head * headSize, width, dq, dq + width,
                dq + 2 * width,
                scratch.pointer)
        }
    }

    private func forEachHead<Scalar: TensorFloatingPoint>(
        backward: Bool, _ body: (Range<Int>, Int, UInt64, Tensor<Scalar>) -> Void
    ) {
        let longest = order.first.map { offsets[$0 + 1] - offsets[$0] } ?? 0
        let scratchCount = mml_attention_scratch(Scalar.kernelType, longest, headSize, backward ? 1 : 0)
        // A few heads a task when sequences are short: waking and scratch are then shared.
        let headsPerTask = max(1, min(heads, 4096 / max(1, longest * longest)))
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
            let words = UInt64((rows.count * rows.count + 63) / 64 * 64)
            let first = task % tasksPerSequence * headsPerTask
            for head in first..<min(heads, first + headsPerTask) {
                body(rows, head, firstWords[sequence] + UInt64(head) * words, scratch)
            }
        }
    }
}
