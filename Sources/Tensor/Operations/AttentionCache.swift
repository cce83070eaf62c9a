internal import CTensorKernels

/// The keys and values of one row of tokens, of all layers, in blocks of tokens: a value. Copies share all blocks; the
/// last one is copied when one of them goes on.
package struct AttentionCache<Scalar: TensorFloatingPoint>: Sendable {
    /// Tokens of a block.
    static var blockLength: Int { 32 }

    let layers: Int
    /// Heads of keys and of values.
    let heads: Int
    let headSize: Int
    /// Tokens that it holds.
    package private(set) var count = 0
    private var blocks: [Tensor<Scalar>] = []

    package init(layers: Int, heads: Int, headSize: Int) {
        self.layers = layers
        self.heads = heads
        self.headSize = headSize
    }

    /// Makes place for more tokens, which the caller then stores for every layer.
    package mutating func extend(by tokens: Int) {
        if count % Self.blockLength > 0, tokens > 0 { blocks[blocks.count - 1].makeUnique() }
        count += tokens
        while blocks.count * Self.blockLength < count {
            // Zeros, since whole vectors are read.
            blocks.append(.zeros([layers, 2, heads, Self.blockLength * headSize]))
        }
    }

    /// A layer's first key of a head; its first value is `valueDistance` further.
    func place(layer: Int, head: Int) -> Int {
        (layer * 2 * heads + head) * Self.blockLength * headSize
    }

    var valueDistance: Int { heads * Self.blockLength * headSize }
    var pointers: [UnsafeMutableRawPointer?] { blocks.map { UnsafeMutableRawPointer($0.pointer) } }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// Stores the keys and values of rows [N, (H + 2 K) d] as the last tokens of `caches`, which were extended by
    /// `offsets[s + 1] - offsets[s]` tokens each.
    package func storeKeysAndValues(
        layer: Int, heads: Int, offsets: [Int], in caches: [AttentionCache<Scalar>]
    ) {
        let columns = columnCount
        // A token alone is not worth a thread.
        parallelRanges(
            caches.count, grain: Swift.max(1, elementwiseGrain * caches.count / Swift.max(1, count))
        ) {
            for index in $0 {
                let (cache, rows) = (caches[index], offsets[index]..<offsets[index + 1])
                let key = cache.place(layer: layer, head: 0)
                let keys = pointer + rows.lowerBound * columns + heads * cache.headSize
                mml_cache_rows(
                    Scalar.kernelType, rows.count, cache.count - rows.count, cache.heads, cache.headSize,
                    keys, keys + cache.heads * cache.headSize, columns, cache.pointers,
                    AttentionCache<Scalar>.blockLength, key, key + cache.valueDistance)
            }
        }
    }

    /// Attention of one token a row over all that its cache holds: [R, (H + 2 K) d] → [R, H d].
    ///
    /// - Complexity: O(R L H d).
    package func attentionStep(layer: Int, heads: Int, over caches: [AttentionCache<Scalar>]) -> Tensor {
        guard let first = caches.first else { return .zeros([0, columnCount]) }
        let (d, columns, group) = (first.headSize, columnCount, heads / first.heads)
        let result = Tensor(uninitialized: [caches.count, heads * d])
        let longest = caches.reduce(0) { Swift.max($0, $1.count) }
        let block = AttentionCache<Scalar>.blockLength
        let blocks = caches.map(\.pointers)
        // About 10 µs a task.
        let grain = Swift.max(1, (1 << 16) / Swift.max(1, longest * d))
        parallelRanges(caches.count * heads, grain: grain) { range in
            let scratch = Tensor(uninitialized: [(longest + block - 1) / block * block])
            for task in range {
                let (row, head) = (task / heads, task % heads)
                let cache = caches[row]
                let key = cache.place(layer: layer, head: head / group)
                blocks[row].withUnsafeBytes { pointers in
                    mml_attention_step(
                        Scalar.kernelType, cache.count, d, 1 / Double(d).squareRoot(),
                        pointer + row * columns + head * d,
                        pointers.assumingMemoryBound(to: UnsafeRawPointer?.self).baseAddress, block, key,
                        key + cache.valueDistance, result.pointer + row * heads * d + head * d,
                        scratch.pointer)
                }
            }
        }
        return result
    }
}
