internal import CTensorKernels

/// Sorts scores by the digits of their bits: in time O(N), on all threads, ties exact.
package enum ScoreOrder {
    /// How positive and negative examples lie to each other in the order of their scores.
    package struct Pairs: Sendable {
        /// Twice the number of pairs of a positive and a negative in which the positive has the higher score, pairs with
        /// equal scores counting one.
        package var doubled: Int
        /// Number of positive examples.
        package var positives: Int
        /// Number of negative examples.
        package var negatives: Int
    }

    /// Counts the pairs without sorting the two kinds together: labels need not travel with the scores.
    ///
    /// - Throws: `.notFinite` naming the first score that is NaN or infinite, counted from 0.
    package static func pairs<Scalar: TensorFloatingPoint>(
        scores: UnsafeBufferPointer<Scalar>, isPositive: UnsafeBufferPointer<Bool>
    ) throws(MarketingMLError) -> Pairs {
        precondition(scores.count == isPositive.count, "\(scores.count) scores, \(isPositive.count) kinds")
        let type = Scalar.kernelType
        let chunks = Chunks(scores.count)
        let chosen = UnsafeRawBufferPointer(isPositive)
        var positivesBefore = [0]
        for chunk in 0..<chunks.count {
            let count = chosen[chunks.range(chunk)].reduce(0) { $0 + Int($1) }
            positivesBefore.append(positivesBefore[chunk] + count)
        }
        let positives = positivesBefore[chunks.count]
        let negatives = scores.count - positives
        let width = MemoryLayout<Scalar>.stride
        return try withScratch(bytes: 2 * scores.count * width) { (keys) throws(MarketingMLError) in
            let bits = try makeKeys(scores, chunks) { chunk, bits in
                let range = chunks.range(chunk)
                let before = positivesBefore[chunk]
                return mml_order_keys(
                    type, range.count, scores.baseAddress.map { $0 + range.lowerBound },
                    chosen.baseAddress.map { ($0 + range.lowerBound).assumingMemoryBound(to: UInt8.self) },
                    keys + before * width, keys + (positives + range.lowerBound - before) * width, bits)
            }
            let spare = keys + scores.count * width
            let offset = positives * width
            let sorted = sortAlone(type, positives, keys, spare, bits)
            let others = sortAlone(type, negatives, keys + offset, spare + offset, bits)
            let parts = Chunks(positives)
            let sums = parallelMap(parts.count) { chunk in
                let range = parts.range(chunk)
                return Int(
                    mml_ordered_pairs(
                        type, range.count, sorted + range.lowerBound * width, negatives, others))
            }
            return Pairs(doubled: sums.reduce(0, +), positives: positives, negatives: negatives)
        }
    }

    /// The indices of the scores from the lowest to the highest, those of equal scores in their own order.
    ///
    /// - Throws: `.notFinite` naming the first score that is NaN or infinite, counted from 0.
    package static func ascending<Scalar: TensorFloatingPoint>(
        _ scores: UnsafeBufferPointer<Scalar>
    ) throws(MarketingMLError) -> [Int32] {
        precondition(scores.count <= Int(Int32.max), "\(scores.count) scores, at most 2³¹ - 1 can be sorted")
        let type = Scalar.kernelType
        let chunks = Chunks(scores.count)
        let width = MemoryLayout<Scalar>.stride
        return try withScratch(bytes: 2 * scores.count * width) { (keys) throws(MarketingMLError) in
            let bits = try makeKeys(scores, chunks) { chunk, bits in
                let range = chunks.range(chunk)
                return mml_order_keys(
                    type, range.count, scores.baseAddress.map { $0 + range.lowerBound }, nil, nil,
                    keys + range.lowerBound * width, bits)
            }
            var indices = (0..<Int32(scores.count)).map { $0 }
            var sorted = indices
            let isInFirst = indices.withUnsafeMutableBufferPointer { indices in
                sorted.withUnsafeMutableBufferPointer { sorted in
                    let result = sort(
                        type, scores.count, keys, keys + scores.count * width, bits,
                        beside: (indices.baseAddress, sorted.baseAddress))
                    return result.beside == indices.baseAddress
                }
            }
            return isInFirst ? indices : sorted
        }
    }

    /// The bits in which the keys differ.
    private static func makeKeys<Scalar: TensorFloatingPoint>(
        _ scores: UnsafeBufferPointer<Scalar>, _ chunks: Chunks,
        _ make: (Int, UnsafeMutablePointer<UInt64>) -> Int
    ) throws(MarketingMLError) -> UInt64 {
        let found = parallelMap(chunks.count) { chunk in
            var bits: [UInt64] = [0, .max]
            let bad = bits.withUnsafeMutableBufferPointer { bits in
                bits.baseAddress.map { make(chunk, $0) } ?? -1
            }
            return (bad: bad, any: bits[0], all: bits[1])
        }
        for (chunk, part) in found.enumerated() where part.bad >= 0 {
            let index = chunks.range(chunk).lowerBound + part.bad
            throw MarketingMLError(
                .notFinite, "the score of example \(index) is \(scores[index]); all must be finite")
        }
        return found.reduce(0) { $0 | $1.any } & ~found.reduce(.max) { $0 & $1.all }
    }

    /// Sorts keys with nothing beside them: three digits from the highest bit that differs on leave the keys almost in order,
    /// and insertion does the rest. That halves the passes over 64 bits; keys that differ in low bits only get them all.
    private static func sortAlone(
        _ type: mml_type, _ count: Int, _ keys: UnsafeMutableRawPointer, _ spare: UnsafeMutableRawPointer,
        _ bits: UInt64
    ) -> UnsafeMutableRawPointer {
        let cut = UInt64(max(0, 64 - bits.leadingZeroBitCount - 3 * MML_DIGIT_BITS))
        let high = (bits >> cut) << cut
        let sorted = sort(type, count, keys, spare, high).keys
        if high == bits || mml_insertion_sort(type, count, sorted, 2 * count) >= 0 { return sorted }
        return sort(type, count, sorted, sorted == keys ? spare : keys, bits).keys
    }

    /// Sorts keys, and what stands beside them, by the digits that contain one of `bits`, the lowest first. The result lies
    /// in one of the two arrays.
    private static func sort(
        _ type: mml_type, _ count: Int, _ keys: UnsafeMutableRawPointer, _ spare: UnsafeMutableRawPointer,
        _ bits: UInt64,
        beside: (UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Int32>?) = (nil, nil)
    ) -> (keys: UnsafeMutableRawPointer, beside: UnsafeMutablePointer<Int32>?) {
        let width = type == MML_F32 ? 4 : 8
        let chunks = Chunks(count)
        let digits = 1 << MML_DIGIT_BITS
        var (from, to) = ((keys, beside.0), (spare, beside.1))
        var shift = bits.trailingZeroBitCount
        while count > 1, shift < 64, bits >> UInt64(shift) != 0 {
            let (source, target, place) = (from, to, Int32(shift))
            var next = [Int](repeating: 0, count: chunks.count * digits)
            next.withUnsafeMutableBufferPointer { next in
                guard let next = next.baseAddress else { return }
                parallel(chunks.count) { chunk in
                    let range = chunks.range(chunk)
                    mml_digit_counts(
                        type, range.count, source.0 + range.lowerBound * width, place, next + chunk * digits)
                }
                var start = 0
                for digit in 0..<digits {
                    for chunk in 0..<chunks.count {
                        let count = next[chunk * digits + digit]
                        next[chunk * digits + digit] = start
                        start += count
                    }
                }
                parallel(chunks.count) { chunk in
                    let range = chunks.range(chunk)
                    mml_digit_scatter(
                        type, range.count, source.0 + range.lowerBound * width,
                        source.1.map { $0 + range.lowerBound }, place, next + chunk * digits, target.0,
                        target.1)
                }
            }
            swap(&from, &to)
            shift += MML_DIGIT_BITS
            let left = shift < 64 ? bits >> UInt64(shift) : 0
            shift += left == 0 ? 0 : left.trailingZeroBitCount
        }
        return (from.0, from.1)
    }

    /// At most 16 equal parts of at least 32,768 elements.
    private struct Chunks {
        let total: Int
        let size: Int
        let count: Int

        init(_ total: Int) {
            self.total = total
            size = max(1 << 15, (total + 15) / 16)
            count = (total + size - 1) / size
        }

        func range(_ chunk: Int) -> Range<Int> { chunk * size..<min(total, (chunk + 1) * size) }
    }

    /// Calls `body` with a block of memory.
    private static func withScratch<Result>(
        bytes: Int, _ body: (UnsafeMutableRawPointer) throws(MarketingMLError) -> Result
    ) throws(MarketingMLError) -> Result {
        let (address, sizeClass) = TensorMemory.allocate(bytes: bytes)
        defer { TensorMemory.release(address, sizeClass: sizeClass) }
        return try body(address)
    }
}
