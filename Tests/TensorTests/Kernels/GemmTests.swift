import CTensorKernels
import Testing

/// The packed product against a plain one in double precision.
@Suite struct GemmTests {
    /// Element (i, j) stands at i * row + j * column.
    struct Layout: CustomTestStringConvertible {
        var row: Int, column: Int
        var testDescription: String { "strides \(row), \(column)" }

        func count(_ rows: Int, _ columns: Int) -> Int {
            rows == 0 || columns == 0 ? 0 : (rows - 1) * row + (columns - 1) * column + 1
        }

        /// Row-major, transposed, both with room between the rows, and with no stride of 1.
        static func all(_ rows: Int, _ columns: Int) -> [Layout] {
            [
                Layout(row: columns, column: 1), Layout(row: 1, column: rows),
                Layout(row: columns + 3, column: 1), Layout(row: 1, column: rows + 5),
                Layout(row: 2, column: 2 * rows + 1),
            ]
        }
    }

    struct Epilogue {
        var alpha = 1.0
        var accumulates = false
        var hasBias = false
        var keepsPreactivation = false
        var activation = MML_IDENTITY
    }

    static func panels<Scalar: KernelScalar>(_ n: Int, _: Scalar.Type) -> Int {
        let width = mml_panel_width(Scalar.mmlType, 0)
        return (n + width - 1) / width
    }

    static func packed<Scalar: KernelScalar>(
        _ b: Guarded<Scalar>, _ k: Int, _ n: Int, _ layout: Layout
    ) -> Guarded<Scalar> {
        let panels = panels(n, Scalar.self), width = mml_panel_width(Scalar.mmlType, 0)
        let result = Guarded([Scalar](repeating: .nan, count: panels * width * k))
        // In two parts, the later first.
        mml_pack(
            Scalar.mmlType, k, n, b.pointer, layout.row, layout.column, panels / 2, panels, result.pointer)
        mml_pack(Scalar.mmlType, k, n, b.pointer, layout.row, layout.column, 0, panels / 2, result.pointer)
        return result
    }

    static let inner = [0, 1, 2, 3, 5, 8, 15, 16, 17, 33, 383, 384, 385, 769]
    static let outer = [0, 1, 2, 3, 5, 7, 8, 11, 12, 13, 25, 31, 32, 33, 43, 64, 65, 130, 253]

