import CTensorKernels
import TestSupport
import Testing

@testable import Tensor

/// Products with 8-bit weights: the integers exactly, the rest against the plain reference.
@Suite struct IntegerKernelTests {
    static let inner = [0, 1, 2, 3, 4, 5, 7, 31, 64, 97, 384]
    static let outer = [0, 1, 2, 3, 5, 15, 16, 17, 31, 33, 70]

    /// Both sides of a product, quantised by the kernels and by the references; they must be the same.
    struct Sides<Scalar: KernelScalar> {
        let m: Int, n: Int, k: Int, stride: Int
        let bytes: Tensor<UInt8>, zeros: Tensor<Int32>, rowScales: Guarded<Scalar>
        let panels: Tensor<UInt8>, sums: Tensor<Int32>, columnScales: Guarded<Scalar>
        private let panelCount: Int

        init(_ x: [Scalar], _ w: [Scalar], m: Int, n: Int, k: Int) {
            let whole = (k + 3) / 4 * 4, stride = whole + 8
            let width = mml_integer_panel_width(Scalar.mmlType, 0)
            let count = (n + width - 1) / width
            (self.m, self.n, self.k, self.stride, panelCount) = (m, n, k, stride, count)
            let (x, w) = (Guarded(x), Guarded(w))

            func rows(_ quantize: (Tensor<UInt8>, Guarded<Scalar>, Tensor<Int32>) -> Void)
                -> (Tensor<UInt8>, Guarded<Scalar>, Tensor<Int32>)
            {
                let bytes = Tensor<UInt8>(repeating: 77, shape: [m, stride])
                let (scales, zeros) = (Guarded<Scalar>(zeros: m), Tensor<Int32>(repeating: -1, shape: [m]))
                quantize(bytes, scales, zeros)
                return (bytes, scales, zeros)
            }
            (bytes, rowScales, zeros) = rows {
                mml_quantize_rows(
                    Scalar.mmlType, m, k, x.pointer, k, $0.pointer, stride, $1.pointer, $2.pointer)
            }
            let expectedRows = rows {
                mml_reference_quantize_rows(
                    Scalar.mmlType, m, k, x.pointer, k, $0.pointer, stride, $1.pointer, $2.pointer)
            }
            #expect(bytes == expectedRows.0 && zeros == expectedRows.2, "rows of \(k)")
            expectSame(rowScales, expectedRows.1, "scales of rows of \(k)", within: 0)

            func columns(_ quantize: (UnsafeMutablePointer<Int8>, Guarded<Scalar>, Tensor<Int32>) -> Void)
                -> (Tensor<UInt8>, Guarded<Scalar>, Tensor<Int32>)
            {
                let panels = Tensor<UInt8>(repeating: 77, shape: [count * width * whole + 1])
                let (scales, sums) = (Guarded<Scalar>(zeros: n), Tensor<Int32>(repeating: -1, shape: [n]))
                quantize(IntegerKernelTests.signed(panels), scales, sums)
                return (panels, scales, sums)
            }
            (panels, columnScales, sums) = columns {
                // In two parts, the later first.
                mml_quantize_panels(
                    Scalar.mmlType, k, n, w.pointer, count / 2, count, $0, $1.pointer, $2.pointer)
                mml_quantize_panels(
                    Scalar.mmlType, k, n, w.pointer, 0, count / 2, $0, $1.pointer, $2.pointer)
            }
            let expectedColumns = columns {
                mml_reference_quantize_panels(
                    Scalar.mmlType, k, n, w.pointer, 0, count, $0, $1.pointer, $2.pointer)
            }
            #expect(panels == expectedColumns.0 && sums == expectedColumns.2, "\(n) columns of \(k)")
            expectSame(columnScales, expectedColumns.1, "scales of columns of \(k)", within: 0)
        }

        /// The kernel's product and the reference's.
        func product(activation: mml_activation, bias: [Scalar]?) -> (Guarded<Scalar>, Guarded<Scalar>) {
            let (c, expected) = (Guarded<Scalar>(zeros: m * n), Guarded<Scalar>(zeros: m * n))
            let bias = bias.map { Guarded($0) }
            var a = mml_quantized_rows(
                values: bytes.pointer, stride: stride, scales: rowScales.pointer, zeros: zeros.pointer)
            var b = mml_quantized_panels(
                values: IntegerKernelTests.signed(panels), scales: columnScales.pointer, sums: sums.pointer)
            var spec = mml_epilogue(
                alpha: 1, accumulate: 0, activation: Int32(activation.rawValue),
                bias: bias.map { UnsafeRawPointer($0.pointer) }, preactivation: nil)
            for part in [panelCount / 2..<panelCount, 0..<panelCount / 2] {
                mml_gemm_quantized(
                    Scalar.mmlType, m, n, k, &a, &b, part.lowerBound, part.upperBound, &spec, c.pointer, n)
            }
            mml_reference_gemm_quantized(
                Scalar.mmlType, m, n, k, &a, &b, 0, panelCount, &spec, expected.pointer, n)
            return (c, expected)
        }
    }

