import CTensorKernels
import Testing

/// The kernels of causal Transformers against the plain references.
@Suite struct CausalKernelTests {
    @Test(arguments: [0, 1, 3], kernelSizes) func normsAndGates(_ rows: Int, _ columns: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(rows * 10_000 + columns)
            let type = Scalar.mmlType
            let x = Guarded<Scalar>(numbers.array(rows * columns, 2))
            let wide = Guarded<Scalar>(numbers.array(2 * rows * columns, 8))
            let (gamma, dout) = (
                Guarded<Scalar>(numbers.array(columns)), Guarded<Scalar>(numbers.array(rows * columns))
            )
            if x.count > 2 * columns { x.pointer[2 * columns] = .nan }
            func pair(_ count: Int) -> (Guarded<Scalar>, Guarded<Scalar>) {
                let start: [Scalar] = numbers.array(count)
                return (Guarded(start), Guarded(start))
            }
            let (out, outs) = pair(rows * columns)
            let (rrms, rrmss) = pair(rows)
            mml_rms_norm(type, rows, columns, x.pointer, gamma.pointer, 1e-5, rrms.pointer, out.pointer)
            mml_reference_rms_norm(
                type, rows, columns, x.pointer, gamma.pointer, 1e-5, rrmss.pointer, outs.pointer)
            expectSame(out, outs, "rms \(rows) x \(columns)")
            expectSame(rrms, rrmss, "rrms \(rows) x \(columns)")

            let (dx, dxs) = pair(rows * columns)
            let (dgamma, dgammas) = pair(columns)
            mml_rms_norm_backward(
                type, rows, columns, x.pointer, rrmss.pointer, gamma.pointer, dout.pointer, dx.pointer,
                dgamma.pointer)
            mml_reference_rms_norm_backward(
                type, rows, columns, x.pointer, rrmss.pointer, gamma.pointer, dout.pointer, dxs.pointer,
                dgammas.pointer)
            expectSame(dx, dxs, "rms backward \(rows) x \(columns)", within: 8 * Scalar.closeness)
            expectSame(dgamma, dgammas, "dgamma \(rows) x \(columns)", within: 8 * Scalar.closeness)

            let (y, ys) = pair(rows * columns)
            mml_swiglu(type, rows, columns, wide.pointer, y.pointer)
            mml_reference_swiglu(type, rows, columns, wide.pointer, ys.pointer)
            expectSame(y, ys, "swiglu \(rows) x \(columns)")
            let (dwide, dwides) = pair(2 * rows * columns)
            mml_swiglu_backward(type, rows, columns, wide.pointer, dout.pointer, dwide.pointer)
            mml_reference_swiglu_backward(type, rows, columns, wide.pointer, dout.pointer, dwides.pointer)
            expectSame(dwide, dwides, "swiglu backward \(rows) x \(columns)", within: 4 * Scalar.closeness)
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: [2, 4, 6, 16, 34, 64, 128], [0, 1]) func rotate(_ d: Int, _ neighbours: Int32) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(d)
            let (rows, heads, places) = (5, 3, 7)
            let ld = heads * d + 3
            let start: [Scalar] = numbers.array(rows * ld)
            let cosines = Guarded<Scalar>(numbers.array(places * d / 2))
            let sines = Guarded<Scalar>(numbers.array(places * d / 2))
            let positions: [Int32] = [6, 0, 1, 5, 5]
            for inverse: Int32 in [0, 1] {
                let (x, expected) = (Guarded(start), Guarded(start))
                mml_rotate(
                    Scalar.mmlType, rows, heads, d, neighbours, inverse, positions, cosines.pointer,
                    sines.pointer, x.pointer, ld)
                mml_reference_rotate(
                    Scalar.mmlType, rows, heads, d, neighbours, inverse, positions, cosines.pointer,
                    sines.pointer, expected.pointer, ld)
                expectSame(x, expected, "rotate \(d)")
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: [1, 31, 32, 33, 100], [1, 7, 8, 32, 40, 64, 100]) func step(_ n: Int, _ d: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(n * 1000 + d)
            let type = Scalar.mmlType
            let (block, heads, offset) = (32, 2, 5)
            let size = offset + 2 * heads * d * block
            let count = (n + block - 1) / block
            let empty = [Scalar](repeating: .nan, count: size)
            let (blocks, expected) = (
                (0..<count).map { _ in Guarded(empty) }, (0..<count).map { _ in Guarded(empty) }
            )
            let ld = 2 * heads * d + 1
            let rows = Guarded<Scalar>(numbers.array(n * ld, 2))
            // In two parts, the second from the middle of a block.
            for part in [0..<n / 3, n / 3..<n] {
                let k = rows.pointer + part.lowerBound * ld
                mml_cache_rows(
                    type, part.count, part.lowerBound, heads, d, k, k + heads * d, ld,
                    blocks.map { UnsafeMutableRawPointer($0.pointer) }, block, offset,
                    offset + heads * d * block)
                mml_reference_cache_rows(
                    type, part.count, part.lowerBound, heads, d, k, k + heads * d, ld,
                    expected.map { UnsafeMutableRawPointer($0.pointer) }, block, offset,
                    offset + heads * d * block)
            }
            for (block, other) in zip(blocks, expected) { expectSame(block, other, "cache", within: 0) }
            let q = Guarded<Scalar>(numbers.array(d))
            for head in 0..<heads {
                let (out, outs) = (Guarded<Scalar>(zeros: d), Guarded<Scalar>(zeros: d))
                let (s, ss) = (Guarded<Scalar>(zeros: count * block), Guarded<Scalar>(zeros: count * block))
                let key = offset + head * d * block
                let pointers = blocks.map { Optional(UnsafeRawPointer($0.pointer)) }
                mml_attention_step(
                    type, n, d, 0.3, q.pointer, pointers, block, key, key + heads * d * block, out.pointer,
                    s.pointer)
                mml_reference_attention_step(
                    type, n, d, 0.3, q.pointer, pointers, block, key, key + heads * d * block, outs.pointer,
                    ss.pointer)
                #expect(s.isIntact)
                expectSame(out, outs, "step \(n) x \(d)", within: 4 * Scalar.closeness)
            }
        }
        check(Float.self)
        check(Double.self)
    }
}
