import CTensorKernels
import Tensor
import Testing

/// Sorting by counting against the plain references, and sorted arrays against the standard library.
@Suite struct RadixKernelTests {
    @Test(arguments: kernelSizes) func keys(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count)
            let clean: [Scalar] = numbers.array(count, 100).map { $0 < 20 ? $0.rounded() : $0 * -1e-30 }
            for values in [clean, withSpecials(clean)] {
                let x = Guarded(values)
                let kinds = (0..<count).map { _ in UInt8(numbers.next() % 3 == 0 ? 1 : 0) }
                let taken = kinds.count { $0 == 1 }
                for kinds in [kinds, nil] {
                    let taken = kinds == nil ? 0 : taken
                    let (chosen, others) = (
                        Guarded<Scalar>(zeros: taken), Guarded<Scalar>(zeros: count - taken)
                    )
                    let (c, o) = (chosen.copy, others.copy)
                    var bits: [UInt64] = [0, .max]
                    var expectedBits = bits
                    let bad = mml_order_keys(
                        Scalar.mmlType, count, x.pointer, kinds, chosen.pointer, others.pointer, &bits)
                    let expected = mml_reference_order_keys(
                        Scalar.mmlType, count, x.pointer, kinds, c.pointer, o.pointer, &expectedBits)
                    #expect(bad == expected)
                    #expect(values.firstIndex { !$0.isFinite } ?? -1 == bad)
                    if bad < 0 {
                        #expect(patterns(chosen) == patterns(c) && chosen.isIntact)
                        #expect(patterns(others) == patterns(o) && others.isIntact)
                        // Only bits that a key has matter to the 32-bit kernel.
                        let mask: UInt64 = Scalar.mmlType == MML_F32 ? 0xFFFF_FFFF : .max
                        #expect(bits[0] == expectedBits[0])
                        #expect(count == 0 || bits[1] & mask == expectedBits[1] & mask)
                    }
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// A pass moves the keys as the reference does, and writes nowhere else.
    @Test(arguments: kernelSizes) func passes(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count + 1)
            let keys = Guarded<Scalar>(numbers.array(count, 3))
            let beside = (0..<Int32(count)).map { $0 &* 7 &+ 3 }
            for shift in [Int32(0), 9, 21] {
                var counts = [Int](repeating: 1, count: 1 << MML_DIGIT_BITS)
                var expected = counts
                mml_digit_counts(Scalar.mmlType, count, keys.pointer, shift, &counts)
                mml_reference_digit_counts(Scalar.mmlType, count, keys.pointer, shift, &expected)
                #expect(counts.elementsEqual(expected))
                for travels in [false, true] {
                    let (sorted, other) = (Guarded<Scalar>(zeros: count), Guarded<Scalar>(zeros: count))
                    var (moved, otherMoved) = (beside, beside)
                    var next = starts(counts)
                    var otherNext = next
                    mml_digit_scatter(
                        Scalar.mmlType, count, keys.pointer, travels ? beside : nil, shift, &next,
                        sorted.pointer,
                        &moved)
                    mml_reference_digit_scatter(
                        Scalar.mmlType, count, keys.pointer, travels ? beside : nil, shift, &otherNext,
                        other.pointer, &otherMoved)
                    #expect(patterns(sorted) == patterns(other) && sorted.isIntact)
                    #expect(moved == otherMoved && next == otherNext)
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: kernelSizes) func pairs(count: Int) {
        var numbers = TestNumbers(count + 2)
        for levels in [3, 40, 100_000] {
            func sorted(_ count: Int) -> [UInt64] {
                (0..<count).map { _ in numbers.next() % UInt64(levels) }.sorted()
            }
            for other in [0, 1, 50, count] {
                let (a, b) = (sorted(count), sorted(other))
                #expect(
                    mml_ordered_pairs(MML_F64, count, a, other, b)
                        == mml_reference_ordered_pairs(MML_F64, count, a, other, b))
                let (narrow, narrowOther) = (a.map { UInt32($0) }, b.map { UInt32($0) })
                #expect(
                    mml_ordered_pairs(MML_F32, count, narrow, other, narrowOther)
                        == mml_reference_ordered_pairs(MML_F64, count, a, other, b))
            }
        }
    }

    @Test(arguments: kernelSizes) func insertion(count: Int) {
        func check<Key: FixedWidthInteger & UnsignedInteger>(_: Key.Type, _ type: mml_type) {
            var numbers = TestNumbers(count + 4)
            for reach in [1, 3, 50] {
                let keys = (0..<count).map { Key($0) * 10 + Key(numbers.next() % UInt64(10 * reach)) }
                for limit in [0, count / 2, count * count] {
                    var (own, expected) = (keys, keys)
                    let moves = mml_insertion_sort(type, count, &own, limit)
                    #expect(moves == mml_reference_insertion_sort(type, count, &expected, limit))
                    #expect(moves >= 0 ? own == expected : own.sorted() == keys.sorted())
                }
            }
        }
        check(UInt32.self, MML_F32)
        check(UInt64.self, MML_F64)
    }

    /// Pairs of scores that differ in their last bits alone, in all of them, or in both ways.
    @Test(arguments: [1, 100, 5000, 70_000]) func pairsOfScores(count: Int) throws {
        var numbers = TestNumbers(count + 5)
        let tiny: [Double] = (0..<count).map { _ in 1 + Double(numbers.next() % 5000) * 0x1p-52 }
        let wide: [Double] = numbers.array(count, 1e6)
        let mixed = zip(tiny, wide).map { $1 < 0 ? $0 : $1.rounded() * $0 }
        let isPositive = (0..<count).map { _ in numbers.next() % 3 == 0 }
        for scores in [tiny, wide, mixed] {
            let pairs = try scores.withUnsafeBufferPointer { (scores) throws in
                try isPositive.withUnsafeBufferPointer { (kinds) throws in
                    try ScoreOrder.pairs(scores: scores, isPositive: kinds)
                }
            }
            let negatives = scores.indices.filter { !isPositive[$0] }.map { scores[$0] }.sorted()
            func count(below score: Double, orEqual: Bool) -> Int {
                var (low, high) = (0, negatives.count)
                while low < high {
                    let middle = (low + high) / 2
                    if negatives[middle] < score || (orEqual && negatives[middle] == score) {
                        low = middle + 1
                    } else {
                        high = middle
                    }
                }
                return low
            }
            let doubled = scores.indices.filter { isPositive[$0] }.reduce(0) {
                $0 + count(below: scores[$1], orEqual: false) + count(below: scores[$1], orEqual: true)
            }
            #expect(pairs.doubled == doubled && pairs.negatives == negatives.count)
        }
    }

    /// The whole sort: stable, whatever the sizes, on any number of threads.
    @Test(arguments: [0, 1, 2, 100, 5000, 70_000, 600_000]) func order(count: Int) throws {
        func check<Scalar: KernelScalar & TensorFloatingPoint>(_: Scalar.Type, _ levels: Double) throws {
            var numbers = TestNumbers(count + 3)
            let scores: [Scalar] = numbers.array(count, levels).map { levels < 1e3 ? $0.rounded() : $0 }
            let order = try scores.withUnsafeBufferPointer { (scores) throws in
                try ScoreOrder.ascending(scores)
            }
            let expected = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
            #expect(order.map { Int($0) } == expected)
        }
        try check(Float.self, 20)
        try check(Float.self, 1e6)
        try check(Double.self, 20)
        try check(Double.self, 1e6)
    }

    private func starts(_ counts: [Int]) -> [Int] {
        var start = 0
        return counts.map { count in
            defer { start += count - 1 }
            return start
        }
    }

    private func patterns<Scalar: KernelScalar>(_ values: Guarded<Scalar>) -> [UInt64] {
        values.values.map { ($0 as? Double)?.bitPattern ?? ($0 as? Float).map { UInt64($0.bitPattern) } ?? 0 }
    }
}