    static func signed(_ bytes: Tensor<UInt8>) -> UnsafeMutablePointer<Int8> {
        UnsafeMutableRawPointer(bytes.pointer).assumingMemoryBound(to: Int8.self)
    }

    @Test(arguments: outer) func productsOfAnyShape(m: Int) {
        let activations = [MML_IDENTITY, MML_GELU, MML_GELU_TANH, MML_RELU, MML_TANH, MML_SIGMOID]
        var turn = m
        func check<Scalar: KernelScalar>(_: Scalar.Type, _ n: Int, _ k: Int) {
            var numbers = TestNumbers(m + 100 * n + 10_000 * k)
            let sides = Sides<Scalar>(
                numbers.array(m * k, 3), numbers.array(n * k), m: m, n: n, k: k)
            let (c, expected) = sides.product(
                activation: activations[turn % 6], bias: turn % 2 == 0 ? nil : numbers.array(n))
            expectSame(c, expected, "\(m) x \(n) x \(k)", within: 4 * Scalar.closeness)
        }
        for n in Self.outer {
            for k in Self.inner where m * n * k <= 60_000 {
                turn += 1
                check(Float.self, n, k)
                check(Double.self, n, k)
            }
        }
    }

    /// The largest bytes in every arrangement of signs: in double, with scales of 1, the sums are exact integers.
    @Test(arguments: [1, 3, 6]) func nothingSaturates(m: Int) {
        for k in [4, 63, 384, 2051] {
            let n = 37
            // Rows of 0 and 254, so that the scale is 1 and the zero 0; or of ±127 with a zero of 127.
            let x = (0..<m * k).map { index -> Double in
                let (row, p) = (index / k, index % k)
                return switch row % 4 {
                case 0: 254
                case 1: p % 2 == 0 ? 254 : 0
                case 2: p % 2 == 0 ? 127 : -127
                default: p % 4 < 2 ? -127 : 127
                }
            }
            let w = (0..<n * k).map { index -> Double in
                let (column, p) = (index / k, index % k)
                return switch column % 5 {
                case 0: 64
                case 1: -64
                case 2: p % 2 == 0 ? 64 : -64
                case 3: p % 4 < 2 ? 64 : -64
                default: p == 0 ? 64 : Double((p * 37 + column) % 129 - 64)
                }
            }
            let sides = Sides<Double>(x, w, m: m, n: n, k: k)
            #expect((sides.rowScales.values + sides.columnScales.values).allSatisfy { $0 == 1 })
            let (c, _) = sides.product(activation: MML_IDENTITY, bias: nil)
            for i in 0..<m {
                for j in 0..<n {
                    let expected = GemmTests.dot(k, x, i * k, 1, w, j * k, 1)
                    if c.pointer[i * n + j] != expected {
                        Issue.record("\(i), \(j) of k \(k): \(c.pointer[i * n + j]), expected \(expected)")
                        return
                    }
                }
            }
        }
    }