    @Test(arguments: inner) func packing(k: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let width = mml_panel_width(Scalar.mmlType, 0)
            var numbers = TestNumbers(k)
            for n in Self.outer where k * n <= 8000 {
                for layout in Layout.all(k, n) {
                    let b = Guarded<Scalar>(numbers.array(layout.count(k, n)))
                    let packed = Self.packed(b, k, n, layout)
                    let expected = Guarded<Scalar>(zeros: packed.count)
                    for p in 0..<k {
                        for j in 0..<n {
                            expected.pointer[j / width * width * k + p * width + j % width] =
                                b.pointer[p * layout.row + j * layout.column]
                        }
                    }
                    expectSame(packed, expected, "\(k) x \(n), \(layout.testDescription)", within: 0)
                    let again = Guarded<Scalar>(zeros: b.count)
                    let panels = Self.panels(n, Scalar.self)
                    mml_unpack(
                        Scalar.mmlType, k, n, packed.pointer, panels / 2, panels, again.pointer, layout.row,
                        layout.column)
                    mml_unpack(
                        Scalar.mmlType, k, n, packed.pointer, 0, panels / 2, again.pointer, layout.row,
                        layout.column)
                    let places = (0..<k).flatMap { p in
                        (0..<n).map { p * layout.row + $0 * layout.column }
                    }
                    #expect(places.allSatisfy { again.pointer[$0] == b.pointer[$0] })
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// Not generic, for the sake of debug builds.
    static func dot(
        _ count: Int, _ x: [Double], _ xStart: Int, _ xStride: Int,
        _ y: [Double], _ yStart: Int, _ yStride: Int
    ) -> Double {
        var sum = 0.0
        for p in 0..<count { sum += x[xStart + p * xStride] * y[yStart + p * yStride] }
        return sum
    }

    static func checkProduct<Scalar: KernelScalar>(
        _: Scalar.Type, m: Int, n: Int, k: Int, a aLayout: Layout, b bLayout: Layout, _ epilogue: Epilogue,
        ldc: Int
    ) {
        var numbers = TestNumbers(m + 1000 * n + 1_000_000 * k)
        let a = Guarded<Scalar>(numbers.array(aLayout.count(m, k)))
        let b = Guarded<Scalar>(numbers.array(bLayout.count(k, n)))
        let bias = Guarded<Scalar>(numbers.array(n))
        let count = m == 0 ? 0 : (m - 1) * ldc + n
        // What is not to be read is NaN; what stands between the rows must stay.
        var start: [Scalar] = numbers.array(count)
        if !epilogue.accumulates {
            for index in start.indices where index % ldc < n { start[index] = .nan }
        }
        let c = Guarded(start), preactivation = Guarded(start)
        let expected = Guarded(start), expectedPreactivation = Guarded(start)
        let aValues = a.values.map { Double($0) }, bValues = b.values.map { Double($0) }
        for i in 0..<m {
            for j in 0..<n {
                var sum = dot(
                    k, aValues, i * aLayout.row, aLayout.column, bValues, j * bLayout.column, bLayout.row)
                sum *= epilogue.alpha
                if epilogue.accumulates { sum += Double(start[i * ldc + j]) }
                if epilogue.hasBias { sum += Double(bias.pointer[j]) }
                if epilogue.keepsPreactivation { expectedPreactivation.pointer[i * ldc + j] = Scalar(sum) }
                var y = 0.0
                mml_activate(MML_F64, Int32(epilogue.activation.rawValue), 1, &sum, &y)
                expected.pointer[i * ldc + j] = Scalar(y)
            }
        }
        let packed = packed(b, k, n, bLayout)
        let panels = panels(n, Scalar.self)
        var description = mml_epilogue(
            alpha: epilogue.alpha, accumulate: epilogue.accumulates ? 1 : 0,
            activation: Int32(epilogue.activation.rawValue),
            bias: epilogue.hasBias ? UnsafeRawPointer(bias.pointer) : nil,
            preactivation: epilogue.keepsPreactivation ? UnsafeMutableRawPointer(preactivation.pointer) : nil)
        for part in [panels / 2..<panels, 0..<panels / 2] {
            mml_gemm_packed(
                Scalar.mmlType, m, n, k, a.pointer, aLayout.row, aLayout.column, packed.pointer,
                part.lowerBound, part.upperBound, &description, c.pointer, ldc)
        }
        let what = "\(m) x \(n) x \(k), A \(aLayout.testDescription), \(epilogue)"
        let tolerance = Scalar.closeness * (4 + Double(k).squareRoot())
        expectSame(c, expected, what, within: tolerance)
        expectSame(preactivation, expectedPreactivation, "preactivation " + what, within: tolerance)
    }

    @Test(arguments: outer) func product(m: Int) {
        let activations = [MML_IDENTITY, MML_GELU, MML_GELU_TANH, MML_RELU, MML_TANH, MML_SIGMOID]
        var turn = m
        for n in [0, 1, 7, 16, 17, 32, 33, 64, 65, 130] {
            for k in [0, 1, 2, 17, 33, 384, 385] where m * n * k <= 60_000 {
                turn += 1
                let aLayouts = Layout.all(m, k), bLayouts = Layout.all(k, n)
                let epilogue = Epilogue(
                    alpha: turn % 3 == 0 ? -0.7 : 1, accumulates: turn % 2 == 0, hasBias: turn / 2 % 2 == 0,
                    keepsPreactivation: turn / 4 % 2 == 0, activation: activations[turn % 6])
                let (a, b) = (aLayouts[turn % 5], bLayouts[turn / 5 % 5])
                Self.checkProduct(Float.self, m: m, n: n, k: k, a: a, b: b, epilogue, ldc: n + 3)
                Self.checkProduct(Double.self, m: m, n: n, k: k, a: a, b: b, epilogue, ldc: max(n, 1))
                // Without an epilogue the sums go from the registers straight to C.
                let plain = Epilogue(accumulates: turn % 2 == 1)
                Self.checkProduct(Float.self, m: m, n: n, k: k, a: a, b: b, plain, ldc: max(n, 1))
                Self.checkProduct(Double.self, m: m, n: n, k: k, a: a, b: b, plain, ldc: n + 3)
            }
        }
    }

    @Test func wholeTilesAcrossBlocks() {
        for (m, n, k) in [(13, 66, 385), (25, 33, 769), (30, 64, 400), (6, 200, 770)] {
            for (aLayout, bLayout) in zip(Layout.all(m, k), Layout.all(k, n).reversed()) {
                let epilogue = Epilogue(accumulates: true, hasBias: true)
                Self.checkProduct(Float.self, m: m, n: n, k: k, a: aLayout, b: bLayout, Epilogue(), ldc: n)
                Self.checkProduct(Double.self, m: m, n: n, k: k, a: aLayout, b: bLayout, epilogue, ldc: n)
            }
        }
    }

    @Test func bandsOfRows() {
        for aLayout in Layout.all(600, 20) {
            Self.checkProduct(
                Float.self, m: 600, n: 50, k: 20, a: aLayout, b: Layout(row: 50, column: 1), Epilogue(),
                ldc: 50)
            Self.checkProduct(
                Double.self, m: 600, n: 50, k: 20, a: aLayout, b: Layout(row: 1, column: 20), Epilogue(),
                ldc: 50)
        }
    }

    /// A NaN or an infinity reaches its row (from A) or its column (from B), and nothing else.
    @Test(arguments: [1, 2, 5, 13, 30]) func notANumberSpreadsAsItShould(m: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let n = 37, k = 19
            for (row, column) in [(m - 1, 36), (0, 0), (m / 2, 17)] {
                let a = Guarded([Scalar](repeating: 1, count: m * k))
                let b = Guarded([Scalar](repeating: 1, count: k * n))
                let c = Guarded<Scalar>(zeros: m * n)
                a.pointer[row * k + 7] = .nan
                b.pointer[3 * n + column] = .infinity
                let packed = Self.packed(b, k, n, Layout(row: n, column: 1))
                var epilogue = mml_epilogue(
                    alpha: 1, accumulate: 0, activation: 0, bias: nil, preactivation: nil)
                mml_gemm_packed(
                    Scalar.mmlType, m, n, k, a.pointer, k, 1, packed.pointer, 0, Self.panels(n, Scalar.self),
                    &epilogue, c.pointer, n)
                for i in 0..<m {
                    for j in 0..<n {
                        let value = c.pointer[i * n + j]
                        #expect(
                            i == row ? value.isNaN : j == column ? value == .infinity : value == Scalar(k),
                            "\(i), \(j)")
                    }
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// One text alone gets the same bits as in a batch.
    @Test func rowsDoNotDependOnTheirNumber() {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let m = 61, n = 130, k = 800
            var numbers = TestNumbers(1)
            let a = Guarded<Scalar>(numbers.array(m * k)), b = Guarded<Scalar>(numbers.array(k * n))
            let packed = Self.packed(b, k, n, Layout(row: 1, column: k))
            var epilogue = mml_epilogue(alpha: 1, accumulate: 0, activation: 0, bias: nil, preactivation: nil)
            func rows(_ first: Int, _ count: Int) -> [Scalar] {
                let c = Guarded<Scalar>(zeros: count * n)
                mml_gemm_packed(
                    Scalar.mmlType, count, n, k, a.pointer + first * k, k, 1, packed.pointer, 0,
                    Self.panels(n, Scalar.self), &epilogue, c.pointer, n)
                return c.values
            }
            let all = rows(0, m)
            for (first, count) in [(0, 1), (7, 2), (60, 1), (20, 13), (3, 50)] {
                #expect(rows(first, count) == Array(all[first * n..<(first + count) * n]))
            }
        }
        check(Float.self)
        check(Double.self)
    }
}
