import CTensorKernels
import Testing

@Suite struct GramKernelTests {
    /// Widths around vectors and panels of every instruction set, and several panels.
    static let widths = [
        1, 2, 3, 5, 6, 7, 8, 11, 12, 13, 16, 17, 23, 24, 25, 31, 33, 47, 48, 49, 70, 97, 145,
    ]

    private func check<Scalar: KernelScalar>(_: Scalar.Type) {
        let type = Scalar.mmlType
        let panel = mml_gram_panel(type, 0)
        var numbers = TestNumbers(7)
        for width in Self.widths {
            for rows in [0, 1, 2, 37, 256] {
                let columns = width / 2 + 1
                let further = width - columns
                let x: Guarded<Scalar> = Guarded(numbers.array(rows * (columns + 3)))
                let extra: Guarded<Scalar> = Guarded(numbers.array(rows * further))
                let shift: Guarded<Scalar> = Guarded(numbers.array(columns))
                let scale: Guarded<Scalar> = Guarded(numbers.array(rows))
                let panels = (width + panel - 1) / panel
                let packed = Guarded<Scalar>(zeros: panels * panel * rows)
                let expected = Guarded<Scalar>(zeros: panels * panel * rows)
                mml_gram_pack(
                    type, rows, columns, x.pointer, columns + 3, shift.pointer, scale.pointer, 0,
                    packed.pointer)
                mml_gram_pack(
                    type, rows, further, extra.pointer, further, nil, nil, columns, packed.pointer)
                mml_reference_gram_pack(
                    type, rows, columns, x.pointer, columns + 3, shift.pointer, scale.pointer, 0,
                    expected.pointer)
                mml_reference_gram_pack(
                    type, rows, further, extra.pointer, further, nil, nil, columns, expected.pointer)
                expectSame(packed, expected, "pack \(rows) x \(width)")

                let ld = width + 2
                let sums: Guarded<Double> = Guarded(numbers.array(width * ld))
                let correct = sums.copy
                // In two parts, the later first.
                mml_gram_add(type, rows, width, panels / 2, panels, packed.pointer, sums.pointer, ld)
                mml_gram_add(type, rows, width, 0, panels / 2, packed.pointer, sums.pointer, ld)
                mml_reference_gram_add(type, rows, width, 0, panels, packed.pointer, correct.pointer, ld)
                for row in 0..<width {
                    for column in 0..<ld where column < row || column >= width {
                        // Below the diagonal only what a tile on it covers may change.
                        if column >= width || column < row / panel * panel {
                            #expect(sums.pointer[row * ld + column] == correct.pointer[row * ld + column])
                        }
                        sums.pointer[row * ld + column] = 0
                        correct.pointer[row * ld + column] = 0
                    }
                }
                expectSame(sums, correct, "gram \(rows) x \(width)", within: 20 * Scalar.closeness)
            }
        }
    }

    @Test func matchesReference() {
        check(Float.self)
        check(Double.self)
    }

    @Test func keepsNaN() {
        let panel = mml_gram_panel(MML_F32, 0)
        let packed = Guarded<Float>(zeros: 2 * panel)
        let rows: [Float] = [1, .nan, 3, 4, 5, .infinity]
        mml_gram_pack(MML_F32, 2, 3, rows, 3, nil, nil, 0, packed.pointer)
        let sums = Guarded<Double>(zeros: 9)
        mml_gram_add(MML_F32, 2, 3, 0, 1, packed.pointer, sums.pointer, 3)
        #expect(sums.pointer[0] == 17)
        #expect(sums.pointer[4].isNaN)
        #expect(sums.pointer[8] == .infinity)
    }
}