    /// NaN and infinity make their row (or column) NaN and nothing else; ranges too small for steps count as zeros.
    @Test func specialValues() {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let (m, n, k) = (7, 19, 21)
            var x = [Scalar](repeating: 1, count: m * k), w = [Scalar](repeating: 1, count: n * k)
            x[2 * k + 20] = .nan
            x[4 * k + 3] = -.infinity
            for p in 0..<k { x[5 * k + p] = Scalar.leastNonzeroMagnitude }
            for p in 0..<k { x[6 * k + p] = 0 }
            w[17 * k + 20] = .nan
            w[3 * k] = .infinity
            for p in 0..<k { w[8 * k + p] = 0 }
            for p in 0..<k { w[9 * k + p] = -Scalar.leastNonzeroMagnitude }
            let (c, _) = Sides<Scalar>(x, w, m: m, n: n, k: k).product(
                activation: MML_IDENTITY, bias: nil)
            for i in 0..<m {
                for j in 0..<n {
                    let value = c.pointer[i * n + j]
                    if [2, 4].contains(i) || [3, 17].contains(j) {
                        #expect(value.isNaN, "\(i), \(j)")
                    } else {
                        let expected: Scalar = i >= 5 || j == 8 || j == 9 ? 0 : Scalar(k)
                        #expect(abs(value - expected) <= 1e-4 * Scalar(k), "\(i), \(j): \(value)")
                    }
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: [1, 3, 4, 22, 63]) func rowsOfTables(k: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let n = 37, ids: [Int32] = [36, 0, 15, 16, 0, 31, 32]
            var numbers = TestNumbers(k)
            let w = Guarded<Scalar>(numbers.array(n * k))
            let sides = Sides<Scalar>([1], w.values, m: 0, n: n, k: k)
            let packed = GemmTests.packed(w, k, n, .init(row: 1, column: k))
            var panels = mml_quantized_panels(
                values: Self.signed(sides.panels), scales: sides.columnScales.pointer,
                sums: sides.sums.pointer)
            for adding in [Int32(0), 1] {
                let start: [Scalar] = numbers.array(ids.count * k)
                let results = (0..<4).map { _ in Guarded<Scalar>(start) }
                mml_gather_quantized(
                    Scalar.mmlType, ids.count, k, &panels, ids, adding, results[0].pointer)
                mml_reference_gather_quantized(
                    Scalar.mmlType, ids.count, k, &panels, ids, adding, results[1].pointer)
                mml_gather_packed(
                    Scalar.mmlType, ids.count, k, packed.pointer, ids, adding, results[2].pointer)
                mml_reference_gather_packed(
                    Scalar.mmlType, ids.count, k, packed.pointer, ids, adding, results[3].pointer)
                expectSame(results[0], results[1], "8 bits, \(k)", within: Scalar.closeness)
                expectSame(results[2], results[3], "packed, \(k)", within: Scalar.closeness)
                for (row, id) in ids.enumerated() where adding == 0 {
                    for p in 0..<k {
                        #expect(results[2].pointer[row * k + p] == w.pointer[Int(id) * k + p])
                    }
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// A table that is held for products gives its rows without taking its plain form.
    @Test func rowsOfHeldTables() {
        var numbers = TestNumbers(3)
        let table = Tensor<Float>(shape: [40, 23], numbers.array(40 * 23))
        let positions = Tensor<Float>(shape: [5, 23], numbers.array(5 * 23))
        let ids: [Int32] = [39, 0, 17, 17]
        let packed = table.heldPacked(), quantized = table.heldQuantized()
        let parts = { (words: Tensor<Float>) in
            [(table: positions, ids: [Int32](0..<4)), (table: words, ids: ids)]
        }
        #expect(Tensor.gatheredSum(parts(packed)) == Tensor.gatheredSum(parts(table)))
        #expect(packed.gathered(ids) == table.gathered(ids))
        #expect(!packed.storage.isPlain && !quantized.storage.isPlain)
        let (summed, alone) = (Tensor.gatheredSum(parts(quantized)), quantized.gathered(ids))
        #expect(!quantized.storage.isPlain)
        let rounded = Tensor<Float>(shape: table.shape, quantized.elements)
        #expect(alone == rounded.gathered(ids))
        #expect(summed == Tensor.gatheredSum(parts(rounded)))
    }

    @Test func rowsDoNotDependOnTheirNumberOrOnThreads() {
        let (m, n, k) = (203, 150, 260)
        var numbers = TestNumbers(5)
        let x = Tensor<Float>(shape: [m, k], numbers.array(m * k))
        let weight = Tensor<Float>(shape: [n, k], numbers.array(n * k)).heldQuantized()
        let all = x.linear(weight)
        let threads = ThreadPool.threadCount
        defer { ThreadPool.threadCount = threads }
        for count in [1, 2] {
            ThreadPool.threadCount = count
            #expect(x.linear(weight) == all)
            for rows in [0..<1, 5..<7, 200..<203, 17..<120] {
                #expect(x.rows(rows).linear(weight) == all.rows(rows))
            }
        }
    }

    /// Held in 8 bits, a weight is the rounded one, and gradients pass through it as through that one.
    @Test func aWeightHeldInEightBits() {
        var numbers = TestNumbers(9)
        let weight = Tensor<Double>(shape: [18, 23], numbers.array(18 * 23))
        let bias = Tensor<Double>(numbers.array(18))
        let x = Tensor<Double>(shape: [5, 23], numbers.array(5 * 23))
        let held = weight.heldQuantized()
        #expect(held.isHeldQuantized && held.heldByteCount < weight.heldByteCount / 3)
        let rounded = Tensor<Double>(shape: weight.shape, held.elements)
        for row in 0..<18 {
            let whole = Array(weight.elements[row * 23..<row * 23 + 23])
            let step = (whole.map(abs).max() ?? 0) / 64
            expectClose(
                Array(rounded.elements[row * 23..<row * 23 + 23]), whole, absolute: step * 0.5001, "\(row)")
        }
        let exact = x.linear(rounded, bias: bias, activation: .gelu)
        expectClose(
            x.linear(held, bias: bias, activation: .gelu).elements, exact.elements, absolute: 0.1, "product")
        let (_, gradient) = valueAndGradient(at: x) { weigh($0.linear(held, bias: bias)) }
        let (_, expected) = valueAndGradient(at: x) { weigh($0.linear(rounded, bias: bias)) }
        #expect(gradient == expected)
        let fresh = weight.heldQuantized()
        #expect(valueAndGradient(at: x) { weigh($0.linear(fresh, bias: bias)) }.gradient == expected)
        #expect(held.heldQuantized().isHeldQuantized)
        // Written to, it is a plain weight again; under another shape as well.
        var changed = weight.heldQuantized()
        changed[0, 0] += 1
        #expect(!changed.isHeldQuantized)
        let expectedChange = Tensor<Double>(shape: changed.shape, changed.elements)
        #expect(x.linear(changed) == x.linear(expectedChange))
        let turned = held.reshaped(23, 18), row = Tensor<Double>(shape: [1, 18], numbers.array(18))
        #expect(row.linear(turned) == row.linear(Tensor(shape: [23, 18], held.elements)))
    }
}
