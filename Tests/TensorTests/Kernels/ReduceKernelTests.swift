import CTensorKernels
import Testing

@Suite struct ReduceKernelTests {
    @Test(arguments: kernelSizes + [5000]) func totals(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count)
            let type = Scalar.mmlType
            let x = Guarded<Scalar>(numbers.array(count, 3)), y = Guarded<Scalar>(numbers.array(count, 3))
            let tolerance = 1e-14 * Double(10 + 10 * count)
            #expect(
                abs(mml_sum(type, count, x.pointer) - mml_reference_sum(type, count, x.pointer)) <= tolerance)
            let squares = mml_sum_squares(type, count, x.pointer)
            #expect(abs(squares - mml_reference_sum_squares(type, count, x.pointer)) <= tolerance)
            let dot = mml_dot(type, count, x.pointer, y.pointer)
            #expect(abs(dot - mml_reference_dot(type, count, x.pointer, y.pointer)) <= tolerance)
            // The order of a sum depends on the count only, not on the alignment.
            let aligned = UnsafeMutableRawPointer.allocate(
                byteCount: max(1, count) * MemoryLayout<Scalar>.stride, alignment: 64)
            defer { aligned.deallocate() }
            aligned.copyMemory(from: x.pointer, byteCount: count * MemoryLayout<Scalar>.stride)
            #expect(mml_sum(type, count, aligned) == mml_sum(type, count, x.pointer))
            #expect(mml_dot(type, count, aligned, y.pointer) == dot)
        }
        check(Float.self)
        check(Double.self)
    }

    @Test func totalsKeepNaNAndInfinity() {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            for position in [0, 40, 99] {
                var values = [Scalar](repeating: 1, count: 100)
                values[position] = .nan
                #expect(mml_sum(Scalar.mmlType, 100, Guarded(values).pointer).isNaN)
                #expect(mml_sum_squares(Scalar.mmlType, 100, Guarded(values).pointer).isNaN)
                values[position] = -.infinity
                #expect(mml_sum(Scalar.mmlType, 100, Guarded(values).pointer) == -.infinity)
            }
        }
        check(Float.self)
        check(Double.self)
        // Squares of floats outgrow float, not the sum.
        #expect(mml_sum_squares(MML_F32, 3, Guarded<Float>([1e30, 0, 0]).pointer).isFinite)
    }

    @Test(arguments: kernelSizes + [1030]) func sumRows(columns: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(columns)
            for rows in [0, 1, 3, 4, 9] {
                let x = Guarded<Scalar>(numbers.array(rows * (columns + 3), 3))
                let y = Guarded<Scalar>(numbers.array(columns)), expected = y.copy
                mml_sum_rows(Scalar.mmlType, rows, columns, x.pointer, columns + 3, y.pointer)
                mml_reference_sum_rows(
                    Scalar.mmlType, rows, columns, x.pointer, columns + 3, expected.pointer)
                expectSame(y, expected, "sum_rows of \(rows)")
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: kernelSizes) func allFinite(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let x = Guarded([Scalar](repeating: Scalar.greatestFiniteMagnitude, count: count))
            #expect(mml_all_finite(Scalar.mmlType, count, x.pointer) == 1)
            for bad in [Scalar.nan, .infinity, -.infinity] {
                for position in stride(from: 0, to: count, by: max(1, count / 50)) {
                    x.pointer[position] = bad
                    #expect(mml_all_finite(Scalar.mmlType, count, x.pointer) == 0)
                    x.pointer[position] = 0
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }
}
